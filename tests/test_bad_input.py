"""What no estimator should be given: the native error, word for word, or the native answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse as sp
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sktensor import TensorAccelerated

from .support import METHODS, assert_same_outcome

RNG = np.random.RandomState(0)
X = RNG.randn(40, 4)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd"))
TWO_LEVELS = pd.MultiIndex.from_product([["a", "b"], ["c", "d"]])

MIXED = ColumnTransformer(
    [("numbers", StandardScaler(), ["a", "b"]), ("bounds", MinMaxScaler(), ["c"])],
    remainder="passthrough",
)
BY_POSITION = ColumnTransformer([("numbers", StandardScaler(), [0, 1])], remainder="passthrough")
FITTED = {
    "scaler": StandardScaler().fit(X),
    "bounds": MinMaxScaler(clip=True).fit(X),
    "imputer": SimpleImputer().fit(X),
    "pca": PCA(2).fit(X),
    "one-hot": OneHotEncoder(handle_unknown="ignore").fit(np.round(X)),
    "ordinal": OrdinalEncoder().fit(np.round(X)),
    "logistic": LogisticRegression().fit(X, Y),
    "logistic of a frame": LogisticRegression().fit(FRAME, Y),
    "multi-output": LinearRegression().fit(X, X[:, :2]),
    "bayes": GaussianNB().fit(X, Y),
    "neighbors": KNeighborsClassifier().fit(X, Y),
    "svm": SVC().fit(X, Y),
    "tree": DecisionTreeClassifier(max_depth=3).fit(X, Y),
    "forest": RandomForestClassifier(5, random_state=0).fit(X, Y),
    "boosting": GradientBoostingRegressor(n_estimators=5).fit(X, X[:, 0]),
    "histograms": HistGradientBoostingClassifier(max_iter=5).fit(X, Y),
    "isolation": IsolationForest(n_estimators=5, random_state=0).fit(X),
    "clusters": KMeans(2, n_init=1, random_state=0).fit(X),
    "union": FeatureUnion([("s", StandardScaler()), ("m", MinMaxScaler())]).fit(X),
    "columns": BY_POSITION.fit(X),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y),
    "pipeline of a frame": make_pipeline(MIXED, LogisticRegression()).fit(FRAME, Y),
}


def with_value(value, at=(5, 1), dtype=np.float64):
    table = X.astype(dtype)
    table[at] = value
    return table


class Opaque:
    """Something that is no table."""

    def __repr__(self):
        return "Opaque()"


OPAQUE = Opaque()
BAD = {
    "one column less": X[:, :3],
    "one column more": np.hstack([X, X[:, :1]]),
    "no columns": X[:, :0],
    "no rows": X[:0],
    "no rows of another width": X[:0, :2],
    "one dimension": X[0],
    "one dimension, no values": np.array([]),
    "no dimension": np.float64(3),
    "a number": 3.0,
    "three dimensions": X[:, :, None],
    "four dimensions": X.reshape(2, 20, 2, 2),
    "NaN": with_value(np.nan),
    "NaN in the last row": with_value(np.nan, (-1, -1)),
    "NaN in float32": with_value(np.nan, dtype=np.float32),
    "infinity": with_value(np.inf),
    "minus infinity": with_value(-np.inf),
    "more than float32 holds": with_value(1e300),
    "infinity in float32": with_value(np.inf, dtype=np.float32),
    "NaN and infinity": with_value(np.nan, ([0, 1], [0, 1])) * np.inf,
    "half precision": X.astype(np.float16),
    "half precision, NaN": with_value(np.nan, dtype=np.float16),
    "long doubles": X.astype(np.longdouble),
    "complex": X.astype(complex),
    "complex with imaginary parts": X + 1j,
    "objects that are numbers": X.astype(object),
    "an object that is None": with_value(None, dtype=object),
    "an object that is pd.NA": with_value(pd.NA, dtype=object),
    "an object that is text": with_value("word", dtype=object),
    "an object that is a list": np.array([[1, 2, 3, [4]]] * 3, dtype=object),
    "an object that is anything": with_value(OPAQUE, dtype=object),
    "numbers as text": np.round(X, 1).astype(str),
    "text": np.full((5, 4), "word"),
    "bytes": np.full((5, 4), b"1"),
    "dates": np.zeros((5, 4), "M8[D]"),
    "durations": np.ones((5, 4), "m8[s]"),
    "a record array": np.zeros(5, [("a", float), ("b", float), ("c", float), ("d", float)]),
    "byte-swapped": X.astype(">f8"),
    "read-only": np.frombuffer(X.tobytes()).reshape(X.shape),
    "masked": np.ma.masked_array(X, X > 1),
    "booleans": X > 0,
    "unsigned bytes": np.abs(X * 10).astype(np.uint8),
    "a list of lists": X.tolist(),
    "a ragged list": [[1.0, 2.0, 3.0, 4.0], [1.0, 2.0]],
    "an empty list": [],
    "a list of empty lists": [[], []],
    "a list of texts": ["one", "two"],
    "a tuple": tuple(map(tuple, X)),
    "a list of dicts": [{"a": 1.0}, {"a": 2.0}],
    "a dict": {"a": [1.0], "b": [1.0], "c": [1.0], "d": [1.0]},
    "a text": "abcd",
    "None": None,
    "a generator's name": range(4),
    "anything": OPAQUE,
    "sparse rows": sp.csr_matrix(np.round(X)),
    "sparse columns": sp.csc_array(np.round(X)),
    "sparse of another width": sp.csr_matrix(X[:, :2]),
    "sparse with NaN": sp.csr_matrix(with_value(np.nan)),
    "sparse coordinates": sp.coo_matrix(np.round(X)),
    "a series": FRAME["a"],
    "a frame": FRAME,
    "a frame without rows": FRAME.iloc[:0],
    "a frame without columns": FRAME[[]],
    "reordered columns": FRAME[["b", "a", "c", "d"]],
    "a column missing": FRAME[["a", "b", "c"]],
    "a column of another name": FRAME.rename(columns={"d": "e"}),
    "a column more": FRAME.assign(e=1.0),
    "a column twice": FRAME[["a", "a", "c", "d"]],
    "columns with numbers for names": pd.DataFrame(X),
    "columns with mixed names": FRAME.rename(columns={"d": 3}),
    "columns of two levels": pd.DataFrame(X, columns=TWO_LEVELS),
    "a frame with NaN": pd.DataFrame(with_value(np.nan), columns=list("abcd")),
    "a frame with infinity": pd.DataFrame(with_value(np.inf), columns=list("abcd")),
    "a frame of text": FRAME.astype(str),
    "a frame with a column of words": FRAME.assign(b="word"),
    "a frame with a column of objects": FRAME.assign(b=[OPAQUE] * len(FRAME)),
    "a frame with None": FRAME.astype({"b": object}).assign(b=None),
    "a frame of nullable numbers": FRAME.convert_dtypes(),
    "a frame with pd.NA": FRAME.convert_dtypes().mask(FRAME > 1),
    "a frame of categories": FRAME.round().astype("category"),
    "a frame of dates": FRAME.assign(b=pd.Timestamp(0)),
    "a frame of complex numbers": FRAME.assign(b=1j),
    "a frame of sparse columns": FRAME.round().astype(pd.SparseDtype("float64", 0.0)),
    "a frame of booleans": FRAME > 0,
    "a polars frame": pl.DataFrame(X, schema=list("abcd")),
    "a polars frame with null": pl.DataFrame(X, schema=list("abcd")).with_columns(b=None),
    "a polars frame of text": pl.DataFrame(X, schema=list("abcd")).with_columns(b=pl.lit("word")),
    "a polars frame, reordered": pl.DataFrame(X, schema=list("abcd"))[["b", "a", "c", "d"]],
    "a lazy polars frame": pl.LazyFrame(X, schema=list("abcd")),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", FITTED)
def test_is_answered_or_refused_as_natively(name, bad):
    estimator, table = FITTED[name], BAD[bad]
    ours = TensorAccelerated(estimator, device="cpu")
    for method in METHODS:
        if hasattr(estimator, method):
            assert_same_outcome(
                lambda m=method: getattr(ours, m)(table),
                lambda m=method: getattr(estimator, m)(table),
            )


@pytest.mark.parametrize("bad", ["NaN", "infinity", "no rows", "one column less", "text", "None"])
@pytest.mark.parametrize("name", FITTED)
def test_is_refused_as_natively_after_good_rows(name, bad):
    """A program that was made for good rows is not what answers bad ones."""
    estimator = FITTED[name]
    ours = TensorAccelerated(estimator, device="cpu")
    good = FRAME if hasattr(estimator, "feature_names_in_") else X
    for method in METHODS:
        if not hasattr(estimator, method):
            continue
        for table in (good, BAD[bad], good):
            assert_same_outcome(
                lambda m=method, t=table: getattr(ours, m)(t),
                lambda m=method, t=table: getattr(estimator, m)(t),
            )


@pytest.mark.parametrize(
    "X", [X[:0], X[0], X[:, :3], X[:, :, None], with_value(np.nan)], ids=lambda X: str(X.shape)
)
@pytest.mark.parametrize("name", ["scaler", "logistic", "forest", "pipeline", "neighbors"])
def test_tensors_are_refused_as_arrays_are(name, X):
    estimator = FITTED[name]
    ours = TensorAccelerated(estimator, device="cpu")
    for method in METHODS:
        if hasattr(estimator, method):
            assert_same_outcome(
                lambda m=method: np.asarray(getattr(ours, m)(torch.from_numpy(X.copy()))),
                lambda m=method: getattr(estimator, m)(X),
            )


@pytest.mark.parametrize("name", ["logistic", "pipeline", "forest", "scaler", "clusters"])
@pytest.mark.parametrize("bad", BAD)
def test_is_refused_when_fitted_as_natively(name, bad):
    estimator = FITTED[name]

    def native():
        return type(clone_of(estimator).fit(BAD[bad], Y)).__name__

    def ours():
        accelerated = TensorAccelerated(clone_of(estimator), device="cpu").fit(BAD[bad], Y)
        return type(accelerated.estimator_).__name__

    assert_same_outcome(ours, native)


def clone_of(estimator):
    from sklearn.base import clone

    return clone(estimator)
