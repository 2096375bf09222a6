"""Converters for `sklearn.decomposition`."""

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD

from .linear import linear
from .registry import Unsupported, converts
from .responses import transformer
from .validation import validate

LEAST = 1e-5  # of the largest, what a component must vary by to be more than rounding


@converts(PCA, IncrementalPCA)
def pca(est, x):
    x = validate(est, x, accept_sparse=True)
    spread = np.sqrt(est.explained_variance_)
    _known(spread, spread.max() + np.linalg.norm(est.mean_))
    projected = linear(x, est.components_, -(est.mean_.reshape(1, -1) @ est.components_.T)).result
    if not est.whiten:
        return transformer(projected)
    return transformer(projected / np.maximum(spread, np.finfo(spread.dtype).eps))


@converts(TruncatedSVD, sparse=True)
def truncated_svd(est, x):
    x = validate(est, x, "numeric", accept_sparse=True)
    _known(est.singular_values_, est.singular_values_.max())
    return transformer(linear(x, est.components_).result)


def _known(spread: np.ndarray, largest: float) -> None:
    """Decline components along which rows differ by little more than what rounding makes of them.

    Scaled up by whitening, or looked at by trees, that is another answer.
    """
    if not (spread > LEAST * largest).all():
        raise Unsupported("components that hold little but rounding")
