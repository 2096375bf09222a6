"""Rows for `sklearn.neighbors`."""

import numpy as np
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
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
    Case(KNeighborsClassifier(), X=np.round(X), y=d.Y_LABELS, **BOTH, reason="as far as others"),
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
