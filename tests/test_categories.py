"""Categories and missing cells: every container, and None, NaN, pandas.NA and odd objects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from sktensor import TensorAccelerated

from .support import assert_same_outcome, fitted_quietly

ENCODERS = [
    OneHotEncoder(),
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    OneHotEncoder(handle_unknown="ignore", drop="first"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2, sparse_output=False),
    OneHotEncoder(handle_unknown="warn", min_frequency=2),
    OneHotEncoder(drop="if_binary", max_categories=3),
    OrdinalEncoder(),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-7),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=2),
]


def array(cells):
    out = np.empty((len(cells), 1), object)
    out[:, 0] = cells
    return out


def is_text(cell):
    return isinstance(cell, str)


def texts(cells):
    return [c if is_text(c) else None for c in cells]


def numbers(cells):
    small = [isinstance(c, int | float) and not abs(c) > 1e6 for c in cells]
    return [float(c) if s else np.nan for c, s in zip(cells, small, strict=True)]


def truths(cells):
    return [c is True or c == "a" if not isinstance(c, type(pd.NA)) else False for c in cells]


def frame(values):
    return pd.DataFrame({"c": values})


def few(cells, reverse=False):
    """A categorical whose categories are not in the order of those fitted."""
    known = sorted({c for c in cells if is_text(c)} | {"spare"}, reverse=reverse)
    return pd.Categorical(texts(cells), known)


# Each makes a table of a list of cells; what the container cannot hold becomes missing.
TABLES = {
    "objects": array,
    "strings": lambda cells: np.array([[str(c)] for c in cells]),
    "floats": lambda cells: np.array(numbers(cells))[:, None],
    "float32": lambda cells: np.array(numbers(cells), np.float32)[:, None],
    "integers": lambda cells: np.nan_to_num(numbers(cells)).astype(np.int64)[:, None],
    "int8": lambda cells: np.nan_to_num(numbers(cells)).astype(np.int8)[:, None],
    "booleans": lambda cells: np.array(truths(cells))[:, None],
    "object column": lambda cells: frame(pd.Series(list(cells), dtype=object)),
    "str column": lambda cells: frame(pd.Series(texts(cells), dtype="str")),
    "python strings": lambda cells: frame(pd.Series(texts(cells), dtype="string[python]")),
    "arrow strings": lambda cells: frame(pd.Series(texts(cells), dtype="string[pyarrow]")),
    "arrow": lambda cells: frame(pd.Series(texts(cells), dtype=pd.ArrowDtype(pa.large_string()))),
    "arrow dictionary": lambda cells: frame(
        pd.arrays.ArrowExtensionArray(pa.array(texts(cells), pa.string()).dictionary_encode())
    ),
    "arrow integers": lambda cells: frame(
        pd.array([None if c != c else int(c) for c in numbers(cells)], pd.ArrowDtype(pa.int64()))
    ),
    "category": lambda cells: frame(few(cells)),
    "other category": lambda cells: frame(few(cells, reverse=True)),
    "category of numbers": lambda cells: frame(pd.Categorical(numbers(cells))),
    "category of booleans": lambda cells: frame(pd.Categorical(truths(cells))),
    "float column": lambda cells: frame(numbers(cells)),
    "integer column": lambda cells: frame(np.nan_to_num(numbers(cells)).astype(np.int64)),
    "boolean column": lambda cells: frame(truths(cells)),
    "nullable column": lambda cells: frame(
        pd.array([None if c != c else int(c) for c in numbers(cells)], "Int64")
    ),
    "polars strings": lambda cells: pl.DataFrame({"c": pl.Series(texts(cells), dtype=pl.String)}),
    "polars category": lambda cells: pl.DataFrame(
        {"c": pl.Series(texts(cells), dtype=pl.String).cast(pl.Categorical)}
    ),
    "polars floats": lambda cells: pl.DataFrame({"c": numbers(cells)}),
    "polars integers": lambda cells: pl.DataFrame(
        {"c": pl.Series([None if c != c else int(c) for c in numbers(cells)], dtype=pl.Int64)}
    ),
}
MISSING = st.sampled_from([None, np.nan, float("nan"), pd.NA])
NUMBERS = st.sampled_from([0, 1, 1.0, -0.0, 2, 2.5, True, np.float32(0.1), 0.1, 300])
TEXTS = st.sampled_from(["a", "b", "ab", "", "spare", "Ä", "nan", "None", "1"])
ODD = st.sampled_from([("a",), b"a", np.str_("a"), np.int64(1), frozenset("a"), 10**30])
FITTED = st.one_of(
    st.lists(TEXTS, min_size=1, max_size=6),
    st.lists(TEXTS | st.sampled_from([None, np.nan]), min_size=1, max_size=6),
    st.lists(NUMBERS, min_size=1, max_size=6),
    st.lists(NUMBERS | st.just(np.nan), min_size=1, max_size=6),
)
ASKED = st.lists(st.one_of(TEXTS, NUMBERS, MISSING, ODD), min_size=1, max_size=6)


def check(estimator, table):
    fast = TensorAccelerated(estimator, device="cpu")
    for rows in (table, table[:1]):
        assert_same_outcome(
            lambda rows=rows: fast.transform(rows), lambda rows=rows: estimator.transform(rows)
        )


def fitted(estimator, table, y=None):
    """The estimator fitted, or None where scikit-learn refuses the table."""
    try:
        return fitted_quietly(estimator, table, y)
    except (AttributeError, OverflowError, TypeError, ValueError):
        return None


@pytest.mark.parametrize("kind", TABLES)
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_encoders_answer_as_scikit_learn(kind, data):
    encoder = data.draw(st.sampled_from(ENCODERS))
    seen, asked = data.draw(FITTED), data.draw(ASKED | FITTED)
    first = data.draw(st.sampled_from([kind, "objects", "object column", "floats", "str column"]))
    encoder = fitted(encoder, TABLES[first](seen))
    if encoder is not None:
        check(encoder, TABLES[kind](seen))
        check(encoder, TABLES[kind](asked))


@pytest.mark.parametrize("kind", TABLES)
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_imputers_answer_as_scikit_learn(kind, data):
    marker = data.draw(st.sampled_from([np.nan, None, "a", 1, 0.1, np.float64(0.1), pd.NA, -1]))
    strategy = data.draw(st.sampled_from(["most_frequent", "constant", "mean"]))
    fill = data.draw(st.sampled_from([None, "b", 2]))
    more = {"add_indicator": data.draw(st.booleans())}
    more["keep_empty_features"] = data.draw(st.booleans())
    imputer = data.draw(
        st.sampled_from(
            [
                SimpleImputer(missing_values=marker, strategy=strategy, fill_value=fill, **more),
                MissingIndicator(missing_values=marker),
                MissingIndicator(missing_values=marker, features="all"),
                make_pipeline(
                    SimpleImputer(
                        missing_values=marker, strategy=strategy, fill_value=fill, **more
                    ),
                    OneHotEncoder(handle_unknown="ignore"),
                ),
            ]
        )
    )
    seen, asked = data.draw(FITTED), data.draw(ASKED | FITTED)
    first = data.draw(st.sampled_from([kind, "object column"]))
    imputer = fitted(imputer, TABLES[first](seen))
    if imputer is not None:
        check(imputer, TABLES[kind](seen))
        check(imputer, TABLES[kind](asked))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(TEXTS, NUMBERS), min_size=4, max_size=8), st.data())
def test_target_encoders_answer_as_scikit_learn(seen, data):
    y = data.draw(
        st.sampled_from([[0, 1], ["x", "y", "z"], [0.5, 1.5, 2.25, 7.0]]).map(
            lambda known: [known[i % len(known)] for i in range(len(seen))]
        )
    )
    X = pd.DataFrame({"t": [t for t, _ in seen], "n": [float(n) for _, n in seen]})
    encoder = fitted(TargetEncoder(cv=2, random_state=0), X, y)
    if encoder is not None:
        asked = data.draw(st.lists(st.tuples(TEXTS, NUMBERS), min_size=1, max_size=5))
        more = {"t": [t for t, _ in asked], "n": [float(n) for _, n in asked]}
        check(encoder, X)
        check(encoder, pd.DataFrame(more))
        check(encoder, pd.DataFrame(more).astype({"t": "category"}))
        check(encoder, pl.DataFrame(more))


SEEN = pd.DataFrame({"t": ["a", "b", None, "b"], "n": [1, 2, 2, 9], "x": [0.5, 1.0, 2.5, np.nan]})


@pytest.mark.parametrize("to", ["pandas", "polars", "category", "dictionary"])
@pytest.mark.parametrize(
    "estimator",
    [
        OneHotEncoder(handle_unknown="ignore"),
        OrdinalEncoder(),
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["t"]),
            (SimpleImputer(add_indicator=True), ["n", "x"]),
        ),
    ],
)
def test_frames_of_several_kinds(estimator, to):
    change = {
        "pandas": lambda X: X,
        "polars": lambda X: pl.DataFrame(X.to_dict("list"), strict=False),
        "category": lambda X: X.astype({"t": "category"}),
        "dictionary": lambda X: X.astype({"t": "string[pyarrow]"}),
    }[to]
    table = change(SEEN)
    estimator = fitted(estimator, table)
    if estimator is not None:
        check(estimator, table)
        check(estimator, change(SEEN.assign(n=[1, 2, 3, 4])))
    estimator = fitted_quietly(OneHotEncoder(handle_unknown="ignore"), SEEN)
    check(estimator, table)


def test_integers_that_floats_cannot_tell_apart():
    big = 2**53
    X = pd.DataFrame({"id": [big, big + 2], "x": [0.5, 1.5]})
    for encoder in (OneHotEncoder(handle_unknown="ignore"), OneHotEncoder()):
        encoder = fitted_quietly(encoder, X)
        check(encoder, X)
        check(encoder, X.assign(id=[big + 1, big]))
    imputer = SimpleImputer(missing_values=2**24, strategy="most_frequent")
    check(fitted_quietly(imputer, np.array([[2**24], [1], [1]])), np.array([[2**24 + 1], [2**24]]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_a_rounding_apart_are_other_categories(dtype):
    known = np.array([[0.1], [0.2], [np.nan]], dtype)
    encoder = fitted_quietly(OneHotEncoder(handle_unknown="ignore"), known)
    for other in (np.float32, np.float64):
        near = np.array([0.1, 0.2], other)
        rows = np.concatenate([near, np.nextafter(near, 0), np.nextafter(near, 1)])[:, None]
        check(encoder, rows.astype(other))
