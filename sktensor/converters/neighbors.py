"""Converters for `sklearn.neighbors`."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestCentroid

from ..ops import ArgMax
from .linear import nearest
from .registry import Responses, Unsupported, converts
from .responses import labels
from .validation import validate


@converts(NearestCentroid)
def nearest_centroid(est, x):
    if est.metric != "euclidean":
        raise Unsupported(f"{est.metric} distances")
    if not np.isclose(est.class_prior_, 1 / len(est.classes_)).all():
        raise Unsupported("classes that are not equally probable")
    scores = nearest(validate(est, x, "numeric"), est.centroids_)
    why = "likelihoods by distances that lose digits to cancellation"
    return Responses(
        predict=labels(ArgMax(scores), est.classes_),
        reasons=dict.fromkeys(("predict_proba", "predict_log_proba", "decision_function"), why),
    )
