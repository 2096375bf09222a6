"""What is copied to a card: as narrow as it lies on the host, and there what the stage reads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse as sp

from sktensor.feeds import ArrayFeed, CodesFeed, SparseFeed, TableFeed, feed_of
from sktensor.ops import Input, Numbers, Retreat
from sktensor.table import Table, signature_of

from .cards import CPU

X = np.random.RandomState(0).randn(190, 6)


def sent(feed, lo, hi):
    """What a card has of rows, and the bytes that were copied for one."""
    parts = [torch.empty((hi - lo, *shape), dtype=dtype) for shape, dtype in feed.parts]
    feed.fill(lo, hi, parts)
    return feed.join(parts), sum(p[0].nbytes for p in parts)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8", "bool", "uint16"])
def test_arrays_are_copied_as_they_lie(dtype):
    rows = (X * 10).astype(dtype)
    read_only = rows.copy()
    read_only.flags.writeable = False
    for lying in (rows, np.asfortranarray(rows), rows[::-1], rows[::2], rows[:, 1:4], read_only):
        found, n_bytes = sent(ArrayFeed(lying), 3, 70)
        np.testing.assert_array_equal(found.numpy(), lying[3:70])
        assert n_bytes == lying.shape[1] * rows.itemsize
    packed = np.zeros(5, [("a", "i1"), ("b", dtype)])
    found, _ = sent(ArrayFeed(packed["b"]), 0, 5)
    np.testing.assert_array_equal(found.numpy(), packed["b"])


@pytest.mark.parametrize(
    ("most", "dtype"), [(1, "int8"), (128, "int8"), (129, "int16"), (70_000, "int32")]
)
def test_codes_are_copied_in_as_few_bytes_as_hold_them(most, dtype):
    codes = np.array([[-1, 0], [most - 1, 1]])
    feed = CodesFeed(codes, most)
    assert feed.parts[0][1] == getattr(torch, dtype)
    found, _ = sent(feed, 0, 2)
    assert found.dtype == torch.int64
    np.testing.assert_array_equal(found.numpy(), codes)


def test_sparse_rows_are_made_dense_block_by_block():
    rows = sp.random(50, 7, 0.3, "csc", random_state=0)
    found, _ = sent(SparseFeed(rows), 10, 33)
    np.testing.assert_array_equal(found.numpy(), rows.toarray()[10:33])


FRAME = pd.DataFrame(
    {
        "a": np.arange(9, dtype="int8"),
        "b": np.linspace(0, 1, 9),
        "c": np.linspace(0, 1, 9, dtype="float32"),
        "d": np.arange(9) % 2 == 0,
        "e": np.arange(9, dtype="int8") * 3,
        "f": np.arange(9, dtype="int64") * 2**40 + 1,
        "g": pd.array([1, None, *range(7)], dtype="Int64"),
        "h": np.arange(9, dtype="float32"),
    }
)


@pytest.mark.parametrize("to", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "columns", [list("abcdefgh"), list("ae"), list("b"), list("ch"), list("hf")]
)
def test_columns_of_a_frame_are_cast_on_the_card(columns, to):
    frame = FRAME[columns]
    op = Numbers(Input(signature_of(frame)), to)
    table = Table.of(frame)
    feed = feed_of(op, {op.x: table}, CPU)
    assert isinstance(feed, TableFeed)
    found, n_bytes = sent(feed, 2, 9)
    expected = op.block(table, 2, 9)
    assert found.numpy().dtype == expected.dtype
    np.testing.assert_array_equal(found.numpy(), expected)
    itemsize = expected.itemsize
    sizes = {"a": 1, "e": 1, "d": 1, "c": 4, "h": 4}
    assert n_bytes == sum(min(itemsize, sizes.get(c, itemsize)) for c in columns)


def test_a_column_that_holds_no_numbers_is_a_retreat():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [1, "x"]})
    op = Numbers(Input(signature_of(frame)), torch.float64)
    feed = feed_of(op, {op.x: Table.of(frame)}, CPU)
    with pytest.raises(Retreat):
        sent(feed, 0, 2)
