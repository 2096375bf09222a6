"""Under any treatment: many threads, many cycles, nowhere to write, no room for threads."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktensor import TensorAccelerated
from sktensor import estimator as home

from .cases import data as d
from .support import assert_same

ROOT = Path(__file__).resolve().parents[1]
THREADS, TIMEOUT = 16, 60

MIXED = make_pipeline(
    make_column_transformer((StandardScaler(), ["a", "n"]), (OneHotEncoder(), ["colour", "size"])),
    LogisticRegression(),
).fit(d.FRAME, d.Y_TEXT)
FOREST = RandomForestClassifier(20, random_state=0).fit(d.X, d.Y_TEXT)
MODELS = {
    "frame": (MIXED, d.FRAME),
    "forest": (FOREST, d.X),
    "histograms": (HistGradientBoostingClassifier(max_iter=5).fit(d.X_NAN, d.Y_BINARY), d.X_NAN),
}


@pytest.mark.parametrize("name", MODELS)
def test_sixteen_threads_ask_one_object(name):
    """Each for rows of its own, of many sizes, from the first call on, while some look on."""
    model, X = MODELS[name]
    ours = TensorAccelerated(model, device="cpu")
    tables = [X[i : i + 1 + 7 * i] for i in range(THREADS)]
    wanted = [(model.predict(t), model.predict_proba(t)) for t in tables]
    start = threading.Barrier(THREADS)

    def ask(i):
        start.wait(TIMEOUT)
        answers = []
        for turn in range(10):
            answers.append((ours.predict(tables[i]), ours.predict_proba(tables[i])))
            if turn == i % 10:
                ours.explain()
        return answers

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(ask, range(THREADS), timeout=TIMEOUT))
    for answers, native in zip(found, wanted, strict=True):
        for answer in answers:
            assert_same(list(answer), list(native))


def test_threads_ask_while_others_fit_again():
    """Whatever is answered is the answer of one fit or the other, and never of both."""
    models = [RandomForestClassifier(3, random_state=k).fit(d.X, d.Y_MULTI) for k in (0, 1)]
    wanted = [m.predict_proba(d.X) for m in models]
    ours = TensorAccelerated(models[0], device="cpu")
    stop = threading.Event()

    def change():
        for k in range(60):
            ours.set_params(estimator=models[k % 2])
        stop.set()

    def ask(_):
        found = []
        while not stop.is_set() or not found:
            found.append(ours.predict_proba(d.X))
        return found

    with ThreadPoolExecutor(5) as pool:
        changed = pool.submit(change)
        answers = [a for some in pool.map(ask, range(4), timeout=TIMEOUT) for a in some]
        changed.result(TIMEOUT)
    assert all(any(np.array_equal(a, w) for w in wanted) for a in answers)


CYCLES = """
import gc, sys
import numpy as np
import psutil
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sktensor import TensorAccelerated

X = np.random.RandomState(0).randn(300, 20)
y = (X[:, 0] > 0).astype(int)
process = psutil.Process()

def cycle(k):
    for model in (make_pipeline(StandardScaler(), LogisticRegression(max_iter=5)),
                  DecisionTreeClassifier(max_depth=4)):
        ours = TensorAccelerated(model, device="cpu").fit(X, y)
        ours.predict(X), ours.predict_proba(X[: 1 + k % 100])

import warnings
warnings.simplefilter("ignore")  # of convergence
for k in range(100):
    cycle(k)
gc.collect()
before = process.memory_info().rss
for k in range(500):
    cycle(k)
gc.collect()
print((process.memory_info().rss - before) / 1e6)
"""


@pytest.mark.slow
def test_a_thousand_fits_and_scores_leave_nothing_behind():
    done = subprocess.run(
        [sys.executable, "-c", CYCLES], capture_output=True, text=True, timeout=300, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 20


@pytest.mark.parametrize("name", MODELS)
def test_programs_go_with_their_estimator(name):
    model, X = MODELS[name]
    ours = TensorAccelerated(model, device="cpu")
    ours.predict(X)
    ours.verify(X, n_rows=20)
    program = weakref.ref(home._ENGINES[ours].program("predict", X))
    assert program() is not None
    del ours
    gc.collect()
    assert program() is None


def test_programs_of_many_kinds_of_input_are_bounded():
    ours = TensorAccelerated(FOREST, device="cpu")
    for k in range(40):
        frame = d.FRAME[["a"]].assign(**{f"c{k}{i}": 0.5 * i for i in range(5)})
        with pytest.warns(UserWarning, match="feature names"):
            ours.predict(frame)
    engine = home._ENGINES[ours]
    assert len(engine._graphs) <= 16
    assert len(engine._programs) <= 16 * 7


def run(program, folder=ROOT, **variables):
    """The words that a new process prints, with variables set, or unset by None."""
    env = {k: v for k, v in {**os.environ, **variables}.items() if v is not None}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


ANSWERS = """
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sktensor import TensorAccelerated
X = np.random.RandomState(0).randn(200, 4)
model = RandomForestClassifier(3, random_state=0).fit(X, X[:, 0] > 0)
ours = TensorAccelerated(model, device=DEVICE, fallback="raise")
print("same", (ours.predict(X) == model.predict(X)).all())
"""


@pytest.mark.slow
def test_it_works_where_no_cache_folder_can_be_written(tmp_path):
    """A file is in the way wherever Numba would make a folder, whoever runs this."""
    copied = tmp_path / "sktensor"
    shutil.copytree(ROOT / "sktensor", copied, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [copied, *(p for p in copied.rglob("*") if p.is_dir())]:
        (folder / "__pycache__").touch()
    home = tmp_path / "home"
    home.touch()
    nowhere = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "NUMBA_CACHE_DIR": None}
    variables = {**nowhere, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    said = " ".join(run(ANSWERS.replace("DEVICE", "'cpu'"), tmp_path, **variables))
    assert "same True" in said
    assert "no cache folder can be written to" in said


@pytest.mark.slow
def test_it_works_where_there_is_no_compiler(tmp_path):
    """Nor any other program: kernels are compiled anew all the same."""
    nothing = {"PATH": str(tmp_path), "CC": None, "CXX": None}
    cache = tmp_path / "cache"
    said = run(ANSWERS.replace("DEVICE", "'cpu'"), NUMBA_CACHE_DIR=str(cache), **nothing)
    assert said[-2:] == ["same", "True"]
    assert list(cache.rglob("*.nbi"))


def test_it_works_where_every_card_is_hidden():
    said = run(ANSWERS.replace("DEVICE", "'auto'"), CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1")
    assert said[-2:] == ["same", "True"]
