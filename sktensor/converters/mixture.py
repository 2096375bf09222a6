"""Converters for `sklearn.mixture`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.special import digamma
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

from ..ops import ArgMax, Op, Softmax
from .gaussians import Likelihoods, log_sum, of_diagonals, of_factors
from .registry import Responses, Unsupported, converts
from .validation import validate


@converts(GaussianMixture)
def gaussian_mixture(est, x):
    if not (est.weights_ > 0).all():
        raise Unsupported("a component of no weight, of which each answer warns")
    return _mixture(est, x, np.log(est.weights_))


@converts(BayesianGaussianMixture)
def bayesian_gaussian_mixture(est, x):
    n, freedom = est.n_features_in_, est.degrees_of_freedom_
    halves = 0.5 * (freedom - np.arange(0, n)[:, np.newaxis])
    log_lambda = n * np.log(2.0) + np.sum(digamma(halves), 0)
    rest = 0.5 * (log_lambda - n / est.mean_precision_) - 0.5 * n * np.log(freedom)
    return _mixture(est, x, rest + est._estimate_log_weights())


def _mixture(est: Any, x: Op, rest: np.ndarray) -> Responses:
    """Responses from the likelihood of each component, to the logarithm of which `rest` is added.

    Rows in float32 have likelihoods in float32, and those in whole numbers have whole ones.
    """
    x = validate(est, x, "numeric")
    if x.dtype != torch.float64:
        raise Unsupported("rows that are not in float64")
    f = _likelihoods(est, x, rest)
    predict = ArgMax(f.best)
    try:
        return Responses(
            predict=predict,
            predict_proba=f.trusted(Softmax(f.logs), "shares"),
            score_samples=f.trusted(log_sum(f.logs), "sum"),
        )
    except Unsupported as why:
        reasons = dict.fromkeys(("predict_proba", "score_samples"), str(why))
        return Responses(predict=predict, reasons=reasons)


def _likelihoods(est: Any, x: Op, rest: np.ndarray) -> Likelihoods:
    """The logarithms of the weighted likelihoods, constants in the dtypes that they are native."""
    means, factors, kind = est.means_, est.precisions_cholesky_, est.covariance_type
    k, n = means.shape
    rest = rest - 0.5 * np.float64(n * np.log(2 * np.pi))
    if kind in ("full", "tied"):
        factors = [factors] * k if kind == "tied" else list(factors)
        log_det = np.array([np.log(np.diagonal(factor)).sum() for factor in factors])
        shifts = np.stack([mean @ factor for mean, factor in zip(means, factors, strict=True)])
        factors = [factor.astype(np.float64) for factor in factors]
        return of_factors(x, factors, *map(_wide, (shifts, means, rest + log_det)))
    precisions = factors**2
    if kind == "diag":
        log_det = np.log(factors).sum(axis=1)
        squares, slopes = (means**2 * precisions).sum(axis=1), means * precisions
    else:
        log_det, squares = n * np.log(factors), (means**2).sum(axis=1) * precisions
        slopes = means * precisions[:, None]
        precisions = np.repeat(precisions[:, None], n, axis=1)
    constants = rest + log_det - 0.5 * squares.astype(np.float64)
    return of_diagonals(x, *map(_wide, (precisions, slopes, means, constants)))


def _wide(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float64)
