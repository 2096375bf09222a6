"""Rows for `sklearn.preprocessing`: columns of numbers."""

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    KernelCenterer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from sktensor.ops import UFUNCS

from ..support import Case
from . import data as d

CONSTANT = np.column_stack([d.X[:, 0], np.full(d.N, 3.0), np.zeros(d.N)])
BEYOND = d.X * 3 - 1
ZEROS = np.where(d.X < 1, 0.0, d.X)
KNOTS = np.array([[-2.0, -1.0], [0.0, 0.5], [0.5, 3.0]])
KERNEL = rbf_kernel(d.X[:40])

IN_FLOAT32 = {"dtypes": ("float32",), "native": ("transform",), "reason": "a sum in float32"}


def exact(estimator, X=None, **more):
    """A row where not a bit may differ."""
    return Case(estimator, X, exact=True, **more)


def curve(estimator, X=None, **more):
    """A row that is native in float32 before NumPy 2, which had no weak scalars."""
    dtypes = ("float64",) if np.__version__ < "2" else ("float64", "float32")
    return exact(estimator, X, dtypes=dtypes, **more)


def sparse(scaler):
    """A scaler of sparse rows, which multiplies where it divides dense ones."""
    return exact(make_pipeline(OneHotEncoder(dtype=np.float32), scaler), d.STRINGS)


def bins(**params):
    return KBinsDiscretizer(3, strategy="uniform", subsample=None, **params)


CASES = [
    exact(StandardScaler(), probe=BEYOND),
    exact(StandardScaler(), CONSTANT),
    exact(StandardScaler(with_mean=False), d.X_NAN),
    exact(StandardScaler(with_std=False)),
    exact(StandardScaler(with_mean=False, with_std=False)),
    sparse(StandardScaler(with_mean=False)),
    sparse(StandardScaler(with_mean=False, with_std=False)),
    sparse(MaxAbsScaler()),
    sparse(RobustScaler(with_centering=False)),
    exact(MinMaxScaler(), probe=BEYOND),
    exact(MinMaxScaler((-2, 3), clip=True), d.X_NAN, probe=BEYOND),
    exact(MinMaxScaler(), CONSTANT),
    exact(MaxAbsScaler(), d.X_NAN, probe=BEYOND),
    exact(RobustScaler(), d.X_NAN),
    exact(RobustScaler(with_centering=False, quantile_range=(10, 80), unit_variance=True)),
    exact(RobustScaler(with_scaling=False)),
    Case(Normalizer(), probe=np.zeros((3, 6)), dtypes=("float64",)),
    Case(Normalizer("l1"), ZEROS, dtypes=("float64",)),
    *[Case(e, d.X.astype(np.float32), **IN_FLOAT32) for e in (Normalizer(), Normalizer("l1"))],
    exact(Normalizer("max"), ZEROS),
    exact(Binarizer(), probe=np.array([[0.0, -0.0, 1e-30, -1e-30, 1.0, -1.0]])),
    exact(Binarizer(threshold=1.1)),
    Case(KernelCenterer(), KERNEL, dtypes=("float64",)),
    Case(KernelCenterer(), KERNEL.astype(np.float32), **IN_FLOAT32),
    exact(PolynomialFeatures()),
    exact(PolynomialFeatures(3, interaction_only=True)),
    exact(PolynomialFeatures((2, 4), include_bias=False)),
    exact(PolynomialFeatures(1)),
    exact(PolynomialFeatures((2, 3), interaction_only=True, order="F")),
    exact(bins(encode="ordinal"), probe=BEYOND),
    exact(bins(encode="onehot-dense"), probe=BEYOND),
    exact(bins(encode="onehot")),
    exact(bins(encode="ordinal", dtype=np.float32)),
    curve(QuantileTransformer(n_quantiles=30), d.X_NAN, probe=BEYOND),
    curve(QuantileTransformer(n_quantiles=30, output_distribution="normal"), probe=BEYOND),
    curve(QuantileTransformer(n_quantiles=150), CONSTANT),
    curve(PowerTransformer(), probe=BEYOND),
    curve(PowerTransformer(standardize=False), d.X_NAN),
    curve(PowerTransformer("box-cox"), d.X_POSITIVE),
    curve(SplineTransformer(), probe=BEYOND),
    curve(SplineTransformer(4, degree=2, include_bias=False), probe=BEYOND),
    curve(SplineTransformer(extrapolation="linear", knots="quantile"), probe=BEYOND),
    curve(SplineTransformer(extrapolation="continue"), probe=BEYOND),
    curve(SplineTransformer(extrapolation="periodic"), probe=BEYOND),
    curve(SplineTransformer(extrapolation="error"), probe=BEYOND),
    curve(SplineTransformer(extrapolation="linear", degree=2), CONSTANT, probe=BEYOND[:, :3]),
    curve(SplineTransformer(3, degree=2, extrapolation="periodic", include_bias=False)),
    curve(SplineTransformer(2, degree=5, extrapolation="continue"), probe=BEYOND),
    curve(SplineTransformer(knots=KNOTS, degree=1), d.X[:, :2], probe=BEYOND[:, :2]),
    Case(
        SplineTransformer(degree=1, extrapolation="linear"),
        native=("transform",),
        reason="lines of degree 1",
    ),
    Case(SplineTransformer(sparse_output=True), native=("transform",), reason="sparse_output"),
    exact(FunctionTransformer(), d.X_NAN),
    exact(FunctionTransformer(validate=True)),
    *[exact(FunctionTransformer(f), d.X_POSITIVE) for f in UFUNCS],
    exact(FunctionTransformer(np.sqrt, np.square, validate=True), d.X_POSITIVE),
    exact(FunctionTransformer(np.abs, feature_names_out="one-to-one"), d.X_NAN),
    Case(
        FunctionTransformer(np.flip, kw_args={"axis": 1}, validate=True),
        native=("transform",),
        reason="kw_args",
    ),
]
