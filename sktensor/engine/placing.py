"""Where a program runs: on the device asked for, on the one its rows lie on, or on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import torch
from torch import Tensor

from .. import crossover, devices
from ..cards import is_full
from ..compiler import Graphs
from ..devices import CPU
from ..graph import walk
from ..ops import Input, Native, Op
from ..table import TORCH_DTYPES

OUT_OF_MEMORY = "out of memory"


class Placing:
    """Which device answers which rows of one estimator.

    `device` is the one that was found, `named` the one asked for, where "auto" chooses between that
    and the CPU. Keys are those of the engine: (method, signature, container, device).
    """

    def __init__(self, device: torch.device, named: str | torch.device):
        self.device = device
        self.named = named if isinstance(named, torch.device) else devices.parse(named)
        self.chooses = self.named is None and device.type != "cpu"
        # Why the CPU has a program that was meant for another device.
        self.instead: dict[Any, str] = {}
        self.lost = ""
        self._crossovers: dict[Any, float] = {}

    def of(self, X: Any) -> torch.device | None:
        """The device that answers; None where the number of rows decides.

        ValueError for a tensor on a device that is not the one asked for.
        """
        if isinstance(X, Tensor) and X.device.type != "cpu":
            return devices.of_rows(X.device, self.named)
        return None if self.chooses else self.device

    def by_rows(self, n_rows: int, key: Any, root: Callable[[], Op | None]) -> torch.device:
        """The device that is worth it for so many rows of the host."""
        return self.device if n_rows >= self._known_crossover(key, root) else CPU

    def for_some(self, key: Any, root: Callable[[], Op | None]) -> list[torch.device]:
        """The devices that are worth it for some number of rows of the host."""
        if not self.chooses:
            return [self.device]
        found = self._known_crossover(key, root)
        return [CPU] * (found > 1) + [self.device] * (found < inf)

    def _known_crossover(self, key: Any, root: Callable[[], Op | None]) -> float:
        found = self._crossovers.get(key)
        if found is None:
            found = self._crossovers[key] = self.crossover(root())
        return found

    def crossover(self, root: Op | None) -> float:
        """From how many rows on the card is worth it."""
        said = crossover.asked()
        if said is not None or root is None or isinstance(root, Native):
            return inf if said is None else said
        return crossover.rows(
            crossover.work_of(root), torch.get_num_threads(), devices.processors(self.device)
        )

    def forget(self) -> None:
        """Drop what is known of programs."""
        self.instead.clear()
        self._crossovers.clear()

    def lose(self, device: torch.device, why: str) -> None:
        """Do without a device from now on."""
        self.lost = f"{device} failed ({why})"
        if device == self.device:
            self.device, self.chooses = CPU, False

    def said_of(self, method: str, graphs: Graphs, key: Any) -> tuple[str, str]:
        """Where the method is answered, and what there is to say about it."""
        root, device = graphs.roots[method], self.device
        if device.type == "cpu":
            return str(device), self.lost
        if isinstance(root, Native) and isinstance(root.x, Input):
            return str(device), ""
        why = self.instead.get((*key, device)) or lacking(graphs, method, device)
        if why:
            return "cpu", f"{method} on cpu: {why}"
        if not self.chooses:
            return str(device), ""
        n = self.crossover(root)
        how = "by estimate" if crossover.asked() is None else f"as {crossover.VARIABLE} says"
        if n == inf:
            return "cpu", f"{method} on cpu: {device} would answer no sooner, {how}"
        return (
            f"{device} or cpu",
            f"{method} on {device} from {n:,.0f} rows on, on cpu for fewer, {how}",
        )


def lacking(graphs: Graphs, method: str, device: torch.device) -> str:
    """Why the device cannot run a method's program at all, for numbers it lacks; or nothing."""
    lacked = devices.lacks(device)
    for op in walk(graphs.roots[method]) if lacked else ():
        if op.on_host and not isinstance(op, Input):
            continue
        needed = {op.dtype, *(TORCH_DTYPES.get(array.dtype) for array in op.arrays)} & lacked
        if needed:
            dtype = str(needed.pop()).removeprefix("torch.")
            at = None if isinstance(op, Input) else graphs.owners.of.get(op)
            what = "the input is" if at is None else f"{graphs.trace[at].name} needs"
            return f"{device.type} has no {dtype}, which {what}"
    return ""


def cannot_run(error: Exception, device: torch.device) -> str:
    """What a device lacks, or has no room for, by the error it gave; empty for other errors."""
    said = str(error).partition("\n")[0]
    if device.type == "cpu" or (device.type == "cuda" and devices.is_recording(device)):
        return ""
    if is_full(error):
        return OUT_OF_MEMORY
    # Nobody lists what these backends lack; some of it is said in other errors.
    others = (RuntimeError, TypeError) if device.type != "cuda" else ()
    if devices.is_lost(device, error) or isinstance(error, (NotImplementedError, *others)):
        return said
    # A launch that the card refuses, or a library on it.
    return said if isinstance(error, RuntimeError) and said.startswith(devices.LOST) else ""
