"""Exports: answers with torch alone, and files that are refused when they are not whole."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from sktensor import TensorAccelerated, Unsupported, exported, load_exported

from .cases import data as d
from .support import assert_same, fitted_quietly
from .test_cases import _fitted
from .test_export import firsts
from .test_plan import on_the_boundary

MIXED = make_pipeline(
    make_column_transformer(
        (StandardScaler(), ["a", "n"]),
        (OneHotEncoder(handle_unknown="ignore"), ["colour", "size"]),
    ),
    LogisticRegression(),
).fit(d.FRAME, d.Y_TEXT)
REFUSED = Counter()


def fast(estimator):
    return TensorAccelerated(estimator, device="cpu")


def round_trip(estimator, X, tmp_path):
    path = fast(estimator).export(tmp_path / "model.pt2", X)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.json", "model.pt2"]
    return load_exported(path)


@pytest.mark.parametrize("case", list(firsts()))
def test_every_estimator_answers_the_same_or_is_refused(case, tmp_path):
    estimator, X = _fitted(case)
    try:
        ours = round_trip(estimator, X, tmp_path)
    except Unsupported as why:
        REFUSED[str(why)] += 1
        assert len(REFUSED) < 12, REFUSED  # of the estimators in the table, few
        return
    answered = [m for m in dir(ours) if m in ("predict", "predict_proba", "transform")]
    assert answered
    for method in answered:
        native = getattr(estimator, method)(X)
        assert_same(
            getattr(ours, method)(X), native if isinstance(native, list) else np.asarray(native)
        )


ALONE = """
import sys
sys.modules.update(dict.fromkeys(("sklearn", "scipy", "numba", "pandas", "joblib")))
import numpy as np
from sktensor import load_exported
X, wanted = np.load(sys.argv[2], allow_pickle=False)["X"], np.load(sys.argv[2])["wanted"]
ours = load_exported(sys.argv[1])
assert (ours.predict(X) == wanted).all()
print(*ours.classes_)
if sys.argv[3] == "True":
    import torch
    program = torch.export.load(sys.argv[1]).module()
    assert len(program(torch.from_numpy(X))[0]) == len(X)
"""

# Until then torch itself pickles tensors, so that it cannot load alone what holds no pickle.
ALONE_FROM = (2, 9)
TORCH = tuple(map(int, torch.__version__.split(".")[:2]))


def test_it_runs_without_scikit_learn(tmp_path):
    model = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0))
    model.fit(d.X, d.Y_LABELS)
    path = fast(model).export(tmp_path / "model")
    assert path.name == "model.pt2"
    np.savez(tmp_path / "rows.npz", X=d.X, wanted=model.predict(d.X))
    by_torch = str(TORCH >= ALONE_FROM)
    command = [sys.executable, "-c", ALONE, str(path), str(tmp_path / "rows.npz"), by_torch]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["no", "yes"]


def test_there_is_no_pickle_inside(tmp_path):
    path = fast(MIXED).export(tmp_path / "model.pt2", d.FRAME)
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            data = archive.read(item)
            if item.filename.endswith(".npz"):
                assert TORCH < ALONE_FROM
                arrays = np.load(io.BytesIO(data), allow_pickle=False)
                assert all(isinstance(arrays[name], np.ndarray) for name in arrays)
            else:
                assert not data.startswith((b"\x80", b"PK")), item.filename


@pytest.mark.parametrize("container", ["pandas", "reordered", "more columns", "polars"])
def test_frames_are_read_by_name(container, tmp_path):
    ours = round_trip(MIXED, d.FRAME, tmp_path)
    X = {
        "pandas": d.FRAME,
        "reordered": d.FRAME[list(d.FRAME)[::-1]],
        "more columns": d.FRAME.assign(more=1),
        "polars": pl.DataFrame({c: d.FRAME[c].to_list() for c in d.FRAME}),
    }[container]
    for method in ("predict", "predict_proba"):
        assert_same(getattr(ours, method)(X), getattr(MIXED, method)(d.FRAME))
    assert list(ours.feature_names_in_) == list(d.FRAME)
    assert_same(ours.classes_, MIXED.classes_)


def test_an_array_is_read_by_position(tmp_path):
    ours = round_trip(MIXED, d.FRAME, tmp_path)
    assert_same(ours.predict(d.FRAME.to_numpy()), MIXED.predict(d.FRAME))
    with pytest.raises(ValueError, match="5 features, but 6"):
        ours.predict(d.FRAME.to_numpy()[:, :5])
    with pytest.raises(ValueError, match="columns are missing: \\['a'\\]"):
        ours.predict(d.FRAME.drop(columns="a"))
    with pytest.raises(ValueError, match="2D array"):
        ours.predict(d.X[0])
    with pytest.raises(ValueError, match="0 sample"):
        ours.predict(d.FRAME[:0])


def test_unseen_categories_and_missing_ones(tmp_path):
    ours = round_trip(MIXED, d.FRAME, tmp_path)
    X = d.FRAME.assign(colour=["violet", None, np.nan] * 50)
    assert_same(ours.predict_proba(X), MIXED.predict_proba(X))
    holes = d.STRINGS.copy()
    holes[::7, 0], holes[::11, 1] = np.nan, None
    encoder = OrdinalEncoder().fit(holes)
    strict = round_trip(encoder, holes, tmp_path)
    assert_same(strict.transform(holes), encoder.transform(holes))
    with pytest.raises(ValueError, match="Found unknown categories in column 1"):
        strict.transform(np.array([["red", "never"]], dtype=object))


def test_numbers_are_those_it_was_exported_for(tmp_path):
    model = LogisticRegression().fit(d.X, d.Y_MULTI)
    ours = round_trip(model, d.X, tmp_path)
    X = np.round(d.X)
    for kind in (np.float32, np.int64, object, bool):
        assert_same(ours.predict(X.astype(kind)), model.predict(X.astype(kind).astype(float)))
    narrow = round_trip(model, d.X.astype(np.float32), tmp_path)
    with pytest.raises(ValueError, match="float64 where the program was exported for float32"):
        narrow.predict(d.X)
    with pytest.raises(ValueError, match="could not convert string"):
        ours.predict(np.full((1, 6), "a", dtype=object))


def test_values_that_only_the_estimator_can_answer_are_refused(tmp_path):
    model = LogisticRegression().fit(d.X, d.Y_BINARY)
    ours = round_trip(model, d.X, tmp_path)
    with pytest.raises(ValueError, match="predict: among rows 0 to 2 are NaN or infinite values"):
        ours.predict(np.full((3, 6), np.nan))
    tied = on_the_boundary(model)
    with pytest.warns(UserWarning, match="predict: among rows 0 to 3 are labels .* a tie"):
        assert len(ours.predict(tied)) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(ours.predict_proba(tied), model.predict_proba(tied))


def test_many_rows_go_in_blocks_and_many_threads_may_ask(tmp_path):
    model = RandomForestClassifier(5, random_state=0).fit(d.X, d.Y_TEXT)
    ours = round_trip(model, d.X, tmp_path)
    X = np.tile(d.X, (70, 1))
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: ours.predict_proba(X), range(16)):
            assert_same(answer, model.predict_proba(X))


def test_several_outputs_are_a_list(tmp_path):
    model = RandomForestClassifier(3, random_state=0).fit(d.X, d.Y_CLASSES)
    ours = round_trip(model, d.X, tmp_path)
    assert_same(ours.predict_proba(d.X), model.predict_proba(d.X))
    assert_same(ours.predict(d.X), model.predict(d.X))


def test_categorical_splits_are_exported(tmp_path):
    X = np.column_stack([d.CODES, d.X[:, 0]]).astype(float)
    model = HistGradientBoostingClassifier(categorical_features=[0, 2], max_iter=5, max_depth=4)
    model.fit(X, d.CODES[:, 0] == d.CODES[:, 2])
    ours = round_trip(model, X, tmp_path)
    odd = X.copy()
    odd[::3, 0], odd[1::3, 2] = np.nan, 9
    for rows in (X, odd):
        assert_same(ours.predict_proba(rows), model.predict_proba(rows))


def test_methods_are_there_if_they_were_exported(tmp_path):
    ours = round_trip(DecisionTreeRegressor().fit(d.X, d.Y_REAL), d.X, tmp_path)
    assert repr(ours) == "Exported(DecisionTreeRegressor: predict)"
    assert "predict" in dir(ours)
    assert not hasattr(ours, "predict_proba")
    assert not hasattr(ours, "classes_")
    assert not hasattr(exported.Exported.__new__(exported.Exported), "predict")


def test_what_cannot_be_exported_is_refused_with_its_reason(tmp_path):
    logs = make_pipeline(FunctionTransformer(np.log), KBinsDiscretizer(3, encode="ordinal"))
    for model, X, why in (
        (RadiusNeighborsClassifier(9.0).fit(d.X, d.Y_MULTI), d.X, "no converter"),
        (OneHotEncoder().fit(d.STRINGS), d.STRINGS, "on the host"),
        (fitted_quietly(logs, d.X_POSITIVE), d.X_POSITIVE, "NumPy rounds otherwise"),
        (fitted_quietly(KBinsDiscretizer(encode="onehot"), d.X), d.X, "on the host"),
    ):
        with pytest.raises(Unsupported, match=why):
            fast(model).export(tmp_path / "model.pt2", X)
    assert not list(tmp_path.iterdir())


# --- files that are not whole


@pytest.fixture
def files(tmp_path):
    path = fast(LogisticRegression().fit(d.X, d.Y_BINARY)).export(tmp_path / "model.pt2")
    return path, path.with_suffix(".json")


@pytest.mark.parametrize("at", [0, 100, -30, None])
def test_a_damaged_program_is_refused(files, at):
    path, _ = files
    data = bytearray(path.read_bytes())
    if at is None:
        data = data[: len(data) // 2]
    else:
        data[at] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"model\.pt2 is damaged"):
        load_exported(path)


def test_a_damaged_page_is_refused(files):
    path, page = files
    whole = page.read_text()
    for text in (whole[:200], "", "[]", whole.replace("n_features", "n_feature")):
        page.write_text(text)
        with pytest.raises(ValueError, match=r"model\.json is damaged"):
            load_exported(path)
    page.write_text(whole)
    load_exported(path)


def test_another_format_is_refused(files):
    path, page = files
    page.write_text(json.dumps({**json.loads(page.read_text()), "format": 99}))
    with pytest.raises(ValueError, match="is of format 99, and this sktensor reads 1"):
        load_exported(path)


def test_a_missing_file_is_said_to_be_missing(files):
    path, page = files
    page.unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.json is missing"):
        load_exported(path)
    with pytest.raises(FileNotFoundError, match=r"other\.pt2 is missing"):
        load_exported(path.with_name("other.pt2"))


def rewritten(path, page, change):
    """The same program with some entry changed, and a page that vouches for it."""
    with zipfile.ZipFile(path) as archive:
        items = {item.filename: archive.read(item) for item in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in items.items():
            archive.writestr(name, change(name, data))
    said = json.loads(page.read_text())
    said["program"] = {"bytes": path.stat().st_size, "sha256": exported.digest(path)}
    said["checksum"] = exported.checksum(said)
    page.write_text(exported.dumps(said))


def is_program(name):
    """Whether it is the graph, as torch from 2.8 on or before it has it."""
    return name.endswith(("model.json", "exported_program.json"))


def is_example(name):
    """Whether it is the example that was traced, of which nothing is left."""
    return "sample_inputs" in name or "example_inputs" in name


def test_a_pickle_is_not_loaded(files):
    path, page = files
    rewritten(path, page, lambda name, data: b"\x80\x04N." if is_example(name) else data)
    with pytest.raises(ValueError, match="holds a pickle"):
        load_exported(path)


def test_a_program_that_torch_cannot_read_is_said_to_be_so(files):
    path, page = files
    rewritten(path, page, lambda name, data: b"{}" if is_program(name) else data)
    with pytest.raises(
        ValueError, match=f"torch {torch.__version__} cannot load".replace("+", r"\+")
    ):
        load_exported(path)


def test_a_frame_needs_its_names_only_where_it_was_fitted_on_some(tmp_path):
    model = LogisticRegression().fit(d.X, d.Y_BINARY)
    ours = round_trip(model, d.X, tmp_path)
    assert_same(ours.predict(pd.DataFrame(d.X)), model.predict(d.X))
