"""Converters for LightGBM: a forest in float64, and the objective's link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor

from ...ops import Above, ArgMax, Cast, Column, Map, Op, cast
from ..registry import Responses, Unsupported, converts
from ..responses import labels, two_columns
from ..trees import forest, leaves, reading
from .bare import Bare
from .linear import linear_leaves
from .links import Apart, Link, check_link, known_link
from .model import (
    NAN,
    NONE,
    ZERO_MISSING,
    Model,
    categorical_features,
    missing_types,
    nodes,
    read,
)
from .table import as_values, check_params, near_zero_as_zero, zeros_as_nan


@dataclass(frozen=True)
class Booster:
    """The raw score of a booster, and what its objective makes of it."""

    model: Model
    bare: Bare
    raw: Op
    margin: Op
    link: Link

    @property
    def value(self) -> Op:
        """What `Booster.predict` returns."""
        return self.link(self.margin)


def booster(est: Any, x: Op) -> Booster:
    check_params(est)
    with reading():
        model = read(est.booster_)
    known = known_link(model.objective)
    bare = Bare(model)
    check_link(known, model.objective, bare)
    values = as_values(est, x, model)
    with reading():
        raw = _raw_score(model, values, near_zero=not x.sparse)
    if raw.width == 1:
        raw = Column(raw, 0)
    n_iterations = len(model.trees) // model.n_outputs
    margin = raw / float(n_iterations) if model.averages else raw
    return Booster(model, bare, raw, margin, known)


def _raw_score(model: Model, x: Op, near_zero: bool) -> Op:
    kinds = missing_types(model)
    tested = x
    if ZERO_MISSING in kinds:
        if kinds & {NONE, NAN}:
            raise Unsupported("zeros missing to some of the splits")
        tested = zeros_as_nan(x, categorical_features(model))
    trees = nodes(model, x, near_zero=near_zero)
    if not model.is_linear:
        return forest(tested, trees, model.n_outputs)
    values = near_zero_as_zero(x) if near_zero else x
    return linear_leaves(model, cast(values, torch.float64), leaves(tested, trees))


@converts(LGBMRegressor, LGBMRanker)
def regressor(est, x):
    return Responses(predict=booster(est, x).value)


@converts(LGBMClassifier)
def classifier(est, x):
    b = booster(est, x)
    raw = b.raw if hasattr(est, "decision_function") else None
    if callable(est.objective_):
        why = "an objective of one's own, of which LightGBM warns"
        reasons = dict.fromkeys(("predict", "predict_proba"), why)
        return Responses(decision_function=raw, reasons=reasons)
    value = b.value
    is_multiclass = value.width is not None
    proba = value if is_multiclass else two_columns(value)
    if proba.width != len(est.classes_):
        raise Unsupported(f"{proba.width} outputs for {len(est.classes_)} classes")
    if is_multiclass:
        codes: Op = ArgMax(Apart(value, b.margin))
    else:
        boundary = b.bare.boundary(lambda p: p > 1.0 - p)
        codes = Cast(Map(b.margin, Above(boundary), torch.bool), torch.int64)
    return Responses(
        predict=labels(codes, np.asarray(est.classes_)),
        predict_proba=proba,
        decision_function=raw,
    )
