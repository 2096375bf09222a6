"""Converters for `sklearn.decomposition`."""

import numpy as np
from scipy import linalg
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

from ..ops import Provided, cast
from ..ops.conditions import Several
from .kernels import CANCELLED, kernel_sums
from .linear import MOST_CANCELLED, centred, linear, minus
from .registry import Responses, Unsupported, converts
from .responses import transformer
from .validation import numpy_dtype, validate

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


@converts(KernelPCA)
def kernel_pca(est, x):
    spread = np.sqrt(est.eigenvalues_)
    _known(spread, spread.max())
    weight = (est.eigenvectors_ / spread).astype(np.float64)
    # (K - rows - mean(K) + all) W, where the mean of a row of K is K 1/n.
    centre = est._centerer.K_fit_all_ - est._centerer.K_fit_rows_.astype(np.float64)
    f = kernel_sums(
        est.kernel,
        validate(est, x, "numeric"),
        est.X_fit_,
        weight - weight.mean(axis=0),
        centre @ weight,
        gamma=est.gamma_,
        coef0=est.coef0,
        degree=est.degree,
    )
    return Responses(transform=f.values, reasons={"transform": CANCELLED})


@converts(FactorAnalysis)
def factor_analysis(est, x):
    x = validate(est, x, "numeric")
    components, noise = est.components_, est.noise_variance_
    weighted = components / noise
    covariance = linalg.inv(np.eye(len(components)) + np.dot(weighted, components.T))
    whole = weighted.T @ covariance
    spread = np.sqrt((components**2).sum(axis=0) + noise)
    result = np.hypot(
        linalg.norm(components @ whole, axis=0), linalg.norm(whole.T * noise**0.5, axis=1)
    )
    _keeps_digits(spread @ np.abs(weighted.T) @ np.abs(covariance), result)
    x, scale = centred(x, est.mean_, spread)
    return transformer(linear(linear(x, weighted * scale).result, covariance.T).result)


@converts(FastICA)
def fast_ica(est, x):
    x = validate(est, x)
    weight, spread = est.components_, linalg.norm(est.mixing_, axis=1)
    _keeps_digits(spread @ np.abs(weight.T), np.ones(len(weight)))
    if not est.whiten:
        return transformer(linear(x, weight).result)
    if numpy_dtype(x) == np.float32:  # the means are taken off in place
        return transformer(linear(cast(minus(x, est.mean_), x.dtype), weight).result)
    x, scale = centred(x, est.mean_, spread)
    return transformer(linear(x, weight * scale).result)


@converts(SparsePCA, MiniBatchSparsePCA)
def sparse_pca(est, x):
    x, components = validate(est, x, "numeric"), est.components_
    if np.float32 in (components.dtype, est.mean_.dtype):
        raise Unsupported("a regression in float32")
    # `(C C' + alpha)^-1 C`, one regression on the components for each row.
    square = components @ components.T + est.ridge_alpha * np.eye(len(components))
    if np.linalg.cond(square) > MOST_CANCELLED:
        raise Unsupported("components so alike that rounding shows")
    weight = linalg.solve(square, components, assume_a="pos")
    rows = minus(x, est.mean_)
    return transformer(linear(Provided(rows, rows, Several()), weight).result)


def _keeps_digits(sizes: np.ndarray, spread: np.ndarray) -> None:
    """Decline sums of terms of these sizes that spread by so little that rounding would be seen."""
    if not (sizes <= MOST_CANCELLED * spread).all():
        raise Unsupported("components that hold little but rounding")


def _known(spread: np.ndarray, largest: float) -> None:
    """Decline components along which rows differ by little more than what rounding makes of them.

    Scaled up by whitening, or looked at by trees, that is another answer.
    """
    if not (spread > LEAST * largest).all():
        raise Unsupported("components that hold little but rounding")
