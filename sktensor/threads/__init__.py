"""Blocks of rows over a pool of threads that follows torch's number of threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

import torch

from .cores import Cores

Task = Callable[[int, int], None]

WORTH_A_THREAD = 4e5  # nanoseconds of work, several times what it costs to hand it over
SHORT = 2  # blocks a thread up to which a job is a short one

_lock = threading.Lock()
_pool: tuple[int, ThreadPoolExecutor, Cores] | None = None
_forked = False


def settle() -> None:
    """Make torch's ops safe to run in this process, whatever it was forked from.

    The threads of torch's own pool did not come along, and OpenMP waits for them for ever. So a
    forked process runs on one thread, as the workers of torch's data loaders do.
    """
    global _forked
    if _forked:
        _forked = False
        torch.set_num_threads(1)


def share_rows(task: Task, n_rows: int, block: int) -> None:
    """Call `task(lo, hi)` for every block of rows, over as many threads as torch has.

    The blocks are handed out one by one, so a thread that is held up takes fewer. The first
    error stops the others and is raised here.
    """
    n_blocks = -(-n_rows // block)
    workers = min(torch.get_num_threads(), n_blocks)
    numbers, stop = count(), threading.Event()

    def work() -> None:
        with torch.no_grad():
            while not stop.is_set() and (k := next(numbers)) < n_blocks:
                try:
                    task(k * block, min((k + 1) * block, n_rows))
                except BaseException:
                    stop.set()
                    raise

    found = _pool_of(workers) if workers > 1 else None
    if found is None:
        with _on_one_thread(workers > 1):
            work()
        return
    pool, cores = found
    # To wake a thread takes as long as a short job does, so this one does not wait for that. In
    # long ones its torch ops, which run on all of torch's threads, would be in the others' way.
    helps = n_blocks <= SHORT * workers
    futures: list[Future[None]] = []
    with cores.shared(helps):
        try:
            for _ in range(workers - helps):
                futures.append(pool.submit(work))
        except RuntimeError:  # no more threads to be had: this one helps those there are
            helps = True
        try:
            if helps:
                work()
        finally:
            # Where this thread has done the work, those not yet begun have nothing left to do.
            failures = [f.exception() for f in futures if not (helps and f.cancel())]
    for failure in failures:
        if failure is not None:
            raise failure


@contextmanager
def _on_one_thread(indeed: bool) -> Iterator[None]:
    """Have torch start no threads of its own where none are to be had: OpenMP ends the process."""
    threads = torch.get_num_threads()
    if indeed:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if indeed:
            torch.set_num_threads(threads)


def _pool_of(workers: int) -> tuple[ThreadPoolExecutor, Cores] | None:
    """A pool of at least that many threads, each of which runs its torch ops alone."""
    global _pool
    with _lock:
        if _pool is None or _pool[0] < workers:
            threads, cores = torch.get_num_threads(), Cores()
            started = threading.Barrier(workers + 1, timeout=10)

            def alone() -> None:
                torch.set_num_threads(1)
                cores.join()
                started.wait()

            pool = ThreadPoolExecutor(workers, "sktensor")
            try:
                futures = [pool.submit(alone) for _ in range(workers)]
            except RuntimeError:
                started.abort()
                return None
            started.wait()
            for future in futures:
                future.result()
            # The number set last is what threads started later find, so it must be the caller's.
            torch.set_num_threads(threads)
            _pool = (workers, pool, cores)
        return _pool[1:]


def _forget() -> None:
    """A forked child has the pool's lock and queue, but none of its threads."""
    global _pool, _lock, _forked
    _pool, _lock, _forked = None, threading.Lock(), True


os.register_at_fork(after_in_child=_forget)
