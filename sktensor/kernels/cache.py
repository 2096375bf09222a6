"""A folder for what Numba compiles, where neither this package's nor the user's can be written to.

Numba refuses to import a function that it is to cache when it finds no folder to do so, as in an
image that is read-only. Such a process gets a folder of its own, which goes when it ends.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile

import numba

logger = logging.getLogger("sktensor")


def find_folder() -> None:
    """See to it that functions can be cached, or say what is wrong."""
    if _can_cache():
        return
    try:
        folder = tempfile.mkdtemp(prefix="sktensor-")
    except OSError as error:
        raise RuntimeError(
            "Numba finds no folder to keep what it compiles: set NUMBA_CACHE_DIR to one that can "
            "be written to"
        ) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    numba.config.CACHE_DIR = folder  # type: ignore[attr-defined]
    logger.info("kernels are compiled anew in each process: no cache folder can be written to")


def _can_cache() -> bool:
    try:
        numba.njit(cache=True)(_can_cache)
    except RuntimeError:
        return False
    return True


find_folder()
