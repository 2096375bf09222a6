"""Converters for `sklearn.semi_supervised`."""

from __future__ import annotations

from dataclasses import replace

from sklearn.semi_supervised import SelfTrainingClassifier

from .registry import convert, converts
from .validation import validate


@converts(SelfTrainingClassifier)
def self_training_classifier(est, x):
    x = validate(est, x, None, allow_nan=True, allow_inf=True, accept_sparse=True)
    return replace(convert(est.estimator_, x, "estimator_"), transform=None, apply=None)
