"""Converters for LightGBM: a forest in float64, and the objective's link."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor

from ...ops import Above, ArgMax, Cast, Column, Map, Op, cast
from ..registry import Responses, Unsupported, converts, current_conversion
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


def _raw_scores(est: Any, value: Op, raw: Op | None) -> Responses:
    """What an objective of one's own leaves of both methods, and the warning that it does."""
    said = _warned_of(est) - _warned_of(est, raw_score=True)  # else it may be of column names
    why = dict.fromkeys(("predict", "predict_proba"), "raw scores, of an objective of one's own")
    if not said:  # but told to a logger, which is asked every time
        return Responses(decision_function=raw, reasons=why, unlike=why)
    value = Cast(value, torch.float64)  # no op that `raw` needs too, of which nothing is said
    current_conversion().warnings += [(value, *warning) for warning in said]
    return Responses(predict=value, predict_proba=value, decision_function=raw, unlike=why)


def _warned_of(est: Any, **params: Any) -> set[tuple[str, type[Warning]]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        est.predict_proba(np.zeros((1, est.n_features_in_)), **params)
    return {(str(w.message), w.category) for w in said}


@converts(LGBMRegressor, LGBMRanker)
def regressor(est, x):
    return Responses(predict=booster(est, x).value)


@converts(LGBMClassifier)
def classifier(est, x):
    b = booster(est, x)
    raw = b.raw if hasattr(est, "decision_function") else None
    value = b.value
    if callable(est.objective_):
        return _raw_scores(est, value, raw)
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
