"""Rows for `sklearn.mixture`."""

import numpy as np
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

from ..support import Case
from . import data as d

KINDS = ("full", "tied", "diag", "spherical")
DOUBLE = {"dtypes": ("float64",)}
CANCELS = {"native": ("predict_proba", "score_samples"), "reason": "cancellation"}
SINGLES = {"native": ("predict", "predict_proba", "score_samples"), "reason": "not in float64"}

CASES = [
    *(
        Case(GaussianMixture(k, covariance_type=kind, random_state=0), probe=d.X * 30, **DOUBLE)
        for kind in KINDS
        for k in (1, 2, 5)
    ),
    *(
        Case(
            BayesianGaussianMixture(
                n_components=3,
                covariance_type=kind,
                weight_concentration_prior_type=prior,
                random_state=0,
                max_iter=20,
            ),
            probe=d.X * 30,
            **DOUBLE,
        )
        for kind in KINDS
        for prior in ("dirichlet_process", "dirichlet_distribution")
    ),
    # Far from 0 for their spread: labels are known, digits are not.
    *(
        Case(
            GaussianMixture(2, covariance_type=kind, random_state=0),
            d.X + 1e6,
            **DOUBLE,
            **CANCELS,
        )
        for kind in KINDS
    ),
    Case(GaussianMixture(2, random_state=0), d.X * [1e-3, 1.0, 1e3, 1e4, 1.0, 1.0], **DOUBLE),
    Case(GaussianMixture(2, random_state=0), np.column_stack([d.X, np.ones(d.N)]), **DOUBLE),
    Case(GaussianMixture(70, reg_covar=1e-2, random_state=0), d.X, **DOUBLE),
    Case(GaussianMixture(2, random_state=0), d.CODES, frame=False, **SINGLES),
    Case(
        GaussianMixture(2, random_state=0),
        d.X.astype(np.float32),
        dtypes=("float32",),
        frame=False,
        **SINGLES,
    ),
]
