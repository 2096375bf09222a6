"""Converters for `sklearn.random_projection`."""

from __future__ import annotations

from scipy.sparse import issparse
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from .linear import linear
from .registry import Unsupported, converts
from .responses import transformer
from .validation import validate

LEAST_DENSITY = 0.02  # of components, below which a product leaves out what is zero with profit


@converts(GaussianRandomProjection, sparse=True)
def gaussian_random_projection(est, x):
    x = validate(est, x, accept_sparse=True)
    return transformer(linear(x, est.components_).result)


@converts(SparseRandomProjection)
def sparse_random_projection(est, x):
    components = est.components_
    if (
        issparse(components)
        and components.nnz < LEAST_DENSITY * components.shape[0] * components.shape[1]
    ):
        raise Unsupported("components that are mostly zero")
    return transformer(linear(validate(est, x), components).result)
