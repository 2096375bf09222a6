"""DataFrames of every kind of number: answered alike, each column taken once, never made wide."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler

from sktensor import TensorAccelerated
from sktensor.table import Table, cells
from sktensor.table import __name__ as table_module

from .support import assert_answers_alike, fitted_quietly

ROOT = Path(__file__).resolve().parents[1]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)) * 5
Y = (X[:, 0] > 0).astype(int)
ARROW = [f"{s}int{bits}[pyarrow]" for s in ("", "u") for bits in (8, 16, 32, 64)]
ARROW += ["double[pyarrow]", "bool[pyarrow]"]
NULLABLE = ["Int8", "UInt16", "Int64", "Float64", "boolean"]
MIXED = ["double[pyarrow]", "int64[pyarrow]", "Int64", "bool"]


def column(values, kind, missing):
    """Some numbers as a column of that dtype."""
    lower = kind.lower()
    if "bool" in lower:
        values = values > 0
    elif "int" in lower:
        values = (np.abs(values) if lower[0] == "u" else values).astype(int)
    cells = values.tolist()
    if missing and kind != "bool":
        cells[3] = cells[10] = None
    return pd.array(cells, dtype=kind)


def frame(kinds, missing=False):
    return pd.DataFrame({f"c{j}": column(X[:, j], k, missing) for j, k in enumerate(kinds)})


NUMBERS = [
    LogisticRegression(),
    RandomForestClassifier(3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(SimpleImputer(), StandardScaler(), RandomForestClassifier(3, random_state=0)),
    make_pipeline(KBinsDiscretizer(3, subsample=None), LogisticRegression()),
    OneHotEncoder(handle_unknown="ignore"),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
]
PASSED_ON = make_column_transformer((StandardScaler(), ["c0", "c1"]), remainder="passthrough")


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kinds", [*([k] * 4 for k in ARROW + NULLABLE), MIXED], ids="-".join)
def test_columns_with_room_for_null_are_answered_alike(kinds, missing):
    table = frame(kinds, missing)
    for estimator in NUMBERS:
        try:
            fitted = fitted_quietly(estimator, table, Y)
        except (TypeError, ValueError):  # of missing values; pandas 2.2 has no NaN for Arrow's
            fitted = fitted_quietly(estimator, frame(kinds), Y)  # which then refuses some rows
        assert_answers_alike(fitted, frame(kinds))
        assert_answers_alike(fitted, table, compiled=False)
        assert_answers_alike(fitted, table[:3])
    assert_answers_alike(fitted_quietly(PASSED_ON, frame(kinds)), frame(kinds), compiled=False)


def test_integers_of_arrow_that_no_float_is():
    large = pd.DataFrame({"c": pd.array([2**53 + 1, 2**62 - 1, 5, 7] * 10, dtype="int64[pyarrow]")})
    y = np.arange(40) % 2
    for estimator in (RandomForestClassifier(3, random_state=0), StandardScaler()):
        assert_answers_alike(fitted_quietly(estimator, large, y), large, compiled=False)


def test_a_float_of_32_bits_with_nulls_is_left_to_scikit_learn():
    for kind in ("Float32", "float[pyarrow]"):
        table = frame([kind] * 4)
        fitted = fitted_quietly(LogisticRegression(), table, Y)
        ours = assert_answers_alike(fitted, table, compiled=False)
        assert f"a column of {kind}" in ours.explain("predict").steps[0].reason


POLARS = pl.DataFrame({f"c{j}": X[:, j] for j in range(4)})
TEXT = np.array(["u", "v", "w", "x"])[RNG.integers(0, 4, 120)]
OF_POLARS = {
    "float32": POLARS.cast(pl.Float32),
    "int8": POLARS.cast(pl.Int8),
    "mixed": POLARS.with_columns(pl.col("c1").cast(pl.Int32), pl.col("c2") > 0),
    "nulls": POLARS.with_columns(pl.when(pl.col("c1") > -5).then(pl.col("c1")).alias("c1")),
}
TEXTS = {
    "string": pl.Series(TEXT),
    "categorical": pl.Series(TEXT, dtype=pl.Categorical),
    "enum": pl.Series(TEXT, dtype=pl.Enum(["x", "w", "v", "u"])),
    "string, null": pl.Series([None, *TEXT[1:]]),
    "categorical, null": pl.Series([None, *TEXT[1:]], dtype=pl.Categorical),
}


@pytest.mark.parametrize("kind", OF_POLARS)
def test_polars_frames_of_numbers(kind):
    table = OF_POLARS[kind]
    for estimator in (RandomForestClassifier(3, random_state=0), NUMBERS[4], NUMBERS[2]):
        fitted = fitted_quietly(estimator, table, Y)
        for rows in (table, table[:3]):
            assert_answers_alike(fitted, rows)


@pytest.mark.parametrize("kind", TEXTS)
def test_polars_frames_with_text(kind):
    table = POLARS.with_columns(TEXTS[kind].alias("text"))
    front = make_column_transformer(
        (StandardScaler(), ["c0", "c1"]), (OneHotEncoder(handle_unknown="ignore"), ["text"])
    )
    fitted = fitted_quietly(make_pipeline(front, LogisticRegression()), table, Y)
    for rows in (table, table[:3], table.reverse()):
        assert_answers_alike(fitted, rows)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("n_rows", [3, 120, 30_000])
def test_each_column_is_taken_once_and_none_that_is_not_read(library, n_rows, monkeypatch):
    """However many blocks there are; and a column of an array is that array."""
    taken = Counter()
    module = sys.modules[table_module]
    take = module._column

    def counted(source, at):
        taken[at] += 1
        return take(source, at)

    monkeypatch.setattr(module, "_column", counted)
    table = pd.DataFrame(np.tile(X, (250, 1))[:n_rows], columns=[f"c{j}" for j in range(4)])
    table = table if library == "pandas" else pl.from_pandas(table)
    front = make_column_transformer((StandardScaler(), ["c0", "c2", "c3"]))
    pipe = make_pipeline(front, LogisticRegression())
    fitted = fitted_quietly(pipe, table[:120], Y[: len(table[:120])])
    fast = TensorAccelerated(fitted, device="cpu", batch_size=500)
    fast.predict(table)
    taken.clear()
    fast.predict(table)
    assert taken == {0: 1, 2: 1, 3: 1}


def test_columns_are_not_copied():
    values = np.asfortranarray(X)
    for source in (pd.DataFrame(values), pl.DataFrame(values), values.astype(object)):
        table = Table.of(source)
        assert np.shares_memory(table.column(1), table.select([1, 2]).column(0))
        if isinstance(source, pd.DataFrame):
            assert np.shares_memory(table.column(1), source.to_numpy())
        if isinstance(source, pl.DataFrame):
            assert np.shares_memory(table.column(1), source["column_1"].to_numpy())
    assert cells.values_of(pd.DataFrame({"a": [1, 2]}), 0).base is not None


MEMORY = """
import numpy as np
import pandas as pd
import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sktensor import TensorAccelerated

ROWS, COLUMNS = 1_000_000, 40  # 320 MB as float64, 160 MB as float32, 40 MB as int8
rng = np.random.default_rng(0)
narrow = rng.integers(-90, 90, (ROWS, COLUMNS), np.int8)

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1e3

chain = [StandardScaler(), MinMaxScaler(), MinMaxScaler((1, 3)), StandardScaler()]
for kind in ("int8", "bool", "float32", "polars"):
    if kind == "polars":
        table = pl.DataFrame(narrow)
    else:
        table = pd.DataFrame(narrow > 0 if kind == "bool" else narrow.astype(kind))
        table = table.rename(columns=str)
    few = table[:1_000].cast(pl.Float64) if kind == "polars" else table[:1_000].astype(np.float64)
    for final in (RandomForestClassifier(4, max_depth=6), LogisticRegression(max_iter=5)):
        for steps in ([final], [*chain, final]):
            pipe = make_pipeline(*steps).fit(few, np.arange(1_000) % 2)
            fast = TensorAccelerated(pipe, device="cpu", fallback="raise")
            fast.predict(table[:50_000])
            with open("/proc/self/clear_refs", "w") as peak:
                peak.write("5")
            before = memory("VmRSS")
            answer = fast.predict(table)
            print(kind, type(final).__name__, len(steps), int(memory("VmHWM") - before))
            del answer
"""


@pytest.mark.slow
def test_narrow_numbers_are_made_wide_block_by_block():
    """Neither in front of a forest nor of a product, nor anywhere in a chain of steps."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEMORY],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == 16
    # The table takes 320 MB as float64, 160 as float32.
    assert max(int(row[-1]) for row in rows) < 80, rows
