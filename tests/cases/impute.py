"""Rows for `sklearn.impute`."""

import numpy as np
import pandas as pd
import polars as pl
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.impute._iterative import IterativeImputer
from sklearn.linear_model import LinearRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ..support import Case
from . import data as d

HOLES = d.STRINGS.copy()
HOLES[::7, 0] = np.nan
NONES = np.where(np.arange(d.N)[:, None] % 6 == 0, None, d.STRINGS)
SOME_NAN = np.column_stack([d.X[:, 0], d.X_NAN[:, 1:3]])
EMPTY = np.column_stack([np.full(d.N, np.nan), d.X_NAN[:, 0]])
MARKED = np.where(np.isnan(d.X_NAN), -999.0, d.X_NAN)
WORDS = d.FRAME[["colour", "size"]].where(d.FRAME["n"] > 0)
OF_POLARS = pl.DataFrame({"colour": [v if isinstance(v, str) else None for v in WORDS["colour"]]})

# No two rows are as far from a third as another.
APART = d.X_NAN + np.random.default_rng(5).normal(size=d.X.shape) * 1e-3
APART[3] = np.nan  # is as far from any: filled with means
PROBE = np.where(np.random.default_rng(6).random(APART.shape) < 0.3, np.nan, APART[::-1] + 0.1)
WITHOUT = np.column_stack([np.full(d.N, np.nan), APART])  # a column that has no value
FULLER = np.where(
    np.arange(6) < 2, APART, d.X + np.random.default_rng(5).normal(size=d.X.shape) / 1e3
)
NEAREST = {"X": APART, "probe": PROBE}
OFTEN = {"native": ("transform",)}


def _manhattan(a, b, missing_values):
    return np.nansum(np.abs(a - b))


def case(estimator, X=d.X_NAN, **more):
    return Case(estimator, X, exact=True, **more)


CASES = [
    case(SimpleImputer()),
    case(SimpleImputer(strategy="median")),
    case(SimpleImputer(strategy="most_frequent")),
    case(SimpleImputer(strategy="constant")),
    case(SimpleImputer(strategy="constant", fill_value=-3.5, add_indicator=True)),
    case(SimpleImputer(add_indicator=True), SOME_NAN, probe=d.X_NAN[:, :3]),
    case(SimpleImputer(missing_values=-999.0, strategy="median"), MARKED),
    case(SimpleImputer(missing_values=2, strategy="most_frequent"), d.CODES),
    case(SimpleImputer(keep_empty_features=True), EMPTY),
    case(SimpleImputer(), EMPTY),
    case(SimpleImputer(strategy="most_frequent"), HOLES),
    case(SimpleImputer(strategy="constant", fill_value="none"), HOLES),
    case(SimpleImputer(strategy="constant", fill_value="none", missing_values=None), NONES),
    case(SimpleImputer(strategy="most_frequent"), WORDS),
    case(make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), WORDS),
    case(SimpleImputer(strategy="constant", fill_value="none", add_indicator=True), HOLES),
    case(SimpleImputer(strategy="most_frequent", missing_values=pd.NA), WORDS.astype("string")),
    case(SimpleImputer(strategy="most_frequent", missing_values="red"), d.STRINGS),
    case(
        SimpleImputer(strategy="most_frequent"),
        d.FRAME[["colour", "b", "flag"]].astype({"colour": object}),
    ),
    case(SimpleImputer(strategy="most_frequent"), OF_POLARS),
    case(SimpleImputer(strategy="constant", keep_empty_features=False, add_indicator=True), EMPTY),
    case(SimpleImputer(strategy="most_frequent", missing_values=0.5), d.CODES.astype(np.int8)),
    case(SimpleImputer(missing_values=np.float64(0.1)), np.where(d.X_NAN > 0, 0.1, d.X)),
    case(SimpleImputer(strategy="most_frequent"), d.X_NAN, probe=d.CODES[:, [0, 1, 2, 0, 1, 2]]),
    case(MissingIndicator(), HOLES),
    case(MissingIndicator(features="all"), WORDS),
    case(MissingIndicator(missing_values=None), NONES),
    case(MissingIndicator(sparse=True), SOME_NAN, native=("transform",), reason="sparse=True"),
    case(MissingIndicator(error_on_new=False), SOME_NAN, probe=d.X_NAN[:, :3]),
    case(MissingIndicator(), SOME_NAN, probe=d.X_NAN[:, :3]),
    case(MissingIndicator(features="all")),
    case(MissingIndicator(missing_values=-999.0), MARKED),
]
CASES += [
    Case(KNNImputer(), **NEAREST),
    Case(KNNImputer(n_neighbors=1), **NEAREST),
    Case(KNNImputer(n_neighbors=100), **NEAREST),  # more than a column has values
    Case(KNNImputer(weights="distance"), FULLER),
    Case(KNNImputer(n_neighbors=1, weights="distance", add_indicator=True), FULLER),
    Case(KNNImputer(weights="distance"), FULLER + 1e4, **OFTEN, reason="rounding may change"),
    Case(KNNImputer(), FULLER + 1e4),
    Case(KNNImputer(add_indicator=True), FULLER[:, :3], probe=PROBE[:, :3]),
    Case(KNNImputer(add_indicator=True), d.X, probe=PROBE),
    Case(KNNImputer(), WITHOUT),
    Case(KNNImputer(keep_empty_features=True, add_indicator=True), WITHOUT, probe=WITHOUT + 1),
    Case(KNNImputer(missing_values=-999.0), np.where(np.isnan(APART), -999.0, APART)),
    Case(KNNImputer(missing_values=-999), d.X * 1e6, probe=np.where(PROBE > 1, -999, PROBE * 1e6)),
    Case(make_pipeline(KNNImputer(n_neighbors=3), StandardScaler(), KNNImputer()), **NEAREST),
    Case(KNNImputer(), np.round(APART), probe=np.round(PROBE)),  # whom NumPy prefers of many
    Case(KNNImputer(weights="distance"), np.round(4 * APART) / 4, probe=np.round(PROBE)),
    Case(KNNImputer(), np.round(APART) / 10, **OFTEN, reason="as far as others"),
    Case(KNNImputer(), APART.astype("f"), dtypes=("float32",), **OFTEN, reason="in float32"),
    Case(KNNImputer(metric=_manhattan), **NEAREST, **OFTEN, reason="another kind"),
    Case(KNNImputer(weights=np.exp), **NEAREST, **OFTEN, reason="function"),
    Case(KNNImputer(n_neighbors=101), **NEAREST, **OFTEN, reason="more than 100"),
    Case(KNNImputer(copy=False), **NEAREST, **OFTEN, reason="writes"),
    Case(KNNImputer(missing_values=0.1), np.where(APART > 3, 0.1, d.X), dtypes=("float64",)),
]

F8 = {"dtypes": ("float64",)}
ROUNDS = {"max_iter": 4, "random_state": 0}
CASES += [
    Case(IterativeImputer(**ROUNDS), d.X_NAN, **F8),
    Case(IterativeImputer(**ROUNDS, add_indicator=True), SOME_NAN, probe=d.X_NAN[:, :3], **F8),
    Case(IterativeImputer(Ridge(), **ROUNDS, n_nearest_features=2), d.X_NAN, **F8),
    Case(IterativeImputer(**ROUNDS, skip_complete=True), SOME_NAN, probe=d.X_NAN[:, :3], **F8),
    Case(IterativeImputer(**ROUNDS, min_value=-0.5, max_value=[0.5] * 6), d.X_NAN, **F8),
    Case(IterativeImputer(**ROUNDS, imputation_order="random"), d.X_NAN, **F8),
    Case(
        IterativeImputer(**ROUNDS, missing_values=-999.0, initial_strategy="median"), MARKED, **F8
    ),
    Case(IterativeImputer(max_iter=0, initial_strategy="constant", fill_value=2.0), d.X_NAN, **F8),
    Case(IterativeImputer(**ROUNDS), EMPTY, **F8),
    Case(
        IterativeImputer(LinearRegression(), **ROUNDS),
        d.X_NAN,
        probe=d.CODES[:, [0, 1, 2] * 2],
        **F8,
    ),
    Case(
        IterativeImputer(PoissonRegressor(), **ROUNDS),
        np.abs(d.X_NAN),
        native=("transform",),
        reason="not linear",
    ),
    Case(
        IterativeImputer(**ROUNDS),
        d.X_NAN.astype(np.float32),
        dtypes=("float32",),
        native=("transform",),
        reason="in float32",
    ),
]
