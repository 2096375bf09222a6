"""How cells are found among categories: what is hashed, compared and shared out is counted."""

from __future__ import annotations

import ctypes
import threading
from collections import Counter
from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from sktensor import TensorAccelerated
from sktensor.kernels.objects_numba import MOST, REPEATED, distinct
from sktensor.ops import lookup
from sktensor.ops.lookup import Finder

from .support import assert_same, assert_same_outcome, fitted_quietly

N = 2_000
LEVELS = [f"level {i}" for i in range(50)]
CODES = np.random.default_rng(0).integers(0, len(LEVELS), (N, 2))
CELLS = np.array(LEVELS, object)[CODES]
Y = CODES[:, 0] % 2
ENCODERS = [OneHotEncoder(handle_unknown="ignore"), OrdinalEncoder()]


class Hashed(str):
    """A string that counts how often it is hashed, and compared with another."""

    counts: ClassVar[Counter[str]] = Counter()

    def __hash__(self):
        Hashed.counts["hash"] += 1
        return str.__hash__(self)

    def __eq__(self, other):
        Hashed.counts["equal"] += 1
        return str.__eq__(self, other)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: type(e).__name__)
def test_one_hash_for_each_cell(encoder):
    fitted = fitted_quietly(make_pipeline(encoder, LogisticRegression()), CELLS, Y)
    fast = TensorAccelerated(fitted, device="cpu")
    fast.predict_proba(CELLS)
    counting = np.array([[Hashed(cell) for cell in row] for row in CELLS], object)
    Hashed.counts.clear()
    answer = fast.predict_proba(counting)
    # A dict compares once more where hashes agree and the objects are others.
    assert Hashed.counts == {"hash": counting.size, "equal": counting.size}
    assert_same(answer, fitted.predict_proba(CELLS))


def _frames():
    text = {f"c{j}": CELLS[:, j] for j in range(2)}
    categories = pd.DataFrame({k: pd.Categorical(v, LEVELS) for k, v in text.items()})
    yield "pandas", categories, len(LEVELS)
    gaps = categories.copy()
    gaps.iloc[5, 0] = gaps.iloc[9, 1] = np.nan
    yield "pandas with gaps", gaps, len(LEVELS) + 1
    import pyarrow as pa

    arrow = {k: pd.array(pa.array(v).dictionary_encode()) for k, v in text.items()}
    arrow = {
        k: pd.Series(v, dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())))
        for k, v in arrow.items()
    }
    yield "Arrow", pd.DataFrame(arrow), len(LEVELS)
    yield "polars", pl.DataFrame(text).cast(pl.Categorical), None  # which may know more of them
    yield "polars Enum", pl.DataFrame(text).cast(pl.Enum(LEVELS)), len(LEVELS)


@pytest.mark.parametrize(("table", "known"), [pytest.param(t, n, id=i) for i, t, n in _frames()])
def test_a_dictionary_is_looked_up_once_and_no_cell_is(table, known, monkeypatch):
    asked: list[int] = []
    among = Finder.among

    def counted(self, values):
        asked.append(len(values))
        return among(self, values)

    fitted = fitted_quietly(make_pipeline(ENCODERS[0], LogisticRegression()), table, Y)
    fast = TensorAccelerated(fitted, device="cpu")
    fast.predict_proba(table)
    monkeypatch.setattr(Finder, "among", counted)
    monkeypatch.setattr(Finder, "among_strings", None)
    answer = fast.predict_proba(table)
    assert len(asked) == table.shape[1]
    assert max(asked) <= (known or 10 * len(LEVELS)) < N / 2
    assert_same(answer, fitted.predict_proba(table))


@pytest.mark.parametrize("dtype", ["int64", "float32", "bool"])
def test_numbers_are_searched_and_never_made_objects(dtype, monkeypatch):
    numbers = pd.DataFrame(CODES, columns=["a", "b"]).astype(dtype)
    words = numbers.assign(
        c=pd.Series(CELLS[:, 0], dtype=object)
    )  # so that the table is one of columns
    fitted = fitted_quietly(make_pipeline(ENCODERS[0], LogisticRegression()), words, Y)
    fast = TensorAccelerated(fitted, device="cpu")
    fast.predict_proba(words)
    hashed: list[int] = []
    among = Finder.among

    def counted(self, values):
        if values.dtype.kind not in lookup.NUMBERS:
            hashed.append(values.dtype.kind)
        return among(self, values)

    monkeypatch.setattr(Finder, "among", counted)
    answer = fast.predict_proba(words)
    assert hashed == ["O"]  # the column of words
    assert_same(answer, fitted.predict_proba(words))


@pytest.mark.parametrize("arrow", [True, False])
def test_several_columns_are_looked_up_over_threads_where_the_gil_allows(arrow, monkeypatch):
    """Arrow gives it away. Python's dicts, which all other strings are found in, do not."""
    many = np.tile(CELLS, (5, 1))
    dtype = "string[pyarrow]" if arrow else object
    table = pd.DataFrame({f"c{j}": pd.Series(many[:, j], dtype=dtype) for j in range(2)})
    assert len(table) > lookup.MANY_CELLS
    fitted = fitted_quietly(make_pipeline(ENCODERS[0], LogisticRegression()), table[:N], Y)
    fast = TensorAccelerated(fitted, device="cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    both = threading.Barrier(2)
    where = set()
    find = Finder.find

    def noted(self, *arguments):
        if arrow:
            both.wait(30)  # which one thread alone would wait at for ever
        where.add(threading.get_ident())
        return find(self, *arguments)

    monkeypatch.setattr(Finder, "find", noted)
    try:
        answer = fast.predict_proba(table)
    finally:
        torch.set_num_threads(threads)
    assert len(where) == (2 if arrow else 1)
    assert arrow or where == {threading.get_ident()}
    assert_same(answer, fitted.predict_proba(table))


class Unlike(str):
    """A string whose hash may not be asked: what is told apart by its address needs none."""

    __hash__ = None


@given(
    objects=st.lists(st.integers(0, 40), min_size=1, max_size=400),
    step=st.sampled_from([1, 2, -1]),
    writeable=st.booleans(),
)
def test_objects_are_told_apart_by_their_addresses(objects, step, writeable):
    made = [Unlike(f"same {i % 3}") for i in range(41)]
    cells = np.empty(len(objects), object)
    cells[:] = [made[i] for i in objects]
    cells = cells[::step]
    cells.flags.writeable = writeable
    found = distinct(cells)
    wanted = list(dict.fromkeys(map(id, cells)))
    if len(wanted) > len(cells) // REPEATED:
        assert found is None
        return
    firsts, which = found
    assert [id(cells[i]) for i in firsts] == wanted
    assert [wanted[i] for i in which] == list(map(id, cells))


def test_more_objects_than_the_table_holds_are_left_to_hashes():
    for n, fits in [(MOST, True), (MOST + 1, False)]:
        cells = np.array([Unlike(i) for i in range(n)] * REPEATED, object)
        found = distinct(cells)
        assert (found is not None) == fits
        assert not fits or (found[1] == np.tile(np.arange(n), REPEATED)).all()


def test_cells_that_hold_nothing_are_none():
    """Arrays made in C may have nulls, which NumPy shows as None."""
    cells = np.empty((2 * N, 2), object)  # of None
    cells[::2] = CELLS
    ctypes.memset(cells[1:].ctypes.data, 0, 2 * cells.itemsize)
    assert cells[1, 0] is None
    assert distinct(cells[:, 0]) is None
    fitted = fitted_quietly(make_pipeline(ENCODERS[0], LogisticRegression()), CELLS, Y)
    fast = TensorAccelerated(fitted, device="cpu")
    assert_same(fast.predict_proba(cells), fitted.predict_proba(cells))


MIXED = [None, np.nan, float("nan"), 1, True, 1.0, "1", np.str_("level 3"), 2**70]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("odd", [[], ["level 3"], [None], MIXED[1:3], MIXED], ids=str)
def test_cells_that_share_objects_are_hashed_once_each(encoder, odd, monkeypatch):
    cells = np.tile(CELLS, (2, 1))
    cells[: len(odd) * 50, 0] = odd * 50
    fitted = fitted_quietly(make_pipeline(encoder, LogisticRegression()), CELLS, Y)
    fast = TensorAccelerated(fitted, device="cpu")
    hashed: list[int] = []
    by_hash = Finder._by_hash

    def counted(self, values):
        hashed.append(len(values))
        return by_hash(self, values)

    monkeypatch.setattr(Finder, "_by_hash", counted)
    for rows in (cells, cells[::2], cells[::-1], np.asfortranarray(cells)):
        assert_same_outcome(
            lambda rows=rows: fast.predict_proba(rows), lambda rows=rows: fitted.predict_proba(rows)
        )
    assert hashed
    assert max(hashed) <= len(LEVELS) + len(odd)


@pytest.mark.parametrize("storage", ["python", "pyarrow"])
def test_strings_of_pandas_that_are_gone_after_the_call_do_no_harm(storage):
    """New objects at the addresses of old ones are looked up anew."""
    columns = [f"c{j}" for j in range(2)]
    dtype = pd.StringDtype(storage)
    fitted = fitted_quietly(
        make_pipeline(ENCODERS[0], LogisticRegression()), pd.DataFrame(CELLS, columns=columns), Y
    )
    fast = TensorAccelerated(fitted, device="cpu")
    for turn in range(20):
        fresh = [f"level {(i + turn) % 50}" for i in range(50)]
        rows = pd.DataFrame(np.array(fresh, object)[CODES], columns=columns, dtype=dtype)
        assert_same(fast.predict_proba(rows), fitted.predict_proba(rows))
