"""Converters for `sklearn.multioutput`: an estimator for each output."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor

from ..ops import Concat, Labels, Op, Several, Take
from .registry import Responses, Unsupported, convert, converts
from .responses import regressor


@converts(MultiOutputRegressor)
def multi_output_regressor(est, x):
    values = [m.get("predict") for m in _members(est, x)]
    if any(v.width is not None or v.dtype is None for v in values):
        raise Unsupported("members that answer with more than a number a row")
    return regressor(Concat(tuple(values)))


@converts(MultiOutputClassifier)
def multi_output_classifier(est, x):
    members = _members(est, x)
    proba = None
    if all(m.predict_proba is not None for m in members):
        proba = Several(tuple(m.get("predict_proba") for m in members))
    return Responses(predict=_labels([m.get("predict") for m in members]), predict_proba=proba)


def _members(est: Any, x: Op) -> list[Responses]:
    return [convert(member, x, f"estimators_{k}") for k, member in enumerate(est.estimators_)]


def _labels(predicted: list[Op]) -> Op:
    """The members' labels side by side, as NumPy makes one array of them."""
    codes, classes = [], []
    for p in predicted:
        if not isinstance(p, Take) or p.values.ndim != 1:
            raise Unsupported("labels that are not compiled")
        codes.append(p.x)
        classes.append(p.values)
    if len({c.dtype.kind for c in classes}) > 1:
        raise Unsupported("labels of several kinds")
    dtype = np.result_type(*classes)
    return Labels(tuple(codes), tuple(c.astype(dtype) for c in classes))
