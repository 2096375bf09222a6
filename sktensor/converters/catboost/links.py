"""What CatBoost's losses make of a margin, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ...graph import evaluate
from ...ops import Concat, Input, Logistic, LogSoftmax, Map, Op, Provided, Softmax
from ...ops.conditions import Below
from ...table import Signature
from ..registry import Unsupported
from ..responses import two_columns
from .bare import Bare

Link = Callable[[Op], Op]

# Beyond, it depends on a row's place among the others what CatBoost's exponential gives.
MOST_EXPONENT = 700.0
# Up to here the logarithm of a sigmoid is no worse known than to 1e-10 of it.
SURE = 12.0


@dataclass(frozen=True)
class Links:
    """The probabilities of margins, and their logarithms."""

    proba: Link
    log_proba: Link


def identity(margin: Op) -> Op:
    return margin


def exponent(margin: Op) -> Op:
    return Provided(Map(margin, torch.exp), margin, Below(MOST_EXPONENT))


def _sigmoid(margin: Op) -> Op:
    return Map(margin, Logistic())


def _minus_log_of(exponential: Op) -> Op:
    return -Map(exponential + 1.0, torch.log)


def _log_sigmoid(margin: Op) -> Op:
    """`-log(1 + exp(-x))`, -inf where that overflows."""
    return _minus_log_of(Map(-margin, torch.exp))


def _log_sigmoids(margin: Op) -> Op:
    """The same where all columns may be next to 0, and one rounding of `1 + exp(-x)` is seen."""
    return Provided(_log_sigmoid(margin), margin, Below(SURE))


def _two_log_sigmoids(margin: Op) -> Op:
    return Concat((_minus_log_of(Map(margin, torch.exp)), _log_sigmoid(margin)))


BINARY = Links(lambda margin: two_columns(_sigmoid(margin)), _two_log_sigmoids)
SIGMOIDS = Links(_sigmoid, _log_sigmoids)
CLASSES: dict[str, Links] = {
    "Logloss": BINARY,
    "CrossEntropy": BINARY,
    "Focal": BINARY,
    "MultiClass": Links(Softmax, LogSoftmax),
    "MultiClassOneVsAll": SIGMOIDS,
    "MultiLogloss": SIGMOIDS,
    "MultiCrossEntropy": SIGMOIDS,
}
ONE_OF_MANY = ("MultiClass", "MultiClassOneVsAll")
SCORES = np.concatenate([np.linspace(-11.5, 11.5, 33), [1e-7, -1e-7]])
FAR = np.array([-90.0, 90.0, -700.0, 700.0, 800.0, -800.0, -20.0, 20.0])


def known_links(loss: str) -> Links:
    if loss not in CLASSES:
        raise Unsupported(f"the loss {loss!r} is not known")
    return CLASSES[loss]


def check_links(known: Links, loss: str, bare: Bare, n_outputs: int) -> None:
    """Ask the library on a few margins whether the links are still what is known."""
    scores = SCORES if known is SIGMOIDS else np.concatenate([SCORES, FAR])
    if known is not BINARY:
        scores = np.stack([np.roll(scores, 5 * i) for i in range(n_outputs)], axis=1)
    margin = Input(Signature(None if known is BINARY else n_outputs, torch.float64))
    for link, kind in ((known.proba, "Probability"), (known.log_proba, "LogProbability")):
        with np.errstate(all="ignore"):
            ours, native = evaluate(link(margin), scores), bare.ask(kind, scores)
        if ours.shape != native.shape or not np.allclose(ours, native, rtol=1e-10, atol=1e-10):
            raise Unsupported(f"the loss {loss!r} has other links than are known")
