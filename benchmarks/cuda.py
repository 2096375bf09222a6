"""`python -m benchmarks cuda`: one table of what a card must reach, measured on that here.

Rows lie on the card or come from the host and go back. Equality with the native answer is checked
first; then come calls that are not counted, and then the median of those that are, by the wall
clock and, on a card, by its own events. Without a card it says so and exits with 2; with
`--device cpu` it goes through the same motions there, by the wall clock alone. It exits with 1
where an answer is wrong or fails. Whether an aim is met is printed and changes no exit code. What
is found is written after each cell, as JSON and as the table of `RESULTS.md`, beside each other.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from sktensor import TensorAccelerated, devices, kernels

from . import forests, grid, measure, pipelines

WARM_UP, MOST_RUNS, BUDGET = 3, 50, 3.0  # calls, calls, seconds a cell
NATIVE_BUDGET = 4.0
SECONDS = 360  # after which no further workload is begun: eight minutes in all
TOLERANCE = 2e-6  # what float32 rounds to in the sums of XGBoost; the others agree to 1e-10

Call = Callable[[], Any]


class Cell(NamedTuple):
    """A workload, how many rows, where they are, and what is aimed at.

    `most` is in seconds; `over` says how many times as long an engine must take as sktensor.
    """

    workload: str
    rows: int
    on_card: bool
    most: float | None = None
    over: Mapping[str, float] = MappingProxyType({})


HUMMINGBIRD = {"hummingbird": 10.0}
CELLS = (
    Cell("rf-1000x10", 100_000, True, 2e-3, HUMMINGBIRD),
    Cell("rf-1000x10", 100_000, False, 6e-3, {"native": 200.0}),
    Cell("rf-1000x10", 1, False, 150e-6),
    Cell("lgbm-500x31", 100_000, True, 1e-3, HUMMINGBIRD),
    Cell("lgbm-500x31", 100_000, False),
    Cell("xgb-500x8", 100_000, True, None, {"xgboost": 1.5} | HUMMINGBIRD),
    Cell("xgb-500x8", 100_000, False),
    Cell("frame-20x1500-lr", 1_000_000, False, None, {"native": 5.0}),
)
WORKLOADS = {name: (forests.WORKLOADS | pipelines.WORKLOADS)[name] for name, *_ in CELLS}


def main(options: argparse.Namespace) -> int:
    """Run the cells, print the table, write the results; the exit code."""
    device = asked_for(options)
    if device is None:
        return 2
    console = Console(width=None if sys.stdout.isatty() else 200)
    results: list[dict[str, Any]] = []
    about = measure.about() | {"device": card_in_words(device)}
    path = options.json or options.cache / "cuda.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    console.print(about["device"])
    for result in run(device, options):
        results.append(result)
        console.print(_line(result))
        path.write_text(json.dumps({"about": about, "results": results}, indent=1))
        path.with_suffix(".md").write_text(markdown(about, results))
    console.print(_table(results))
    print(f"written: {path} and, for RESULTS.md, {path.with_suffix('.md')}")
    wrong = [r for r in results if not r.get("right", True)]
    for result in wrong:
        said = result.get("failed") or f"differs by {result['difference']}"
        print(f"WRONG: {result['workload']} {result['data']}: {said}", file=sys.stderr)
    return 1 if wrong else 0


def asked_for(options: argparse.Namespace) -> torch.device | None:
    """The device to measure on; None, and a line that says why, where there is none."""
    device = torch.device(options.device or "cuda")
    why = devices.why_missing(device)
    if why:
        print(f"no card to measure on: {why}", file=sys.stderr)
        return None
    return devices.settled(device)


def fitted(name: str, options: argparse.Namespace) -> tuple[Any, Any]:
    """A workload's estimator, of the scale asked for, and its rows."""
    workload = _scaled(WORKLOADS[name], options.scale)
    kept = name if options.scale == 1 else f"{name}-{options.scale}"
    return grid.fitted(kept, workload, options.cache)[:2]


def run(device: torch.device, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A result for every cell, the workloads one after the other."""
    began = time.perf_counter()
    for name in options.only or WORKLOADS:
        cells = [cell for cell in CELLS if cell.workload == name]
        if time.perf_counter() - began > SECONDS:
            for cell in cells:
                yield _named(cell, cell.rows) | {"note": "no time was left"}
            continue
        estimator, X = fitted(name, options)
        for cell in cells:
            n = min([cell.rows, *(options.rows or [])])
            try:
                yield measured(cell, estimator, rows_of(X, n), device)
            except Exception as error:  # the other cells are still worth something
                said = f"{type(error).__name__}: {error}".partition("\n")[0]
                yield _named(cell, n) | {"right": False, "failed": said, "note": f"failed: {said}"}
            if device.type == "cuda" and not devices.why_missing(device):
                torch.cuda.empty_cache()  # of what the peers had


def measured(cell: Cell, estimator: Any, X: Any, device: torch.device) -> dict[str, Any]:
    """What one cell takes, after it was found equal to the native answer."""
    ours = TensorAccelerated(estimator, device=device)
    native = partial(estimator.predict_proba, X)
    expected = native()
    table = torch.from_numpy(X).to(device) if cell.on_card else X
    answer = on_host(ours.predict_proba(table))
    difference = measure.difference(answer, expected)
    result = _named(cell, len(X)) | {
        "difference": difference,
        "right": difference <= TOLERANCE,
        "native_steps": [s.name for s in ours.explain().steps if s.backend == "native"],
    }
    wall, events = timed(partial(ours.predict_proba, table), device, BUDGET)
    seconds, notes = {"sktensor": wall}, []
    seconds["native"] = timed(native, devices.CPU, NATIVE_BUDGET, warm_up=0)[0]
    for name, build in RIVALS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call = build(estimator, X, table, device)
                if call is None:
                    continue
                off = measure.difference(
                    on_host(call()).reshape(len(X), -1)[:, -1], expected[:, -1]
                )
                if off > 1e-3:
                    notes.append(f"{name} differs by {off:.0e}")
                seconds[name] = timed(call, device, BUDGET)[0]
        except Exception as error:  # a rival that cannot is a result too
            notes.append(f"{name}: {type(error).__name__}: {error}".splitlines()[0][:100])
    ratios = {name: t / wall for name, t in seconds.items()}
    met = {} if cell.most is None else {_time(cell.most): wall <= cell.most}
    met |= {name: ratios[name] >= least for name, least in cell.over.items() if name in ratios}
    return result | {
        "seconds": seconds,
        "events": events,
        "ratio": ratios,
        "met": met if device.type == "cuda" else {},
        "note": "; ".join(notes),
    }


def timed(
    call: Call, device: torch.device, budget: float, warm_up: int = WARM_UP
) -> tuple[float, float | None]:
    """The median wall time of a call, and that between two events of a card around it."""
    for _ in range(warm_up):
        call()
    walls: list[float] = []
    events: list[float] = []
    began = time.perf_counter()
    while not walls or (len(walls) < MOST_RUNS and time.perf_counter() - began < budget):
        _wait(device)
        if device.type == "cuda":
            marks = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
            start = time.perf_counter()
            marks[0].record(torch.cuda.current_stream(device))
            call()
            marks[1].record(torch.cuda.current_stream(device))
            _wait(device)
            walls.append(time.perf_counter() - start)
            events.append(1e-3 * marks[0].elapsed_time(marks[1]))
        else:
            walls.append(measure.seconds(call))
    return statistics.median(walls), statistics.median(events) if events else None


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def xgboost_itself(estimator: Any, X: Any, table: Any, device: torch.device) -> Call | None:
    """XGBoost's own prediction on the same device, of rows that lie there if it can (CuPy)."""
    if type(estimator).__module__.partition(".")[0] != "xgboost":
        return None
    booster = estimator.get_booster().copy()
    booster.set_param({"device": str(device)})
    rows = table
    if isinstance(table, torch.Tensor):
        if device.type == "cuda":
            import cupy

            rows = cupy.from_dlpack(table)
        else:
            rows = table.numpy()
    return partial(booster.inplace_predict, rows)


def hummingbird(estimator: Any, X: Any, table: Any, device: torch.device) -> Call | None:
    """Hummingbird's torch backend on the same device."""
    if find_spec("hummingbird") is None or not isinstance(X, np.ndarray):
        return None
    from hummingbird.ml import convert

    converted = convert(estimator, "torch", X[:10], device=str(device))
    if isinstance(table, torch.Tensor):
        return lambda: converted.model(table)[1]
    return partial(converted.predict_proba, X)


RIVALS = {"xgboost": xgboost_itself, "hummingbird": hummingbird}


def _scaled(workload: grid.Workload, scale: float) -> grid.Workload:
    """The same with fewer trees, or iterations, fitted on fewer rows."""
    if scale == 1:
        return workload

    def make() -> Any:
        estimator = workload.make()
        if hasattr(estimator, "n_estimators"):
            estimator.set_params(n_estimators=max(2, int(scale * estimator.n_estimators)))
        return estimator

    return workload._replace(make=make, n_fit=max(500, int(scale * workload.n_fit)))


def rows_of(X: Any, n: int) -> Any:
    """So many rows; those of a frame begin anew, too, where it has no more."""
    if isinstance(X, np.ndarray):
        return grid._first(X, n)
    return X.iloc[np.arange(n) % len(X)].reset_index(drop=True)


def on_host(answer: Any) -> np.ndarray:
    if isinstance(answer, torch.Tensor):
        return answer.detach().cpu().numpy()
    return answer.get() if hasattr(answer, "get") else np.asarray(answer)


def _named(cell: Cell, n: int) -> dict[str, Any]:
    aims = [] if cell.most is None else [f"≤ {_time(cell.most)}"]
    aims += [f"≥ {least:g}× {name}" for name, least in cell.over.items()]
    where = "on the card" if cell.on_card else "NumPy" if cell.workload in forests.WORKLOADS else ""
    return {
        "workload": cell.workload,
        "rows": n,
        "data": where or "DataFrame",
        "aim": ", ".join(aims),
    }


def card_in_words(device: torch.device) -> str:
    """The card, and what walks forests on it."""
    if device.type != "cuda":
        return f"dry run on {device}: nothing here is measured on a card"
    card = torch.cuda.get_device_properties(device)
    walker = "Triton" if kernels.packed.packs(device) else "plain torch"
    memory = f"{card.total_memory / 2**30:.0f} GiB"
    return (
        f"{card.name}, compute capability {card.major}.{card.minor}, {memory}, "
        f"CUDA {torch.version.cuda}, torch {torch.__version__}, forests by {walker}"
    )


def _line(result: dict[str, Any]) -> str:
    times = "  ".join(f"{name} {_time(t)}" for name, t in result.get("seconds", {}).items())
    note = f"  ({result['note']})" if result["note"] else ""
    return f"{result['workload']} {result['rows']:,} {result['data']}: {times}{note}"


def _table(results: list[dict[str, Any]]) -> Table:
    engines = ["native", *RIVALS]
    heads = ["workload", "rows", "data", "wall", "events", *engines, "differs", "aim", "met"]
    table = Table(*heads)
    for result in results:
        seconds, ratios = result.get("seconds", {}), result.get("ratio", {})
        met = ", ".join(
            f"{name} {'yes' if m else 'no'}" for name, m in result.get("met", {}).items()
        )
        differs = f"{result['difference']:.0e}" if "difference" in result else ""
        table.add_row(
            result["workload"],
            f"{result['rows']:,}",
            result["data"],
            _time(seconds.get("sktensor")),
            _time(result.get("events")),
            *(f"{_time(seconds[e])} ({ratios[e]:.3g}×)" if e in seconds else "" for e in engines),
            differs,
            result["aim"],
            met,
        )
    return table


def markdown(about: dict[str, Any], results: list[dict[str, Any]]) -> str:
    """The table of `RESULTS.md`: what was aimed at, and what came of it."""
    versions = ", ".join(f"{name} {v}" for name, v in about["versions"].items())
    lines = [
        f"{about['date']}, {about['device']}; {about['processor']}, {about['cores']} cores, Python "
        f"{about['python']}: {versions}.",
        "",
        "| workload | rows | data | aim | sktensor | by events | others | met |",
        "|---|---:|---|---|---:|---:|---|---|",
    ]
    for result in results:
        seconds, ratio = result.get("seconds", {}), result.get("ratio", {})
        others = [f"{e} {_time(t)} ({ratio[e]:.3g}×)" for e, t in seconds.items() if e in RIVALS]
        if "native" in seconds:
            others.insert(0, f"native {_time(seconds['native'])} ({ratio['native']:.3g}×)")
        met = [f"{aim}: {'yes' if m else 'no'}" for aim, m in result.get("met", {}).items()]
        cells = [
            result["workload"],
            f"{result['rows']:,}",
            result["data"],
            result["aim"],
            _time(seconds.get("sktensor")),
            _time(result.get("events")),
            "; ".join([*others, *filter(None, [result["note"]])]).replace("|", "/"),
            ", ".join(met),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
