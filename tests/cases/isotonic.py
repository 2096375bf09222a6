"""Rows for `sklearn.isotonic`."""

import numpy as np
from sklearn.isotonic import IsotonicRegression

from ..support import Case
from . import data as d

COLUMN = d.X[:, :1]
BEYOND = np.concatenate([COLUMN, [[-1e9], [1e9]], np.nextafter(COLUMN[:9], 9)])
BOUNDS = ("nan", "clip")
CASES = [
    *(
        Case(
            IsotonicRegression(out_of_bounds=bounds, increasing=rises),
            COLUMN,
            d.Y_REAL,
            BEYOND,
            exact=True,
        )
        for bounds in BOUNDS
        for rises in (True, False, "auto")
    ),
    Case(
        IsotonicRegression(out_of_bounds="raise"), COLUMN, d.Y_REAL, COLUMN.astype(int), exact=True
    ),
    Case(IsotonicRegression(out_of_bounds="raise"), COLUMN, d.Y_REAL, BEYOND, exact=True),
    Case(IsotonicRegression(y_min=-1, y_max=2, out_of_bounds="clip"), COLUMN, d.Y_REAL, exact=True),
    # One threshold, which all rows are beyond.
    *(
        Case(
            IsotonicRegression(out_of_bounds=bounds),
            np.ones((d.N, 1)),
            d.Y_REAL,
            BEYOND,
            exact=True,
        )
        for bounds in (*BOUNDS, "raise")
    ),
    *(
        Case(
            IsotonicRegression(out_of_bounds=bounds), COLUMN.round(), d.Y_BINARY, BEYOND, exact=True
        )
        for bounds in BOUNDS
    ),
    Case(
        IsotonicRegression(out_of_bounds="clip"),
        COLUMN.astype(np.float32),
        d.Y_REAL,
        native=("transform", "predict"),
        reason="in float32",
        frame=False,
    ),
]
