"""A forest as it lies in memory where its rows are: once for the CPU, once for each card.

This is the one place that knows whether Triton can be had. It is imported for the first rows on a
card, never before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from . import forest_cpu
from .forest_cpu import packing
from .forest_torch import WalkedForest

if TYPE_CHECKING:
    from .forest_cuda import CardForest

logger = logging.getLogger("sktensor")


class PackedForest(forest_cpu.PackedForest):
    """A forest in the layouts of its kernels; called with rows it gives the sums of their leaves.

    On a card nothing else of it is there.
    """

    def __init__(self, *arrays: np.ndarray):
        super().__init__(*arrays)
        self._arrays = arrays
        self._cards: dict[torch.device, CardForest | WalkedForest] = {}

    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x) if x.device.type == "cpu" else self.on_card(x)

    def on_card(self, x: Tensor) -> Tensor:
        """The sums by the kernels of cards, where those run, and else by plain torch."""
        try:
            return self.on(x.device)(x)
        except Exception as error:
            if not _is_refused(error):
                raise
        found = WalkedForest(self._arrays, self.shape.most_depth, x.device)
        self._cards[x.device] = found
        return found(x)

    def on(self, device: torch.device) -> CardForest | WalkedForest:
        """The forest for the kernels of the device, put there at the first call."""
        found = self._cards.get(device)
        if found is None:
            if packs(device):
                from .forest_cuda import CardForest

                found = CardForest(self._forest, self.shape, device)
            else:
                found = WalkedForest(self._arrays, self.shape.most_depth, device)
            # Two threads may both put it there; then one of them is kept.
            found = self._cards.setdefault(device, found)
        return found


class PackedLeaves:
    """A forest on cards; called with rows there it gives the node that each ends in."""

    def __init__(
        self,
        feature: np.ndarray,
        threshold: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        missing_left: np.ndarray,
        roots: np.ndarray,
        *sets: np.ndarray,
    ):
        node = np.arange(len(feature), dtype=np.int64)[:, None]
        self._arrays = (feature, threshold, left, right, missing_left, node, roots, *sets)
        self._cards: dict[torch.device, Callable[[Tensor], Tensor]] = {}

    def __call__(self, x: Tensor) -> Tensor:
        found = self._cards.get(x.device)
        if found is None:
            found = self._cards.setdefault(x.device, self._put_on(x.device, packs(x.device)))
        try:
            return found(x)
        except Exception as error:
            if not _is_refused(error):
                raise
        found = self._cards[x.device] = self._put_on(x.device, False)
        return found(x)

    def _put_on(self, device: torch.device, in_kernels: bool) -> Callable[[Tensor], Tensor]:
        forest = packing.canonical(*self._arrays)
        shape = forest_cpu.Shape(**packing.shape_of(forest))
        if not in_kernels:
            return WalkedForest(self._arrays, shape.most_depth, device).leaves
        from .forest_cuda import CardForest

        # Each tree adds, to an output of its own, the number of the node that is reached.
        n_trees = len(forest.roots)
        output = np.arange(n_trees, dtype=np.int64)
        return CardForest(forest._replace(output=output, n_outputs=n_trees), shape, device)


def packs(device: torch.device) -> bool:
    """Whether the kernels in Triton run on this device; else plain torch walks its forests.

    On the CPU they do where Triton's interpreter is switched on, as tests do.
    """
    return device.type in ("cpu", "cuda") and _triton_runs(device)


@cache
def _triton_runs(device: torch.device) -> bool:
    """Whether Triton compiles and runs a kernel here: it needs a driver it knows and a C compiler.

    Asked once per card and process, by running them.
    """
    if find_spec("triton") is None:
        return False
    try:
        from .forest_cuda import check

        check(device)
    except torch.OutOfMemoryError:
        raise  # says nothing about Triton
    except Exception as error:  # whatever a missing compiler, driver or architecture raises
        logger.info("plain torch walks forests on %s: Triton does not run (%s)", device, error)
        return False
    return True


def _is_refused(error: Exception) -> bool:
    """Whether Triton has said that it cannot compile a kernel here, or the card not hold it.

    It compiles each for the forests and rows that it meets: that one runs does not mean all do.
    """
    if type(error).__module__.partition(".")[0] != "triton":
        return False
    said = str(error).partition("\n")[0]
    logger.warning("plain torch walks a forest, for which Triton has no kernel: %s", said)
    return True
