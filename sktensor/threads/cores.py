"""Keep the threads of a pool off the core of the one thread that they help.

Linux wakes a thread where it last ran, or where the thread that wakes it runs, unless an idle core
is near. In a virtual machine the host puts an idle core to sleep, after which Linux takes it for
one that is not to be had (`available_idle_cpu`, `vcpu_is_preempted`): both threads then take turns
on one core, until loads are balanced milliseconds later, which is as long as a short job takes.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident, get_native_id

MOST = 8  # threads up to which placing them pays: two system calls each, and few cores to go to


def _find_core() -> Callable[[], int] | None:
    """The C library's `sched_getcpu`, where threads can be placed at all."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        return ctypes.PyDLL(None).sched_getcpu
    except (OSError, AttributeError):
        return None


_this_core = _find_core()


class Cores:
    """Which cores the threads of one pool may run on."""

    def __init__(self) -> None:
        self._threads: list[int] = []
        self._callers: set[int] = set()
        self._kept_off: dict[int, tuple[set[int], set[int]]] = {}  # cores it had, cores it has

    def join(self) -> None:
        """Have the calling thread count as one of the pool's."""
        self._threads.append(get_native_id())

    @contextmanager
    def shared(self, works: bool) -> Iterator[None]:
        """Place the pool's threads for a caller that works beside them, or sleeps meanwhile.

        They are left to the system where it sleeps, and where there are several callers.
        """
        me = get_ident()
        self._callers.add(me)
        try:
            if works and len(self._callers) == 1:
                self._keep_off()
            else:
                self._free()
            yield
        finally:
            self._callers.discard(me)

    def _keep_off(self) -> None:
        """Take from the threads the core that this one runs on."""
        if _this_core is None or len(self._threads) > MOST:
            return
        core = _this_core()
        for thread in self._threads:
            _, has = self._kept_off.get(thread, (None, None))
            if has is not None and core not in has:
                continue
            self._give_back(thread)
            try:
                had = os.sched_getaffinity(thread)
                if len(had) > 1 and core in had:
                    os.sched_setaffinity(thread, had - {core})
                    self._kept_off[thread] = had, had - {core}
            except OSError:  # a sandbox may forbid it
                return

    def _free(self) -> None:
        for thread in list(self._kept_off):
            self._give_back(thread)

    def _give_back(self, thread: int) -> None:
        """Give a thread the cores it had, unless somebody else has placed it since."""
        try:
            had, has = self._kept_off.pop(thread)
            if os.sched_getaffinity(thread) == has:
                os.sched_setaffinity(thread, had)
        except (KeyError, OSError):
            return
