"""Converters for XGBoost: a forest in float32, and the objective's link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from ...ops import Above, ArgMax, Cast, Column, Finite, Map, Op, Softmax, cast
from ..registry import Responses, Unsupported, converts
from ..responses import two_columns
from ..trees import forest, leaves, lone_leaf, reading
from .bare import Bare
from .linear import gblinear
from .links import Apart, Link, check_link, known_link
from .model import Model, categorical_features, has_lowest_threshold, nodes, read
from .table import as_dmatrix, as_float32, none_below_zero


@dataclass(frozen=True)
class Booster:
    """The margin of a booster, and what its objective makes of it."""

    model: Model
    bare: Bare
    margin: Op
    link: Link
    apply: Op | None
    reasons: dict[str, str]

    @property
    def value(self) -> Op:
        """What `Booster.predict` returns."""
        return self.link(self.margin)


def booster(est: Any, x: Op) -> Booster:
    with reading():
        model = read(est)
    known = known_link(model.objective)
    bare = Bare(model)
    check_link(known, model.objective, bare)
    base = bare.base()
    values = as_float32(est, x, model)
    reasons: dict[str, str] = {}
    applied: Op | None = None
    if model.is_linear:
        margin = gblinear(as_dmatrix(est, x, values, model), model.weights, base)
        reasons["apply"] = "gblinear has no trees"
    else:
        with reading():
            trees = nodes(model, base)
        if has_lowest_threshold(model):
            values = Finite(values, allow_nan=True)
        start = [lone_leaf(b, i, np.dtype(np.float32)) for i, b in enumerate(base)]
        coded = categorical_features(model)
        margin = forest(none_below_zero(values, coded), start + trees, len(base))
        try:
            tested = none_below_zero(as_dmatrix(est, x, values, model), coded)
            reached = cast(leaves(tested, trees), torch.float32)
            applied = reached if len(trees) > 1 else Column(reached, 0)
        except Unsupported as why:
            reasons["apply"] = str(why)
    if margin.width == 1:
        margin = Column(margin, 0)
    return Booster(model, bare, margin, known, applied, reasons)


@converts(XGBRegressor, XGBRFRegressor)
def regressor(est, x):
    b = booster(est, x)
    return Responses(predict=b.value, apply=b.apply, reasons=b.reasons)


@converts(XGBRanker)
def ranker(est, x):
    if x.names is not None and "qid" in x.names:
        raise Unsupported("a column of query ids")
    return regressor(est, x)


@converts(XGBClassifier, XGBRFClassifier)
def classifier(est, x):
    b = booster(est, x)
    reasons = dict(b.reasons)
    ops: dict[str, Any] = {}
    for method, op in (("predict", _labels), ("predict_proba", _proba)):
        try:
            ops[method] = op(est, b)
        except Unsupported as why:
            reasons[method] = str(why)
    return Responses(**ops, apply=b.apply, reasons=reasons)


def _labels(est: Any, b: Booster) -> Op:
    """`XGBClassifier.predict`, decided on the margins that its values come from."""
    n = b.value.width
    if n is not None and est.n_classes_ != 2:
        if b.model.objective != "multi:softprob":
            raise Unsupported(f"{n} outputs of {b.model.objective} as classes")
        return ArgMax(Apart(b.margin))
    if n is None and est.objective == "multi:softmax":
        return Cast(b.value, torch.int32)
    if b.model.objective == "multi:softprob":
        margins = Apart(b.margin)
        return Cast(Map(b.link(margins), Above(0.5), torch.bool), torch.float64)
    if b.model.objective.startswith("multi:"):
        raise Unsupported(f"{b.model.objective} of two classes")
    above = Map(b.margin, Above(float(b.bare.boundary())), torch.bool)
    return Cast(above, torch.int64 if n is None else torch.float64)


def _proba(est: Any, b: Booster) -> Op:
    if est.objective == "multi:softmax":
        if b.margin.width is None:
            raise Unsupported("multi:softmax of one output")
        return Softmax(b.margin)
    value = b.value
    if value.width is None:
        return two_columns(value)
    if value.width == est.n_classes_ or est.n_classes_ == 2:
        return value
    raise Unsupported(f"{value.width} outputs for {est.n_classes_} classes")
