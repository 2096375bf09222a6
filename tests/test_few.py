"""A handful of rows is answered by NumPy as many rows are answered by torch."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor.graph import to_host
from sktensor.ops import Between, Decided, Fill, Finite, Input, Op, Retreat, few
from sktensor.ops.few import WORTH_A_KERNEL
from sktensor.program import Program, few_rows
from sktensor.program.few_rows import FEW_ROWS, MOST_BYTES
from sktensor.table import Signature

from .cases import data
from .support import METHODS, assert_answers_alike, assert_same, fitted_quietly
from .test_export import firsts
from .test_program import X, Y, program_of


def outcome(call):
    try:
        return to_host(call())
    except Retreat:
        return "retreat"


@pytest.mark.parametrize("n_rows", [1, 5, FEW_ROWS, len(data.X)])
@pytest.mark.parametrize("case", list(firsts()))
def test_few_rows_are_answered_as_many_are(case, n_rows):
    table = data.X if case.X is None else case.X
    estimator = fitted_quietly(case.estimator, table, case.y, **case.fit_params)
    rows = table[:n_rows]
    for method in (m for m in METHODS if hasattr(estimator, m)):
        program = program_of(estimator, method, table)
        if program is None:
            continue
        as_many = outcome(lambda p=program: p._answer(rows, p._run))
        for _ in range(WORTH_A_KERNEL + 2 if n_rows < FEW_ROWS else 1):
            assert_same(outcome(lambda p=program: p(rows)), as_many)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308])
@pytest.mark.parametrize(
    "pipe",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        RandomForestClassifier(5, random_state=0),
        make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)),
    ],
    ids=["scaled", "imputed", "forest", "scaled forest"],
)
def test_few_hostile_rows_get_the_native_answer_or_error(pipe, bad):
    pipe = pipe.fit(X, Y)
    rows = X[:3].copy()
    rows[1, 1] = bad
    for table in (rows, rows[1:2], np.asfortranarray(rows), rows[::-1]):
        assert_answers_alike(pipe, table, compiled=False)
        table.flags.writeable = False
        assert_answers_alike(pipe, table, compiled=False)


def test_few_rows_leave_the_callers_array_alone():
    pipe = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(X, Y)
    rows = X[:4].copy()
    assert_answers_alike(pipe, rows)
    np.testing.assert_array_equal(rows, X[:4])


def test_a_memory_map_is_answered_with_an_array(tmp_path):
    np.save(tmp_path / "rows.npy", X[:5])
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    assert_answers_alike(pipe, rows)
    assert_answers_alike(StandardScaler().fit(X), rows)


@pytest.fixture(autouse=True, scope="module")
def as_it_is_chosen():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_rows, "ONE_THREAD", 1.5e6)
        patch.setattr(few_rows, "NARROW_BYTES", 2**23)
        yield


def test_numpy_answers_more_rows_where_one_thread_is_done_before_others_wake():
    linear = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(X, Y)
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    most = program_of(linear, "predict_proba", X)._few_rows
    most_of_trees = program_of(forest, "predict_proba", X)._few_rows
    assert most > most_of_trees > 10 * FEW_ROWS
    graph = program_of(linear, "predict_proba", X).root
    assert Program(graph, torch.device("cpu"), 100)._few_rows == 100
    assert Program(graph, torch.device("meta"))._few_rows == 0
    many = np.tile(X, (-(-most // len(X)) + 1, 1))
    for n_rows in (most, most + 1):
        assert_answers_alike(linear, many[:n_rows])
    for n_rows in (most_of_trees, most_of_trees + 1):
        assert_answers_alike(forest, many[:n_rows])


def test_wide_results_are_made_in_blocks_that_stay_in_the_cache():
    wide = np.random.default_rng(0).normal(size=(100, 3000))
    program = program_of(StandardScaler().fit(wide), "transform", wide)
    assert program._few_rows * wide[0].nbytes <= MOST_BYTES


def test_numpy_answers_many_rows_of_which_little_is_made(monkeypatch):
    wide = np.random.default_rng(0).normal(size=(100, 3000))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2))
    model = fitted_quietly(model, wide, wide[:, 0] > 0)
    program = program_of(model, "predict", wide)
    assert program._in_parts
    assert program._few_rows == few_rows.NARROW_BYTES // wide[0].nbytes
    assert not program_of(StandardScaler().fit(wide), "transform", wide)._in_parts
    forest = RandomForestClassifier(2, max_depth=2).fit(wide, wide[:, 0] > 0)
    assert not program_of(forest, "predict", wide)._in_parts
    monkeypatch.setattr(few_rows, "NARROW_BYTES", 100 * wide[0].nbytes)
    many = np.tile(wide, (3, 1))
    for n_rows in (100, 101, 300):  # in one part, in two and in three
        assert_answers_alike(model, many[:n_rows])
    for odd in (many[:150].T.copy().T, many[::2], many.astype(np.float32), pd.DataFrame(many)):
        assert_answers_alike(model, odd)
    many[250, 7] = np.nan
    assert_answers_alike(model, many)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_numpy_answers_many_rows_that_products_are_made_of(method, n_classes, monkeypatch):
    rows = np.random.default_rng(0).normal(size=(90, 20))
    model = MLPClassifier((32,), max_iter=3, random_state=0)
    model = fitted_quietly(model, rows, np.arange(90) % n_classes)
    program = program_of(model, method, rows)
    assert program._in_parts
    assert program._few_rows == few_rows.NARROW_BYTES // (8 * 32)
    monkeypatch.setattr(few_rows, "NARROW_BYTES", 8 * 32 * 70)
    assert_answers_alike(model, np.tile(rows, (3, 1)))


NUMBERS = st.floats(-4, 4, width=16)
EXTREMES = st.sampled_from([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324])


ROWS = hnp.array_shapes(min_dims=2, max_dims=2)


def called(op, calls, *rows):
    """The op for few rows, called some times before; from `WORTH_A_KERNEL` on kernels answer."""
    made = few(op)
    for _ in range(calls):
        made(*rows)
    return made


@given(hnp.arrays(np.float64, ROWS, elements=NUMBERS | EXTREMES), st.sampled_from(["C", "F"]))
@pytest.mark.parametrize("calls", [0, WORTH_A_KERNEL])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("allow_nan", [False, True])
def test_a_guard_of_few_rows_lets_through_what_is_finite(allow_nan, dtype, calls, x, order):
    with np.errstate(all="ignore"):
        x = np.asarray(x, dtype, order=order)
    op = Finite(Input(Signature(x.shape[1], torch.from_numpy(x).dtype)), allow_nan)
    check = called(op, calls, np.zeros((1, x.shape[1]), dtype))
    fine = ~np.isinf(x) if allow_nan else np.isfinite(x)
    if not fine.all():
        with pytest.raises(Retreat), np.errstate(all="ignore"):
            check(x)
    elif np.abs(np.nan_to_num(x)).max() < np.sqrt(np.finfo(dtype).max):
        assert check(x) is x


@pytest.mark.parametrize("size", [1.0, 1e-150, 1e-170, 1e-300, 1e150, 1e300])
def test_a_sign_that_rounding_makes_is_not_decided(size):
    """Nor where squares are too small, or too large, for a float."""
    rows = np.full((3, 2), size)
    weight = np.array([[1.0], [-1.0]])
    x = Input(Signature(2, torch.float64))
    op = Decided(Input(Signature(1, torch.float64)), x, weight, 0.0, signs=True)
    with np.errstate(all="ignore"):
        assert outcome(lambda: few(op)(np.full((3, 1), size), rows)).shape == (3, 1)
        assert outcome(lambda: few(op)(np.full((3, 1), 1e-17 * size), rows)) == "retreat"


EDGES = st.sampled_from([1.0, np.nextafter(1.0, 2), -1.0, np.nextafter(-1.0, -2)])


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(0, 4), st.just(2)), elements=NUMBERS | EXTREMES)
    | hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.just(2)), elements=EDGES),
    st.sampled_from([(-1.0, 1.0), (-1.0, np.inf), (2.0, 3.0), (-np.inf, np.inf)]),
)
@pytest.mark.parametrize("calls", [0, WORTH_A_KERNEL])
@pytest.mark.parametrize("allow_nan", [False, True])
def test_a_guard_of_few_rows_lets_through_what_is_within_bounds(allow_nan, calls, x, bounds):
    rows = Input(Signature(2, torch.float64))
    low, high = np.array([bounds[0], -1.0]), np.array([bounds[1], 1.0])
    op = Between(rows, rows, low, high, allow_nan)
    inner = np.array([[min(max(bounds[0], 0.0), bounds[1]), 0.0]])
    check = called(op, calls, inner, inner)
    inside = ((x >= low) & (x <= high)) | (allow_nan & np.isnan(x))
    for of in (x, np.asfortranarray(x)):
        assert (outcome(lambda of=of: check(of, of)) is of) == bool(inside.all())


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(0, 40), st.just(3)), elements=NUMBERS | EXTREMES),
    st.sampled_from(["C", "F"]),
    st.sampled_from([np.float32, np.float64]),
)
def test_filling_what_is_missing_changes_no_bit_of_what_is_not(x, order, dtype):
    values = np.array([1.5, -0.0, np.inf], dtype)
    with np.errstate(all="ignore"):
        x = np.asarray(x, dtype, order=order)
    x.flags.writeable = False
    expected = np.where(np.isnan(x), values, x)
    op = Fill(Input(Signature(3, torch.from_numpy(values).dtype)), np.nan, values)
    by_torch = op.forward(torch.from_numpy(x.copy("K")), np.nan, torch.from_numpy(values)).numpy()
    later = called(op, WORTH_A_KERNEL, x)
    for filled in (few(op)(x), later(x), later(x.copy()), by_torch):
        assert_same(filled, expected, exact=True)
        np.testing.assert_array_equal(np.signbit(filled), np.signbit(expected))


def test_filling_takes_values_alone_too():
    """As passes ask it, of a value a column."""
    values = np.array([1.5, 2.5])
    op = Fill(Input(Signature(2, torch.float64)), np.nan, values)
    filled = op.forward(torch.tensor([np.nan, 1.0]), np.nan, torch.from_numpy(values))
    np.testing.assert_array_equal(filled, [1.5, 1.0])


@given(st.data())
@pytest.mark.parametrize("signs", [False, True])
def test_a_decision_on_few_rows_is_as_clear_as_on_many(signs, data):
    n, width, scores = (data.draw(st.integers(1, 3)) for _ in range(3))
    array = hnp.arrays(np.float64, (n, width), elements=NUMBERS)
    rows = data.draw(array)
    weight = data.draw(hnp.arrays(np.float64, (width, scores), elements=NUMBERS))
    offset = data.draw(hnp.arrays(np.float64, scores, elements=NUMBERS))
    near = data.draw(hnp.arrays(np.float64, (n, scores), elements=st.sampled_from([0, 1, 1e-15])))
    answer = (rows @ weight + offset) * near
    inputs: list[Op] = [Input(Signature(w, torch.float64)) for w in (scores, width)]
    op = Decided(*inputs, weight, float(np.abs(offset).max()), signs)
    fields = (torch.from_numpy(answer), torch.from_numpy(rows), torch.from_numpy(weight))
    clear = bool(op.holds(*fields, *op.arguments[3:]))
    assert (outcome(lambda: few(op)(answer, rows)) is answer) == clear
