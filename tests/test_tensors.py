"""Tensors and what DLPack exchanges: answered in kind, where they lie, and refused elsewhere.

There are cards in none of these tests: a device that has no numbers stands for one that has failed,
and a fake tensor of torch's for one that lies on a card.
"""

from __future__ import annotations

import sys
import types
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from sktensor import TensorAccelerated, Unsupported, devices
from sktensor.engine import Engine, as_array, as_rows, in_kind
from sktensor.engine.placing import OUT_OF_MEMORY, cannot_run

from .support import METHODS, assert_same, assert_same_outcome, fitted_quietly

RNG = np.random.RandomState(0)
X, Y = make_classification(80, 5, random_state=0)
PIPE = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
ESTIMATORS = [
    PIPE,
    StandardScaler().fit(X),
    LinearRegression().fit(X, X[:, :2]),
    RandomForestClassifier(5, random_state=0).fit(X, Y),
    KNeighborsClassifier(p=1).fit(X, Y),
    make_pipeline(StandardScaler(), KNeighborsClassifier(p=1)).fit(X, Y),
]
META = torch.device("meta")
fast = partial(TensorAccelerated, device="cpu")


class Exchanged:
    """An array that another library holds: it can be had through DLPack and in no other way."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **how):
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    @property
    def shape(self):
        return self.array.shape


class Standard(Exchanged):
    """One of a library that follows the array API's standard."""

    def __array_namespace__(self, api_version=None):
        # A copy: before NumPy 2.1, what it reads through DLPack is not passed on through it.
        return types.SimpleNamespace(from_dlpack=lambda x: Standard(np.from_dlpack(x).copy()))


class Readable(Exchanged):
    """One that NumPy reads as well, and so scikit-learn does."""

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)


def test_what_dlpack_exchanges():
    assert as_rows(X) is X
    masked = np.ma.masked_array(X)
    for other in (masked, X.tolist(), torch.ones(2), X[0, 0], "text", None):
        assert as_rows(other) is other
    tensor = as_rows(Exchanged(X))
    assert isinstance(tensor, torch.Tensor)
    assert tensor.data_ptr() == X.ctypes.data  # the same memory
    unreadable = Exchanged(np.array(["a"]))
    assert as_rows(unreadable) is unreadable
    assert type(as_array(Exchanged(X))) is np.ndarray
    readable = Readable(X)
    assert as_array(readable) is readable


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "float16"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: str(e)[:40])
def test_an_array_of_a_kind_for_one_of_that_kind(estimator, dtype):
    table = np.round(X, 1).astype(dtype)
    ours = fast(estimator)
    for method in METHODS:
        if not hasattr(estimator, method):
            continue
        with np.errstate(divide="ignore"):  # the logarithm of a probability of 0
            native = getattr(estimator, method)(table)
            answer = getattr(ours, method)(Standard(table))
            plain = getattr(ours, method)(Exchanged(table))
        for part, wanted in zip(*_alike(answer, native), strict=True):
            assert type(part) is Standard
            assert_same(part.array, wanted)
        assert_same(plain, native)


def _alike(answer, native):
    return (answer, native) if isinstance(native, list) else ([answer], [native])


def test_the_library_itself_may_read():
    module = types.ModuleType("of_the_test")
    module.from_dlpack = lambda x: ("read by it", np.from_dlpack(x))
    kind = type("Array", (Exchanged,), {"__module__": "of_the_test.core"})
    sys.modules["of_the_test"] = module
    try:
        said, values = fast(PIPE).predict(kind(X))
    finally:
        del sys.modules["of_the_test"]
    assert said == "read by it"
    assert_same(values, PIPE.predict(X))


def test_several_outputs_come_in_kind():
    native = RandomForestClassifier(5, random_state=0).fit(X, np.column_stack([Y, 1 - Y]))
    for part, wanted in zip(
        fast(native).predict_proba(Standard(X)), native.predict_proba(X), strict=True
    ):
        assert_same(part.array, wanted)
    assert in_kind(("text", None), Standard(X)) == ("text", None)


def test_labels_that_are_no_numbers_are_an_array_of_numpy():
    names = np.array(["no", "yes"])[Y]
    for labels in (names, np.column_stack([names, names[::-1]])):
        native = RandomForestClassifier(5, random_state=0).fit(X, labels)
        for table in (torch.from_numpy(X), Standard(X)):
            assert_same(fast(native).predict(table), native.predict(X))


@pytest.mark.parametrize("n_rows", [3, 80])
@pytest.mark.parametrize("dtype", [bool, "int8", "int64", "float32"])
def test_labels_of_several_outputs_are_one_tensor(dtype, n_rows):
    labels = np.column_stack([Y, RNG.randint(0, 3, len(Y)) * 2]).astype(dtype)
    native = RandomForestClassifier(5, random_state=0).fit(X, labels)
    ours, rows = fast(native, fallback="raise"), X[:n_rows]
    answer = ours.predict(torch.from_numpy(rows))
    assert type(answer) is torch.Tensor
    assert_same(answer.numpy(), native.predict(rows))
    assert_same(ours.predict(rows), native.predict(rows))
    for method in ("predict_proba", "predict_log_proba"):
        with np.errstate(divide="ignore"):  # the logarithm of a probability of 0
            wanted = getattr(native, method)(rows)
            parts = getattr(ours, method)(torch.from_numpy(rows))
            assert_same(getattr(ours, method)(rows), wanted)
        assert all(type(part) is torch.Tensor for part in parts)
        assert_same([part.numpy() for part in parts], wanted)


def test_fitting_and_telling_more_take_them_too():
    ours = fast(LogisticRegression()).fit(Exchanged(X), Exchanged(Y))
    native = LogisticRegression().fit(X, Y)
    assert_same(ours.predict_proba(X), native.predict_proba(X))
    assert ours.score(Standard(X), Standard(Y)) == native.score(X, Y)
    scaler = StandardScaler().fit(X)
    assert_same(fast(scaler).transform(Standard(X), copy=True).array, scaler.transform(X))
    answer = fast(StandardScaler()).fit_transform(Standard(X))
    assert_same(answer.array, scaler.transform(X))
    assert fast(PIPE).verify(Exchanged(X))
    assert fast(PIPE).explain(Exchanged(X)).n_rows == len(X)
    assert fast(PIPE).compile(Exchanged(X)).explain().stages


def test_rows_that_the_native_method_refuses_are_refused_in_its_words():
    odd = X.copy()
    odd[3, 1] = np.nan
    for estimator in (PIPE, PIPE[1], KNeighborsClassifier(p=1).fit(X, Y)):
        for table in (torch.from_numpy(odd), Exchanged(odd), Standard(odd)):
            ours = partial(fast(estimator).predict, table)
            assert_same_outcome(ours, partial(estimator.predict, odd))
        narrow = partial(fast(estimator).predict, Exchanged(X[:, :2]))
        assert_same_outcome(narrow, partial(estimator.predict, X[:, :2]))


# --- devices


@pytest.mark.parametrize("device", ["cpu", "auto"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: str(e)[:40])
def test_a_tensor_without_numbers_is_refused(estimator, device):
    ours = TensorAccelerated(estimator, device=device)
    nothing = torch.empty(3, 5, device=META)
    with pytest.raises(ValueError, match="X lies on meta"):
        ours.predict(nothing) if hasattr(ours, "predict") else ours.transform(nothing)
    with pytest.raises(ValueError, match="meta device holds no numbers"):
        fast(StandardScaler()).fit(nothing)


CUDA = [torch.device("cuda", i) for i in range(2)]


@pytest.mark.parametrize(
    ("lies_on", "named"),
    [
        ("cuda:0", None),
        ("cuda:1", None),
        ("cuda:0", "cuda:0"),
        ("cuda:1", "cuda"),
        ("mps:0", "mps"),
        ("mps:0", "mps:0"),
        ("xpu:1", "xpu:1"),
    ],
)
def test_a_tensor_is_answered_where_it_lies(lies_on, named):
    lies_on, named = torch.device(lies_on), None if named is None else torch.device(named)
    assert devices.of_rows(lies_on, named) == lies_on


@pytest.mark.parametrize(
    ("lies_on", "named"),
    [("cuda:0", "cpu"), ("cuda:0", "cuda:1"), ("cuda:1", "cuda:0"), ("mps:0", "cuda")],
)
def test_a_tensor_elsewhere_is_refused_and_both_are_named(lies_on, named):
    with pytest.raises(ValueError, match=f"X lies on {lies_on}, .* asked for is '{named}'"):
        devices.of_rows(torch.device(lies_on), torch.device(named))


def test_a_tensor_on_a_card_is_refused_by_an_estimator_on_the_cpu():
    with FakeTensorMode():
        on_card = torch.empty(3, 5, dtype=torch.float64, device="cuda:0")
    for estimator in (PIPE, KNeighborsClassifier(p=1).fit(X, Y)):
        with pytest.raises(ValueError, match=r"X lies on cuda:0, .* asked for is 'cpu'"):
            fast(estimator).predict(on_card)
        with pytest.raises(ValueError, match="X lies on cuda:0"):
            fast(estimator).predict(on_card, copy=True)


GUARDS = {"Finite", "Between", "Decided"}


class Calls(TorchDispatchMode):
    """The names of the ops that torch is asked for."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        self.names.append(str(function))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("estimator", ESTIMATORS[:4], ids=lambda e: str(e)[:40])
def test_a_tensor_on_the_programs_device_is_neither_copied_nor_waited_for(estimator):
    method = "predict_proba" if hasattr(estimator, "predict_proba") else METHODS[0]
    method = method if hasattr(estimator, method) else "predict"
    # What trees compare is float32, and to make it of float64 is a copy.
    ours, table = fast(estimator), torch.from_numpy(X)
    table = table.float() if isinstance(estimator, RandomForestClassifier) else table
    getattr(ours, method)(table)
    guards = [s for s in str(ours._engine().program(method, table)).split() if s in GUARDS]
    with Calls() as calls:
        getattr(ours, method)(table)
    assert not [name for name in calls.names if "_to_copy" in name or "clone" in name]
    # Guards are waited for, since the native method answers where one does not hold.
    waits = sum("_local_scalar_dense" in name or "is_nonzero" in name for name in calls.names)
    assert waits <= 2 * len(guards)


# --- a device that fails


@pytest.fixture
def lost(monkeypatch):
    """What this process has seen fail, forgotten afterwards."""
    found = {}
    monkeypatch.setattr(devices, "_lost", found)
    return found


def test_what_a_device_cannot_run_is_the_cpus_and_the_plan_says_why():
    # `meta` has no numbers, so torch cannot say whether a guard holds there.
    engine = Engine(PIPE, META)
    for _ in range(2):
        assert_same(engine.answer("predict_proba", X), PIPE.predict_proba(X))
    assert engine.program("predict_proba", X).device.type == "cpu"
    plan = engine.plan("predict_proba")
    assert plan.device == "cpu"
    assert "predict_proba on cpu: " in plan.notes[0]
    strict = Engine(PIPE, META, "raise")
    with pytest.raises(RuntimeError, match="meta"):
        strict.answer("predict_proba", X)


class Failing(StandardScaler):
    """A scaler whose op fails on everything but the CPU, in words to be chosen."""


@pytest.fixture
def failing(monkeypatch):
    from dataclasses import dataclass

    from sktensor.converters import registry
    from sktensor.converters.registry import Responses, converts
    from sktensor.ops import Cast

    @dataclass(frozen=True, eq=False)
    class Fails(Cast):
        def forward(self, x, to):
            if x.device.type != "cpu":
                raise Failing.error
            return x.to(to)

    monkeypatch.setattr(registry, "_CONVERTERS", dict(registry._CONVERTERS))
    converts(Failing)(
        lambda est, x: Responses(transform=Fails((x - est.mean_) / est.scale_, x.dtype))
    )
    return Failing().fit(X)


def test_a_card_that_fails_is_done_without_from_then_on(failing, lost):
    Failing.error = RuntimeError("CUDA error: an illegal memory access\nmore")
    engine = Engine(failing, META)
    with pytest.warns(UserWarning, match="meta failed .CUDA error: an illegal memory access"):
        assert_same(engine.answer("transform", X), failing.transform(X))
    assert_same(engine.answer("transform", X), failing.transform(X))  # and no second warning
    assert devices.why_missing(META) == "it failed: CUDA error: an illegal memory access"
    assert "meta failed" in engine.plan("transform").notes[0]
    with pytest.raises(RuntimeError, match="CUDA error"):
        Engine(failing, META, "raise").answer("transform", X)


def test_a_card_that_has_no_room_is_asked_again(failing, lost):
    Failing.error = torch.OutOfMemoryError("CUDA out of memory")
    engine = Engine(failing, META)
    for _ in range(2):
        assert_same(engine.answer("transform", X), failing.transform(X))
    assert engine.program("transform", X).device == META
    assert not lost


def test_which_errors_mean_that_a_card_is_lost(lost):
    card = torch.device("cuda:0")
    assert not devices.is_lost(card, ValueError("CUDA error"))
    assert not devices.is_lost(card, RuntimeError("shapes differ"))
    assert not devices.is_lost(card, torch.OutOfMemoryError("CUDA out of memory"))
    assert not devices.is_lost(torch.device("cpu"), RuntimeError("CUDA error: no"))
    assert not lost
    assert devices.is_lost(card, RuntimeError("CUDA error: device-side assert triggered"))
    assert lost == {card: "CUDA error: device-side assert triggered"}
    if hasattr(torch, "AcceleratorError"):
        assert devices.is_lost(card, torch.AcceleratorError("unspecified launch failure", 719))


def test_an_error_of_one_call_does_not_lose_a_card_that_still_answers(lost, monkeypatch):
    card, refused = torch.device("cuda:0"), "CUDA error: invalid configuration argument"
    waited_for = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited_for.append)
    assert not devices.is_lost(card, RuntimeError(refused))
    assert waited_for == [card]
    assert cannot_run(RuntimeError(f"{refused}\nmore"), card) == refused  # the CPU's from then on
    assert not cannot_run(RuntimeError("shapes differ"), card)
    assert not lost
    full = "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
    assert cannot_run(RuntimeError(full), card) == OUT_OF_MEMORY


def test_kernels_that_find_a_card_lost_say_so_in_other_words(lost):
    card = torch.device("cuda:0")
    error = RuntimeError("Triton Error [CUDA]: an illegal memory access was encountered")
    assert devices.is_lost(card, error)
    assert lost == {card: str(error)}


def test_what_cannot_be_done_while_the_caller_records_loses_no_card(lost, monkeypatch):
    """The native method, which copies the rows to the host, meets the same error and raises it."""
    monkeypatch.setattr(devices, "is_recording", lambda device: True)
    error = RuntimeError("CUDA error: operation not permitted when stream is capturing")
    assert not devices.is_lost(torch.device("cuda:0"), error)
    assert not cannot_run(error, torch.device("cuda:0"))
    assert not lost


def test_nobody_records_where_there_is_no_card():
    assert not devices.is_recording(torch.device("cuda:0"))


def test_unsupported_stays_an_error_of_its_own():
    scaler = fitted_quietly(KNeighborsClassifier(p=1), X, Y)
    with pytest.raises(Unsupported):
        TensorAccelerated(scaler, device="cpu", fallback="raise").predict(Standard(X))
