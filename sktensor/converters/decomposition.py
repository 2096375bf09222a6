"""Converters for `sklearn.decomposition`."""

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD

from .linear import linear
from .registry import converts
from .responses import transformer
from .validation import validate


@converts(PCA, IncrementalPCA)
def pca(est, x):
    x = validate(est, x, accept_sparse=True)
    projected = linear(x, est.components_, -(est.mean_.reshape(1, -1) @ est.components_.T)).result
    if not est.whiten:
        return transformer(projected)
    scale = np.sqrt(est.explained_variance_)
    return transformer(projected / np.maximum(scale, np.finfo(scale.dtype).eps))


@converts(TruncatedSVD)
def truncated_svd(est, x):
    return transformer(
        linear(validate(est, x, "numeric", accept_sparse=True), est.components_).result
    )
