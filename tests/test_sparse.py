"""Sparse answers: of scikit-learn's class, and never made from a wide dense array."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context, get_config
from sklearn.compose import make_column_transformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktensor import TensorAccelerated

from .cases import data as d
from .support import assert_answers_alike, fitted_quietly

TEXT = d.FRAME[["colour", "size"]]
UNSEEN = TEXT.assign(colour=np.where(np.arange(d.N) % 5 == 0, "violet", TEXT["colour"]))
IGNORING = OneHotEncoder(handle_unknown="ignore")
ZEROS = d.FRAME.assign(a=d.FRAME["a"].where(d.FRAME["n"] > 1, 0.0))
WIDE = make_column_transformer(
    (StandardScaler(), ["b"]),
    (OneHotEncoder(handle_unknown="ignore", dtype=np.float32), ["colour", "n", "size"]),
    ("passthrough", ["a"]),
    ("passthrough", ["flag"]),
    sparse_threshold=1.0,
)


@pytest.mark.parametrize(
    ("estimator", "X", "probe"),
    [
        (OneHotEncoder(), TEXT, UNSEEN),
        (OneHotEncoder(drop="first"), TEXT, UNSEEN),
        (OneHotEncoder(dtype=bool), TEXT, TEXT),
        (OneHotEncoder(drop="first"), TEXT[["size"]].assign(size="S"), TEXT[["size"]]),
        (IGNORING, TEXT, UNSEEN),
        (IGNORING, d.CODES, d.CODES + 1),
        (FeatureUnion([("o", IGNORING), ("d", OneHotEncoder(sparse_output=False))]), TEXT, UNSEEN),
        (FeatureUnion([("o", IGNORING), ("p", "passthrough")]), d.CODES, d.CODES + 1),
        (
            FeatureUnion(
                [("o", IGNORING), ("p", IGNORING)], transformer_weights={"o": 0.1, "p": 3}
            ),
            d.CODES,
            d.CODES + 1,
        ),
        (FeatureUnion([("o", IGNORING)], transformer_weights={"o": 2.5}), TEXT, UNSEEN),
        (WIDE, d.FRAME, ZEROS.assign(colour=UNSEEN["colour"])),
        (make_pipeline(WIDE, "passthrough"), d.FRAME, ZEROS),
        # what reads a sparse array natively gets one
        (make_pipeline(IGNORING, TruncatedSVD(2, random_state=0)), TEXT, UNSEEN),
        (make_pipeline(IGNORING, SelectKBest(k=2)), TEXT, UNSEEN),
    ],
)
def test_sparse_answers(estimator, X, probe):
    estimator = fitted_quietly(estimator, X, d.Y_MULTI)
    for table in (X, probe, X[:1]):
        assert_answers_alike(estimator, table, compiled=False)


# Since scikit-learn 1.9, which class is returned is a setting.
SETTINGS = [{"sparse_interface": k} for k in ("sparray", "spmatrix")]


@pytest.mark.parametrize("setting", SETTINGS if "sparse_interface" in get_config() else [{}])
@pytest.mark.parametrize("estimator", [IGNORING, WIDE])
def test_the_class_is_the_one_that_scikit_learn_is_set_to_return(estimator, setting):
    X = TEXT if estimator is IGNORING else d.FRAME
    estimator = fitted_quietly(estimator, X)
    with config_context(**setting):
        assert_answers_alike(estimator, X)


def test_thousands_of_categories_are_never_a_dense_array():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3000, 20_000)
    X = pd.DataFrame({"c": np.char.add("tail", codes.astype(str)), "x": rng.normal(size=20_000)})
    estimator = make_column_transformer((OneHotEncoder(), ["c"]), ("passthrough", ["x"])).fit(X)
    fast = TensorAccelerated(estimator, device="cpu")
    fast.transform(X[:10])
    tracemalloc.start()
    answer = fast.transform(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.shape[1] > 2500
    assert peak < 20e6  # the dense array has 480 MB
    assert (answer != estimator.transform(X)).nnz == 0
