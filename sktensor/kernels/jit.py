"""Numba as every kernel uses it: serial, without the GIL, compiled once for a machine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numba
from numba.core.runtime import rtsys

logger = logging.getLogger("sktensor")


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that compiles a function at its first call and keeps the result on disk.

    Where no folder can be written into, a disk is full or what lies there is damaged, functions are
    compiled anew in every process: that costs seconds, and nothing else.
    """

    options = {"nogil": True} | options

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            dispatcher = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # "no locator available"
            _say_that_none_are_kept()
            return numba.njit(**options)(function)
        _forgive(getattr(dispatcher, "_cache", None))
        return dispatcher

    return decorate


@cache
def _say_that_none_are_kept() -> None:
    logger.info("kernels are compiled anew in each process: no cache folder can be written to")


def _forgive(kept: Any) -> None:
    """Let a cache fail to keep, and to find, without anybody taking notice."""
    if not all(hasattr(kept, name) for name in ("save_overload", "load_overload", "flush")):
        return
    save, load = kept.save_overload, kept.load_overload

    def save_overload(*arguments: Any) -> None:
        with suppress(Exception):  # of the disk, or of a damaged index
            save(*arguments)

    def load_overload(signature: Any, context: Any) -> Any:
        # Numba gets ready to compile first, with all that it knows, which takes a third of a
        # second. What lies on disk needs no more than its runtime.
        with suppress(Exception):
            rtsys.initialize(context)
            return kept._load_overload(signature, context)
        try:
            return load(signature, context)
        except Exception:  # whatever reading a damaged pickle raises
            with suppress(Exception):
                kept.flush()
            return None

    kept.save_overload, kept.load_overload = save_overload, load_overload
