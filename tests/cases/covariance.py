"""Rows for `sklearn.covariance`."""

import numpy as np
from sklearn.covariance import EllipticEnvelope

from ..support import Case
from . import data as d

ALL = {"native": ("predict", "decision_function", "score_samples")}
TINY = np.column_stack([d.X[:, :3], d.X[:, 0] + 1e-6 * d.X[:, 4]])

CASES = [
    Case(EllipticEnvelope(random_state=0), probe=d.X * 30),
    Case(EllipticEnvelope(random_state=0), probe=(d.X * 10).astype(int)),
    Case(EllipticEnvelope(random_state=0, contamination=0.3, assume_centered=True), probe=d.X > 0),
    Case(EllipticEnvelope(random_state=0, support_fraction=0.9, store_precision=False)),
    Case(EllipticEnvelope(random_state=0), d.X + 1e6, dtypes=("float64",)),
    Case(EllipticEnvelope(random_state=0), d.X * [1e-6, 1e-3, 1.0, 1e2, 1e3, 1e6]),
    Case(EllipticEnvelope(random_state=0), d.X[:, :1]),
    Case(EllipticEnvelope(random_state=0), d.X.astype(np.float32), frame=False),
    Case(EllipticEnvelope(random_state=0), TINY, **ALL, reason="cancellation"),
]
