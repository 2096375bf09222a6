"""Paired timings: engines take turns on the same rows in one process."""

from __future__ import annotations

import gc
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import psutil
import torch

PACKAGES = (
    "sktensor",
    "scikit-learn",
    "scikit-learn-intelex",
    "numpy",
    "torch",
    "numba",
    "xgboost",
    "lightgbm",
    "onnxruntime",
    "skl2onnx",
    "onnxmltools",
    "daal4py",
    "lleaves",
    "treelite",
    "hummingbird-ml",
)

PAUSE = 0.03  # seconds between two engines


def seconds(call: Callable[[], Any], least: float = 0.002) -> float:
    """Wall time of one call, short ones repeated until the clock can tell."""
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    if once >= least:
        return once
    times = max(1, int(least / max(once, 1e-7)))
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def paired(
    calls: dict[str, Callable[[], Any]], budget: float = 6.0, most: int = 15
) -> dict[str, list[float]]:
    """Seconds of every call, in turns, until the budget is spent.

    Three rounds at least, or one where that alone takes three times the budget. The calls were
    made before, so none is the first.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    start = time.perf_counter()
    for done in range(most):
        spent = time.perf_counter() - start
        if done and spent > budget * (1 if done >= 3 else 3):
            break
        for name, call in calls.items():
            # The pools of some engines go on spinning for a while, on the cores of the next.
            time.sleep(PAUSE)
            times[name].append(seconds(call))
    return times


def ratio(times: dict[str, list[float]], name: str, other: str) -> float:
    """How many times as long `other` takes as `name`: the median of the pairs."""
    pairs = zip(times[other], times[name], strict=True)
    return statistics.median(b / a for b, a in pairs)


def median(times: list[float]) -> float:
    return statistics.median(times)


def difference(ours: Any, native: Any) -> float:
    """The largest difference between two answers; labels that differ count as infinite."""
    ours, native = np.asarray(ours), np.asarray(native)
    if native.dtype.kind not in "f":
        return 0.0 if np.array_equal(ours.astype(native.dtype), native) else float("inf")
    return float(np.abs(ours.reshape(native.shape).astype(np.float64) - native).max(initial=0.0))


def peak_memory() -> float:
    """The process's peak resident memory so far, in MB."""
    info = psutil.Process().memory_info()
    return getattr(info, "peak_wset", _peak_kilobytes() * 1024) / 1e6


def _peak_kilobytes() -> int:
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def about() -> dict[str, Any]:
    """The machine, the versions and the day."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": found,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            found = next(line for line in lines if line.startswith("model name"))
        return found.partition(":")[2].strip()
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def in_words(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
