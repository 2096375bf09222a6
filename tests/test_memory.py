"""What wide tables of strings take: indicator columns are never built."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import warnings
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sktensor import TensorAccelerated

N, COLUMNS, LEVELS = 100_000, 20, 3_000
rng = np.random.default_rng(0)
known = np.array([f"level {i}" for i in range(LEVELS)], object)
few = pd.DataFrame({f"c{j}": rng.permutation(known) for j in range(COLUMNS)})
pipe = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=2))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pipe.fit(few, rng.integers(0, 2, LEVELS))
fast = TensorAccelerated(pipe, device="cpu", fallback="raise")
fast.predict_proba(few[:200])  # compiles
X = pd.DataFrame({f"c{j}": rng.choice(known, N) for j in range(COLUMNS)})

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1e3

with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")
before = memory("VmRSS")
answer = fast.predict_proba(X)
print(memory("VmHWM") - before)
np.testing.assert_allclose(answer[:500], pipe.predict_proba(X[:500]), rtol=1e-10)
"""


@pytest.mark.slow
def test_twenty_columns_of_3000_strings_take_less_than_200_mb():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 200
