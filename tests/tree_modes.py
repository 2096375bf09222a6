"""Every tree model in every mode that changes its answers, named, and the rows that bite each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from lightgbm import LGBMModel
from sklearn.utils import check_random_state

from .forests import thresholds_of

SIZE = 160
_rng = np.random.default_rng(7)
X = np.round(_rng.normal(0.5, 2.0, (SIZE, 5)), 1)
X_NAN = np.where(_rng.random(X.shape) < 0.15, np.nan, X)
CODES = _rng.integers(0, 6, SIZE)
Y = X[:, 0] * 2 - X[:, 3] + (CODES % 3 == 1) * 4 + _rng.normal(size=SIZE)
Y_POSITIVE = np.exp(Y / 4)
Y_COUNTS = np.round(Y_POSITIVE)
Y_SHARE = 1 / (1 + np.exp(-Y))
Y_BINARY = (Y > 1).astype(int)
Y_MULTI = np.digitize(Y, [-1.0, 1.0, 4.0])
Y_TEXT = np.array(["north", "east", "south", "west"], object)[Y_MULTI]
Y_OUTPUTS = np.column_stack([Y, X[:, 1] ** 2, X[:, 2]])
Y_CLASSES = np.column_stack([Y_BINARY, Y_MULTI, np.digitize(X[:, 1], [0, 2])])
Y_LABELS = (Y_OUTPUTS > 1).astype(int)
X_CODED = np.column_stack([np.where(CODES == 5, np.nan, CODES), X_NAN])
FRAME = pd.DataFrame(X_NAN, columns=[f"c{i}" for i in range(5)])
FRAME.insert(2, "kind", pd.Categorical.from_codes(np.where(CODES == 5, -1, CODES), list("abcde")))
# What is no code, or one that was not fitted, or that is missing.
ODD_CODES = [-0.0, -0.5, -1.0, 0.5, 1.999, 5.0, 31.0, 40.0, 2.0**24, np.nan]
ODD = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-36, -1e-36]


@dataclass(frozen=True)
class Mode:
    """A row of the table: an estimator, what it is fitted on, what may differ.

    `coded` are the columns of X that hold codes. Methods in `native` are answered natively.
    """

    name: str
    estimator: Any
    y: np.ndarray
    X: Any = field(default_factory=lambda: X_NAN)
    coded: tuple[int, ...] = ()
    native: tuple[str, ...] = ()
    exact: bool = False
    fit: dict[str, Any] = field(default_factory=dict)


def cuts_of(estimator: Any) -> list[tuple[int, float]]:
    """Every column that is split at a threshold with every threshold, as the library lists them."""
    if isinstance(estimator, xgboost.XGBModel):
        return _cuts_of_xgboost(estimator)
    if isinstance(estimator, LGBMModel):
        table = estimator.booster_.trees_to_dataframe()
        table = table[table["decision_type"] == "<="]
        names = list(estimator.booster_.feature_name())
        return [
            (names.index(f), float(t)) for f, t in zip(table["split_feature"], table["threshold"])
        ]
    return thresholds_of(estimator)


def _cuts_of_xgboost(estimator: Any) -> list[tuple[int, float]]:
    learner = json.loads(bytes(estimator.get_booster().save_raw("json")))["learner"]
    booster = learner["gradient_booster"]
    found = []
    for tree in booster.get("gbtree", booster)["model"].get("trees", ()):
        keys = ("left_children", "split_type", "split_indices", "split_conditions")
        for left, kind, feature, threshold in zip(*(tree[key] for key in keys), strict=True):
            if left >= 0 and kind == 0:
                found.append((feature, float(np.float32(threshold))))
    return found


def rows_that_bite(mode: Mode, fitted: Any, dtype: Any, most: int = 40) -> list[Any]:
    """Rows with values on thresholds and beside them; with NaN; with infinities; odd codes."""
    rng = check_random_state(0)
    cuts = cuts_of(fitted) or [(0, 0.0)]
    cuts = [cuts[i] for i in rng.permutation(len(cuts))[:most]]
    frame = isinstance(mode.X, pd.DataFrame)
    table = mode.X.drop(columns="kind").to_numpy() if frame else np.asarray(mode.X)
    # A frame's columns in the order of those that are numbers.
    place = [i for i in range(6) if i != 2] if frame else list(range(table.shape[1]))
    plain = np.nan_to_num(table[rng.randint(len(table), size=3 * len(cuts))], nan=0.25)
    plain = plain.astype(dtype)
    for i, (feature, threshold) in enumerate(cuts):
        if feature not in place:
            continue
        with np.errstate(over="ignore"):
            at = dtype(threshold)
        near = (at, np.nextafter(at, dtype(np.inf)), np.nextafter(at, dtype(-np.inf)))
        plain[3 * i : 3 * i + 3, place.index(feature)] = near
    zeros = plain.copy()
    zeros[rng.random_sample(zeros.shape) < 0.3] = -0.0
    missing = plain.copy()
    missing[rng.random_sample(missing.shape) < 0.4] = np.nan
    odd = plain[: len(ODD) * 3].copy()
    odd[np.arange(len(odd)), rng.randint(odd.shape[1], size=len(odd))] = np.resize(ODD, len(odd))
    batches = [plain, zeros, missing, odd]
    for column in mode.coded:
        for batch in (plain, zeros, missing):
            batch[:, column] = rng.randint(6, size=len(batch))
        coded = plain.copy()
        with np.errstate(over="ignore"):
            coded[:, column] = rng.choice(np.array(ODD_CODES), len(coded)).astype(dtype)
        batches.append(coded)
    return [_framed(batch, rng) for batch in batches] if frame else batches


def _framed(rows: np.ndarray, rng: Any) -> pd.DataFrame:
    """The rows as a frame of the categories fitted, in another order and some of them missing."""
    frame = pd.DataFrame(rows, columns=[f"c{i}" for i in range(5)])
    kind = pd.Categorical.from_codes(rng.randint(-1, 5, size=len(rows)), list("ecdba"))
    frame.insert(2, "kind", kind)
    return frame
