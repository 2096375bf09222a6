"""Rows for `sklearn.decomposition`."""

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ..support import Case
from . import data as d

LIKELIHOOD = {"native": ("score_samples",)}

# The last component holds what rounding left over.
DEPENDENT = np.column_stack([d.X[:, :3], d.X[:, :3] @ np.ones((3, 1))])

CASES = [
    Case(PCA(), **LIKELIHOOD),
    Case(PCA(3, whiten=True), **LIKELIHOOD),
    *[
        Case(e, DEPENDENT, dtypes=("float64",), native=("transform",), reason="rounding")
        for e in (IncrementalPCA(whiten=True), TruncatedSVD(4, random_state=0))
    ],
    Case(PCA(whiten=True), DEPENDENT, native=("transform", "score_samples"), dtypes=("float64",)),
    Case(PCA(0.8, svd_solver="full"), **LIKELIHOOD),
    Case(
        PCA(2),
        d.X.astype(np.float32),
        dtypes=("float64",),
        native=("transform", "score_samples"),
        frame=False,
    ),
    Case(IncrementalPCA(2, batch_size=50)),
    Case(IncrementalPCA(2, whiten=True)),
    Case(TruncatedSVD(2, random_state=0)),
    Case(make_pipeline(OneHotEncoder(), TruncatedSVD(2, random_state=0)), d.STRINGS),
]
