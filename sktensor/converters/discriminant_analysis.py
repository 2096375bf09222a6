"""Converters for `sklearn.discriminant_analysis`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)

from ..ops import ArgMax, Column, LogSoftmax, Op, Softmax, cast
from .gaussians import NEAR, of_factors
from .linear import centred, linear, linear_classifier, linear_function, one_vs_rest_proba
from .registry import Responses, Unsupported, converts
from .responses import labels
from .validation import numpy_dtype, validate


@converts(LinearDiscriminantAnalysis)
def linear_discriminant_analysis(est, x):
    responses = _classifier(est, x)
    if est.solver == "lsqr" or x.sparse:
        why = "sparse input" if x.sparse else "the solver lsqr has none"
        return replace(responses, reasons={**responses.reasons, "transform": why})
    x = validate(est, x, "numeric")
    weight = est.scalings_[:, : est._max_components].T
    if est.solver == "svd":
        largest = np.abs(weight).max(axis=0)  # about what a column's spread is the inverse of
        x, scale = centred(x, est.xbar_, 1 / np.where(largest > 0, largest, 1))
        weight = weight * scale.astype(weight.dtype)
    return replace(responses, transform=linear(x, weight).result)


def _classifier(est: Any, x: Op) -> Responses:
    """All but `transform`, whose terms may keep their digits where those of scores do not."""
    try:
        f = linear_function(est, x)
    except Unsupported as why:
        names = ("predict", "predict_proba", "predict_log_proba", "decision_function")
        return Responses(reasons=dict.fromkeys(names, str(why)))
    binary = f.scores.width is None
    proba = one_vs_rest_proba(f.scores) if binary else Softmax(f.scores)
    return linear_classifier(est, f, proba=proba)


@converts(QuadraticDiscriminantAnalysis)
def quadratic_discriminant_analysis(est, x):
    if not (est.priors_ > 0).all():
        raise Unsupported("a class of no weight, of which each answer warns")
    x = validate(est, x, "numeric")
    means = est.means_
    if np.result_type(numpy_dtype(x), means) != np.float64:
        raise Unsupported("likelihoods in float32")
    factors = [
        (rotation * scaling**-0.5).astype(np.float64)
        for rotation, scaling in zip(est.rotations_, est.scalings_, strict=True)
    ]
    if not all(np.isfinite(factor).all() for factor in factors):
        raise Unsupported("a class that has no width")
    log_det = np.array([np.log(scaling).sum() for scaling in est.scalings_], np.float64)
    within = [r**2 @ s for r, s in zip(est.rotations_, est.scalings_, strict=True)]
    centre = means.astype(np.float64).mean(axis=0)
    rows, scale = centred(x, centre, np.sqrt(np.mean(within, axis=0) + means.var(axis=0)))
    if np.abs(centre / scale).max() <= NEAR:
        rows, scale, centre = cast(x, torch.float64), np.ones_like(scale), 0.0
    centres = (means - centre) / scale
    factors = [factor * scale[:, None] for factor in factors]
    shifts = np.stack([c @ factor for c, factor in zip(centres, factors, strict=True)])
    f = of_factors(rows, factors, shifts, centres, np.log(est.priors_) - 0.5 * log_det)
    return Responses(
        predict=labels(ArgMax(f.best), est.classes_),
        predict_proba=f.trusted(Softmax(f.logs), "shares"),
        predict_log_proba=f.trusted(LogSoftmax(f.logs), "differences"),
        decision_function=f.trusted(
            Column(f.logs, 1) - Column(f.logs, 0) if len(means) == 2 else f.logs, "differences"
        ),
    )
