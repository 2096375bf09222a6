"""Rows for `sklearn.decomposition`."""

import numpy as np
from sklearn.decomposition import (
    PCA,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    KernelPCA,
    MiniBatchSparsePCA,
    SparsePCA,
    TruncatedSVD,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ..support import Case
from . import data as d

LIKELIHOOD = {"native": ("score_samples",)}

# The last component holds what rounding left over.
DEPENDENT = np.column_stack([d.X[:, :3], d.X[:, :3] @ np.ones((3, 1))])

CONSTANT = np.column_stack([d.X, np.ones(d.N)])
# Columns far from 0 for their spread, and scales far from each other.
FAR = d.X * [1e-6, 1e-3, 1.0, 1e2, 1e3, 1e6] + [1.0, 0.0, 50.0, 1e4, -1e4, 0.0]

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
    *(Case(FactorAnalysis(2, **params), **LIKELIHOOD) for params in ({}, {"rotation": "varimax"})),
    Case(FactorAnalysis(3, svd_method="lapack"), FAR, probe=(d.X * 10).astype(int), **LIKELIHOOD),
    Case(FactorAnalysis(2), CONSTANT, probe=d.X[:, [0] * 7], **LIKELIHOOD),
    Case(FactorAnalysis(2), d.X.astype(np.float32), dtypes=("float64",), frame=False, **LIKELIHOOD),
    *(
        Case(FastICA(3, random_state=0, tol=0.1, **params), d.X**3, probe=d.X.astype(int))
        for params in ({}, {"whiten": "arbitrary-variance"}, {"fun": "cube"})
    ),
    Case(FastICA(random_state=0, tol=0.1, whiten=False), d.X / 10),
    Case(FastICA(random_state=0, tol=0.1), FAR, probe=FAR[:40] * 1e6),
    Case(FastICA(3, random_state=0, tol=0.1), DEPENDENT),
    Case(
        FastICA(4, whiten_solver="eigh", random_state=0, tol=0.1, max_iter=20),
        np.column_stack([d.X[:, :3], d.X[:, 0] + 1e-7 * d.X[:, 4]]),
        native=("transform",),
        reason="rounding",
    ),
]

SPARSE = {"max_iter": 5, "random_state": 0}
CASES += [
    Case(SparsePCA(3, **SPARSE), probe=(d.X * 10).astype(int)),
    Case(SparsePCA(2, ridge_alpha=5.0, method="cd", **SPARSE), FAR[:, :5], probe=FAR[:9, :5]),
    Case(SparsePCA(alpha=0.01, **SPARSE), CONSTANT),
    Case(SparsePCA(9, **SPARSE)),  # more than there are columns
    Case(SparsePCA(1, **SPARSE)),
    Case(MiniBatchSparsePCA(3, ridge_alpha=0.5, **SPARSE), probe=d.X > 0),
    Case(MiniBatchSparsePCA(8, **SPARSE), d.X * 1e-6),
    Case(SparsePCA(9, ridge_alpha=1e-12, **SPARSE), native=("transform",), reason="so alike"),
    Case(
        SparsePCA(2, **SPARSE),
        d.X.astype("f"),
        frame=False,
        native=("transform",),
        reason="float32",
    ),
]
