"""A forest as it lies in memory where its rows are: once for the CPU, once for each card.

This is the one place that knows whether Triton can be had. It is imported for the first rows on a
card, never before.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from . import forest_cpu

if TYPE_CHECKING:
    from .forest_cuda import CardForest

logger = logging.getLogger("sktensor")


class PackedForest(forest_cpu.PackedForest):
    """A forest in the layouts of its kernels; called with rows it gives the sums of their leaves.

    Rows are on the CPU, or on a device that `packs` is true of.
    """

    def __init__(self, *arrays: np.ndarray):
        super().__init__(*arrays)
        self._cards: dict[torch.device, CardForest] = {}

    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x) if x.device.type == "cpu" else self.on(x.device)(x)

    def on(self, device: torch.device) -> CardForest:
        """The forest for the kernels in Triton, put on the device at the first call."""
        found = self._cards.get(device)
        if found is None:
            from .forest_cuda import CardForest

            # Two threads may both put it there; then one of them is kept.
            found = CardForest(self._forest, self.shape, device)
            found = self._cards.setdefault(device, found)
        return found


def packs(device: torch.device) -> bool:
    """Whether there are kernels for packed forests on this device; else plain torch walks them."""
    return device.type == "cpu" or (device.type == "cuda" and _triton_runs(device))


@cache
def _triton_runs(device: torch.device) -> bool:
    """Whether Triton compiles and runs a kernel here: it needs a driver it knows and a C compiler.

    Asked once per card and process, by running one.
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
