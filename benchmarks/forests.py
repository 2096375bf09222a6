"""Tree ensembles: the workloads, fitted once and kept in the cache folder."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.datasets import make_classification, make_regression

from sktensor import TensorAccelerated

from . import measure, peers

ROWS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
SLOW_PEER = 5.0  # seconds a call beyond which a peer is left out of larger batches


def _binary(dtype: Any = np.float32) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(100_000, 28, n_informative=12, random_state=0)
    return X.astype(dtype), y


def _with_nan() -> tuple[np.ndarray, np.ndarray]:
    X, y = _binary()
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    return X, y


def _classes(n: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(
        100_000, 28, n_informative=16, n_classes=n, n_clusters_per_class=1, random_state=0
    )
    return X.astype(np.float32), y


def _values() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_regression(100_000, 28, n_informative=16, noise=20.0, random_state=0)
    return X.astype(np.float32), y


def _sklearn(name: str, **params: Any) -> Any:
    import sklearn.ensemble

    return getattr(sklearn.ensemble, name)(**params)


def _lightgbm(**params: Any) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_jobs=torch.get_num_threads(), verbose=-1, **params)


def _xgboost(**params: Any) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_jobs=torch.get_num_threads(), **params)


def _jobs(name: str, **params: Any) -> Any:
    return _sklearn(name, n_jobs=torch.get_num_threads(), random_state=0, **params)


# name: (estimator, rows, how many of them it is fitted on, dtype of the rows it answers)
WORKLOADS: dict[str, tuple[Callable[[], Any], Callable[[], Any], int, Any]] = {
    "rf-1000x10": (
        lambda: _jobs(
            "RandomForestClassifier", n_estimators=1000, max_depth=10, max_samples=20_000
        ),
        _binary,
        100_000,
        np.float32,
    ),
    "rf-1000x10-float64": (
        lambda: _jobs(
            "RandomForestClassifier", n_estimators=1000, max_depth=10, max_samples=20_000
        ),
        _binary,
        100_000,
        np.float64,
    ),
    "rf-deep-10-classes": (
        lambda: _jobs("RandomForestClassifier"),
        lambda: _classes(10),
        50_000,
        np.float32,
    ),
    "rf-depth-24": (
        lambda: _jobs("RandomForestClassifier", max_depth=24),
        _binary,
        100_000,
        np.float32,
    ),
    "rf-7-classes": (
        lambda: _jobs("RandomForestClassifier", max_depth=12),
        lambda: _classes(7),
        50_000,
        np.float32,
    ),
    "rf-100-classes": (
        lambda: _jobs("RandomForestClassifier", n_estimators=50, max_depth=14),
        lambda: _classes(100),
        50_000,
        np.float32,
    ),
    "rf-small": (
        lambda: _jobs("RandomForestClassifier", n_estimators=10, max_depth=6),
        _binary,
        20_000,
        np.float32,
    ),
    "et-regressor": (
        lambda: _jobs("ExtraTreesRegressor", n_estimators=100),
        _values,
        20_000,
        np.float32,
    ),
    "isolation": (lambda: _jobs("IsolationForest"), _binary, 20_000, np.float32),
    "gb-sklearn": (
        lambda: _sklearn("GradientBoostingClassifier", n_estimators=100, random_state=0),
        _binary,
        10_000,
        np.float32,
    ),
    "hgb-200x31-nan": (
        lambda: _sklearn("HistGradientBoostingClassifier", max_iter=200, early_stopping=False),
        _with_nan,
        100_000,
        np.float32,
    ),
    "lgbm-500x31": (lambda: _lightgbm(n_estimators=500), _binary, 100_000, np.float32),
    "lgbm-500x31-float64": (lambda: _lightgbm(n_estimators=500), _binary, 100_000, np.float64),
    "lgbm-100x31": (lambda: _lightgbm(n_estimators=100), _binary, 100_000, np.float32),
    "xgb-500x6-nan": (
        lambda: _xgboost(n_estimators=500, max_depth=6),
        _with_nan,
        100_000,
        np.float32,
    ),
    "xgb-500x8": (lambda: _xgboost(n_estimators=500, max_depth=8), _binary, 100_000, np.float32),
}


def fitted(name: str, cache: Path) -> tuple[Any, np.ndarray, np.ndarray]:
    """A workload's estimator, fitted now or earlier, 100,000 rows to answer, and its targets."""
    make, rows, n_fit, dtype = WORKLOADS[name]
    X, y = rows()
    path = cache / f"{name}.joblib"
    if path.exists():
        return joblib.load(path), X.astype(dtype), y[:n_fit]
    estimator = make().fit(X[:n_fit], y[:n_fit])
    cache.mkdir(parents=True, exist_ok=True)
    joblib.dump(estimator, path)
    return estimator, X.astype(dtype), y[:n_fit]


def run(
    names: list[str], rows: tuple[int, ...], cache: Path, budget: float, with_peers: bool
) -> Iterator[dict[str, Any]]:
    """A result for every workload and number of rows."""
    for name in names:
        estimator, X, y = fitted(name, cache)
        engines, facts = _engines(estimator, X, y, with_peers)
        native = engines["native"]
        for n in rows:
            table = np.tile(X, (-(-n // len(X)), 1))[:n] if n > len(X) else X[:n]
            calls, differences = {}, {}
            expected = native(table)
            for engine, answer in list(engines.items()):
                start = time.perf_counter()
                differences[engine] = measure.difference(answer(table), expected)
                if engine in peers.PEERS and time.perf_counter() - start > SLOW_PEER:
                    del engines[engine]
                    continue
                calls[engine] = lambda answer=answer, table=table: answer(table)
            times = measure.paired(calls, budget)
            yield {
                "workload": name,
                "rows": n,
                "seconds": {engine: measure.median(t) for engine, t in times.items()},
                "ratio": {e: measure.ratio(times, "sktensor", e) for e in times},
                "difference": differences,
                "peak_mb": measure.peak_memory(),
                **facts,
            }


def _engines(
    estimator: Any, X: np.ndarray, y: np.ndarray, with_peers: bool
) -> tuple[dict[str, Any], Any]:
    """Native, ours and the peers as functions of rows, and what each took to get ready."""
    method = next(m for m in ("predict_proba", "score_samples", "predict") if hasattr(estimator, m))
    ours = TensorAccelerated(estimator, device="cpu")
    start = time.perf_counter()
    getattr(ours, method)(X[:1])
    first = time.perf_counter() - start
    engines = {"native": getattr(estimator, method), "sktensor": getattr(ours, method)}
    conversion = {}
    for name, build in (peers.installed() if with_peers else {}).items():
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = build(estimator, X[: len(y)], y, torch.get_num_threads())
                if np.asarray(answer(X[:10])).size:
                    engines[name] = answer
        except Exception as error:  # a peer that cannot is a result too
            conversion[name] = f"{type(error).__name__}: {error}".splitlines()[0][:80]
        else:
            conversion[name] = time.perf_counter() - start
    natively = [s.reason for s in ours.explain(method).steps if s.backend == "native"]
    return engines, {"first_call": first, "conversion": conversion, "native_steps": natively}
