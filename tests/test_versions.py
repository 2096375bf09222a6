"""Releases of the libraries that are newer than those tested: one warning, and no wrong answer."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import warnings
from importlib import import_module
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

import sktensor.converters.catboost
import sktensor.converters.imblearn
import sktensor.converters.lightgbm
import sktensor.converters.xgboost  # noqa: F401
from sktensor import TensorAccelerated, Unsupported, UntestedVersionWarning, trial, versions
from sktensor.converters.ensemble import forests
from sktensor.converters.parameters import LIBRARIES, known, unknown_parameters
from sktensor.converters.registry import converter_types
from sktensor.versions import TESTED, untested

from .cases import data as d
from .cases.catboost import SMALL as SMALL_CAT
from .support import assert_same
from .test_boosting import SMALL_LGB, SMALL_XGB

ROOT = Path(__file__).resolve().parents[1]
PIPE = make_pipeline(StandardScaler(), LogisticRegression()).fit(d.X, d.Y_MULTI)


def fast(estimator, **params):
    return TensorAccelerated(estimator, device="cpu", **params)


@pytest.fixture
def newer(monkeypatch):
    """Make libraries of this process newer than they are; nothing has been told of them."""

    def make(**libraries):
        for name, version in libraries.items():
            monkeypatch.setattr(sys.modules[name], "__version__", version)

    monkeypatch.setattr(versions, "_told", {})
    return make


# --- which releases those are


def test_what_is_tested_is_what_is_pinned():
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line
    )
    for library, newest in TESTED.items():
        major, minor = pinned[versions.NAMES[library].lower()].split(".")[:2]
        assert (int(major), int(minor)) <= newest
        if library != "torch":  # which is pinned at one that there is for the CPU alone
            assert (int(major), int(minor)) == newest


def test_the_stated_ranges_end_behind_what_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    stated = [project["dependencies"], *project["optional-dependencies"].values()]
    found = (re.match(r"([a-z-]+)[^;]*<([\d.]+)", line) for lines in stated for line in lines)
    ends = {m[1]: tuple(map(int, m[2].split("."))) for m in found if m}
    assert ends["scikit-learn"] == (TESTED["sklearn"][0], TESTED["sklearn"][1] + 1)
    assert ends["xgboost"] == (TESTED["xgboost"][0], TESTED["xgboost"][1] + 1)
    imblearn = TESTED["imblearn"]
    assert ends["imbalanced-learn"] == (imblearn[0], imblearn[1] + 1)
    assert ends["lightgbm"] == (TESTED["lightgbm"][0] + 1,)
    assert ends["catboost"] == (TESTED["catboost"][0], TESTED["catboost"][1] + 1)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.9.7", False),
        ("1.9", False),
        ("1.10.0", True),
        ("1.10.dev0", True),
        ("2.0rc1", True),
        ("0.24", False),
        ("unknown", False),
    ],
)
def test_newer_is_told_by_the_first_two_numbers(version, expected, newer):
    newer(sklearn=version)
    assert untested({"sklearn"}) == (("scikit-learn " + version,) if expected else ())


def test_nothing_installed_here_is_untested():
    assert not untested(TESTED)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UntestedVersionWarning)
        assert_same(fast(PIPE).predict(d.X), PIPE.predict(d.X))


# --- one warning


def heard(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [w for w in caught if w.category is UntestedVersionWarning]


def test_there_is_one_warning_a_library_whatever_is_compiled(newer):
    newer(sklearn="1.10.0", torch="3.0.0")
    said = heard(lambda: fast(PIPE).predict(d.X))
    assert sorted(str(w.message)[:19] for w in said) == [
        "scikit-learn 1.10.0",
        "torch 3.0.0 is newe",
    ]
    assert {w.filename for w in said} == {__file__}
    assert not heard(lambda: fast(PIPE).predict_proba(d.X))
    assert not heard(lambda: fast(DecisionTreeRegressor().fit(d.X, d.Y_REAL)).predict(d.X))


def test_a_library_is_warned_of_once_its_estimators_show_up(newer):
    newer(xgboost="3.3.0", lightgbm="5.0.0", catboost="1.3.0")
    assert not heard(lambda: fast(PIPE).predict(d.X))
    for library, model in (
        ("XGBoost 3.3.0", xgboost.XGBRegressor(**SMALL_XGB)),
        ("LightGBM 5.0.0", lightgbm.LGBMRegressor(**SMALL_LGB)),
        ("CatBoost 1.3.0", catboost.CatBoostRegressor(**SMALL_CAT)),
    ):
        model = make_pipeline(StandardScaler(), model).fit(d.X, d.Y_REAL)
        (said,) = heard(lambda model=model: fast(model).predict(d.X))
        assert library in str(said.message)


@pytest.mark.parametrize(
    "call",
    [
        lambda ours: ours.compile(d.X[:3]),
        lambda ours: ours.explain(),
        lambda ours: ours.explain(X=d.X),
        lambda ours: ours.verify(d.X),
        lambda ours: ours.module("decision_function"),
    ],
    ids=["compile", "explain", "measure", "verify", "module"],
)
def test_whatever_compiles_first_gives_it(call, newer):
    newer(sklearn="1.10.0")
    (said,) = heard(lambda: call(fast(PIPE)))
    assert said.filename == __file__


def test_where_a_warning_is_an_error_it_is_raised_and_the_next_call_answers(newer):
    newer(sklearn="1.10.0")
    ours = fast(PIPE)
    with pytest.raises(UntestedVersionWarning, match=r"scikit-learn 1\.10\.0 is newer"):
        ours.predict(d.X)
    assert_same(ours.predict(d.X), PIPE.predict(d.X))


def test_a_process_is_told_once():
    code = """if True:
        import sklearn, numpy as np
        sklearn.__version__ = "1.10.0"
        from sklearn.linear_model import Ridge
        from sktensor import TensorAccelerated
        X = np.eye(3)
        for i in range(3):
            ours = TensorAccelerated(Ridge().fit(X, X[0]), device="cpu")
            ours.predict(X), ours.predict(X.astype("f4"))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.count("UntestedVersionWarning") == 1
    assert not done.stdout


# --- no wrong answer


@pytest.mark.parametrize("rows", [1, 40, 1000])
def test_answers_that_a_newer_release_gives_otherwise_are_native(rows, newer, monkeypatch):
    newer(sklearn="1.10.0")
    X = np.tile(d.X, (10, 1))[:rows]
    model = RandomForestClassifier(5, random_state=0).fit(d.X, d.Y_BINARY)
    older = RandomForestClassifier.apply
    monkeypatch.setattr(RandomForestClassifier, "apply", lambda self, X: older(self, X) + 1)
    ours = fast(model)
    with pytest.warns(UntestedVersionWarning):
        assert_same(ours.predict(X), model.predict(X), exact=True)
    assert ours.explain("predict").steps[0].backend == "torch"
    assert_same(ours.apply(X), model.apply(X), exact=True)
    # What one method has wrong, the others may be made of too.
    (step,) = ours.explain("predict").steps
    assert step.backend == "native"
    assert step.reason == "it answers differently in scikit-learn 1.10.0, which was not tested"
    assert_same(ours.predict(X), model.predict(X), exact=True)
    with pytest.raises(Unsupported, match="answers differently in scikit-learn"):
        ours.module("predict_proba")
    strict = fast(model, fallback="raise")
    for _ in range(2):
        with pytest.raises(Unsupported, match="answers differently in scikit-learn"):
            strict.apply(X)


def test_rows_that_a_newer_release_refuses_are_refused(newer, monkeypatch):
    newer(sklearn="1.10.0")

    def refuses(self, X):
        raise ValueError("rows of this kind are no longer answered")

    monkeypatch.setattr(LogisticRegression, "decision_function", refuses)
    with pytest.warns(UntestedVersionWarning), pytest.raises(ValueError, match="no longer answ"):
        fast(LogisticRegression().fit(d.X, d.Y_MULTI)).decision_function(d.X)


def test_a_trial_ends_after_some_rows(newer):
    newer(sklearn="1.10.0")
    asked = []

    class Watched(trial.Trial):
        def _differs(self, ours, native, X):
            asked.append(len(X))
            return super()._differs(ours, native, X)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sktensor.engine.Trial", Watched)
        ours = fast(PIPE)
        with pytest.warns(UntestedVersionWarning):
            ours.predict(d.X[:1])
        for _ in range(4):
            assert_same(ours.predict(d.X), PIPE.predict(d.X))
    assert sum(asked) == trial.ROWS
    assert asked[0] == 1


def test_parameters_of_a_newer_release_make_an_estimator_native(monkeypatch):
    def newer_init(self, *, copy=True, with_mean=True, with_std=True, robust=False):
        self.copy, self.with_mean, self.with_std, self.robust = copy, with_mean, with_std, robust

    monkeypatch.setattr(StandardScaler, "__init__", newer_init)
    pipe = make_pipeline(StandardScaler(robust=True), LogisticRegression()).fit(d.X, d.Y_MULTI)
    ours = fast(pipe)
    assert_same(ours.predict_proba(d.X), pipe.predict_proba(d.X))
    scaler, regression = ours.explain("predict_proba").steps
    assert scaler.reason == "parameters that are not known: robust"
    assert (scaler.backend, regression.backend) == ("native", "torch")


@pytest.mark.parametrize("cls", converter_types(), ids=lambda c: c.__name__)
def test_every_parameter_of_the_releases_tested_is_known(cls):
    if cls.__module__.partition(".")[0] in LIBRARIES:
        assert cls.__name__ in known(), "run docs/tools/known_parameters.py"
        assert not unknown_parameters(cls)


def test_fields_of_a_newer_tree_make_it_native(monkeypatch):
    model = DecisionTreeRegressor(max_depth=2).fit(d.X, d.Y_REAL)
    monkeypatch.setattr("sktensor.converters.tree.NODE", {"threshold", "feature"})
    (step,) = fast(model).explain("predict").steps
    assert step.backend == "native"
    assert step.reason.startswith("fields of a tree that are not known: impurity, left_child")
    model = HistGradientBoostingRegressor(max_iter=2).fit(d.X, d.Y_REAL)
    monkeypatch.setattr(forests, "NODE", forests.NODE - {"bitset_idx"})
    (step,) = fast(model).explain("predict").steps
    assert step.reason == "fields of a tree that are not known: bitset_idx"


@pytest.mark.parametrize("library", TESTED)
def test_libraries_say_which_release_they_are(library):
    assert re.match(r"\d+\.\d+", import_module(library).__version__)
