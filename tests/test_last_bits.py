"""What reads values by comparing them gets them to the last bit, or gets the native ones.

Trees and bins may have values that they were fitted on as thresholds, so the rows of the fit tell.
"""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from xgboost import XGBClassifier

from sktensor import TensorAccelerated
from sktensor.ops.elementwise import UFUNCS, boxcox, expm1, log1p, ndtri, power, sqrt

from .support import assert_answers_alike, assert_same, fitted_quietly

rng = np.random.default_rng(0)
X = np.abs(rng.normal(size=(600, 4)) * 3) + 0.1
Y = (X[:, 0] * X[:, 1] + rng.normal(size=600) > 4).astype(int)
Y_REAL = X[:, 0] - X[:, 1] ** 2
DEPENDENT = np.column_stack([X, X @ rng.normal(size=(4, 2))])

BOOSTED = HistGradientBoostingClassifier(max_iter=10)
FINE = XGBClassifier(n_estimators=10, max_bin=600)

EXACT = [
    *map(FunctionTransformer, (np.log1p, np.log10, np.sqrt, np.tanh, np.exp)),
    QuantileTransformer(n_quantiles=50),
    QuantileTransformer(n_quantiles=50, output_distribution="normal"),
    PowerTransformer(),
    PowerTransformer("box-cox"),
    SplineTransformer(),
    SplineTransformer(extrapolation="linear"),
    StandardScaler(),
]
OF_WEAK_SCALARS = (PowerTransformer, QuantileTransformer, SplineTransformer)
ROUNDED = [
    PCA(2),
    TruncatedSVD(2),
    Normalizer(),
    Normalizer("l1"),
    FeatureUnion([("pca", PCA(2)), ("scale", StandardScaler())]),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reader", [BOOSTED, FINE, KBinsDiscretizer(50, encode="ordinal")])
@pytest.mark.parametrize("step", EXACT)
def test_values_that_are_exact_keep_what_reads_them_compiled(step, reader, dtype):
    rows = X.astype(dtype)
    pipe = fitted_quietly(make_pipeline(step, reader), rows, Y)
    weak = dtype == np.float32 and np.__version__ < "2" and isinstance(step, OF_WEAK_SCALARS)
    ours = assert_answers_alike(pipe, rows, compiled=not weak)
    if weak:  # float64 scalars would be computed with in float32
        assert "before NumPy 2" in str(ours.explain())


@pytest.mark.parametrize("reader", [BOOSTED, KBinsDiscretizer(50, encode="ordinal")])
@pytest.mark.parametrize("step", ROUNDED)
def test_rounded_values_are_made_natively_for_what_compares_them(step, reader):
    pipe = fitted_quietly(make_pipeline(StandardScaler(), step, reader), X, Y)
    ours = assert_answers_alike(pipe, X, compiled=False)
    method = "predict" if reader is BOOSTED else "transform"
    for done in ours.explain(method).steps:
        assert done.backend == ("torch" if done.estimator == "StandardScaler" else "native"), done


def test_labels_are_exact_whatever_they_were_decided_by():
    pipe = make_pipeline(PCA(2), LogisticRegression())
    assert_answers_alike(fitted_quietly(pipe, X, Y), X, methods=("predict", "predict_proba"))


def test_native_neighbours_are_told_apart_by_native_components():
    rows = np.round(X)  # many at the same distance
    pipe = fitted_quietly(make_pipeline(PCA(2), KNeighborsClassifier()), rows, Y)
    assert_answers_alike(pipe, rows, compiled=False)


def test_predictions_that_a_final_tree_reads_are_native():
    stack = StackingRegressor(
        [("line", LinearRegression())], HistGradientBoostingRegressor(max_iter=10), cv="prefit"
    )
    stack.estimators = [("line", LinearRegression().fit(X, Y_REAL))]
    assert_answers_alike(stack.fit(X, Y_REAL), X, compiled=False)


@pytest.mark.parametrize("reader", [FINE, RandomForestClassifier(5, random_state=0), BOOSTED])
@pytest.mark.parametrize("step", [PCA(), PCA(whiten=True), TruncatedSVD(5)])
def test_components_that_are_rounding_alone_are_native(step, reader):
    pipe = fitted_quietly(make_pipeline(step, reader), DEPENDENT, Y)
    assert_answers_alike(pipe, DEPENDENT, compiled=False)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("writer", [StandardScaler(copy=False), SimpleImputer(copy=False)])
def test_who_writes_into_rows_does_so_natively(writer, first):
    steps = [("writes", writer), ("reads", MinMaxScaler())]
    union = FeatureUnion([steps[first], steps[1 - first]])
    rows = np.where(X > 5, np.nan, X)
    fitted = fitted_quietly(union, rows.copy())
    ours, theirs = rows.copy(), rows.copy()
    answer = TensorAccelerated(fitted, device="cpu").transform(ours)
    assert_same(answer, fitted.transform(theirs), exact=True)
    assert_same(ours, theirs, exact=True)


VALUES = np.concatenate([X.ravel(), [0.0, 1.0, 1e-30, 700.0, np.nan]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [*UFUNCS, ndtri.ufunc])
def test_functions_are_numpys_to_the_last_bit(function, dtype):
    ours = UFUNCS.get(function, ndtri)
    values = VALUES.astype(dtype)
    with np.errstate(all="ignore"):
        assert_same(ours(torch.from_numpy(values)).numpy(), function(values), exact=True)


@pytest.mark.parametrize("f", [log1p, expm1, sqrt, ndtri, *UFUNCS.values()])
def test_what_torch_exports_for_a_function_is_that_function(f):
    if not hasattr(f, "function"):
        return  # torch's own
    values = torch.from_numpy(VALUES[:50] / 20)
    assert_same(f.function(values).numpy(), f(values).numpy())


@pytest.mark.parametrize("exponent", [0.0, 0.3, -1.5, 2.0])
def test_what_torch_exports_for_powers_is_the_same(exponent):
    values = torch.from_numpy(X)
    exponents = torch.full((4,), exponent, dtype=torch.float64)
    for f in (boxcox, power):
        assert_same(f.function(values, exponents).numpy(), f(values, exponents).numpy())
