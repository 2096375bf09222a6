"""Rows for `sklearn.cluster`."""

from sklearn.cluster import KMeans, MiniBatchKMeans

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
]
