"""Rows for `sklearn.decomposition`."""

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ..support import Case
from . import data as d

LIKELIHOOD = {"native": ("score_samples",)}

# The last component holds what rounding left over.
DEPENDENT = np.column_stack([d.X[:, :3], d.X[:, :3] @ np.ones((3, 1))])

CASES = [
    Case(KernelPCA(3)),
    Case(KernelPCA(4, kernel="rbf")),
    Case(KernelPCA(4, kernel="rbf", gamma=0.1, fit_inverse_transform=True)),
    Case(KernelPCA(3, kernel="poly", degree=2)),
    Case(KernelPCA(2, kernel="sigmoid", gamma=1e-2)),
    Case(KernelPCA(3, kernel="cosine")),
    Case(KernelPCA(kernel="rbf", remove_zero_eig=True)),
    Case(KernelPCA(kernel="rbf", gamma=1e-4), native=("transform",), reason="rounding"),
    Case(KernelPCA(2, kernel="rbf"), d.X.astype("f"), native=("transform",), reason="float32"),
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
