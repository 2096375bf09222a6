"""The tables that the case table is fitted on: small, real or awkward, and always the same."""

from __future__ import annotations

import numpy as np
import pandas as pd

_rng = np.random.default_rng(0)

N = 150
X = np.round(_rng.normal(1.0, 2.0, (N, 6)), 2)
X_POSITIVE = np.abs(X) + 0.25
X_NAN = np.where(_rng.random(X.shape) < 0.15, np.nan, X)
Y_BINARY = (X[:, 0] + X[:, 1] > 2).astype(int)
Y_LABELS = np.where(Y_BINARY, "yes", "no")
Y_MULTI = np.digitize(X[:, 0] + 0.5 * X[:, 2], [0.0, 1.5, 3.0])
Y_TEXT = np.array(["north", "east", "south", "west"], dtype=object)[Y_MULTI]
Y_REAL = X[:, 0] * 2 - X[:, 3] + _rng.normal(size=N)
Y_POSITIVE = np.exp(Y_REAL / 4)
Y_OUTPUTS = np.column_stack([Y_REAL, X[:, 1] ** 2, X[:, 2]])
Y_CLASSES = np.column_stack([Y_BINARY, Y_MULTI])

COLOURS = np.array(["red", "green", "blue", "sea green"], dtype=object)
FRAME = pd.DataFrame(
    {
        "a": X[:, 0],
        "b": X_NAN[:, 1],
        "n": _rng.integers(0, 5, N),
        "flag": _rng.random(N) < 0.5,
        "colour": _rng.choice(COLOURS, N),
        "size": pd.Categorical(_rng.choice(["S", "M", "L"], N), categories=["S", "M", "L", "XL"]),
    },
    index=np.arange(N) + 1000,
)
STRINGS = np.column_stack(
    [_rng.choice(COLOURS, N), _rng.choice(np.array(["x", "y", "z"], dtype=object), N)]
)
CODES = _rng.integers(0, 4, (N, 3))
# Codes, some of them missing, among numbers.
X_CODED = np.column_stack([np.where(CODES[:, 0] == 3, np.nan, CODES[:, 0]), X_NAN])
X_CODED[:, 2] = CODES[:, 1]
Y_CODED = Y_REAL + 4.0 * (CODES[:, 0] == 1)
Y_MULTI_CODED = np.where(CODES[:, 0] == 1, 3, Y_MULTI % 3)
Y_BY_SIZE = np.where(FRAME["size"] == "M", "middle", Y_LABELS)
