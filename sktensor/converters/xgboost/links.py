"""What XGBoost's objectives make of a margin, in float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...graph import evaluate
from ...ops import Above, ArgMax, Cast, Guard, Input, Map, Op, Softmax
from ...ops.rows import two_largest
from ...table import Signature
from ..registry import Unsupported
from .bare import Bare

Link = Callable[[Op], Op]


def _identity(margin: Op) -> Op:
    return margin


def _logistic(margin: Op) -> Op:
    return Map(margin, torch.sigmoid)


def _exp(margin: Op) -> Op:
    return Map(margin, torch.exp)


def _hinge(margin: Op) -> Op:
    """1 where the margin is above 0, else 0."""
    return Cast(Map(margin, Above(), torch.bool), torch.float32)


def _softmax(margin: Op) -> Op:
    """The first class of the largest margin, as a number."""
    return Cast(ArgMax(margin), torch.float32)


LINKS: dict[str, Link] = {
    "reg:squarederror": _identity,
    "reg:squaredlogerror": _identity,
    "reg:pseudohubererror": _identity,
    "reg:absoluteerror": _identity,
    "reg:quantileerror": _identity,
    "rank:ndcg": _identity,
    "rank:map": _identity,
    "rank:pairwise": _identity,
    "binary:logitraw": _identity,
    "reg:logistic": _logistic,
    "binary:logistic": _logistic,
    "count:poisson": _exp,
    "reg:gamma": _exp,
    "reg:tweedie": _exp,
    "survival:cox": _exp,
    "survival:aft": _exp,
    "binary:hinge": _hinge,
    "multi:softprob": Softmax,
    "multi:softmax": _softmax,
}
SCORES = np.concatenate([np.linspace(-20, 20, 33), [-90, 90, 1e-7, -1e-7]]).astype(np.float32)


def known_link(objective: str) -> Link:
    known = LINKS.get(objective)
    if known is None:
        raise Unsupported(f"objective {objective!r} is not known")
    return known


def check_link(known: Link, objective: str, bare: Bare) -> None:
    """Ask the library on a few margins whether the link is still what is known."""
    n = bare.n_outputs
    margins = SCORES if n == 1 else np.stack([np.roll(SCORES, 5 * i) for i in range(n)], axis=1)
    x = Input(Signature(None if n == 1 else n, torch.float32))
    ours = evaluate(known(x), margins)
    native = bare.link(margins)
    if ours.shape != native.shape or not np.allclose(ours, native, rtol=1e-6, atol=1e-37):
        raise Unsupported(f"objective {objective!r} has another link than is known")


@dataclass(frozen=True, eq=False)
class Apart(Guard):
    """Margins of which the largest two are equal or so far apart that softmax tells them apart.

    The exponential of a difference d is 1 - d at most an ulp off, and dividing by the sum takes
    another ulp of the quotient: from 3/2 ulp of 1 on, the larger margin stays the larger value.
    """

    def holds(self, x: Tensor, *_: object) -> Tensor:
        best, second = two_largest(x)
        gap = best - second
        return ((gap == 0) | (gap >= 2**-22)).all()
