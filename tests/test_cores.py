"""Where the threads of the pool may run while they help, and that they get all cores back."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sktensor.threads import cores as module
from sktensor.threads import share_rows
from sktensor.threads.cores import Cores

ALL = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
PLACES = module._this_core is not None and len(ALL) > 1  # elsewhere all of this does nothing
TIMEOUT = 30


@pytest.fixture
def helper():
    """A pool of one thread, its number, and the cores it may run on."""
    with ThreadPoolExecutor(1) as pool:
        cores = Cores()
        pool.submit(cores.join).result(TIMEOUT)
        thread = pool.submit(threading.get_native_id).result(TIMEOUT)
        yield cores, lambda: os.sched_getaffinity(thread) if ALL else set(), thread


def stay_on(core):
    """Have this thread stay where it is while its core is compared."""
    if ALL:
        os.sched_setaffinity(0, {core} if core is not None else ALL)


@pytest.fixture
def core():
    """The core that this thread stays on."""
    found = min(ALL, default=None)
    stay_on(found)
    yield found
    stay_on(None)


def test_a_caller_that_works_has_its_core_for_itself(helper, core):
    cores, allowed, _ = helper
    with cores.shared(works=True):
        assert allowed() == (ALL - {core} if PLACES else ALL)
    with cores.shared(works=False):
        assert allowed() == ALL


def test_it_follows_the_caller_to_another_core(helper, core):
    cores, allowed, _ = helper
    for here in [core, max(ALL, default=None), core]:
        stay_on(here)
        with cores.shared(works=True):
            assert allowed() == (ALL - {here} if PLACES else ALL)


def test_several_callers_leave_it_to_the_system(helper, core):
    cores, allowed, _ = helper
    with cores.shared(works=True):
        entered, leave = threading.Event(), threading.Event()

        def ask():
            with cores.shared(works=True):
                entered.set()
                leave.wait(TIMEOUT)

        other = threading.Thread(target=ask)
        other.start()
        assert entered.wait(TIMEOUT)
        assert allowed() == ALL
        leave.set()
        other.join(TIMEOUT)


def test_what_somebody_else_has_set_since_is_left(helper, core):
    cores, allowed, thread = helper
    with cores.shared(works=True):
        pass
    if ALL:
        os.sched_setaffinity(thread, {core})
    with cores.shared(works=False):
        assert allowed() == ({core} if ALL else set())


def test_threads_that_are_gone_and_many_threads_are_let_be(core):
    with ThreadPoolExecutor(1) as pool:
        gone = Cores()
        pool.submit(gone.join).result(TIMEOUT)
    many = Cores()
    for _ in range(module.MOST + 1):
        many.join()
    for cores in (gone, many):
        for works in (True, False):
            with cores.shared(works):
                pass
    assert not ALL or os.sched_getaffinity(0) == {core}


def test_short_jobs_and_long_ones_leave_every_core_to_the_caller():
    for rows in (4, 4000):
        share_rows(lambda lo, hi: None, rows, 1)
        assert not ALL or os.sched_getaffinity(0) == ALL
