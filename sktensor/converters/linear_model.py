"""Converters for `sklearn.linear_model`."""

import torch
from sklearn.linear_model import LogisticRegression

from ..ops import Column, Map, MatMul, Softmax
from .registry import converts
from .responses import classifier, two_columns
from .validation import validate


@converts(LogisticRegression)
def logistic_regression(est, x):
    x = validate(est, x, accept_sparse=True)
    scores = MatMul(x, est.coef_.T) + est.intercept_
    if len(est.classes_) > 2:
        return classifier(est, scores=scores, proba=Softmax(scores))
    p = Map(scores, torch.sigmoid)
    return classifier(est, scores=Column(scores, 0), proba=two_columns(p))
