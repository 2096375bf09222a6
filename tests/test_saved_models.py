"""Models as the libraries wrote them, of this release and of earlier ones, still mean the same.

A change of format must show here, and not as a wrong answer: `tests/models/make.py` wrote the
files, and what the libraries answered then.
"""

from __future__ import annotations

import json
from importlib.metadata import version

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.utils.fixes import parse_version

from sktensor import TensorAccelerated

from .models import make
from .support import assert_same

ANSWERS = json.loads((make.HERE / "answers.json").read_text())


def files(library):
    """The saved models of a library that are no newer than the release installed."""
    return [f for f in sorted(ANSWERS) if f.startswith(library) and _is_readable(f)]


def _is_readable(file):
    library, written_by, _ = file.split("-", 2)
    if name_of(file) == "vectors":
        # XGBoost 3.2 ends the process when it loads the vector leaves of 2.1.
        return written_by == version(library)
    return parse_version(written_by) <= parse_version(version(library))


def name_of(file):
    return file.rpartition(".")[0].split("-", 2)[2]


def fitted_lightgbm(file):
    """An estimator with a saved booster in place of its own."""
    _, estimator, x, y, params = next(m for m in make.lightgbm_models() if m[0] == name_of(file))
    estimator.fit(x, y, **params)
    estimator._Booster = lightgbm.Booster(model_file=make.HERE / file)
    return estimator


def fitted_xgboost(file):
    _, estimator, *_ = next(m for m in make.xgboost_models() if m[0] == name_of(file))
    estimator.load_model(make.HERE / file)
    return estimator


def assert_still_means_the_same(estimator, file):
    rows = make.rows_for(name_of(file))
    native = estimator.predict(rows)
    answers = np.array(ANSWERS[file], native.dtype)
    np.testing.assert_allclose(native, answers, rtol=1e-6)
    ours = TensorAccelerated(estimator, device="cpu")
    assert_same(ours.predict(rows), native)
    np.testing.assert_allclose(ours.predict(rows), answers, rtol=1e-6)
    [step] = ours.explain("predict").steps
    assert step.backend == "torch", step


@pytest.mark.parametrize("file", files("lightgbm"))
def test_lightgbm(file):
    assert_still_means_the_same(fitted_lightgbm(file), file)


@pytest.mark.parametrize("file", files("xgboost"))
def test_xgboost(file):
    assert_still_means_the_same(fitted_xgboost(file), file)


def test_every_kind_of_model_is_saved():
    for library, models in (("lightgbm", make.lightgbm_models), ("xgboost", make.xgboost_models)):
        assert {name_of(f) for f in ANSWERS if f.startswith(library)} == {m[0] for m in models()}
    saved = {path.name for path in make.HERE.iterdir() if path.suffix in (".txt", ".json")}
    assert saved == {*ANSWERS, "answers.json"}


def test_the_saved_models_have_categorical_splits():
    for name in ("codes", "one-hot", "categories"):
        text = [(make.HERE / f).read_text() for f in ANSWERS if name_of(f) == name]
        assert len(text) >= 4
        assert all("cat_threshold=" in t or '"categories_nodes":[0' in t for t in text)
    assert xgboost.Booster(model_file=make.HERE / files("xgboost")[0]).num_features() == 4
