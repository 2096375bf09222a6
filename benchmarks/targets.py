"""What is aimed at, on two threads, and how a run's results stand to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from . import peers
from .measure import in_words


class Target(NamedTuple):
    """A workload's name for readers, and bounds: ratios at least, microseconds at most."""

    words: str
    workload: str
    rows: int
    native: float | None = None
    peer: float | None = None
    most_us: float | None = None


TARGETS = (
    Target("RandomForest 1000 × depth 10, float32", "rf-1000x10", 100_000, 5, 3.5),
    Target("the same, float64 rows", "rf-1000x10-float64", 100_000, 5, 3.5),
    Target("RandomForest 100, deep, 10 classes", "rf-deep-10-classes", 100_000, 3, 1.5),
    Target("LightGBM 500 × 31 leaves, float32", "lgbm-500x31", 100_000, 8, 2),
    Target("the same, float64 rows", "lgbm-500x31-float64", 100_000, 8, 2),
    Target("XGBoost 500 × depth 6, 10 % NaN", "xgb-500x6-nan", 100_000, 3, 1.5),
    Target("XGBoost 500 × depth 8", "xgb-500x8", 100_000, 2.5, 1.4),
    Target("HistGradientBoosting 200 × 31, NaN", "hgb-200x31-nan", 100_000, 5, 2),
    Target("LightGBM 200 × 31, ten of categories", "lgbm-200x31-categories", 100_000, 5),
    Target("LightGBM 200 × 127, ten of categories", "lgbm-200x127-categories", 100_000, 5),
    Target("RandomForest, five outputs, deep", "rf-5-outputs", 100_000, 2),
    Target("RandomForest, five outputs, depth 8", "rf-5-outputs-depth-8", 100_000, 2),
    Target("XGBoost, vectors of five", "xgb-5-outputs-100x6", 100_000, 2),
    Target("RandomForest 1000 × depth 10", "rf-1000x10", 1, most_us=40),
    Target("LightGBM 100 × 31 leaves", "lgbm-100x31", 1, most_us=20),
    Target("impute, scale, one-hot 20 × 1,500; linear", "frame-20x1500-lr", 100_000, 5),
    Target("impute, scale, one-hot 10 × 20; LightGBM", "frame-10x20-lgbm", 100_000, 5),
    Target("the same; HistGradientBoosting", "frame-10x20-hgb", 100_000, 5),
    Target("impute, scale, products of two; linear", "poly-lr-300000x20", 300_000, 3),
    Target("scale 100 columns; Ridge", "ridge-1000000x100", 1_000_000, 2),
    Target("scale 200 columns, PCA(32); linear", "pca-lr-200000x200", 200_000, 2),
    Target("CSR of 20,000 columns; 20 classes", "csr-lr-20-classes", 50_000, 1),
    Target("impute, scale 28 columns; linear", "impute-scale-lr", 1, most_us=20),
    Target("a DataFrame of 40 columns; linear", "frame-20x1500-lr", 1, most_us=400),
    Target("permutation_importance, flights", "importance-flights-rf", 1_000, 4),
    Target("permutation_importance, flights", "importance-flights-rf", 10_000, 4),
)
FREE = 1.05  # what a scaler in front of a forest may multiply the time of the bare one by


def print_targets(results: list[dict[str, Any]]) -> None:
    """A line for each target that a result speaks of, then where ours is the slower one."""
    print("| workload | rows | sktensor | native takes | aim | best peer takes | aim |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for target in TARGETS:
        found = [r for r in results if (r["workload"], r["rows"]) == target[1:3]]
        if found:
            print(_line(target, found))
    print()
    _print_scalers(results)
    slower = [
        f"{r['workload']} at {r['rows']:,} rows ({r['ratio']['native']:.2f}×)"
        for r in results
        if r.get("ratio", {}).get("native", 1) < 1
    ]
    print(f"Slower than native: {', '.join(slower) or 'nowhere on the grid'}.\n")


def _line(target: Target, found: list[dict[str, Any]]) -> str:
    latency = [r["latency"] for r in found if "latency" in r]
    grid = [r for r in found if "seconds" in r]
    if target.most_us is not None and latency:
        ours, native = latency[0]["sktensor"]["p50"], latency[0]["native"]["p50"]
        rivals = {e: t["p50"] / ours for e, t in latency[0].items() if e in peers.PEERS}
        ratio = native / ours
    elif grid:
        ours, ratio = grid[0]["seconds"]["sktensor"], grid[0]["ratio"]["native"]
        rivals = best_peers(grid)
    else:
        return f"| {target.words} | {target.rows:,} | not run |  |  |  |  |"
    best = min(rivals, key=rivals.__getitem__, default=None)
    met = "" if target.most_us is None else f" (aim {target.most_us:.0f} µs)"
    cells = (
        target.words,
        f"{target.rows:,}",
        f"{in_words(ours)}{met}",
        f"{ratio:.1f}×",
        "" if target.native is None else f"≥ {target.native:g}×",
        f"{rivals[best]:.1f}× ({best})" if best else "no peer run",
        "" if target.peer is None else f"≥ {target.peer:g}×",
    )
    return f"| {' | '.join(cells)} |"


def best_peers(results: Iterable[dict[str, Any]]) -> dict[str, float]:
    """How many times as long as ours each peer takes that answers right."""
    return {
        engine: ratio
        for r in results
        for engine, ratio in r["ratio"].items()
        if engine in peers.PEERS and peers.is_right(engine, r["difference"][engine])
    }


def _print_scalers(results: list[dict[str, Any]]) -> None:
    """A forest behind a scaler, beside the bare one on rows scaled before."""
    for result in results:
        if "bare" in result.get("ratio", {}):
            share = 1 / result["ratio"]["bare"]
            rows = f"{result['rows']:,} rows"
            print(f"{result['workload']}, {rows}: {share:.3f} of the bare one (aim {FREE}).\n")
