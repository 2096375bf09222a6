"""Converters for CatBoost: a forest that compares float32 and adds float64, and the loss's link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from catboost import CatBoostClassifier, CatBoostRanker, CatBoostRegressor

from ...graph import evaluate
from ...ops import Above, ArgMax, Cast, Column, Concat, Forest, Input, Map, Op, Take
from ...table import Signature
from ..registry import Responses, Unsupported, converts
from ..responses import labels
from ..trees import forest, reading
from .bare import Bare
from .links import BINARY, ONE_OF_MANY, Link, check_links, exponent, identity, known_links
from .model import Model, nodes, read
from .table import as_float32

N_ROWS = 64  # that the estimator itself is asked about


@dataclass(frozen=True)
class Booster:
    """A model, and its sum of trees for the table that is read."""

    model: Model
    sums: Forest

    @property
    def margin(self) -> Op:
        """The raw value."""
        scaled: Op = self.sums if self.model.scale == 1 else self.sums * self.model.scale
        margin = scaled + self.model.bias[None]
        return Column(margin, 0) if margin.width == 1 else margin

    def margin_of(self, rows: np.ndarray) -> np.ndarray:
        """The same of rows of float32."""
        margin = self.sums.few(rows) * self.model.scale + self.model.bias
        return margin[:, 0] if margin.shape[1] == 1 else margin


def booster(est: Any, x: Op) -> Booster:
    if not est.is_fitted():
        raise Unsupported("not fitted")
    with reading():
        model = read(est)
        trees = nodes(model)
    if model.loss.startswith("PythonUserDefined"):
        raise Unsupported("a loss of one's own")
    return Booster(model, forest(as_float32(x, model), trees, model.n_outputs))


def as_asked(est: Any, b: Booster) -> tuple[np.ndarray, np.ndarray]:
    """Some rows, and the margin of each, which the estimator is asked for.

    An estimator whose leaves were set goes on answering as before, until its scale is set too.
    """
    rows = _rows(b)
    kind = {} if isinstance(est, CatBoostRanker) else {"prediction_type": "RawFormulaVal"}
    native, ours = est.predict(rows, **kind), b.margin_of(rows)
    if native.shape != ours.shape or not np.array_equal(native, ours):
        raise Unsupported("it answers otherwise than its trees say")
    return rows, native


def _rows(b: Booster) -> np.ndarray:
    """Rows at thresholds and beside them, some values missing: always the same."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((N_ROWS, b.model.n_features)).astype(np.float32)
    feature, threshold = b.sums.feature, b.sums.threshold
    for column in np.unique(feature[feature >= 0]):
        rows[:, column] = rng.choice(threshold[feature == column], N_ROWS)
    with np.errstate(over="ignore"):  # the largest float is a border of what may be missing
        beside = np.nextafter(rows, rng.choice(np.array([-np.inf, np.inf], np.float32), rows.shape))
    rows = np.where(rng.random(rows.shape) < 0.5, rows, beside)
    return np.where(rng.random(rows.shape) < 0.1, np.float32(np.nan), rows)


@converts(CatBoostRegressor)
def regressor(est, x):
    b = booster(est, x)
    rows, margin = as_asked(est, b)
    return Responses(predict=_link(est.predict(rows), margin)(b.margin))


@converts(CatBoostRanker)
def ranker(est, x):
    b = booster(est, x)
    as_asked(est, b)
    return Responses(predict=b.margin)


def _link(native: np.ndarray, margin: np.ndarray) -> Link:
    """What `predict` makes of a margin, which depends on how the loss was set."""
    if native.shape == margin.shape:
        if np.array_equal(native, margin):
            return identity
        with np.errstate(over="ignore"):
            exponential = np.exp(margin)
        if np.allclose(native, exponential, rtol=1e-10, atol=1e-300):
            return exponent
    raise Unsupported("predictions that are no margin, nor its exponential")


@converts(CatBoostClassifier)
def classifier(est, x):
    b = booster(est, x)
    loss, n_outputs = b.model.loss, b.model.n_outputs
    links = known_links(loss)
    if (n_outputs == 1) is not (links is BINARY):
        raise Unsupported(f"{n_outputs} outputs of the loss {loss!r}")
    rows, asked = as_asked(est, b)
    bare = Bare(est, b.model)
    check_links(links, loss, bare, n_outputs)
    best, margin = _best(est, bare, loss, n_outputs), b.margin
    found = evaluate(best(Input(Signature(margin.width, torch.float64))), asked)
    native = est.predict(rows)
    if native.dtype != found.dtype or not np.array_equal(native, found):
        raise Unsupported("classes other than its margins say")
    return Responses(
        predict=best(margin),
        predict_proba=links.proba(margin),
        predict_log_proba=links.log_proba(margin),
        unlike={"predict": "classes as a column"} if loss in ONE_OF_MANY else {},
    )


def _best(est: Any, bare: Bare, loss: str, n_outputs: int) -> Link:
    """The classes of margins."""
    classes = np.asarray(est.classes_)
    if loss in ONE_OF_MANY:
        if len(classes) != n_outputs:
            raise Unsupported(f"{n_outputs} outputs for {len(classes)} classes")
        return lambda margin: Take(Concat((ArgMax(margin),)), classes)
    if n_outputs > 1:
        boundary = bare.boundary(lambda found: (found == 1).all(axis=1))
        return lambda margin: _above(margin, boundary)
    boundary = bare.boundary(lambda found: found == classes[1])
    return lambda margin: labels(_above(margin, boundary), classes)


def _above(margin: Op, boundary: float) -> Op:
    return Cast(Map(margin, Above(boundary), torch.bool), torch.int64)
