"""The command line: what it prints, what it refuses, and its exit status."""

from __future__ import annotations

import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktensor import TensorAccelerated, cli, load_exported
from sktensor import estimator as home

from .cases import data as d
from .support import assert_same

NAMED = d.FRAME[["a", "n", "colour"]].assign(colour=d.FRAME["colour"].astype(object))
MIXED = make_pipeline(
    make_column_transformer((StandardScaler(), ["a", "n"]), (OneHotEncoder(), ["colour"])),
    LogisticRegression(),
).fit(NAMED, d.Y_BINARY)
LINEAR = make_pipeline(StandardScaler(), LogisticRegression()).fit(d.X, d.Y_TEXT)
FOREST = RandomForestClassifier(5, random_state=0).fit(d.X, d.Y_TEXT)


@pytest.fixture
def folder(tmp_path):
    joblib.dump(MIXED, tmp_path / "mixed.joblib")
    joblib.dump(FOREST, tmp_path / "forest.joblib")
    NAMED.assign(more=1).to_csv(tmp_path / "mixed.csv", index=False)
    NAMED.to_parquet(tmp_path / "mixed.parquet")
    np.save(tmp_path / "forest.npy", d.X)
    pd.DataFrame(d.X).to_csv(tmp_path / "forest.csv", index=False)
    return tmp_path


def run(capsys, *words):
    """The exit status, and what was printed and complained of."""
    status = cli.main([str(word) for word in words])
    return status, *capsys.readouterr()


def trusted(capsys, *words):
    return run(capsys, *words, "--trust", "--device", "cpu")


def test_what_unpickles_asks_for_trust(folder, capsys):
    status, out, err = run(capsys, "explain", folder / "forest.joblib")
    assert (status, out) == (2, "")
    assert "runs whatever code is in it: say --trust" in err


def test_explain(folder, capsys):
    status, out, _ = trusted(capsys, "explain", folder / "mixed.joblib")
    assert status == 0
    assert out.startswith("3 of 3 steps compiled, on cpu")
    page = folder / "plan.html"
    words = ("explain", folder / "mixed.joblib", folder / "mixed.csv", "--method", "predict")
    status, out, _ = trusted(capsys, *words, "--html", page)
    assert status == 0
    assert "measured on 150 rows" in out
    assert "sktensor-torch" in page.read_text()


@pytest.mark.parametrize("data", ["mixed.csv", "mixed.parquet"])
def test_verify(data, folder, capsys):
    status, out, _ = trusted(capsys, "verify", folder / "mixed.joblib", folder / data)
    assert status == 0
    assert out.startswith("Pipeline on cpu: all within tolerance")


def test_verify_fails_where_a_label_differs(folder, capsys, monkeypatch):
    honest = home.Engine.compiled

    def wrong(self, method, X):
        answer = honest(self, method, X)
        return answer[::-1] if method == "predict" else answer

    monkeypatch.setattr(home.Engine, "compiled", wrong)
    words = ("verify", folder / "forest.joblib", folder / "forest.npy", "--rows", "50")
    status, out, _ = trusted(capsys, *words)
    assert status == 1
    assert "OUTSIDE" in out


def test_bench(folder, capsys):
    plot = folder / "times.png"
    words = ("bench", folder / "forest.joblib", folder / "forest.csv", "--sizes", "1,200")
    status, out, _ = trusted(capsys, *words, "--plot", plot)
    assert status == 0
    head, one, many = out.splitlines()
    assert head.split() == ["rows", "native", "sktensor", "ratio"]
    assert one.split()[0] == "1"
    assert many.split()[0] == "200"
    assert many.endswith("×")
    assert plot.read_bytes().startswith(b"\x89PNG")
    status, _, err = trusted(capsys, *words, "--method", "transform")
    assert (status, "no response method transform" in err) == (2, True)


@pytest.mark.parametrize("kind", ["pt2", "joblib", "skops"])
def test_convert(kind, folder, capsys):
    to = folder / f"new.{kind}"
    status, out, err = trusted(
        capsys, "convert", folder / "mixed.joblib", to, folder / "mixed.parquet"
    )
    assert (status, out) == (0, f"wrote {to}\n"), err
    if kind == "pt2":
        assert_same(load_exported(to).predict(NAMED), MIXED.predict(NAMED))
        return
    status, out, err = trusted(capsys, "verify", to, folder / "mixed.csv")
    assert status == 0, err
    assert out.startswith("Pipeline on cpu: all within tolerance")


def test_what_cannot_be_exported_is_refused(folder, capsys):
    model = make_pipeline(Own(), LogisticRegression()).fit(d.X, d.Y_BINARY)
    joblib.dump(model, folder / "own.joblib")
    status, _, err = trusted(capsys, "convert", folder / "own.joblib", folder / "own.pt2")
    assert status == 2
    assert "own (Own): no converter" in err
    assert "rows after its name would tell the columns' dtypes" in err


class Own(TransformerMixin, BaseEstimator):
    """A transformer that skops does not know."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X


def test_skops_files_need_no_trust_but_for_types_of_others(folder, capsys):
    skops.io.dump(TensorAccelerated(LINEAR), folder / "linear.skops")
    status, out, err = run(capsys, "explain", folder / "linear.skops", "--device", "cpu")
    assert (status, err) == (0, "")
    assert "2 of 2 steps compiled" in out
    skops.io.dump(Own().fit(d.X), folder / "own.skops")
    status, _, err = run(capsys, "explain", folder / "own.skops")
    assert status == 2
    assert "tests.test_cli.Own" in err
    assert trusted(capsys, "explain", folder / "own.skops")[0] == 0


def test_what_is_not_there_or_not_read_is_said(folder, capsys):
    (folder / "broken.joblib").write_bytes(b"nothing")
    (folder / "broken.skops").write_bytes(b"nothing")
    (folder / "odd.txt").write_text("")
    (folder / "empty.csv").write_text("")
    joblib.dump({"a": 1}, folder / "dict.joblib")
    joblib.dump(LogisticRegression(), folder / "unfitted.joblib")
    NAMED[:0].to_csv(folder / "no-rows.csv", index=False)
    words = d.X[:5].astype(str)
    words[2, 1] = "word"
    np.save(folder / "words.npy", words)
    pd.DataFrame({"a": [1.0]}).to_csv(folder / "one.csv", index=False)
    for words, said in (
        (("explain", "absent.joblib"), "is missing"),
        (("explain", "odd.txt"), "neither .joblib"),
        (("explain", "broken.joblib"), "does not load"),
        (("explain", "broken.skops"), "does not load: BadZipFile"),
        (("explain", "dict.joblib"), "got an instance of builtins.dict"),
        (("explain", "unfitted.joblib"), "is not fitted yet"),
        (("verify", "mixed.joblib", "empty.csv"), "No columns to parse"),
        (("verify", "mixed.joblib", "no-rows.csv"), "at least one row"),
        (("bench", "mixed.joblib", "no-rows.csv"), "no-rows.csv has no rows"),
        (("bench", "forest.joblib", "words.npy"), "could not convert string to float"),
        (("verify", "forest.joblib", "odd.txt"), "neither .parquet"),
        (("verify", "forest.joblib", "one.csv"), "1 columns where 6 were fitted"),
        (("verify", "mixed.joblib", "one.csv"), "lacks the columns ['n', 'colour']"),
        (("verify", "forest.joblib", "absent.npy"), "absent.npy"),
        (("convert", "forest.joblib", "odd.txt"), "neither .pt2"),
    ):
        paths = [word if i == 0 else folder / word for i, word in enumerate(words)]
        status, _, err = trusted(capsys, *paths)
        assert status == 2
        assert said in err
        assert err.startswith("sktensor: ")


def test_a_bug_is_told_from_a_difference(folder, capsys, monkeypatch):
    def broken(self, *_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(TensorAccelerated, "verify", broken)
    status, _, err = trusted(capsys, "verify", folder / "mixed.joblib", folder / "mixed.csv")
    assert status == 2
    assert err.startswith("Traceback")


def test_it_is_a_module_to_run(folder):
    command = [sys.executable, "-m", "sktensor", "explain", folder / "forest.joblib", "--trust"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 steps compiled" in done.stdout
    done = subprocess.run([*command[:3]], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "usage: sktensor" in done.stderr


def test_a_library_that_is_missing_is_named(monkeypatch, folder, capsys):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    status, _, err = run(capsys, "convert", folder / "forest.joblib", folder / "x.skops", "--trust")
    assert status == 2
    assert "this needs skops: pip install skops" in err


# --- skops, without the command line


@pytest.mark.parametrize("given_fitted", [True, False])
def test_skops_keeps_an_estimator_with_our_type_alone_to_trust(given_fitted):
    ours = TensorAccelerated(LINEAR, device="cpu", batch_size=7)
    if not given_fitted:
        ours = TensorAccelerated(LogisticRegression(), device="cpu", batch_size=7)
        ours.fit(d.X, d.Y_TEXT)
    before = ours.predict_proba(d.X)
    data = skops.io.dumps(ours)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert untrusted == list(cli.OURS)
    other = skops.io.loads(data, trusted=untrusted)
    assert_same(other.predict_proba(d.X), before)
    assert other.batch_size == 7
    assert vars(other).keys() == vars(ours).keys()
