"""Kernels on numbers of rows that fill no tile; for a process that checks indices.

`NUMBA_BOUNDSCHECK=1 python -m tests.checked_kernels` raises IndexError where a kernel reads or
writes outside its arrays, which it otherwise does unseen. `test_layouts` runs it.
"""

import numpy as np
import torch

from sktensor.kernels import PackedForest, donors_numba
from sktensor.kernels.coupling_numba import couple
from sktensor.kernels.forest_cpu import perfect
from sktensor.kernels.nearest_numba import keep_largest, squares
from sktensor.kernels.objects_numba import distinct
from sktensor.kernels.rounds_numba import impute
from sktensor.kernels.rows_numba import argmax, is_best_by
from sktensor.kernels.squares_numba import squared_distances

from .test_layouts import (
    N_FEATURES,
    codes_that_bite,
    made_forest,
    rows_that_bite,
    with_sets,
)
from .test_oblivious import made_oblivious

ROWS = (1, 3, 7, 8, 17, 65, 129, 300)
FORESTS = (  # trees, depth, raggedness, features
    (5, 3, 0.0, N_FEATURES),
    (6, 8, 0.1, N_FEATURES),
    (3, 14, 0.3, N_FEATURES),
    (2, 7, 0.0, 60),
    (130, 6, 0.1, N_FEATURES),
    (5, 0, 0.0, N_FEATURES),  # trees of nothing but a leaf: no column is read
)
OBLIVIOUS = (  # depths, outputs, whether each tree adds to one
    ((8,) * 400, 1, False),
    ((9, 2, 12, 0, 5, 5, 5), 3, True),
    ((3, 1, 6), 2, False),
)


def run(packed, rows, layouts):
    for layout in layouts:
        packed.layout = layout
        for n in ROWS:
            packed(torch.from_numpy(rows[:n]))
    far, perfect.FAR = perfect.FAR, 0  # as if the trees were more than the caches hold
    if "perfect" in layouts:
        packed.layout = "perfect"
        packed(torch.from_numpy(rows))
        packed(torch.from_numpy(np.nan_to_num(rows)))
    perfect.FAR = far


def donors(fixed):
    """Whole numbers, of which many tie, and others, of which none does; a column without any."""
    for some in (fixed, np.round(fixed)):
        rows = np.column_stack([some, np.full(len(some), np.nan)])
        columns = np.ascontiguousarray(np.where(rows > 1, np.nan, rows).T)
        missing, norms = np.isnan(columns), np.nansum(np.square(columns), axis=0)
        x = np.vstack(
            [np.where(rows < -0.5, np.nan, rows)[:20], np.full((1, len(columns)), np.nan)]
        )
        facts = (missing.any(axis=1), missing.all(axis=1), norms, np.zeros(len(columns)))
        for count, seen, goes_on in ((1, 0.0, True), (9, 1e-9, True), (10_000, 1e-9, False)):
            out = np.empty((len(x), len(columns) + 1))
            donors_numba.fill(x, columns, *facts, count, 1e-14, seen, goes_on, out)
        donors_numba.squares_of(x, columns, facts[0])


def main():
    for dtype in (np.float32, np.float64):
        for n_outputs in (1, 2, 9, 14):
            for n_trees, depth, ragged, n_features in FORESTS:
                made = (n_trees, depth, ragged, n_outputs, False, dtype, np.float64)
                arrays = made_forest(1, *made, n_features=n_features)
                packed = PackedForest(*arrays)
                layouts = {packed.layout, "wide"}
                if dtype == np.float32:
                    layouts |= {"narrow"} | ({"perfect"} if depth <= 8 else set())
                if depth <= 8:
                    layouts.add("bitvector")
                run(packed, rows_that_bite(arrays, ROWS[-1], 1, n_features), layouts)
        if dtype == np.float32:
            for depths, n_outputs, one_each in OBLIVIOUS:
                arrays = made_oblivious(1, depths, n_outputs, one_each, thresholds=5000)
                run(PackedForest(*arrays), rows_that_bite(arrays, ROWS[-1], 1), ("oblivious",))
        for n_codes in (20, 200):
            arrays = made_forest(2, 5, 7, 0.1, 2, False, dtype, np.float64)
            arrays, sets = with_sets(arrays, 2, n_codes, 2)
            rows = codes_that_bite(rows_that_bite(arrays, ROWS[-1], 2), 2, n_codes, 2)
            run(PackedForest(*arrays, *sets), rows, ("bitvector", "wide"))
            arrays, sets = with_sets(arrays, 2, n_codes, 2, alone=True)
            walks = ("narrow", "wide") if dtype == np.float32 else ("wide",)
            run(PackedForest(*arrays, *sets), rows, walks)
    for n in (0, 1, 3, 40, 5000):
        distinct(np.array([str(i % 7) for i in range(n)] * 5, object))
        for width in (2, 3, 8):
            scores = np.random.default_rng(0).normal(size=(n, width))
            argmax(scores)
            is_best_by(scores, 1e-9)
            if n:
                found = np.empty((40, min(n, 6)), np.int64)
                best = np.full(found.shape, -np.inf)
                keep_largest(np.random.default_rng(1).normal(size=(40, n)), 0, best, found)
                couple(
                    scores[:, : 3 if width > 2 else 1],
                    scores[0],
                    scores[0],
                    np.empty((n, 3 + (width > 2))),
                )
                squares(scores[:40], scores, found[: len(scores)], np.empty(found.shape))
                donors(scores)
                lacking, columns = np.where(scores > 1, np.nan, scores), np.arange(width)
                facts = (
                    np.eye(width),
                    np.ones(width),
                    -np.ones(width),
                    np.ones(width),
                    np.ones((width, 4)),
                    1e-15,
                )
                impute(lacking, scores, columns, *facts, np.empty((n, width + 1)))
            squared_distances(np.tile(scores, 3), np.ones((3, width)), np.ones((3, width)))


if __name__ == "__main__":
    main()
