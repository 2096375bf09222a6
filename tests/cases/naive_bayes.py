"""Rows for `sklearn.naive_bayes`."""

import numpy as np
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

from ..support import Case
from . import data as d

CASES = [
    *(Case(GaussianNB(), y=y, probe=d.X * 50) for y in (d.Y_LABELS, d.Y_MULTI)),
    Case(GaussianNB(var_smoothing=0.1, priors=[0.1, 0.2, 0.3, 0.4]), y=d.Y_TEXT),
    Case(GaussianNB(), np.column_stack([d.X, np.ones(d.N)]), d.Y_MULTI),
    *(Case(MultinomialNB(), d.CODES, y, frame=False) for y in (d.Y_LABELS, d.Y_TEXT)),
    Case(MultinomialNB(alpha=0.1, fit_prior=False), d.X_POSITIVE, d.Y_MULTI, probe=d.X),
    *(Case(ComplementNB(), d.X_POSITIVE, y) for y in (d.Y_LABELS, d.Y_TEXT)),
    Case(ComplementNB(norm=True), d.CODES, d.Y_MULTI, frame=False),
    *(Case(BernoulliNB(), y=y) for y in (d.Y_LABELS, d.Y_TEXT)),
    Case(BernoulliNB(binarize=1.1), d.X, d.Y_MULTI, probe=np.full((2, 6), 1.1)),
    Case(BernoulliNB(binarize=np.float64(1.1)), d.X, d.Y_MULTI, probe=np.full((2, 6), 1.1)),
    Case(BernoulliNB(binarize=None), (d.X > 1) * 1.0, d.Y_MULTI, probe=d.X > 1),
    Case(BernoulliNB(binarize=0.5), d.CODES, d.Y_MULTI, frame=False),
    *(Case(CategoricalNB(), d.CODES, y, frame=False) for y in (d.Y_LABELS, d.Y_TEXT)),
    # Of floats what is behind the point is left out, below 0 too; many rows are alike.
    Case(CategoricalNB(), d.CODES + 0.9, d.Y_MULTI, probe=d.CODES - 0.9 * (d.CODES == 0)),
    Case(CategoricalNB(), d.CODES.astype(np.int8), d.Y_MULTI, probe=d.CODES.astype(np.uint64)),
    *(Case(CategoricalNB(), d.CODES * 1.0, d.Y_MULTI, probe=d.CODES + bad) for bad in (1.0, -1.0)),
    Case(
        CategoricalNB(alpha=0.1, fit_prior=False, min_categories=9),
        d.CODES,
        d.Y_MULTI,
        probe=d.CODES + 5,
        frame=False,
    ),
    Case(
        CategoricalNB(class_prior=[0.1, 0.2, 0.3, 0.4]), d.CODES[:, :1] > 1, d.Y_TEXT, frame=False
    ),
    Case(
        CategoricalNB(alpha=0, force_alpha=True),
        d.CODES,
        d.CODES[:, 0] > 1,
        native=("predict", "predict_proba", "predict_log_proba"),
        reason="no probability",
    ),
]
