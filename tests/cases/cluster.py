"""Rows for `sklearn.cluster`."""

import numpy as np
from sklearn.cluster import FeatureAgglomeration, KMeans, MiniBatchKMeans

from ..support import Case
from . import data as d

CASES = [
    Case(
        kind(n_clusters=k, n_init=1, random_state=0),
        native=("transform",),
        reason="cancellation",
        dtypes=("float64",),
        probe=(d.X * 10).astype(int),
    )
    for kind in (KMeans, MiniBatchKMeans)
    for k in (2, 5)
] + [
    Case(
        KMeans(1, n_init=1, random_state=0),
        native=("predict", "transform"),
        reason="a single center",
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
