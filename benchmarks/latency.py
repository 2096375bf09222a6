"""One row at a time: the whole call, its median and its 99th percentile.

Engines take turns, some calls each, and what they answer is compared first. onnxruntime is asked
through its session, for frames with a dict of arrays.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sktensor import TensorAccelerated

from . import forests, grid, measure, peers, pipelines

WORKLOADS = {
    **{k: pipelines.WORKLOADS[k] for k in ("impute-scale-lr", "frame-20x1500-lr")},
    **{k: pipelines.WORKLOADS[k] for k in ("frame-10x20-lgbm", "poly-lr-300000x20")},
    **{k: forests.WORKLOADS[k] for k in ("rf-1000x10", "lgbm-100x31", "xgb-500x8")},
}
TURN = 50  # calls in a row
LEAST, MOST = 100, 5000


def run(names: list[str], cache: Path, budget: float, with_peers: bool) -> Iterator[dict[str, Any]]:
    """Percentiles of every workload's engines, for one row."""
    for name in names:
        estimator, X, _ = grid.fitted(name, WORKLOADS[name], cache)
        row, ours = X[:1], TensorAccelerated(estimator, device="cpu")
        answers: dict[str, Callable[[], Any]] = {
            "native": lambda e=estimator, row=row: e.predict_proba(row),
            "sktensor": lambda o=ours, row=row: o.predict_proba(row),
        }
        expected = answers["native"]()
        cannot = {}
        if with_peers and "onnxruntime" in peers.installed():
            try:
                answers["onnxruntime"] = _onnxruntime(estimator, row)
            except Exception as error:  # a peer that cannot is a result too
                cannot["onnxruntime"] = f"{type(error).__name__}: {error}".splitlines()[0][:80]
        yield {
            "workload": name,
            "rows": 1,
            "difference": {e: measure.difference(a(), expected) for e, a in answers.items()},
            "latency": {e: percentiles(t) for e, t in _in_turns(answers, budget).items()},
            "cannot": cannot,
        }


def _in_turns(answers: dict[str, Callable[[], Any]], budget: float) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {engine: [] for engine in answers}
    for engine, answer in answers.items():
        start = time.perf_counter()
        spent = budget / len(answers)
        while len(times[engine]) < LEAST or (
            time.perf_counter() - start < spent and len(times[engine]) < MOST
        ):
            time.sleep(measure.PAUSE)
            answer()  # so that the caches hold what this engine needs
            for _ in range(TURN):
                begin = time.perf_counter()
                answer()
                times[engine].append(time.perf_counter() - begin)
    return times


def percentiles(times: list[float]) -> dict[str, float]:
    """The median and the 99th percentile of some seconds."""
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "calls": len(times)}


def _onnxruntime(estimator: Any, row: Any) -> Callable[[], Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(row, np.ndarray):
            answer = peers.onnxruntime(estimator, row, row[:, 0], torch.get_num_threads())
            row = row.astype(np.float32)
            return lambda: answer(row)
        return _of_a_frame(estimator, row)


def _of_a_frame(estimator: Any, row: Any) -> Callable[[], Any]:
    """A session that is fed a dict of arrays, one for each column."""
    import onnxruntime as ort
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    strings = [c for c in row if row[c].dtype.kind != "f"]
    kinds = [(c, (StringTensorType if c in strings else FloatTensorType)([None, 1])) for c in row]
    options = {id(estimator): {"zipmap": False}}
    model = convert_sklearn(estimator, initial_types=kinds, options=options)
    setting = ort.SessionOptions()
    setting.intra_op_num_threads = torch.get_num_threads()
    providers = ["CPUExecutionProvider"]
    session = ort.InferenceSession(model.SerializeToString(), setting, providers=providers)
    dtypes = {c: object if c in strings else np.float32 for c in row}
    fed = {c: row[[c]].to_numpy(dtypes[c]) for c in row}
    output = session.get_outputs()[-1].name
    return lambda: session.run([output], fed)[0]
