"""Converters for `sklearn.cluster`."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.cluster import FeatureAgglomeration, KMeans, MiniBatchKMeans

from ..ops import ArgMax, Cast
from .linear import linear
from .registry import Responses, Unsupported, converts
from .responses import transformer
from .validation import numpy_dtype, validate


@converts(KMeans, MiniBatchKMeans)
def k_means(est, x):
    x = validate(est, x, accept_sparse=True)
    centers = est.cluster_centers_
    if numpy_dtype(x) != centers.dtype:
        raise Unsupported("rows of another dtype than the centers")
    if len(centers) == 1:
        raise Unsupported("a single center")
    # |x - c|^2 is smallest where 2 x c - |c|^2 is largest.
    nearest = linear(x, 2.0 * centers, -np.einsum("ij,ij->i", centers, centers))
    return Responses(
        predict=Cast(ArgMax(nearest.decided), torch.int32),
        reasons={"transform": "distances that lose digits to cancellation"},
    )


@converts(FeatureAgglomeration)
def feature_agglomeration(est, x):
    if est.pooling_func != np.mean:
        raise Unsupported("a function that pools other than by the mean")
    x = validate(est, x, "numeric")
    sums = linear(x, (est.labels_ == np.arange(est.labels_.max() + 1)[:, None]) * 1.0).result
    return transformer(sums / np.bincount(est.labels_).astype(np.float64))
