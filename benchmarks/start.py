"""What the first answer costs in a fresh process: imports, compiling, packing.

`python -m benchmarks start` runs itself in new processes: with the kernels compiled on disk, with
an empty folder for them, and with no folder that can be written into.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import joblib
import numpy as np

WORKLOADS = ("rf-1000x10", "rf-deep-10-classes", "lgbm-500x31", "xgb-500x8", "hgb-200x31-nan")
CACHES = ("warm", "empty", "none")


def run(names: list[str], cache: Path, threads: int) -> Iterator[dict[str, Any]]:
    """Seconds of every workload's first answers, for one row and for 100,000."""
    from . import forests, grid  # which import sktensor, whose import is timed here

    for name in names:
        _, X, _ = grid.fitted(name, forests.WORKLOADS[name], cache)
        np.save(cache / f"{name}.npy", X)
        for kind in CACHES:
            for rows in (1, 100_000):
                yield {"workload": name, "cache": kind, "rows": rows} | _in_a_new_process(
                    name, cache, threads, rows, kind
                )


def _in_a_new_process(
    name: str, cache: Path, threads: int, rows: int, kind: str
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        places = {"warm": cache / "numba", "empty": Path(folder), "none": Path(__file__) / "no"}
        env = os.environ | {"NUMBA_CACHE_DIR": str(places[kind]), "OMP_NUM_THREADS": str(threads)}
        if kind == "none":  # neither beside the package nor in the user's own folder
            env["NUMBA_CACHE_LOCATOR_CLASSES"] = "UserProvidedCacheLocator"
        command = [sys.executable, "-m", "benchmarks.start", name, str(cache), str(rows)]
        for _ in range(2 if kind == "warm" else 1):
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _first(name: str, cache: Path, rows: int) -> dict[str, float]:
    """Seconds of the import and of the first two calls in this process."""
    estimator, X = joblib.load(cache / f"{name}.joblib"), np.load(cache / f"{name}.npy")
    method = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    getattr(estimator, method)(X[:10])  # what the native library has to get ready
    clock = [time.perf_counter()]
    from sktensor import TensorAccelerated

    clock.append(time.perf_counter())
    ours = TensorAccelerated(estimator, device="cpu")
    for _ in range(2):
        getattr(ours, method)(X[:rows])
        clock.append(time.perf_counter())
    imported, first, second = (b - a for a, b in pairwise(clock))
    return {"import": imported, "first": first, "second": second}


if __name__ == "__main__":
    print(json.dumps(_first(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
