"""What LightGBM's objectives make of a margin, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...graph import evaluate
from ...ops import Guard, Input, Logistic, Map, Op, Softmax
from ...table import Signature
from ..registry import Unsupported
from .bare import Bare

Link = Callable[[Op], Op]
Parameters = dict[str, str]


def _identity(parameters: Parameters) -> Link:
    return lambda margin: margin


def _exp(parameters: Parameters) -> Link:
    return lambda margin: Map(margin, torch.exp)


def _softmax(parameters: Parameters) -> Link:
    return Softmax


def _sigmoid(parameters: Parameters) -> Link:
    """`1 / (1 + exp(-slope x))`."""
    logistic = Logistic(float(parameters.get("sigmoid", 1)))
    return lambda margin: Map(margin, logistic)


def _softplus(parameters: Parameters) -> Link:
    """`log(1 + exp(x))`."""
    return lambda margin: Map(margin, _log1p_exp)


def _log1p_exp(x: Tensor) -> Tensor:
    return x.exp().log1p()


def _regression(parameters: Parameters) -> Link:
    """`sign(x) x ** 2` where the labels' roots were fitted."""
    if "sqrt" in parameters:
        return lambda margin: Map(margin, _signed_square)
    return _identity(parameters)


def _signed_square(x: Tensor) -> Tensor:
    return x.sign() * x * x


LINKS: dict[str, Callable[[Parameters], Link]] = {
    "": _identity,
    "custom": _identity,
    "regression": _regression,
    "regression_l1": _regression,
    "huber": _regression,
    "fair": _regression,
    "quantile": _regression,
    "mape": _regression,
    "lambdarank": _identity,
    "rank_xendcg": _identity,
    "poisson": _exp,
    "gamma": _exp,
    "tweedie": _exp,
    "binary": _sigmoid,
    "cross_entropy": _sigmoid,
    "cross_entropy_lambda": _softplus,
    "multiclass": _softmax,
    "multiclassova": _sigmoid,
}
SCORES = np.concatenate([np.linspace(-20, 20, 33), [-90, 90, 1e-7, -1e-7]])


def known_link(objective: str) -> Link:
    name, *rest = objective.split() or [""]
    if name not in LINKS:
        raise Unsupported(f"objective {name!r} is not known")
    return LINKS[name](dict(part.partition(":")[::2] for part in rest))


def check_link(known: Link, objective: str, bare: Bare) -> None:
    """Ask the library on a few margins whether the link is still what is known."""
    n = bare.n_outputs
    margins = SCORES if n == 1 else np.stack([np.roll(SCORES, 5 * i) for i in range(n)], axis=1)
    ours = evaluate(known(Input(Signature(None if n == 1 else n, torch.float64))), margins)
    native = bare.link(margins)
    if ours.shape != native.shape or not np.allclose(ours, native, rtol=1e-11, atol=1e-300):
        raise Unsupported(f"objective {objective!r} has another link than is known")


@dataclass(frozen=True, eq=False)
class Apart(Guard):
    """Values of margins, the largest of which no rounding can make another.

    Two ways to take an exponential and divide differ by a few ulps; equal margins have equal
    values either way, of which the first is taken.
    """

    margin: Op

    def holds(self, x: Tensor, margin: Tensor) -> Tensor:
        best = x.topk(2, dim=1)
        first, second = best.values.unbind(1)
        margin = margin.gather(1, best.indices)
        same = margin[:, 0] == margin[:, 1]
        return (same | (first - second > 2**-48 * first)).all()
