"""Rows for `sklearn.naive_bayes`."""

import numpy as np
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB

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
]
