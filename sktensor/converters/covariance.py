"""Converters for `sklearn.covariance`."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.covariance import EllipticEnvelope

from ..ops import Column, Finite, Map, MatMul, Op, Provided, SquaredDistances, cast
from ..ops.conditions import EPS, NotBelow
from .gaussians import MOST_FOLDED, NEAR, may_be_folded
from .linear import MOST_CANCELLED, centred
from .registry import Responses, Unsupported, converts
from .responses import labels, positive
from .validation import validate

LEAST = 1e-14  # of the largest, what an eigenvalue must be to be more than rounding
CLOSE = 4e-9  # of the square of how far the means lie, a square that is not known to its digits


@converts(EllipticEnvelope)
def elliptic_envelope(est, x):
    x = cast(validate(est, x, "numeric"), torch.float64)
    distance, terms, moved = _mahalanobis(x, est.location_, est.get_precision(), est.covariance_)
    known = distance * MOST_CANCELLED - terms, NotBelow(MOST_CANCELLED * CLOSE * moved)
    score = -1 * Provided(distance, *known)
    decision = score - float(est.offset_)
    # In scikit-learn it is a sum of n^2 products, each at most the mean of two of the terms.
    n = est.n_features_in_
    off = (terms + moved) * (8 * n * (n + 2) * EPS)
    clear = Map(decision, torch.abs) - off, NotBelow(float(np.finfo(np.float64).tiny))
    return Responses(
        predict=labels(positive(Provided(decision, *clear)), np.array([-1, 1])),
        decision_function=decision,
        score_samples=score,
    )


def _mahalanobis(
    x: Op, location: np.ndarray, precision: np.ndarray, covariance: np.ndarray
) -> tuple[Op, Op, float]:
    """`d @ precision @ d` of `d = x - location`, and no less than `sum(d^2 diagonal(precision))`.

    Both are sums of squares along the precision's eigenvectors. The third is the square of what is
    taken off them for the location.
    """
    location, precision = (np.asarray(v, np.float64) for v in (location, precision))
    own = np.diagonal(precision)
    if not (np.isfinite(precision).all() and (own > 0).all()):
        raise Unsupported("a precision that is none")
    rows, scale = centred(x, location, own**-0.5)
    # Of columns on one scale: the eigenvectors of columns on many tell little of the smallest.
    precision = precision * scale * scale[:, None]
    values, vectors = np.linalg.eigh((precision + precision.T) / 2)
    least = LEAST * values.max()
    if values.min() < -least:
        raise Unsupported("a precision that is none")
    if own @ np.diagonal(covariance) > 0.1 * MOST_CANCELLED * (values > least).sum():
        raise Unsupported("distances that lose digits to cancellation")
    factor = vectors * np.maximum(values, least) ** 0.5
    inverse = vectors / np.maximum(values, least) ** 0.5
    # |2 t_j t_k m_jk| <= |m_jk| (t_j^2 sqrt(m_jj / m_kk) + t_k^2 sqrt(m_kk / m_jj))
    terms = (inverse.T * np.diagonal(precision)) @ inverse
    roots = np.sqrt(np.diagonal(terms))
    weight = (np.abs(terms) * roots[:, None] / roots).sum(axis=1)
    at, shift, moved = location / scale, np.zeros(len(own)), np.zeros(len(own))
    if np.abs(at).max() <= NEAR:
        rows, factor, shift = x, factor / scale[:, None], at @ factor
        moved = np.abs(at) @ np.abs(factor * scale[:, None])
    if may_be_folded(rows):
        moved = moved + MOST_FOLDED * np.linalg.norm(factor, axis=0)
    product = MatMul(rows, np.ascontiguousarray(factor))
    squares = Finite(SquaredDistances(product, shift[None], weight[None]))
    return Column(squares, 0), Column(squares, 1), float(moved @ moved)
