"""Workloads times numbers of rows: every engine in turn on the same rows, equality first."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import torch
from sklearn.utils import _safe_indexing

from sktensor import TensorAccelerated

from . import measure, peers

SLOW_PEER = 5.0  # seconds a call beyond which a peer is left out of larger batches


class Workload(NamedTuple):
    """An estimator, and the rows that it is fitted on and answers."""

    make: Callable[[], Any]
    rows: Callable[[], tuple[Any, np.ndarray]]  # of them and their targets
    n_fit: int  # how many of them it is fitted on
    dtype: Any = None  # of the rows it answers, None for their own
    bare: bool = False  # time its last step alone too, on what the others make of the rows


def fitted(name: str, workload: Workload, cache: Path) -> tuple[Any, Any, np.ndarray]:
    """A workload's estimator, fitted now or earlier, its rows, and the targets it was fitted on."""
    X, y = workload.rows()
    y, path = y[: workload.n_fit], cache / f"{name}.joblib"
    if path.exists():
        estimator = joblib.load(path)
    else:
        estimator = workload.make().fit(_first(X, workload.n_fit), y)
        cache.mkdir(parents=True, exist_ok=True)
        joblib.dump(estimator, path)
    return estimator, X if workload.dtype is None else X.astype(workload.dtype), y


def _first(X: Any, n: int) -> Any:
    """The first rows; an array begins anew where it has no more."""
    n_rows = X.shape[0]
    if n > n_rows:
        return np.tile(X, (-(-n // n_rows), 1))[:n]
    return _safe_indexing(X, slice(n))


def run(
    workloads: dict[str, Workload],
    rows: tuple[int, ...],
    cache: Path,
    budget: float,
    with_peers: bool,
) -> Iterator[dict[str, Any]]:
    """A result for every workload and number of rows."""
    for name, workload in workloads.items():
        estimator, X, y = fitted(name, workload, cache)
        engines, facts = _engines(estimator, X, y, with_peers, workload.bare)
        native = engines["native"]
        for n in rows:
            if n > X.shape[0] and not isinstance(X, np.ndarray):
                continue
            table = _first(X, n)
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


def _last_step(pipe: Any, X: np.ndarray, method: str) -> Callable[[Any], Any]:
    made, ours = pipe[:-1].transform(X), TensorAccelerated(pipe[-1], device="cpu")
    return lambda rows: getattr(ours, method)(_first(made, len(rows)))


def _engines(
    estimator: Any, X: Any, y: np.ndarray, with_peers: bool, bare: bool
) -> tuple[dict[str, Any], Any]:
    """Native, ours and the peers as functions of rows, and what each took to get ready."""
    method = next(m for m in ("predict_proba", "score_samples", "predict") if hasattr(estimator, m))
    ours = TensorAccelerated(estimator, device="cpu")
    start = time.perf_counter()
    getattr(ours, method)(_first(X, 1))
    first = time.perf_counter() - start
    engines = {"native": getattr(estimator, method), "sktensor": getattr(ours, method)}
    if bare:
        engines["bare"] = _last_step(estimator, X, method)
    conversion = {}
    for name, build in (peers.installed() if with_peers else {}).items():
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = build(estimator, _first(X, len(y)), y, torch.get_num_threads())
                if np.asarray(answer(_first(X, 10))).size:
                    engines[name] = answer
        except Exception as error:  # a peer that cannot is a result too
            conversion[name] = f"{type(error).__name__}: {error}".splitlines()[0][:80]
        else:
            conversion[name] = time.perf_counter() - start
    natively = [s.reason for s in ours.explain(method).steps if s.backend == "native"]
    return engines, {"first_call": first, "conversion": conversion, "native_steps": natively}
