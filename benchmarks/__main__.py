"""`python -m benchmarks forests` or `pipelines`: a table as it runs, a JSON file at the end.

`python -m benchmarks start`: what the first answer costs in a fresh process. `latency`: one row at
a time. `importance`: the whole of scikit-learn's `permutation_importance`. `cuda`: what a card must
reach; `--device cpu --rows 1000 --scale 0.01` only goes through the motions. `sweep`: other ways to
lay out and to walk forests on a card. `plain`: single estimators, every method.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from . import forests, grid, importance, latency, measure, peers, pipelines, plain, start
from .measure import in_words

SUITES = {"forests": forests, "pipelines": pipelines}
OTHERS = ("start", "latency", "importance", "plain", "cuda", "sweep")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suite", nargs="?", choices=[*SUITES, *OTHERS], default="forests")
    parser.add_argument("--only", nargs="*", help="workloads, all unless given")
    parser.add_argument("--rows", nargs="*", type=int, help="batch sizes, all unless given")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--budget", type=float, default=5.0, help="seconds a cell, about")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--device", help="in place of the first card")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of trees and rows to fit, for cards"
    )
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.suite in ("cuda", "sweep"):
        # Triton, which the sweep is about, is not there everywhere.
        of_cards = importlib.import_module(f"benchmarks.{options.suite}")
        raise SystemExit(of_cards.main(options))
    if options.suite in OTHERS:
        {"start": _start, "latency": _latency, "importance": _importance, "plain": _plain}[
            options.suite
        ](options)
        return
    suite = SUITES[options.suite]
    names = options.only or list(suite.WORKLOADS)
    rows = tuple(options.rows or suite.ROWS)
    console, results = Console(), []
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task(options.suite, total=len(names) * len(rows))
        workloads = {name: suite.WORKLOADS[name] for name in names}
        peers_too = not options.no_peers
        for result in grid.run(workloads, rows, options.cache, options.budget, peers_too):
            results.append(result)
            progress.console.print(_line(result))
            progress.advance(bar)
    console.print(_table(results))
    _write(results, options)


def _start(options: argparse.Namespace) -> None:
    names, results = options.only or list(start.WORKLOADS), []
    for result in start.run(names, options.cache, options.threads):
        results.append(result)
        print("  ".join(f"{k} {v:.3f}" if type(v) is float else f"{v}" for k, v in result.items()))
    _write(results, options)


def _latency(options: argparse.Namespace) -> None:
    names, results = options.only or list(latency.WORKLOADS), []
    for result in latency.run(names, options.cache, options.budget, not options.no_peers):
        results.append(result)
        times = (
            f"{e} {in_words(t['p50'])} ({in_words(t['p99'])})" for e, t in result["latency"].items()
        )
        print(f"{result['workload']}, p50 (p99): {'  '.join(times)}", *result["cannot"].values())
    _write(results, options)


def _importance(options: argparse.Namespace) -> None:
    results = []
    for result in importance.run(
        tuple(options.rows or importance.ROWS), options.cache, options.budget
    ):
        results.append(result)
        print(_line(result), f"differs by {result['difference']['sktensor']:.0e}")
    _write(results, options)


def _plain(options: argparse.Namespace) -> None:
    names, rows = options.only or list(plain.WORKLOADS), options.rows or plain.ROWS
    results = []
    for result in plain.run(names, rows, options.budget):
        results.append(result)
        print(_line(result), f"{result['ratio']['native']:.2f}x", *result["native_steps"])
    _write(results, options)
    slower = [r for r in results if r["ratio"]["native"] < 1]
    print(f"{len(slower)} of {len(results)} slower than native")
    for result in slower:
        print(_line(result), f"{result['ratio']['native']:.2f}x")


def _write(results: list[dict[str, Any]], options: argparse.Namespace) -> None:
    path = options.json or options.cache / f"{options.suite}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"about": measure.about(), "results": results}, indent=1))
    print(f"written: {path}")


def _line(result: dict[str, Any]) -> str:
    times = "  ".join(f"{name} {in_words(t)}" for name, t in result["seconds"].items())
    return f"{result['workload']} {result['rows']:,}: {times}"


def _table(results: list[dict[str, Any]]) -> Table:
    table = Table(
        "workload", "rows", "native", "sktensor", "ratio", "best peer", "ratio", "differs"
    )
    for result in results:
        seconds, ratios = result["seconds"], result["ratio"]
        rivals = {
            e: t
            for e, t in seconds.items()
            if e in peers.PEERS and peers.is_right(e, result["difference"][e])
        }
        best = min(rivals, key=rivals.__getitem__, default=None)
        table.add_row(
            result["workload"],
            f"{result['rows']:,}",
            in_words(seconds["native"]),
            in_words(seconds["sktensor"]),
            f"{ratios['native']:.1f}",
            f"{best} {in_words(rivals[best])}" if best else "",
            f"{ratios[best]:.1f}" if best else "",
            f"{result['difference']['sktensor']:.1e}",
        )
    return table


if __name__ == "__main__":
    main()
