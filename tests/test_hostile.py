"""Hostile values: at the ends of what a float can be, huge, nested, or no numbers at all.

Ten estimators of every kind are asked about each table, and must give the native answer, or the
native error in its words. `test_bad_input` has tables of the wrong shape and kind.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
)

from sktensor import TensorAccelerated

from .support import METHODS, assert_same_outcome, fitted_quietly
from .test_bad_input import BAD, FITTED

RNG = np.random.RandomState(0)
X = RNG.randn(60, 3)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
WORDS = np.array([["red", "x"], ["green", "y"], ["blue", "x"], ["red", "z"]] * 5, dtype=object)
FRAME = pd.DataFrame({"n": X[:20, 0], "a": WORDS[:, 0], "b": WORDS[:, 1]}).astype({"a": object})

OF_NUMBERS = {
    "scaler": fitted_quietly(StandardScaler(), X),
    "bounds": fitted_quietly(MinMaxScaler(clip=True), X),
    "bins": fitted_quietly(KBinsDiscretizer(4, encode="ordinal"), X),
    "quantiles": fitted_quietly(QuantileTransformer(n_quantiles=20), X),
    "imputer": fitted_quietly(make_pipeline(SimpleImputer(), StandardScaler()), X),
    "components": fitted_quietly(make_pipeline(StandardScaler(), PCA(2)), X),
    "logistic": fitted_quietly(LogisticRegression(), X, Y),
    "forest": fitted_quietly(RandomForestClassifier(4, random_state=0), X, Y),
    "histograms": fitted_quietly(HistGradientBoostingRegressor(max_iter=4), X, X[:, 0]),
    "numbers as categories": fitted_quietly(OneHotEncoder(handle_unknown="ignore"), X.round()),
}
BEHIND = make_pipeline(
    make_column_transformer(
        (StandardScaler(), ["n"]), (OneHotEncoder(handle_unknown="ignore"), ["a", "b"])
    ),
    LogisticRegression(),
)
OF_WORDS = {
    "one-hot": fitted_quietly(OneHotEncoder(handle_unknown="ignore"), WORDS),
    "strict one-hot": fitted_quietly(OneHotEncoder(sparse_output=False), WORDS),
    "ordinal": fitted_quietly(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), WORDS
    ),
    "strict ordinal": fitted_quietly(OrdinalEncoder(), WORDS),
}

FLOATS = {
    "the largest": np.finfo(float).max,
    "the least": -np.finfo(float).max,
    "1e308": 1e308,
    "half the largest": np.finfo(float).max / 2,
    "just above float32": float(np.finfo(np.float32).max) * (1 + 1e-7),
    "float32's largest": float(np.finfo(np.float32).max),
    "1e155, whose square is the largest": 1e155,
    "1e16, where integers end": 1e16,
    "2**63": 2.0**63,
    "the least normal": sys.float_info.min,
    "a denormal": 5e-324,
    "minus a denormal": -5e-324,
    "float32's denormal": 1e-45,
    "minus zero": -0.0,
    "infinity": np.inf,
    "minus infinity": -np.inf,
    "NaN": np.nan,
    "another NaN": np.array([0x7FF8DEADBEEF0001], np.uint64).view(float)[0],
    "minus NaN": np.array([0xFFF8000000000000], np.uint64).view(float)[0],
    "a signalling NaN": np.array([0x7FF0000000000001], np.uint64).view(float),
}
CELLS = {
    "a word of a million letters": "x" * 10**6,
    "an empty word": "",
    "a null character": "\0",
    "a word and a null character": "red\0",
    "half of a surrogate pair": "\ud800",
    "a snowman": "☃" * 100,
    "a number as text": "1e308",
    "NaN as text": "nan",
    "spaces around": " red ",
    "bytes": b"red",
    "an integer of 400 digits": 10**400,
    "an integer beyond int64": 2**63,
    "an integer": 3,
    "true": True,
    "None": None,
    "NaN": np.nan,
    "NA": pd.NA,
    "NaT": pd.NaT,
    "a list": [1.0, 2.0],
    "an empty list": [],
    "a list of lists": [[[]]],
    "a tuple": ("red", "x"),
    "a dict": {"red": 1},
    "a set": {"red"},
    "an array": np.array([1.0]),
    "an array of none": np.array([]),
    "an array without dimensions": np.array(1.0),
    "a complex number": 1j,
    "a fraction": fractions.Fraction(1, 3),
    "a decimal": decimal.Decimal("0.1"),
    "a decimal NaN": decimal.Decimal("NaN"),
    "a date": datetime.date(2020, 1, 1),
    "a time": np.datetime64("2020-01-01"),
    "no time": np.datetime64("NaT", "ns"),
    "a duration": np.timedelta64(1, "D"),
    "a half float": np.float16(1.5),
    "a long double": np.longdouble("1.1"),
    "a NumPy string": np.str_("red"),
    "a type": int,
    "a function": len,
    "an ellipsis": ...,
    "an interval": pd.Interval(0, 1),
}


def number_tables():
    """Tables of numbers, each with a hostile value in a place or everywhere, in several dtypes."""
    for name, value in FLOATS.items():
        one, every = X[:12].copy(), np.full((3, 3), value)
        one[7:8, 1] = value
        yield f"one is {name}", one
        yield f"all are {name}", every
        with np.errstate(all="ignore"):
            yield f"one is {name} in float32", one.astype(np.float32)
        yield f"one is {name} of objects", one.astype(object)
        yield f"one is {name} in a frame", pd.DataFrame(one)
    for name, value in CELLS.items():
        yield f"an object is {name}", with_cell(X[:6].astype(object), value)
    for dtype in (np.int8, np.uint8, np.int64, np.uint64):
        limits = np.iinfo(dtype)
        yield f"ends of {dtype.__name__}", np.array([[limits.min, 0, limits.max]] * 4, dtype)
    yield "ten thousand rows, the last odd", np.vstack([np.tile(X, (200, 1)), [[np.nan] * 3]])


def word_tables():
    """Tables of words, each with a hostile cell."""
    for name, value in CELLS.items():
        yield f"a cell is {name}", with_cell(WORDS[:6].copy(), value)
    yield "no rows", WORDS[:0]
    yield "no columns", WORDS[:, :0]
    yield "all words are long", np.array([["y" * 10**6, "x"]] * 3, dtype=object)
    yield "numbers", X[:, :2]
    yield "words of fixed length", WORDS.astype("U3")


def with_cell(table, value):
    table[2:3, 1:2] = np.empty((1, 1), object)
    table[2, 1] = value
    return table


NUMBER_TABLES, WORD_TABLES = dict(number_tables()), dict(word_tables())


def same(estimator, table):
    """Twice: a second call must not remember what the first one did.

    NumPy's own warnings of overflow, and of NaN that signals, are off: torch has none of them.
    """
    ours = TensorAccelerated(estimator, device="cpu")
    for method in METHODS:
        if hasattr(estimator, method):
            for _ in range(2):
                with np.errstate(over="ignore", invalid="ignore"):
                    assert_same_outcome(
                        lambda m=method: getattr(ours, m)(table),
                        lambda m=method: getattr(estimator, m)(table),
                    )


def test_there_are_tables_enough():
    assert len(NUMBER_TABLES) + len(BAD) > 200
    assert len(OF_NUMBERS) == 10 <= len(FITTED)
    assert len(WORD_TABLES) > 40


@pytest.mark.parametrize("table", NUMBER_TABLES)
def test_numbers(table):
    for estimator in OF_NUMBERS.values():
        same(estimator, NUMBER_TABLES[table])


@pytest.mark.parametrize("table", WORD_TABLES)
def test_words(table):
    for estimator in OF_WORDS.values():
        same(estimator, WORD_TABLES[table])


@pytest.mark.parametrize("cell", CELLS)
def test_words_of_a_frame(cell):
    estimator = fitted_quietly(BEHIND, FRAME, Y[:20])
    frame = FRAME.head(6).copy()
    cells = frame["a"].to_numpy(copy=True)
    cells[3] = CELLS[cell]
    same(estimator, frame.assign(a=pd.Series(cells, dtype=object)))


@pytest.mark.parametrize("value", FLOATS)
def test_numbers_of_a_frame(value):
    estimator = fitted_quietly(BEHIND, FRAME, Y[:20])
    frame = FRAME.head(6).copy()
    numbers = frame["n"].to_numpy(copy=True)
    numbers[3:4] = FLOATS[value]
    same(estimator, frame.assign(n=numbers))
