"""Rows for `sklearn.neighbors`."""

import numpy as np
from sklearn.neighbors import (
    KernelDensity,
    KNeighborsClassifier,
    KNeighborsRegressor,
    LocalOutlierFactor,
    NearestCentroid,
    NeighborhoodComponentsAnalysis,
)

from ..support import Case
from . import data as d

# No two rows are as far from a third as another.
X = d.X + np.random.default_rng(5).normal(size=d.X.shape) * 1e-3
PROBE = X[:40] + np.random.default_rng(6).normal(size=(40, X.shape[1]))
FACTS = {"X": X, "probe": PROBE}
BOTH = {"native": ("predict", "predict_proba")}

CASES = [
    Case(KNeighborsClassifier(), y=d.Y_LABELS, **FACTS),
    Case(KNeighborsClassifier(1), y=d.Y_TEXT, **FACTS),
    Case(KNeighborsClassifier(4), y=d.Y_MULTI, **FACTS),  # ties of two and two
    Case(KNeighborsClassifier(algorithm="brute"), y=d.Y_MULTI * 3, **FACTS),
    Case(KNeighborsClassifier(algorithm="ball_tree", weights="distance"), y=d.Y_TEXT, **FACTS),
    Case(KNeighborsClassifier(weights="distance", n_neighbors=30), y=d.Y_LABELS, **FACTS),
    Case(
        KNeighborsClassifier(len(X), weights="distance", algorithm="kd_tree"), y=d.Y_MULTI, **FACTS
    ),
    Case(KNeighborsClassifier(len(X)), y=d.Y_MULTI, **FACTS),
    Case(KNeighborsClassifier(metric="euclidean", n_jobs=2), X=X * 1e6, y=d.Y_BINARY),
    Case(
        KNeighborsClassifier(algorithm="brute", weights="distance"),
        y=d.Y_LABELS,
        probe=PROBE,
        X=X,
        **BOTH,  # rows that were fitted are at distances that rounding makes
        reason="rounding shows",
    ),
    Case(
        KNeighborsClassifier(), X=np.round(X / 4), y=d.Y_LABELS, **BOTH, reason="as far as others"
    ),
    Case(KNeighborsClassifier(p=1), y=d.Y_LABELS, **FACTS, **BOTH, reason="another kind"),
    Case(KNeighborsClassifier(metric="chebyshev"), y=d.Y_LABELS, X=X, **BOTH, reason="kind"),
    Case(KNeighborsClassifier(weights=np.exp), y=d.Y_LABELS, X=X, **BOTH, reason="function"),
    Case(KNeighborsClassifier(), y=d.Y_CLASSES, X=X, **BOTH, reason="several outputs"),
    Case(KNeighborsClassifier(), y=d.Y_LABELS, X=X.astype("f"), **BOTH, reason="float32"),
    Case(KNeighborsRegressor(), y=d.Y_REAL, **FACTS),
    Case(KNeighborsRegressor(3, algorithm="brute"), y=d.Y_OUTPUTS, **FACTS),
    Case(KNeighborsRegressor(weights="distance"), y=d.Y_REAL, **FACTS),
    Case(KNeighborsRegressor(7, weights="distance"), y=d.Y_OUTPUTS, **FACTS),
    Case(KNeighborsRegressor(), y=d.Y_MULTI, **FACTS),
    Case(
        KNeighborsRegressor(),
        y=d.Y_REAL.astype("f"),
        X=X,
        native=("predict",),
        reason="means in float32",
    ),
    Case(
        KNeighborsRegressor(),
        y=np.arange(2000.0),
        X=np.random.default_rng(7).normal(size=(2000, 2)),
        native=("predict",),
        reason="a tree is faster",
    ),
]
CASES += [
    Case(NeighborhoodComponentsAnalysis(n, max_iter=5, random_state=0), y=d.Y_MULTI, probe=probe)
    for n, probe in ((None, d.X * 1e6), (2, (d.X * 10).astype(int)), (2, d.X > 0))
] + [
    Case(
        NeighborhoodComponentsAnalysis(2, init="identity", max_iter=5),
        np.column_stack([d.X, np.ones(d.N)]),
        d.Y_LABELS,
    )
]
LIKELIHOODS = ("predict_proba", "predict_log_proba", "decision_function")
FAR = np.vstack([(d.X * 10).astype(int), d.X * 1e4, d.X * 1e-9, np.zeros((1, 6))])
OF_ALL = {"native": ("predict", *LIKELIHOODS), "reason": ""}

CASES += [
    *(
        Case(NearestCentroid(), y=y, probe=FAR, native=LIKELIHOODS, reason="cancellation")
        for y in (d.Y_LABELS, d.Y_MULTI, d.Y_TEXT)
    ),
    Case(
        NearestCentroid(shrink_threshold=0.5),
        y=d.Y_TEXT,
        native=LIKELIHOODS,
        reason="cancellation",
    ),
    Case(NearestCentroid(metric="manhattan"), y=d.Y_TEXT, native=("predict",), reason="manhattan"),
    *(
        Case(NearestCentroid(priors=priors), y=d.Y_TEXT, **OF_ALL)
        for priors in ("empirical", [0.1, 0.2, 0.3, 0.4])
    ),
]

SCORES = {"native": ("predict", "decision_function", "score_samples"), "dtypes": ("float64",)}


def _outliers(k=20, X=X, probe=PROBE, **facts):
    return Case(LocalOutlierFactor(k, novelty=True, **facts), X, probe=probe, dtypes=("float64",))


def _natively(reason, X=X, **facts):
    return Case(LocalOutlierFactor(novelty=True, **facts), X, reason=reason, **SCORES)


CASES += [
    _outliers(),
    _outliers(1),
    _outliers(5, algorithm="ball_tree", contamination=0.1),
    _outliers(7, algorithm="brute", contamination=0.3),
    _outliers(metric="euclidean", n_jobs=2, leaf_size=3),
    _outliers(1000),  # of all others, when it is fitted
    _outliers(X=X * 1e6, probe=PROBE * 1e6),
    _outliers(X=X * 1e-12, probe=PROBE * 1e-12),  # beside which 1e-10 counts
    _outliers(probe=(X * 10).astype(int)),
    _outliers(X=np.column_stack([X, np.ones(d.N)]), probe=None),
    _natively("as far as others", np.repeat(X[:50], 3, axis=0), n_neighbors=2),
    _natively("rounding shows", X + 100, algorithm="brute"),
    _natively("another kind", p=1),
    _natively("another kind", metric="cosine"),
    _natively("float32", X.astype("f")),
    Case(LocalOutlierFactor(), X),
]


def _density(X=X, probe=PROBE, weights=None, **facts):
    fit_params = {} if weights is None else {"sample_weight": weights}
    return Case(KernelDensity(**facts), X, probe=probe, fit_params=fit_params)


def _density_natively(reason, X=X, **facts):
    return Case(KernelDensity(**facts), X, native=("score_samples",), reason=reason)


WEIGHTS = 10.0 ** np.random.default_rng(9).integers(-9, 2, d.N)
LONE = np.vstack([X[:5], X[:2] + 1e3, X[:1] * 1e9])  # far from all, where little is left
CASES += [
    _density(bandwidth=2.5),
    _density(bandwidth=2.5, probe=LONE),
    _density(X[:, :2], PROBE[:, :2], bandwidth="scott"),
    _density(X[:, :1], PROBE[:, :1], bandwidth="silverman"),
    _density(X[:, :2], LONE[:, :2], WEIGHTS, bandwidth=0.7, breadth_first=False, leaf_size=3),
    _density(X[:, :3] + 1e3, None, WEIGHTS + 0.5, bandwidth=1.0, algorithm="ball_tree"),
    _density(X * 1e-6, PROBE * 1e-6, bandwidth=np.float64(3e-6)),
    _density(X * 1e6, (PROBE * 1e6).astype(int), bandwidth=3e6),
    _density(np.column_stack([X[:, 0], np.ones(d.N)]), None, bandwidth=1),
    Case(
        KernelDensity(bandwidth=2.5),
        X,
        native=("score_samples",),
        reason="no weight",
        fit_params={"sample_weight": np.arange(d.N)},
    ),
    _density_natively("so low", bandwidth=0.9),
    _density_natively("so few rows are near", X[:, :2], bandwidth=0.01),
    _density_natively("tophat", kernel="tophat"),
    _density_natively("another kind", metric="manhattan", algorithm="ball_tree"),
    _density_natively("tolerance", rtol=1e-8),
    _density_natively("tolerance", atol=1e-12, bandwidth=2.5),
]
