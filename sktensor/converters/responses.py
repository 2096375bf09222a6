"""The shapes that responses usually have."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..ops import ArgMax, Cast, Column, Concat, Map, Op, Take
from .registry import Responses


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
    log_proba = None if proba is None else Map(proba, torch.log)
    return Responses(
        predict=labels(codes, estimator.classes_),
        predict_proba=proba,
        predict_log_proba=log_proba,
        decision_function=scores,
    )


def labels(codes: Op, classes: np.ndarray) -> Op:
    """The class of each code."""
    return Take(codes, classes)


def positive(scores: Op) -> Op:
    """1 where a score is above 0."""
    return Cast(Map(scores, _above_zero, torch.bool), torch.int64)


def _above_zero(x: torch.Tensor) -> torch.Tensor:
    return x > 0


def two_columns(p: Op) -> Op:
    """`1 - p` and `p`, for the second class's probability."""
    if p.width is not None:
        p = Column(p, 0)
    return Concat((1 - p, p))
