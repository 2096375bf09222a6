"""Converters of numbers at their corners: every parameter, on tables of every kind and size."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from .support import assert_answers_alike, fitted_quietly

rng = np.random.default_rng(1)
X = np.round(rng.normal(size=(60, 3)) * 2, 2)
NAMES = list("abc")
FRAME = pd.DataFrame(X * 1.5, columns=NAMES)
CONSTANT = np.column_stack([X[:, 0], np.full(60, 3.0), np.zeros(60)])

FITS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "frame": pd.DataFrame(X, columns=NAMES),
    "integers": np.round(X).astype(int),
    "constant": CONSTANT,
}

KNOTS = np.array([[-2, -2, -2], [0, 0.5, 1], [2, 1, 3.0]])

ESTIMATORS = [
    QuantileTransformer(n_quantiles=1),
    QuantileTransformer(n_quantiles=2, output_distribution="normal"),
    QuantileTransformer(n_quantiles=1000),
    KBinsDiscretizer(2),
    KBinsDiscretizer([2, 3, 4]),
    KBinsDiscretizer(4, encode="onehot-dense", dtype=np.float32),
    KBinsDiscretizer(4, encode="onehot", dtype=np.float64),
    KBinsDiscretizer(strategy="kmeans", encode="ordinal"),
    KBinsDiscretizer(encode="ordinal").set_output(transform="pandas"),
    PolynomialFeatures((0, 0)),
    PolynomialFeatures(0),
    PolynomialFeatures((0, 2)),
    PolynomialFeatures((3, 3), include_bias=False),
    PolynomialFeatures(5, interaction_only=True),
    PolynomialFeatures((4, 5), interaction_only=True),
    PolynomialFeatures((1, 2), order="F", include_bias=False),
    PolynomialFeatures((2, 2), interaction_only=True),
    PolynomialFeatures(2).set_output(transform="pandas"),
    SplineTransformer(3, degree=1),
    SplineTransformer(2, degree=5, extrapolation="continue"),
    SplineTransformer(degree=0),
    SplineTransformer(6, extrapolation="periodic", include_bias=False),
    SplineTransformer(4, extrapolation="periodic"),
    SplineTransformer(knots=KNOTS, extrapolation="linear"),
    SplineTransformer(knots="quantile", extrapolation="error"),
    SplineTransformer(degree=1, extrapolation="linear", include_bias=False),
    SplineTransformer().set_output(transform="polars"),
    StandardScaler(),
    StandardScaler().set_output(transform="pandas"),
    MinMaxScaler((5, 6), clip=True),
    MaxAbsScaler(),
    RobustScaler(unit_variance=True),
    Normalizer("max"),
    Normalizer(),
    Binarizer(threshold=-0.5),
    Binarizer(threshold=1),
    Binarizer(threshold=np.float64(0.1)),
    PowerTransformer(),
    PowerTransformer(standardize=False),
    FunctionTransformer(),
    FunctionTransformer(validate=True),
    FunctionTransformer().set_output(transform="pandas"),
    FunctionTransformer(np.log1p),
    FunctionTransformer(np.log1p, validate=True),
    FunctionTransformer(np.abs),
    FunctionTransformer(np.exp),
    FunctionTransformer(np.sign),
    FunctionTransformer(np.square),
    FunctionTransformer(np.rint, validate=True),
    FunctionTransformer(np.sqrt, feature_names_out="one-to-one"),
    FunctionTransformer(np.log, feature_names_out="one-to-one", validate=True),
    FunctionTransformer(np.reciprocal),
    FunctionTransformer(np.expm1).set_output(transform="pandas"),
    PCA(2),
    PCA(whiten=True),
    IncrementalPCA(2),
    TruncatedSVD(2),
    make_pipeline(StandardScaler().set_output(transform="polars"), FunctionTransformer(np.exp)),
    make_pipeline(StandardScaler().set_output(transform="pandas"), FunctionTransformer(np.exp)),
    make_pipeline(StandardScaler().set_output(transform="polars"), FunctionTransformer()),
]


def tables():
    values = FRAME.to_numpy()
    yield from (values, values.astype(np.float32), np.asfortranarray(values), FRAME)
    yield pl.DataFrame({name: FRAME[name].to_numpy() for name in NAMES})
    yield from (np.round(values).astype(int), np.round(np.abs(values)).astype(np.uint8))
    yield from (values > 0, values * 0, values[:1], values.tolist(), values.astype(object))
    yield from (values * 1e160, values * 1e-160, values.astype(np.float16))
    yield np.where(np.arange(values.size).reshape(values.shape) % 7 == 0, np.nan, values)
    yield np.where(values > 1.5, np.inf, values)
    yield np.nextafter(X, 9)
    yield FRAME.round().astype(int)
    yield FRAME.astype({"a": np.float32})
    yield FRAME.assign(a=np.arange(len(FRAME)))
    yield FRAME.astype("Float64")
    yield FRAME.astype(object)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_every_table_is_answered_as_natively(estimator, fit):
    try:
        fitted = fitted_quietly(estimator, FITS[fit])
    except ValueError:  # a constant column, or nothing positive
        return
    for table in tables():
        assert_answers_alike(fitted, table, methods=("transform",), compiled=False)
