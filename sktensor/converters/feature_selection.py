"""Converters for `sklearn.feature_selection`: a fitted selector is a choice of columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.utils import get_tags
from sklearn.utils._set_output import _get_output_config

from ..ops import Op, is_table, signature
from .registry import METHODS, Responses, Unsupported, convert, converts, select
from .responses import transformer
from .validation import validate


@converts(
    VarianceThreshold,
    SelectKBest,
    SelectPercentile,
    SelectFpr,
    SelectFdr,
    SelectFwe,
    GenericUnivariateSelect,
    SelectFromModel,
    SequentialFeatureSelector,
    sparse=True,
)
def selector(est, x):
    return transformer(_selected(est, x))


@converts(RFE, RFECV)
def recursive_elimination(est, x):
    selected = _selected(est, x)
    if _get_output_config("transform", est)["dense"] != "default":
        raise Unsupported("an estimator that reads a DataFrame made on the way")
    answers = convert(est.estimator_, selected, "estimator_")
    found = {m: getattr(answers, m) for m in METHODS if m != "transform"}
    return Responses(transform=selected, **found)


def _selected(est: Any, x: Op) -> Op:
    """The columns that `get_support` names."""
    support = np.flatnonzero(est.get_support())
    if not len(support):
        raise Unsupported("no columns are selected")
    framed = _get_output_config("transform", est)["dense"] != "default"
    if framed and is_table(x) and len(set(signature(x).kinds or ())) > 1:
        raise Unsupported("a DataFrame of several dtypes")
    allow_nan = get_tags(est).input_tags.allow_nan
    x = validate(est, x, None, allow_nan=allow_nan, allow_inf=allow_nan, accept_sparse=True)
    return select(x, support.tolist())
