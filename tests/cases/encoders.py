"""Rows for `sklearn.preprocessing`: categories."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from ..support import Case
from . import data as d

TEXT = d.FRAME[["colour", "size"]]
MIXED = d.FRAME[["colour", "n", "flag", "size"]]
UNSEEN = TEXT.assign(colour=np.where(np.arange(d.N) % 5 == 0, "violet", TEXT["colour"]))
HOLES = d.STRINGS.copy()
HOLES[::7, 0], HOLES[::11, 1] = np.nan, None
NUMBERS = np.round(d.X[:, :3]).clip(-2, 2)
NUMBERS_NAN = np.where(d.X_NAN[:, :3] != d.X_NAN[:, :3], np.nan, NUMBERS)
OTHERS = NUMBERS + (np.arange(d.N) % 4 == 0)[:, None] * 0.5
RARE = np.array(["a"] * 60 + ["b"] * 50 + ["c"] * 30 + list("defghijklm"), dtype=object)[:, None]
NEW = np.array([["z"], ["a"], ["d"], [None]], dtype=object)
SHUFFLED = TEXT.assign(size=pd.Categorical(TEXT["size"].astype(str), ["XL", "M", "S", "L"]))


def one_hot(X, probe=None, **params):
    return Case(OneHotEncoder(**params), X, probe=probe, exact=True)


def ordinal(X, probe=None, **params):
    return Case(OrdinalEncoder(**params), X, probe=probe, exact=True)


STRINGY = ["string[python]", "string[pyarrow]", pd.ArrowDtype(pa.string()), "category"]
UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
CASES = [
    one_hot(TEXT, SHUFFLED),
    one_hot(TEXT, UNSEEN),
    one_hot(TEXT, UNSEEN, handle_unknown="ignore", sparse_output=False),
    one_hot(TEXT, UNSEEN, handle_unknown="ignore", drop="first"),
    one_hot(TEXT, drop="if_binary", sparse_output=False, dtype=np.float32),
    one_hot(TEXT, drop=["red", "M"], sparse_output=False, dtype=np.int32),
    one_hot(MIXED, sparse_output=False),
    one_hot(d.STRINGS, handle_unknown="ignore"),
    one_hot(d.STRINGS.astype(str), sparse_output=False),
    one_hot(HOLES, sparse_output=False),
    one_hot(NUMBERS, OTHERS, handle_unknown="ignore", sparse_output=False),
    one_hot(NUMBERS, OTHERS),
    one_hot(NUMBERS_NAN, NUMBERS, sparse_output=False),
    one_hot(d.CODES, d.CODES + 1, handle_unknown="ignore"),
    one_hot(RARE, NEW, max_categories=3, handle_unknown="infrequent_if_exist", sparse_output=False),
    one_hot(RARE, min_frequency=5, handle_unknown="infrequent_if_exist", drop="first"),
    one_hot(RARE, NEW, min_frequency=5, handle_unknown="ignore", sparse_output=False),
    one_hot(TEXT.assign(colour=TEXT["colour"].astype("string[python]")), sparse_output=False),
    one_hot(TEXT.assign(colour=TEXT["colour"].astype("category")), TEXT, sparse_output=False),
    *[one_hot(TEXT.astype({"colour": k}), UNSEEN, handle_unknown="ignore") for k in STRINGY],
    one_hot(pl.from_pandas(TEXT), pl.from_pandas(UNSEEN), handle_unknown="ignore"),
    one_hot(pl.from_pandas(MIXED), sparse_output=False),
    one_hot(MIXED.astype({"n": "Int64"}), MIXED, sparse_output=False),
    one_hot(MIXED[["n"]].astype("category"), MIXED[["n"]]),
    one_hot(MIXED.astype(object), handle_unknown="ignore", dtype=np.float32),
    one_hot(NUMBERS.astype(object), NUMBERS[:5].astype(object), sparse_output=False),
    one_hot(NUMBERS, NUMBERS.astype(object)),
    one_hot(d.FRAME[["n", "a", "flag"]], sparse_output=False),
    one_hot(d.CODES.astype(np.int8), d.CODES.astype(np.uint8), drop=[0, 1, 3]),
    one_hot(RARE, NEW, max_categories=1, handle_unknown="infrequent_if_exist"),
    one_hot(RARE, RARE[::-1], min_frequency=0.2, handle_unknown="warn"),
    Case(OneHotEncoder(sparse_output=False).set_output(transform="pandas"), TEXT),
    ordinal(TEXT, SHUFFLED),
    ordinal(TEXT, UNSEEN, **UNKNOWN),
    ordinal(MIXED, dtype=np.float32),
    ordinal(HOLES, encoded_missing_value=-5),
    ordinal(HOLES, d.STRINGS),
    ordinal(NUMBERS_NAN, OTHERS, **UNKNOWN),
    ordinal(NUMBERS, OTHERS, handle_unknown="use_encoded_value", unknown_value=np.nan),
    ordinal(RARE, NEW, max_categories=4, **UNKNOWN),
    ordinal(d.CODES),
    ordinal(HOLES, dtype=np.int32, encoded_missing_value=-5),
    ordinal(
        pl.from_pandas(MIXED),
        pl.from_pandas(UNSEEN.join(MIXED[["n", "flag"]])[list(MIXED)]),
        **UNKNOWN,
    ),
    Case(TargetEncoder(random_state=0), TEXT, d.Y_REAL, probe=UNSEEN),
    Case(TargetEncoder(random_state=0), MIXED, d.Y_LABELS),
    Case(TargetEncoder(random_state=0), d.STRINGS, d.Y_TEXT),
    Case(TargetEncoder(random_state=0, smooth=3.0), NUMBERS, d.Y_REAL, probe=OTHERS),
    Case(make_pipeline(OrdinalEncoder(), StandardScaler()), MIXED),
]
