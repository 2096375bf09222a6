"""The JSON files of benchmark runs as tables: `python -m benchmarks.results a.json b.json ...`.

Prints the part of `RESULTS.md` that is measured: how the runs stand to what is aimed at, their
machine and versions, a table for every workload, first answers, and what the peers could not do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .measure import in_words
from .peers import REFITTED, is_right
from .targets import print_targets

OURS = ("native", "sktensor", "bare")


def main(paths: Iterable[str]) -> None:
    runs = [json.loads(Path(path).read_text()) for path in paths]
    print("## Against what was aimed at\n")
    print_targets([result for run in runs for result in run["results"]])
    print("## All of it\n")
    for about in _distinct(run["about"] for run in runs):
        versions = ", ".join(f"{name} {v}" for name, v in about["versions"].items())
        print(
            f"{about['date']}, {about['processor']}, {about['cores']} cores, "
            f"{about['threads']} threads for everybody, Python {about['python']}: {versions}.\n"
        )
    results = [result for run in runs for result in run["results"]]
    grid = [result for result in results if "seconds" in result]
    first = [result for result in results if "cache" in result]
    for name in dict.fromkeys(result["workload"] for result in grid):
        _workload(name, [result for result in grid if result["workload"] == name])
    _one_row([result for result in results if "latency" in result])
    if first:
        _first_answers(first)


def _workload(name: str, results: list[dict[str, Any]]) -> None:
    """Times in a row for every number of rows, the ratio of each engine to ours in brackets."""
    engines = list(dict.fromkeys(engine for result in results for engine in result["seconds"]))
    print(f"### {name}\n")
    print(f"| rows | {' | '.join(engines)} | ours differs by |")
    print(f"|---:|{'---:|' * len(engines)}---:|")
    for result in results:
        cells = [_cell(engine, result) for engine in engines]
        print(
            f"| {result['rows']:,} | {' | '.join(cells)} | {result['difference']['sktensor']:.0e} |"
        )
    cannot = {e: why for r in results for e, why in r["conversion"].items() if type(why) is str}
    took = {e: t for r in results for e, t in r["conversion"].items() if type(t) is float}
    conversion = ", ".join(f"{engine} {in_words(t)}" for engine, t in took.items())
    first = in_words(results[0]["first_call"])
    print(f"\nConversion: {conversion or 'none'}; our first call {first}.")
    for engine, why in cannot.items():
        if "only" not in why:
            print(f"{engine} could not: `{why}`.")
    print()


def _cell(engine: str, result: dict[str, Any]) -> str:
    seconds = result["seconds"].get(engine)
    if seconds is None:
        return ""
    if engine == "sktensor":
        return f"**{in_words(seconds)}**"
    wrong = engine not in OURS and not is_right(engine, result["difference"][engine])
    mark = " (other forest)" if engine in REFITTED else " (wrong)" if wrong else ""
    return f"{in_words(seconds)} ({result['ratio'][engine]:.1f}×){mark}"


def _one_row(results: list[dict[str, Any]]) -> None:
    """The median and the 99th percentile of every engine, a line a workload."""
    if not results:
        return
    engines = list(dict.fromkeys(engine for result in results for engine in result["latency"]))
    print("### One row, p50 (p99)\n")
    print(f"| workload | {' | '.join(engines)} |")
    print(f"|---|{'---:|' * len(engines)}")
    for result in results:
        times = (result["latency"].get(engine) for engine in engines)
        cells = (f"{in_words(t['p50'])} ({in_words(t['p99'])})" if t else "" for t in times)
        print(f"| {result['workload']} | {' | '.join(cells)} |")
    print()


def _first_answers(results: list[dict[str, Any]]) -> None:
    print("### First answers\n")
    print("| workload | kernels on disk | rows | import | first call | second call |")
    print("|---|---|---:|---:|---:|---:|")
    for result in results:
        times = " | ".join(in_words(result[name]) for name in ("import", "first", "second"))
        print(f"| {result['workload']} | {result['cache']} | {result['rows']:,} | {times} |")


def _distinct(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
