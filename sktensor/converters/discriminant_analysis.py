"""Converters for `sklearn.discriminant_analysis`."""

from __future__ import annotations

from dataclasses import replace

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ..ops import Softmax
from .linear import linear, linear_classifier, linear_function, minus, one_vs_rest_proba
from .registry import converts
from .validation import validate


@converts(LinearDiscriminantAnalysis)
def linear_discriminant_analysis(est, x):
    f = linear_function(est, x)
    binary = f.scores.width is None
    proba = one_vs_rest_proba(f.scores) if binary else Softmax(f.scores)
    responses = linear_classifier(est, f, proba=proba)
    if est.solver == "lsqr":
        return replace(responses, reasons={"transform": "the solver lsqr has none"})
    if x.sparse:
        return replace(responses, reasons={"transform": "sparse input"})
    x = validate(est, x, "numeric")
    if est.solver == "svd":
        x = minus(x, est.xbar_)
    weight = est.scalings_[:, : est._max_components]
    return replace(responses, transform=linear(x, weight.T).result)
