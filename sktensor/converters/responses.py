"""The shapes that responses usually have."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..ops import Above, ArgMax, Cast, Column, Concat, Map, Op, Provided, Take
from ..ops.conditions import FarApart
from .registry import Responses, Unsupported


def transformer(op: Op) -> Responses:
    """Responses of a transformer."""
    return Responses(transform=op)


def regressor(op: Op) -> Responses:
    """Responses of a regressor."""
    return Responses(predict=op)


def classifier(
    estimator: Any, *, proba: Op | None = None, scores: Op | None = None, codes: Op | None = None
) -> Responses:
    """Responses of a classifier, which predicts the class that scores best.

    `scores` is what `decision_function` returns: one value a row where there are two classes,
    the second of which is predicted where it is positive. `codes` overrides which class is best.
    """
    if codes is None:
        best = proba if scores is None else scores
        assert best is not None
        codes = positive(best) if best.width is None else ArgMax(best)
    log_proba = None if proba is None else logarithm(proba)
    return Responses(
        predict=labels(codes, estimator.classes_),
        predict_proba=proba,
        predict_log_proba=log_proba,
        decision_function=scores,
    )


def logarithm(proba: Op) -> Op:
    """The logarithm of probabilities, where it is no worse known than they are.

    NumPy warns of a logarithm of 0. Of two classes, the smaller probability is 1 minus the larger,
    which leaves few bits if that is close to 1, and those depend on the last bits of the larger.
    """
    return Provided(Map(proba, torch.log), proba, _not_tiny if proba.width == 2 else _normal)


def _not_tiny(p: torch.Tensor) -> torch.Tensor:
    return p >= 1e-6


def _normal(p: torch.Tensor) -> torch.Tensor:
    return p >= torch.finfo(p.dtype).tiny


def apart(scores: Op, alone: bool = False) -> Op:
    """The scores, where the best is so far from the rest that rounding cannot have made it best.

    `alone` is what it is of `Provided`.
    """
    return scores if scores.width == 1 else Provided(scores, scores, FarApart(), alone)


def known(answer: Op) -> Op:
    """A member's answer for an estimator that goes on computing with it, if it is in float64.

    A float32 may be one of its neighbours: which one, BLAS decides by the layout of the rows too.
    That is more than the float64 computed from it may be off, and labels may depend on it.
    """
    if answer.dtype == torch.float32:
        raise Unsupported("a member that answers in float32")
    return answer


def labels(codes: Op, classes: np.ndarray) -> Op:
    """The class of each code."""
    return Take(codes, classes)


def positive(scores: Op) -> Op:
    """1 where a score is above 0."""
    return Cast(Map(scores, Above(), torch.bool), torch.int64)


def column(x: Op, k: int) -> Op:
    """One column as one value a row, without the other that is put beside it."""
    if isinstance(x, Concat) and all(part.width is None for part in x.xs):
        return x.xs[k]
    return Column(x, k)


def two_columns(p: Op) -> Op:
    """`1 - p` and `p`, for the second class's probability."""
    if p.width is not None:
        p = Column(p, 0)
    return Concat((1 - p, p))
