"""Keeping what was compiled: pickles with a version of their own, at once, as a module of torch."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktensor import TensorAccelerated, Unsupported
from sktensor import estimator as home
from sktensor.estimator.keeping import STATE, STATE_NAME

from .cases import data as d
from .support import assert_same

FIXTURES = Path(__file__).parent / "data"
SCALED = make_pipeline(StandardScaler(), LogisticRegression()).fit(d.X, d.Y_TEXT)


def fast(estimator, **params):
    return TensorAccelerated(estimator, device="cpu", **params)


# --- the state of a pickle


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("state-*.pkl")), ids=lambda p: p.stem)
def test_pickles_of_every_state_load(path):
    with warnings.catch_warnings():
        # scikit-learn's own, of a pickle that another release of it wrote
        warnings.simplefilter("ignore")
        ours, X, wanted = pickle.loads(path.read_bytes())
    np.testing.assert_allclose(ours.predict_proba(np.array(X)), wanted, rtol=1e-10)
    assert ours.batch_size == 3
    assert STATE_NAME not in vars(ours)
    assert all(s.backend == "torch" for s in ours.explain("predict_proba").steps)


def test_there_is_a_fixture_of_the_state_that_is_written():
    assert STATE_NAME.encode() in (FIXTURES / f"state-{STATE}.pkl").read_bytes()


def test_a_pickle_says_which_state_it_is():
    ours = fast(SCALED)
    state = ours.__reduce_ex__(2)[2]
    assert state[STATE_NAME] == STATE
    assert STATE_NAME not in vars(ours)
    assert vars(pickle.loads(pickle.dumps(ours))).keys() == vars(ours).keys()
    assert vars(copy.copy(ours)) == vars(ours)


def test_a_newer_state_is_warned_of():
    state = {**fast(SCALED).__getstate__(), STATE_NAME: STATE + 1}
    other = TensorAccelerated.__new__(TensorAccelerated)
    with pytest.warns(UserWarning, match="pickled by a newer release of sktensor"):
        other.__setstate__(state)
    assert_same(other.predict(d.X), SCALED.predict(d.X))


# --- compiled at once


def methods_made(ours):
    return {key[0] for key, (p, _) in home._ENGINES[ours]._programs.items() if p is not None}


def test_every_method_is_compiled_at_once():
    ours = fast(SCALED)
    assert ours.compile() is ours
    assert methods_made(ours) == {
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
    }
    before = dict(home._ENGINES[ours]._programs)
    assert_same(ours.predict(d.X), SCALED.predict(d.X))
    assert home._ENGINES[ours]._programs == before
    assert ours.explain("predict").stages


def test_rows_say_what_to_compile_for():
    frame = pd.DataFrame(d.X, columns=list("abcdef"))
    ours = fast(Ridge().fit(frame, d.Y_REAL))
    with pytest.raises(ValueError, match="needs some rows"):
        ours.compile()
    ours.compile(frame[:2])
    assert methods_made(ours) == {"predict"}
    with pytest.raises(ValueError, match="NaN"):
        fast(SCALED).compile(np.full((1, 6), np.nan))
    with pytest.raises(NotFittedError):
        fast(clone(SCALED)).compile()


# --- a module of torch


MODELS = {
    "linear": SCALED,
    "forest": RandomForestClassifier(5, random_state=0).fit(d.X, d.Y_MULTI),
    "boosting": HistGradientBoostingRegressor(max_iter=5).fit(d.X_NAN, d.Y_REAL),
    "columns": make_pipeline(
        make_column_transformer((StandardScaler(), [4, 1]), (PCA(1), [0, 2])), Ridge()
    ).fit(d.X, d.Y_REAL),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_module_is_a_tensor_in_and_a_tensor_out(model, dtype):
    X = d.X.astype(dtype)
    ours = fast(model)
    for method in ("predict", "predict_proba"):
        if hasattr(model, method):
            module = ours.module(method, X)
            assert isinstance(module, torch.nn.Module)
            answer = module(torch.from_numpy(X)).numpy()
            native = getattr(model, method)(X)
            if native.dtype == object:  # labels that are no numbers are positions
                answer = model.classes_[answer]
            assert_same(answer, native)


def test_a_module_is_part_of_a_larger_graph():
    module = fast(MODELS["linear"]).module("predict_proba")
    whole = torch.nn.Sequential(torch.nn.Identity(), module, torch.nn.Linear(4, 2).double())
    X = torch.from_numpy(d.X)
    rows = ({0: torch.export.Dim.DYNAMIC},)
    exported = torch.export.export(whole, (X,), dynamic_shapes=(rows[0],)).module()
    torch.testing.assert_close(exported(X[:7]), whole(X[:7]))
    torch.compiler.reset()
    compiled = torch.compile(whole, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(X), whole(X))


def test_gradients_flow_through_a_module():
    module = fast(MODELS["linear"]).module("decision_function")
    X = torch.from_numpy(d.X[:3]).requires_grad_()
    module(X)[:, 1].sum().backward()
    scaler, model = SCALED
    wanted = model.coef_[1] / scaler.scale_
    np.testing.assert_allclose(X.grad.numpy(), np.tile(wanted, (3, 1)))


def test_a_module_shares_no_memory_with_the_estimator():
    model = Ridge().fit(d.X, d.Y_REAL)
    ours = fast(model)
    before = ours.predict(d.X)
    module = ours.module()
    assert not list(module.parameters())
    for buffer in module.buffers():
        buffer.zero_()
    assert_same(ours.predict(d.X), before)
    assert_same(model.predict(d.X), before)


def test_a_frame_is_read_by_its_columns_in_order():
    frame = pd.DataFrame(d.X, columns=list("abcdef"))
    model = make_pipeline(make_column_transformer((StandardScaler(), ["e", "b"])), Ridge())
    model.fit(frame, d.Y_REAL)
    for X in (None, frame):
        module = fast(model).module("predict", X)
        assert_same(module(torch.from_numpy(d.X)).numpy(), model.predict(frame))


def test_what_is_no_tensor_or_native_has_no_module():
    for model, X, why in (
        (RadiusNeighborsClassifier(9.0).fit(d.X, d.Y_MULTI), d.X, "no converter"),
        (OneHotEncoder(sparse_output=False).fit(d.STRINGS), d.STRINGS, "on the host"),
        (OneHotEncoder().fit(d.CODES), d.CODES, "on the host"),
        (SCALED, d.X.tolist(), "input of type list"),
    ):
        method = "predict" if hasattr(model, "predict") else "transform"
        with pytest.raises(Unsupported, match=why):
            fast(model).module(method, X)
    with pytest.raises(AttributeError, match="no response method 'transform'"):
        fast(SCALED).module("transform")


def test_several_outputs_are_a_tuple():
    model = RandomForestClassifier(3, random_state=0).fit(d.X, d.Y_CLASSES)
    answers = fast(model).module("predict_proba")(torch.from_numpy(d.X))
    assert_same([a.numpy() for a in answers], model.predict_proba(d.X))


def test_a_cluster_is_a_module_too():
    model = KMeans(3, n_init=1, random_state=0).fit(d.X)
    assert_same(fast(model).module()(torch.from_numpy(d.X)).numpy(), model.predict(d.X))
