"""Converters for `sklearn.cluster`."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.cluster import KMeans, MiniBatchKMeans

from ..ops import ArgMax, Cast
from .linear import linear
from .registry import Responses, Unsupported, converts
from .validation import numpy_dtype, validate


@converts(KMeans, MiniBatchKMeans)
def k_means(est, x):
    x = validate(est, x, accept_sparse=True)
    centers = est.cluster_centers_
    if numpy_dtype(x) != centers.dtype:
        raise Unsupported("rows of another dtype than the centers")
    # |x - c|^2 is smallest where 2 x c - |c|^2 is largest.
    nearest = linear(x, 2.0 * centers, -np.einsum("ij,ij->i", centers, centers))
    return Responses(
        predict=Cast(ArgMax(nearest.decided), torch.int32),
        reasons={"transform": "distances that lose digits to cancellation"},
    )
