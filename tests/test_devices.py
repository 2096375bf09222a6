"""Which device answers, and what is said where the one asked for is missing.

The tests pretend to have cards; what is computed is computed on the CPU.
"""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, StandardScaler

from sktensor import TensorAccelerated, Unsupported, devices
from sktensor import estimator as module
from sktensor.compiler import build
from sktensor.engine import Engine, as_tensors
from sktensor.engine.placing import lacking
from sktensor.table import signature_of

from .support import assert_same

RNG = np.random.RandomState(0)
X = RNG.randn(30, 3)
Y = (X[:, 0] > 0).astype(int)
NATIVE = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
BINARY = make_pipeline(Binarizer(), LogisticRegression()).fit(X, Y)  # float32 up to the regression
CPU = torch.device("cpu")


@pytest.fixture
def cards(monkeypatch):
    """A machine with two cards of compute capability 8.6."""
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 6))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_80", "sm_90"])
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: False)


@pytest.fixture
def no_cards(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: False)


@pytest.fixture
def made(monkeypatch):
    """The devices that engines are made for; all of them answer on the CPU."""
    asked = []

    class OnCpu(Engine):
        def __init__(self, estimator, device, *rest):
            asked.append(device)
            super().__init__(estimator, CPU, *rest)

    monkeypatch.setattr(module, "Engine", OnCpu)
    return asked


def answers(**params):
    ours = TensorAccelerated(NATIVE, **params)
    assert_same(ours.predict_proba(X), NATIVE.predict_proba(X))
    return ours


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("auto", torch.device("cuda", 1)),
        ("cuda", torch.device("cuda", 1)),
        ("cuda:0", torch.device("cuda", 0)),
        (torch.device("cuda:1"), torch.device("cuda", 1)),
        ("cpu", CPU),
        ("cpu:0", CPU),
        (torch.device("cpu"), CPU),
    ],
)
def test_the_device_asked_for_is_the_one_that_answers(asked, found, cards, made):
    answers(device=asked)
    assert made == [found]


def test_auto_without_a_card_is_the_cpu(no_cards, made):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answers()
    assert made == [CPU]


@pytest.mark.usefixtures("no_cards")
@pytest.mark.parametrize("asked", ["cuda", "cuda:1", "mps", "xpu", torch.device("cuda", 3)])
def test_one_warning_says_that_a_device_is_missing(asked, made):
    ours = TensorAccelerated(copy.deepcopy(NATIVE), device=asked)
    with pytest.warns(UserWarning, match=f"device='{asked}' is not there") as warned:
        ours.predict(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.predict_proba(X)
        ours.explain()
        ours.set_params(batch_size=7).predict(X)
        ours.estimator.set_params(logisticregression__C=2.0)
        ours.predict(X)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert "the CPU answers instead" in str(warned[0].message)
    assert set(made) == {CPU}


@pytest.mark.usefixtures("no_cards")
def test_a_missing_device_is_an_error_where_nothing_may_fall_back():
    ours = TensorAccelerated(NATIVE, device="cuda:1", fallback="raise")
    for call in (lambda: ours.predict(X), ours.explain):
        with pytest.raises(Unsupported, match="device='cuda:1' is not there"):
            call()


def test_a_card_too_many_is_missing(cards):
    assert "finds 2 of its kind" in devices.why_missing(torch.device("cuda:2"))
    assert not devices.why_missing(torch.device("cuda:1"))


@pytest.mark.parametrize(
    ("capability", "archs", "built"),
    [
        ((8, 6), ["sm_80"], True),
        ((8, 6), ["sm_86"], True),
        ((8, 6), ["sm_89"], False),
        ((8, 6), ["sm_75", "sm_90"], False),
        ((8, 6), ["compute_75"], True),
        ((9, 0), ["sm_90a"], True),
        ((12, 0), ["sm_120"], True),
        ((12, 0), ["sm_100", "compute_120"], True),
        ((6, 1), ["sm_75", "compute_75"], False),
    ],
)
def test_a_card_that_torch_is_not_built_for_is_missing(
    capability, archs, built, cards, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: archs)
    why = devices.why_missing(torch.device("cuda"))
    assert why == ("" if built else "this build of torch is for other cards")
    assert devices.best().type == ("cuda" if built else "cpu")


def test_a_forked_process_leaves_its_parents_card_alone(cards, monkeypatch):
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    assert devices.best() == CPU
    assert "forked" in devices.why_missing(torch.device("cuda"))
    on_cpu, on_card = (TensorAccelerated(NATIVE, device="cpu") for _ in range(2))
    engine = Engine(NATIVE, CPU)
    lock = engine._lock
    module._ENGINES[on_cpu] = engine
    left = module._ENGINES[on_card] = Engine(NATIVE, torch.device("cuda", 0))
    monkeypatch.setattr(module, "_LEFT_ALONE", [])
    module._forked()
    assert on_card not in module._ENGINES
    assert left in module._LEFT_ALONE  # to free what it has on the card would ask the driver
    assert module._ENGINES[on_cpu] is engine
    assert engine._lock is not lock


def test_other_kinds_of_card(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 1)
    monkeypatch.setattr(torch.xpu, "current_device", lambda: 0)
    assert not devices.why_missing(torch.device("mps"))
    assert not devices.why_missing(torch.device("xpu"))
    assert "finds 1" in devices.why_missing(torch.device("xpu:1"))
    assert devices.settled(torch.device("xpu")) == torch.device("xpu", 0)


MPS = torch.device("mps")


@pytest.mark.parametrize(
    ("estimator", "dtype", "why"),
    [
        (NATIVE, "float64", "mps has no float64, which the input is"),
        (BINARY, "float32", "mps has no float64, which logisticregression needs"),
        (NATIVE[1], "float32", "mps has no float64, which logisticregression needs"),
        (Binarizer().fit(X), "float32", ""),
        (Binarizer().fit(X), "float64", "mps has no float64, which the input is"),
    ],
    ids=str,
)
def test_what_a_card_has_no_numbers_for_stays_on_the_cpu(estimator, dtype, why):
    method = "predict_proba" if hasattr(estimator, "predict_proba") else "transform"
    graphs = build(estimator, signature_of(X.astype(dtype)))
    assert lacking(graphs, method, MPS) == why
    assert not lacking(graphs, method, torch.device("cuda:0"))


def test_a_program_that_a_card_has_no_numbers_for_is_the_cpus_and_says_so():
    engine = Engine(NATIVE, MPS)
    assert_same(engine.answer("predict_proba", X), NATIVE.predict_proba(X))
    assert engine.program("predict_proba", X).device == CPU
    plan = engine.plan("predict_proba")
    note = "predict_proba on cpu: mps has no float64, which the input is"
    assert (plan.device, plan.notes) == ("cpu", (note,))
    assert plan.steps[-1].device == "cpu"
    assert note in str(plan).splitlines()
    assert note in plan._repr_html_()


def test_answers_that_a_card_has_no_numbers_for_stay_on_the_cpu():
    assert as_tensors(np.ones(2), MPS).device == CPU
    assert as_tensors(torch.ones(2, dtype=torch.float64), MPS).device == CPU


@pytest.mark.parametrize(("has", "lacked"), [(True, set()), (False, {torch.float64})])
def test_whether_a_card_of_intel_has_float64_is_asked(has, lacked, monkeypatch):
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda d: SimpleNamespace(has_fp64=has))
    assert devices.lacks(torch.device("xpu:0")) == lacked
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda d: SimpleNamespace())
    assert devices.lacks(torch.device("xpu:0")) == set()


def test_making_copying_and_loading_touch_no_card(monkeypatch):
    def touched(*args):
        raise AssertionError("a card was asked for")

    for name in ("is_available", "device_count", "current_device", "_lazy_init"):
        monkeypatch.setattr(torch.cuda, name, touched)
    # A build for the CPU is told by this, before a card is asked for.
    monkeypatch.setattr(torch.backends.cuda, "is_built", touched)
    ours = TensorAccelerated(NATIVE, device="cuda")
    repr(copy.deepcopy(pickle.loads(pickle.dumps(ours))))
    ours.set_params(device="auto").get_params()
    ours._repr_html_()
    ours.fit(X, Y)
    assert hasattr(ours, "predict_proba")
    assert list(ours.classes_) == [0, 1]


PROGRAM = """
import pickle, signal, sys, os, warnings
import numpy as np
from sktensor import TensorAccelerated
ours = pickle.load(open(sys.argv[1], "rb"))
X = np.zeros((2000, 3))
def ask():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in (1, 2000, 1):
            assert ours.predict(X[:n]).tolist() == ours.estimator.predict(X[:n]).tolist()
    return [str(w.message) for w in caught]
said = ask()
print(*said, sep="\\n", flush=True)
if hasattr(os, "fork"):
    pid = os.fork()
    if pid == 0:
        signal.alarm(50)
        os._exit(0 if ask() == [] else 1)
    assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.parametrize("device", ["auto", "cuda", torch.device("cuda", 1)], ids=str)
def test_what_was_pickled_beside_a_card_answers_where_none_is_visible(
    device, tmp_path, monkeypatch
):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(TensorAccelerated(NATIVE, device=device)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    command = [sys.executable, "-c", PROGRAM, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if device == "auto":
        assert lines == [""] or not lines
    else:
        assert len(lines) == 1
        assert lines[0].startswith(f"device='{device}' is not there (")


@pytest.mark.usefixtures("cards")
def test_a_card_that_failed_is_missing_from_then_on(monkeypatch):
    monkeypatch.setattr(devices, "_lost", {})
    assert devices.best() == torch.device("cuda", 1)
    assert devices.is_lost(torch.device("cuda", 1), RuntimeError("CUDA error: unknown error"))
    assert devices.best() == CPU
    assert devices.why_missing(torch.device("cuda")) == "it failed: CUDA error: unknown error"
    assert not devices.why_missing(torch.device("cuda:0"))
    with pytest.warns(UserWarning, match="it failed: CUDA error: unknown error"):
        answers(device="cuda:1")


def test_a_forked_process_leaves_a_card_of_intel_alone(monkeypatch):
    monkeypatch.setattr(torch.xpu, "_is_in_bad_fork", lambda: True, raising=False)
    assert "forked" in devices.why_missing(torch.device("xpu"))


def test_another_device_makes_another_engine(made):
    ours = TensorAccelerated(NATIVE, device="cpu")
    ours.predict(X)
    ours.predict(X)
    assert len(made) == 1
    ours.set_params(device=torch.device("cpu")).predict(X)
    assert len(made) == 2
