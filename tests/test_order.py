"""Numbers by their rank, and searches among them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktensor.ops.order import bounds, last, number, rank

FLOATS = [np.dtype("f4"), np.dtype("f8")]


@pytest.mark.parametrize("dtype", FLOATS)
@given(st.floats(allow_nan=False))
def test_ranks_are_neighbours_where_floats_are(dtype, value):
    with np.errstate(over="ignore", under="ignore"):
        x = np.array([value]).astype(dtype)
        above = np.nextafter(x, dtype.type(np.inf))
    assert number(rank(x), dtype) == x
    step = 0 if np.isposinf(x) or (x == 0 and above == 0) else 1
    assert rank(above) - rank(x) == step
    low, high = bounds(dtype)
    assert low <= rank(x) <= high


def test_zeros_have_one_rank():
    for dtype in FLOATS:
        assert rank(np.array([0.0, -0.0], dtype)).tolist() == [0, 0]


@given(
    st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62)), min_size=1),
    st.integers(0, 2**20),
    st.integers(0, 2**20),
)
def test_the_last_is_found_from_any_guess(pairs, below, above):
    goal, guess = np.array(pairs, np.int64).T
    low, high = goal - below, goal + above

    def holds(ranks, which):
        assert (ranks >= low[which]).all()
        assert (ranks <= high[which]).all()
        return ranks <= goal[which]

    np.testing.assert_array_equal(last(holds, low, high, guess), goal)
    none = last(lambda ranks, which: np.zeros(len(ranks), bool), low, high, guess)
    np.testing.assert_array_equal(none, low - 1)
