"""What only a real card can show: `python -m pytest -m cuda` on a machine that has one."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated, crossover

from .support import METHODS, assert_same

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU"),
]

X, Y = make_classification(5000, 20, n_informative=8, random_state=0)
PIPE = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
FOREST = RandomForestClassifier(50, max_depth=8, random_state=0).fit(X, Y)
ESTIMATORS = [
    PIPE,
    StandardScaler().fit(X),
    FOREST,
    RandomForestRegressor(20, max_depth=8, random_state=0).fit(X, X[:, :3]),
    KNeighborsClassifier(p=1).fit(X, Y),
    make_pipeline(StandardScaler(), KNeighborsClassifier(p=1)).fit(X, Y),
]
TIMEOUT = 300


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "auto"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: str(e)[:40])
def test_a_tensor_on_the_card_for_one_there(estimator, device, dtype):
    rows = X.astype(dtype)
    table = torch.from_numpy(rows).to("cuda:0")
    ours = TensorAccelerated(estimator, device=device)
    for method in (m for m in METHODS if hasattr(estimator, m)):
        native = getattr(estimator, method)(rows)
        answer = getattr(ours, method)(table)
        assert answer.device == table.device
        assert_same(answer.cpu().numpy(), native)
        assert_same(getattr(ours, method)(rows), native)
        on_host = getattr(ours, method)(torch.from_numpy(rows))
        assert on_host.device.type == "cpu"
        assert_same(on_host.numpy(), native)


def test_labels_that_are_no_numbers_are_an_array():
    native = LogisticRegression().fit(X, np.array(["no", "yes"])[Y])
    table = torch.from_numpy(X).cuda()
    assert_same(TensorAccelerated(native, device="cuda").predict(table), native.predict(X))


def test_a_tensor_elsewhere_is_refused():
    table = torch.from_numpy(X).to("cuda:0")
    with pytest.raises(ValueError, match=r"X lies on cuda:0, .* asked for is 'cpu'"):
        TensorAccelerated(PIPE, device="cpu").predict(table)


def test_rows_that_are_refused_natively_are_refused_in_those_words():
    table = torch.from_numpy(X).cuda()
    table[7, 3] = float("nan")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        TensorAccelerated(PIPE, device="cuda").predict(table)


def test_arrays_of_cupy_come_back_as_such():
    cupy = pytest.importorskip("cupy", reason="it is no test dependency: it needs a card")
    for estimator in ESTIMATORS:
        method = "predict" if hasattr(estimator, "predict") else "transform"
        answer = getattr(TensorAccelerated(estimator), method)(cupy.asarray(X))
        assert isinstance(answer, cupy.ndarray)
        assert_same(answer.get(), getattr(estimator, method)(X))


def test_every_card_answers():
    for i in range(torch.cuda.device_count()):
        ours = TensorAccelerated(FOREST, device=f"cuda:{i}")
        assert_same(ours.predict_proba(X), FOREST.predict_proba(X))
        table = torch.from_numpy(X).to(f"cuda:{i}")
        assert ours.predict_proba(table).device == table.device
        assert TensorAccelerated(FOREST).predict_proba(table).device == table.device


@pytest.mark.parametrize("estimator", [PIPE, FOREST], ids=["linear", "forest"])
def test_threads_share_a_card(estimator):
    ours = TensorAccelerated(estimator, device="cuda")
    parts = [X[i::7] for i in range(7)] * 8
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ours.predict_proba, parts))
    for answer, part in zip(answers, parts, strict=True):
        assert_same(answer, estimator.predict_proba(part))


def test_the_same_rows_give_the_same_bits():
    ours, table = TensorAccelerated(FOREST, device="cuda"), torch.from_numpy(X).cuda()
    first = ours.predict_proba(table)
    assert all(torch.equal(first, ours.predict_proba(table)) for _ in range(5))


def test_auto_takes_the_card_for_many_rows(monkeypatch):
    monkeypatch.setenv(crossover.VARIABLE, "1000")
    ours = TensorAccelerated(FOREST)
    engine = ours._engine()
    assert engine.program("predict_proba", X).device.type == "cuda"
    assert engine.program("predict_proba", X[:999]).device.type == "cpu"
    assert "from 1,000 rows on" in str(ours.explain("predict_proba"))
    for n in (1, 999, 1000, 5000):
        assert_same(ours.predict_proba(X[:n]), FOREST.predict_proba(X[:n]))


CHILD = """
import os, signal, warnings
import numpy as np
from sklearn.linear_model import LogisticRegression
from sktensor import TensorAccelerated

X = np.random.RandomState(0).randn(5000, 8)
pipe = LogisticRegression().fit(X, X[:, 0] > 0)
fast = TensorAccelerated(pipe, device=DEVICE)
fast.predict_proba(X)
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        same = np.allclose(fast.predict_proba(X), pipe.predict_proba(X), rtol=1e-10, atol=0)
    said = any("forked" in str(w.message) for w in caught)
    os._exit(0 if same and said == (DEVICE == "cuda") else 1)
assert os.waitpid(pid, 0)[1] == 0
fast.predict_proba(X)
"""


@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_a_forked_child_answers_on_the_cpu(device):
    program = CHILD.replace("DEVICE", repr(device))
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr


def test_what_was_pickled_here_answers_where_no_card_is_visible(tmp_path, monkeypatch):
    ours = TensorAccelerated(PIPE, device="cuda:0")
    ours.predict(X)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(ours))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    program = (
        "import pickle, sys, warnings\n"
        "import numpy as np\n"
        f"ours = pickle.loads(open({str(path)!r}, 'rb').read())\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    for _ in range(3): ours.predict(np.zeros((5, 20)))\n"
        "print(*(w.message for w in caught))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    assert done.stdout.count("the CPU answers instead") == 1
