"""Rows for `sklearn.neighbors`."""

import numpy as np
from sklearn.neighbors import NearestCentroid

from ..support import Case
from . import data as d

LIKELIHOODS = ("predict_proba", "predict_log_proba", "decision_function")
PROBE = np.vstack([(d.X * 10).astype(int), d.X * 1e4, d.X * 1e-9, np.zeros((1, 6))])
OF_ALL = {"native": ("predict", *LIKELIHOODS), "reason": ""}

CASES = [
    *(
        Case(NearestCentroid(), y=y, probe=PROBE, native=LIKELIHOODS, reason="cancellation")
        for y in (d.Y_LABELS, d.Y_MULTI, d.Y_TEXT)
    ),
    Case(
        NearestCentroid(shrink_threshold=0.5),
        y=d.Y_TEXT,
        native=LIKELIHOODS,
        reason="cancellation",
    ),
    Case(NearestCentroid(metric="manhattan"), y=d.Y_TEXT, native=("predict",), reason="manhattan"),
    *(
        Case(NearestCentroid(priors=priors), y=d.Y_TEXT, **OF_ALL)
        for priors in ("empirical", [0.1, 0.2, 0.3, 0.4])
    ),
]
