"""`python -m benchmarks sweep`: what numbers the kernels of cards should have on this card.

Each setting is one way to lay out or to walk a forest whose rows lie on the card; the first of a
workload is the one in use. Answers are compared with the native ones first. Without a card it says
so and exits with 2; with `--device cpu` it goes through the same motions there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import torch

from sktensor import TensorAccelerated
from sktensor.kernels import forest_cuda

from . import cuda, measure

LAYOUTS = {
    "rf-1000x10": ("perfect", "narrow"),
    "lgbm-500x31": ("bitvector", "narrow"),
    "xgb-500x8": ("perfect", "narrow"),
}
N_ROWS = 100_000
BUDGET = 0.5  # seconds a setting


class Setting(NamedTuple):
    """Rows of a program and the warps that share them, and what is done side by side."""

    layout: str
    rows: int = 128
    warps: int = 4
    together: int = 4  # trees walked, or splits of a bitvector asked


def settings(layout: str) -> Iterator[Setting]:
    """The one in use, then others."""
    yield Setting(layout)
    for rows, warps in ((32, 1), (64, 2), (256, 8), (256, 4)):
        yield Setting(layout, rows, warps)
    for together in (2, 8) if layout == "bitvector" else (1,):
        yield Setting(layout, together=together)


@contextmanager
def in_use(setting: Setting) -> Iterator[None]:
    """Forests that are put on a card meanwhile are put and walked so."""
    launch = forest_cuda.LAUNCH | {"num_warps": setting.warps}
    others = {"ROWS": setting.rows, "LAUNCH": launch, "choose": lambda _: setting.layout}
    others["SPLITS" if setting.layout == "bitvector" else "TREES"] = setting.together
    before = {name: getattr(forest_cuda, name) for name in others}
    try:
        for name, value in others.items():
            setattr(forest_cuda, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(forest_cuda, name, value)


def main(options: argparse.Namespace) -> int:
    """Print a line for each setting; the exit code."""
    device = cuda.asked_for(options)
    if device is None:
        return 2
    print(cuda.card_in_words(device))
    wrong = 0
    for name in options.only or LAYOUTS:
        estimator, X = cuda.fitted(name, options)
        X = cuda.rows_of(X, min([N_ROWS, *(options.rows or [])]))
        expected, table = estimator.predict_proba(X), torch.from_numpy(X).to(device)
        for setting in (s for layout in LAYOUTS[name] for s in settings(layout)):
            with in_use(setting):
                call = partial(TensorAccelerated(estimator, device=device).predict_proba, table)
                difference = measure.difference(cuda.on_host(call()), expected)
                wall, events = cuda.timed(call, device, BUDGET)
            wrong += difference > cuda.TOLERANCE
            said = {"wall": wall} | ({} if events is None else {"events": events})
            times = ", ".join(f"{what} {1e3 * t:.3f} ms" for what, t in said.items())
            print(f"{name} {_in_words(setting)}: {times}, differs by {difference:.0e}", flush=True)
    return 1 if wrong else 0


def _in_words(setting: Setting) -> str:
    return ", ".join(f"{name} {value}" for name, value in setting._asdict().items())
