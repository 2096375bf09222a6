"""Threads and processes: many callers at once, children of a process that has answered before."""

import multiprocessing
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktensor import TensorAccelerated, threads
from sktensor.threads import share_rows

from .support import assert_same

RNG = np.random.RandomState(0)
X = RNG.randn(40_000, 8)
PIPE = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:500], X[:500, 0] > 0)
TIMEOUT = 60  # seconds until a process counts as hung


def test_every_row_is_given_out_once():
    given = np.zeros(1003, int)

    def task(lo, hi):
        given[lo:hi] += 1

    for block in (1, 10, 1003, 5000):
        given[:] = 0
        share_rows(task, 1003, block)
        assert (given == 1).all()


def test_the_first_error_is_raised_and_stops_the_rest():
    done = []

    def task(lo, hi):
        if lo == 30:
            raise KeyError("thirty")
        done.append(lo)

    with pytest.raises(KeyError, match="thirty"):
        share_rows(task, 10**6, 10)
    assert len(done) < 10**5
    share_rows(lambda lo, hi: done.append(lo), 20, 10)
    assert {0, 10} <= set(done)


@pytest.fixture
def no_pool(monkeypatch):
    """A process that has not made its pool yet, and gets its own back afterwards."""
    monkeypatch.setattr(threads, "_pool", None)


class Refusing(ThreadPoolExecutor):
    """A pool on a machine that has only so many threads left."""

    left = 0

    def submit(self, *args, **kwargs):
        if type(self).left <= 0:
            raise RuntimeError("can't start new thread")
        type(self).left -= 1
        return super().submit(*args, **kwargs)


@pytest.mark.parametrize("left", [0, 1, 2, 3, 4, 5, 6])
def test_without_threads_to_be_had_the_caller_does_the_work(left, no_pool, monkeypatch):
    monkeypatch.setattr(threads, "ThreadPoolExecutor", Refusing)
    monkeypatch.setattr(Refusing, "left", left)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        fast = TensorAccelerated(PIPE, device="cpu", batch_size=500)
        for _ in range(2):
            assert_same(fast.predict_proba(X[:5000]), PIPE.predict_proba(X[:5000]))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_callers_in_many_threads_get_their_own_answers():
    fast = TensorAccelerated(PIPE, device="cpu", batch_size=300)
    tables = [X[i * 1000 : i * 1000 + 1000 + i] for i in range(12)]
    wanted = [PIPE.predict_proba(table) for table in tables]
    start = threading.Barrier(len(tables))

    def ask(table):
        start.wait(TIMEOUT)
        return [fast.predict_proba(table) for _ in range(5)]

    with ThreadPoolExecutor(len(tables)) as pool:
        for answers, native in zip(pool.map(ask, tables), wanted, strict=True):
            for answer in answers:
                assert_same(answer, native)


def test_the_callers_number_of_threads_is_left_alone():
    before = torch.get_num_threads()
    TensorAccelerated(PIPE, device="cpu", batch_size=300).predict(X)
    assert torch.get_num_threads() == before


CHILD = """
import os, signal
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sktensor import TensorAccelerated

X = np.random.RandomState(0).randn(100_000, 8)
pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:500], X[:500, 0] > 0)
fast = TensorAccelerated(pipe, device="cpu")
torch.set_num_threads(2)
torch.randn(1500, 1500) @ torch.randn(1500, 1500)  # torch has threads of its own now
for n in (100, 12_000, 100_000):
    fast.predict_proba(X[:n])
for n in ROWS:
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        same = np.allclose(fast.predict_proba(X[:n]), pipe.predict_proba(X[:n]), rtol=1e-10, atol=0)
        os._exit(0 if same else 1)
    assert os.waitpid(pid, 0)[1] == 0, n
    fast.predict_proba(X[:n])
"""


@pytest.mark.parametrize("rows", [100, 12_000, 100_000])
def test_a_forked_child_answers(rows):
    # In a process of its own, since a fork copies whatever threads other tests have started.
    program = CHILD.replace("ROWS", f"({rows},)")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stderr


POOLS = """
import multiprocessing, sys
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sktensor import TensorAccelerated

X = np.random.RandomState(0).randn(30_000, 8)
pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:500], X[:500, 0] > 0)
fast = TensorAccelerated(pipe, device="cpu")

def ask(n):
    return fast.predict_proba(X[:n])

def ask_it(pair):
    estimator, n = pair
    return estimator.predict_proba(X[:n])

if __name__ == "__main__":
    sizes = (100, 12_000, 30_000)
    [ask(n) for n in sizes]
    if sys.argv[1] == "loky":
        import joblib
        parallel = joblib.Parallel(2, "loky", timeout=100)
        answers = parallel(joblib.delayed(ask_it)((fast, n)) for n in sizes)
        answers += parallel(joblib.delayed(fast.predict_proba)(X[:n]) for n in sizes)
    else:
        with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
            answers = pool.map_async(ask, sizes).get(60) + pool.map_async(
                ask_it, [(fast, n) for n in sizes]
            ).get(60)
    for answer in answers:
        np.testing.assert_allclose(answer, pipe.predict_proba(X[: len(answer)]), rtol=1e-10)
    print(len(answers))
"""


@pytest.mark.parametrize("method", [*multiprocessing.get_all_start_methods(), "loky"])
def test_workers_of_every_kind_answer(method, tmp_path):
    script = tmp_path / "pools.py"
    script.write_text(POOLS)
    done = subprocess.run(
        [sys.executable, str(script), method], capture_output=True, text=True, timeout=2 * TIMEOUT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["6"]


NOBODY = """if True:
    import os, resource, threading
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sktensor import TensorAccelerated
    X = np.random.RandomState(0).randn(100_000, 4)
    model = RandomForestClassifier(3, random_state=0).fit(X[:200], X[:200, 0] > 0)
    expected = model.predict_proba(X)
    if os.getuid() == 0:  # who may start what he likes
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    ours = TensorAccelerated(model, device="cpu", fallback="raise")
    try:
        threading.Thread(target=int).start()
    except RuntimeError:
        print("none", np.abs(ours.predict_proba(X) - expected).max() < 1e-12)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit counts threads on Linux alone")
def test_a_user_who_may_start_no_threads():
    done = subprocess.run([sys.executable, "-c", NOBODY], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "none True\n"), done.stderr
