"""What comes back: the container that is set, and a tensor for a tensor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktensor import TensorAccelerated
from sktensor.engine import as_tensors

from .support import METHODS, assert_same, assert_same_outcome

RNG = np.random.RandomState(0)
X = RNG.randn(60, 4)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd"), index=np.arange(60) + 100)
POLARS = pl.DataFrame(X, schema=list("abcd"))
TRANSFORMERS = [
    StandardScaler(),
    make_pipeline(StandardScaler(), PCA(2)),
    ColumnTransformer([("s", StandardScaler(), ["a"])], remainder="passthrough"),
    OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
]


def fast(estimator, **params):
    return TensorAccelerated(estimator, device="cpu", **params)


@pytest.mark.parametrize("container", ["pandas", "polars", "default", None])
@pytest.mark.parametrize("table", [FRAME, POLARS], ids=["pandas", "polars"])
@pytest.mark.parametrize("estimator", TRANSFORMERS, ids=lambda e: type(e).__name__)
def test_set_output_chooses_the_container(estimator, table, container):
    native = clone(estimator).set_output(transform=container)
    ours = fast(clone(estimator))
    assert ours.set_output(transform=container) is ours
    wanted = native.fit_transform(table)
    assert_same(ours.fit_transform(table), wanted)
    assert_same(ours.transform(table), wanted)
    assert_same(clone(ours).fit(table).transform(table), wanted)
    assert list(ours.get_feature_names_out()) == list(native.get_feature_names_out())


@pytest.mark.parametrize("container", ["pandas", "polars", "default"])
@pytest.mark.parametrize("estimator", TRANSFORMERS, ids=lambda e: type(e).__name__)
def test_set_output_changes_what_has_answered_before(estimator, container):
    native = clone(estimator).fit(FRAME)
    ours = fast(clone(native)).fit(FRAME)
    assert_same(ours.transform(FRAME), native.transform(FRAME))
    ours.set_output(transform=container)
    native.set_output(transform=container)
    assert_same_outcome(lambda: ours.transform(FRAME), lambda: native.transform(FRAME))
    ours = fast(native)
    assert_same_outcome(lambda: ours.transform(FRAME), lambda: native.transform(FRAME))
    native.set_output(transform="default")
    assert_same_outcome(lambda: ours.transform(FRAME), lambda: native.transform(FRAME))


def test_set_output_is_there_if_the_inner_one_is():
    with pytest.raises(AttributeError, match="no attribute 'set_output'"):
        fast(Ridge()).set_output(transform="pandas")
    with pytest.raises(ValueError, match="output config must be in"):
        fast(StandardScaler().fit(X)).set_output(transform="excel").transform(X)


@pytest.mark.parametrize("container", ["pandas", "polars", "default"])
@pytest.mark.parametrize("estimator", TRANSFORMERS, ids=lambda e: type(e).__name__)
def test_the_global_setting_chooses_the_container(estimator, container):
    native, ours = clone(estimator).fit(FRAME), fast(clone(estimator)).fit(FRAME)
    before = ours.transform(FRAME)
    with config_context(transform_output=container):
        assert_same_outcome(lambda: ours.transform(FRAME), lambda: native.transform(FRAME))
        assert_same_outcome(
            lambda: fast(clone(estimator)).fit_transform(FRAME),
            lambda: clone(estimator).fit_transform(FRAME),
        )
    assert_same(ours.transform(FRAME), before)


def tensors_like(answer, native):
    """Tensors where the native answer is arrays, equal in shape, dtype and value."""
    if isinstance(native, list):
        assert isinstance(answer, list)
        for part, wanted in zip(answer, native, strict=True):
            tensors_like(part, wanted)
        return
    assert isinstance(answer, torch.Tensor)
    assert answer.device.type == "cpu"
    assert_same(answer.numpy(), native)


ANSWERING = [
    StandardScaler().fit(X),
    LogisticRegression().fit(X, Y),
    make_pipeline(StandardScaler(), PCA(2)).fit(X),
    LinearRegression().fit(X, X[:, :2]),
    KNeighborsClassifier(p=1).fit(X, Y),
    RandomForestClassifier(5, random_state=0).fit(X, Y),
    RandomForestClassifier(5, random_state=0).fit(X, np.column_stack([Y, 1 - Y])),
    make_pipeline(StandardScaler(), KNeighborsClassifier(p=1)).fit(X, Y),
]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.float16])
@pytest.mark.parametrize("estimator", ANSWERING, ids=lambda e: str(e)[:40])
def test_a_tensor_for_a_tensor(estimator, dtype):
    table = torch.from_numpy(np.round(X, 1)).to(dtype)
    ours = fast(estimator)
    for method in METHODS:
        if hasattr(estimator, method):
            with np.errstate(divide="ignore"):  # the logarithm of a probability of 0
                native = getattr(estimator, method)(table.numpy())
                tensors_like(getattr(ours, method)(table), native)


def test_a_tensor_that_needs_gradients_or_is_a_view_is_answered():
    native = LogisticRegression().fit(X, Y)
    ours = fast(native)
    table = torch.from_numpy(X)
    wanted = native.predict_proba(X)
    for tensor in (
        table.clone().requires_grad_(),
        torch.nn.Parameter(table.clone()),
        table.T.contiguous().T,
        torch.from_numpy(np.repeat(X, 2, axis=1))[:, ::2],
    ):
        answer = ours.predict_proba(tensor)
        tensors_like(answer, wanted)
        assert not answer.requires_grad
    tensors_like(ours.predict_proba(table[::3]), wanted[::3])
    tensors_like(
        ours.predict_proba(table.to(torch.bfloat16)).float(),
        native.predict_proba(table.to(torch.bfloat16).float().numpy()).astype(np.float32),
    )


def test_labels_that_are_no_numbers_come_as_an_array():
    names = np.array(["no", "yes"])[Y]
    native = LogisticRegression().fit(X, names)
    assert_same(fast(native).predict(torch.from_numpy(X)), native.predict(X))


def test_tensors_are_scored_and_told_more():
    native = LogisticRegression().fit(X, Y)
    ours = fast(native)
    table, target = torch.from_numpy(X), torch.from_numpy(Y)
    weight = torch.linspace(0.1, 2, 60)
    assert ours.score(table, target) == native.score(X, Y)
    assert ours.score(table, Y, weight) == native.score(X, Y, weight.numpy())
    scaler = StandardScaler().fit(X)
    tensors_like(fast(scaler).transform(table, copy=True), scaler.transform(X))
    tensors_like(fast(scaler).inverse_transform(table), scaler.inverse_transform(X))
    tensors_like(fast(StandardScaler()).fit_transform(table), scaler.transform(X))


def test_answers_that_torch_has_no_dtype_for_stay_arrays():
    cpu = torch.device("cpu")
    assert isinstance(as_tensors(np.array(["a"]), cpu), np.ndarray)
    assert isinstance(as_tensors(np.array([None]), cpu), np.ndarray)
    assert as_tensors("text", cpu) == "text"
    assert as_tensors((np.ones(2), None), cpu)[0].dtype == torch.float64
