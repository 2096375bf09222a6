"""Rows for `sklearn.cluster`."""

import numpy as np
from sklearn.cluster import (
    AffinityPropagation,
    Birch,
    BisectingKMeans,
    FeatureAgglomeration,
    KMeans,
    MeanShift,
    MiniBatchKMeans,
)

from ..support import Case
from . import data as d

PROBE = np.vstack([(d.X * 10).astype(int), d.X * 1e4, d.X * 1e-9, np.full((1, 6), 1e200)])
FLOAT64 = {"dtypes": ("float64",)}
CASES = [
    *(
        Case(kind(n_clusters=k, n_init=1, random_state=0), probe=PROBE, **FLOAT64)
        for kind in (KMeans, MiniBatchKMeans)
        for k in (2, 5, 20)
    ),
    Case(MeanShift(bandwidth=4), probe=PROBE),
    Case(MeanShift(bandwidth=1), native=("predict",), reason="many centers"),
    Case(MeanShift(bandwidth=99), native=("predict",), reason="single"),
    Case(AffinityPropagation(preference=-300, random_state=0), probe=PROBE),
    *(
        Case(
            BisectingKMeans(n_clusters=k, random_state=0, bisecting_strategy=strategy),
            probe=PROBE,
            **FLOAT64,
        )
        for k in (2, 7)
        for strategy in ("biggest_inertia", "largest_cluster")
    ),
    Case(
        BisectingKMeans(n_clusters=101, random_state=0),
        native=("transform", "predict"),
        dtypes=("float64",),
    ),
    Case(
        KMeans(1, n_init=1, random_state=0),
        native=("predict", "transform"),
        reason="a single center",
    ),
    Case(
        KMeans(2, n_init=1, random_state=0),
        d.X + 1e9,
        native=("transform",),
        reason="cancellation",
        **FLOAT64,
    ),
    Case(Birch(threshold=4.5), probe=PROBE),
    Case(Birch(threshold=4.5, n_clusters=None), probe=d.X.astype(int)),
    Case(Birch(threshold=4.5, n_clusters=2, branching_factor=4), probe=PROBE),
    Case(Birch(), native=("predict", "transform"), reason="many centers"),
    Case(
        Birch(threshold=4.5), d.X.astype("f"), native=("predict", "transform"), reason="in float32"
    ),
    *(Case(FeatureAgglomeration(k), probe=(d.X * 10).astype(int)) for k in (1, 2, 6)),
    Case(FeatureAgglomeration(3), d.X.astype(np.float32), frame=False),
    Case(FeatureAgglomeration(3, linkage="average", metric="cosine"), probe=d.X * 1e6),
    Case(
        FeatureAgglomeration(3, pooling_func=np.max),
        native=("transform",),
        reason="other than by the mean",
    ),
]
