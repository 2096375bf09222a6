"""How long programs and native methods take."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from ..program import Program

RUNS, SECONDS = 5, 1.0  # the fastest of so many runs, while there is time


def fastest(call: Callable[[], Any]) -> float:
    """The time that the fastest of some calls takes, after one that is not counted."""
    call()
    times: list[float] = []
    while len(times) < RUNS and sum(times) < SECONDS:
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)


def stage_times(program: Program, X: Any) -> list[tuple[float, int, int]]:
    """The seconds of each stage in the fastest run, and the bytes that go in and out."""
    runs: list[list[tuple[float, int, int]]] = []
    while len(runs) < RUNS and sum(t for run in runs for t, _, _ in run) < SECONDS:
        runs.append(program.timed(X))
    return min(runs, key=lambda run: sum(t for t, _, _ in run))
