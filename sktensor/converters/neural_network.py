"""Converters for `sklearn.neural_network`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM, MLPClassifier, MLPRegressor

from ..ops import Above, ArgMax, Cast, Column, Finite, Logistic, Map, Op, Provided, Softmax
from ..ops.conditions import AwayFrom
from ..ops.elementwise import relu
from ..table import TORCH_DTYPES
from .linear import linear
from .registry import Responses, Unsupported, converts
from .responses import apart, labels, logarithm, regressor, two_columns
from .validation import validate

ACTIVATIONS = {
    "identity": None,
    "exp": torch.exp,
    "logistic": torch.sigmoid,
    "relu": relu,
    "tanh": torch.tanh,
}


def _activated(x: Op, name: str) -> Op:
    if name not in ACTIVATIONS:
        raise Unsupported(f"the activation {name}")
    fn = ACTIVATIONS[name]
    return x if fn is None else Map(x, fn)


def _last_layer(est: Any, x: Op) -> Op:
    """What goes into the output's activation."""
    x = validate(est, x, "numeric", accept_sparse=True)
    layers = list(zip(est.coefs_, est.intercepts_, strict=True))
    for coef, intercept in layers[:-1]:
        x = _activated(linear(x, coef.T, intercept).result, est.activation)
    return linear(x, layers[-1][0].T, layers[-1][1]).result


@converts(MLPRegressor)
def mlp_regressor(est, x):
    y = Finite(_activated(_last_layer(est, x), est.out_activation_))
    return regressor(Column(y, 0) if y.width == 1 else y)


@converts(MLPClassifier)
def mlp_classifier(est, x):
    if est._label_binarizer.sparse_input_:
        raise Unsupported("labels in a sparse matrix")
    raw = _last_layer(est, x)
    if est.out_activation_ == "softmax":
        proba: Op = Softmax(raw)
        predict = labels(ArgMax(apart(raw)), est.classes_)
    elif est.n_outputs_ == 1:
        p = _activated(Column(raw, 0), est.out_activation_)
        proba = two_columns(p)
        above = Cast(Map(_off_half(p), Above(0.5), torch.bool), torch.int64)
        predict = labels(above, est.classes_)
    else:
        proba = _activated(raw, est.out_activation_)
        predict = Cast(
            Map(_off_half(proba), Above(0.5), torch.bool), TORCH_DTYPES[np.dtype(np.intp)]
        )
    return Responses(predict=predict, predict_proba=proba, predict_log_proba=logarithm(proba))


@converts(BernoulliRBM, sparse=True)
def bernoulli_rbm(est, x):
    x = validate(est, x, accept_sparse=True)
    hidden = linear(x, est.components_, est.intercept_hidden_).result
    return Responses(
        transform=Map(hidden, Logistic()),
        reasons={"score_samples": "a likelihood of rows that are changed at random"},
    )


def _off_half(p: Op) -> Op:
    return Provided(p, p, AwayFrom(0.5))
