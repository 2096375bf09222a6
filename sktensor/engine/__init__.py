"""The compiled programs of a fitted estimator: made on demand, dropped when it has changed."""

from __future__ import annotations

import logging
import threading
import warnings
from functools import partial
from operator import is_
from time import perf_counter
from typing import Any

import numpy as np
import torch
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.utils import _safe_indexing

from .. import devices
from ..cards.captured import WARM_UPS
from ..compiler import (
    Graphs,
    build,
    build_natively,
    compile,
    numeric_signature,
)
from ..converters import METHODS, Unsupported
from ..ops import MOST_DOUBTFUL, Input, Named, Native, Op, Retreat
from ..plan import Step
from ..plan.account import steps_of
from ..program import Program
from ..snapshot import Snapshot
from ..table import Signature, first_rows, row_count, signature_of
from ..trial import Disagreement, Trial
from ..versions import tell
from .arrays import as_array, as_rows, as_tensors, in_kind, natively, put_rows, wrap
from .placing import OUT_OF_MEMORY, Placing, cannot_run, lacking
from .planning import Planning
from .resting import Resting

__all__ = ["Engine", "as_array", "as_rows", "as_tensors", "in_kind", "natively"]

logger = logging.getLogger("sktensor")

Warned = tuple[tuple[str, type[Warning]], ...]

MOST_SIGNATURES = 16
SAMPLE_ROWS = 4


class Engine(Planning):
    """Answers the response methods of one fitted estimator on one device, or on that or the CPU.

    `asked` are the parameters it is made for; the first of them, `device`, chooses between the two
    where it is "auto".
    """

    def __init__(
        self,
        estimator: Any,
        device: torch.device,
        fallback: str = "native",
        batch_size: int | None = None,
        asked: tuple[Any, ...] = (),
    ):
        self.estimator, self.device = estimator, device
        self.fallback, self.batch_size, self.asked = fallback, batch_size, asked
        self.places = Placing(device, asked[0] if asked else device)
        self._snapshot = Snapshot(estimator)
        self._graphs: dict[Any, Graphs] = {}
        self._programs: dict[Any, tuple[Program | None, Warned]] = {}
        self._trials: dict[Any, Trial] = {}  # of programs made for untested releases
        self._resting = Resting()
        self._last: Signature | None = None
        self._lock = threading.RLock()

    def is_current(self, estimator: Any, asked: tuple[Any, ...]) -> bool:
        """Whether the programs still answer what the estimator, as it is now, would."""
        if estimator is not self.estimator or not all(map(is_, asked, self.asked)):
            return False
        return self._snapshot.holds()

    def forked(self) -> None:
        """Forget the threads that a forked process has not got."""
        self._lock = threading.RLock()

    def answer(self, method: str, X: Any) -> Any:
        """What the estimator's `method` says of `X`, by a program or natively."""
        signature = signature_of(X)
        place = self.places.of(X)
        if signature is None or row_count(X) == 0 or method not in METHODS:
            return self._answer_natively(method, X)
        key: Any = (method, signature, get_config()["transform_output"])
        key = (*key, place or self._place(key, X))
        program, warned = self._programs.get(key) or self._compile(key, X)
        self._last = signature
        if program is None or (self._resting and self._rests(key, X)):
            return natively(self.estimator, method, X)
        failure: Exception
        try:
            answer, warned = self._partly(program, key[0], X, warned)
            if self._trials:
                self._try(key, program, X)
            if self._resting:
                self._resting.answered(key, row_count(X))
        except Exception as error:
            failure = error  # and leave, so that a native error is not said to come of this one
        else:
            return self._finish(answer, program.root, X, warned)
        return self._answer_after(failure, key, X)

    def _rests(self, key: Any, X: Any) -> bool:
        """Whether the native method answers at once, as it did after the last retreats."""
        rests = self._resting.rests(key, row_count(X))
        if rests:
            logger.info("%s answered natively, as the last calls were", key[0])
        return rests

    def _try(self, key: Any, program: Program, X: Any) -> None:
        """Disagreement where a program on trial does not say what the native method says."""
        if key in self._trials:
            ours = partial(self._run, program)
            self._trials[key].go_on(ours, partial(natively, self.estimator, key[0]), X)

    def _partly(self, program: Program, method: str, X: Any, warned: Warned) -> tuple[Any, Warned]:
        """A program's answer, rows it is in doubt of natively, and what is left to warn of."""
        doubtful: list[np.ndarray] = []
        answer = program(X, doubtful)
        if not doubtful:
            return answer, warned
        rows = np.unique(np.concatenate(doubtful))
        if not len(rows):
            return answer, warned
        if len(rows) > MOST_DOUBTFUL * len(answer):
            raise Retreat("rows that are too close to call")
        native = natively(self.estimator, method, _safe_indexing(X, rows))
        put_rows(answer, rows, native)
        logger.info("%s answered natively for %d of %d rows", method, len(rows), len(answer))
        return answer, ()

    def _run(self, program: Program, X: Any) -> Any:
        return self._finish(program(X), program.root, X, ())

    def _place(self, key: Any, X: Any) -> torch.device:
        """The device that is worth it for so many rows of the host."""
        return self.places.by_rows(row_count(X), key, lambda: self._root(key, X))

    def _root(self, key: Any, X: Any) -> Op | None:
        """What a method's program will answer; None where there is none, or it cannot be told."""
        with self._lock:
            try:
                graphs = self._graphs.get(key[1:3]) or self._build(key[1], X)
            except Exception:  # which `_compile` will meet again, and report
                return None
            if not graphs.sample_failed:
                self._graphs[key[1:3]] = graphs
        return graphs.roots.get(key[0])

    def _finish(self, answer: Any, root: Op, X: Any, warned: Warned) -> Any:
        """A program's answer in the caller's container, and what the estimator warns of."""
        for message, category in warned:
            warnings.warn(message, category, stacklevel=5)
        if isinstance(root, Named):
            return wrap(answer, root, X)
        return as_tensors(answer, X.device) if isinstance(X, torch.Tensor) else answer

    def answer_with(self, method: str, X: Any, *args: Any, **params: Any) -> Any:
        """What the estimator's `method` says when it is told more than `X`."""
        self.places.of(X)
        answer = natively(self.estimator, method, X, *args, **params)
        self.refuse(method, "more is asked than what it says of X")
        return answer

    def _answer_natively(self, method: str, X: Any) -> Any:
        answer = natively(self.estimator, method, X)
        if method in METHODS:
            shape = getattr(X, "shape", "")
            why = f"input of type {type(X).__name__} {shape}".rstrip()
            logger.info("%s answered natively: %s", method, why)
            self.refuse(method, why)
        else:
            self.refuse(method, f"{type(self.estimator).__name__} runs it natively")
        return answer

    def _answer_after(self, failure: Exception, key: Any, X: Any) -> Any:
        """The native answer, or error, where a program refused rows or failed.

        What a device cannot run, or has no room for, is the CPU's.
        """
        if not isinstance(failure, Retreat) and (why := cannot_run(failure, key[3])):
            self._leave(key, failure, why)
            return self._answer_on(devices.CPU, key, X)
        answer = natively(self.estimator, key[0], X)
        if isinstance(failure, Retreat):
            logger.info("%s answered natively: %s", key[0], failure)
            self._resting.handed_over(key, row_count(X))
        else:
            self._give_up(failure, key)
        return answer

    def _leave(self, key: Any, error: Exception, why: str) -> None:
        """Let the CPU have what a device cannot run: all, a program, or this call."""
        if self.fallback == "raise":
            raise error
        logger.info("%s runs on the cpu: %s", key[0], why)
        if devices.why_missing(key[3]):
            if not self.places.lost:
                self.places.lose(key[3], why)
                message = f"{self.places.lost}: the CPU answers from now on"
                warnings.warn(message, UserWarning, stacklevel=6)
        elif why != OUT_OF_MEMORY:
            self.places.instead[key] = why
            self._programs.pop(key, None)

    def warm(self, method: str, X: Any) -> None:
        """Answer on every device that rows like these may be answered on."""
        self.answer(method, X)
        signature = signature_of(X)
        if signature is None or row_count(X) == 0 or self.places.of(X) is not None:
            return
        key = (method, signature, get_config()["transform_output"])
        for device in self.places.for_some(key, partial(self._root, key, X)):
            for _ in range(1 if device.type == "cpu" else WARM_UPS + 1):  # then few are recorded
                self._answer_on(device, key, X)

    def _answer_on(self, device: torch.device, key: Any, X: Any) -> Any:
        """What a device says in place of the one that was to answer."""
        key = (*key[:3], device)
        program, warned = self._programs.get(key) or self._compile(key, X)
        if program is None or self._rests(key, X):
            return natively(self.estimator, key[0], X)
        failure: Exception
        try:
            answer, warned = self._partly(program, key[0], X, warned)
            self._try(key, program, X)
            self._resting.answered(key, row_count(X))
        except Exception as error:
            failure = error
        else:
            return self._finish(answer, program.root, X, warned)
        return self._answer_after(failure, key, X)

    def _give_up(self, error: Exception, key: Any) -> None:
        """Let the estimator answer such input from now on, and have the failure reported."""
        if self.fallback == "raise":
            raise error
        self._programs[key] = None, ()
        if isinstance(error, Disagreement):
            self._answer_all_natively(key, str(error))
        if isinstance(error, Unsupported):
            logger.info("%s runs natively: %s", key[0], error)
            return
        logger.warning("%s failed", key[0], exc_info=error)
        warnings.warn(
            f"sktensor failed at {key[0]} of {type(self.estimator).__name__}, which answers itself "
            f"instead; please report {error!r}",
            RuntimeWarning,
            stacklevel=6,
        )

    def _answer_all_natively(self, key: Any, reason: str) -> None:
        """Whatever the method: what one of them has wrong, others are made of too."""
        with self._lock:
            self._graphs[key[1:3]] = build_natively(self.estimator, key[1], reason)
            for known in [k for k in self._programs if k[1:3] == key[1:3]]:
                self._programs[known] = None, ()

    def refuse(self, method: str, reason: str) -> None:
        """Raise Unsupported for an answer that was native, where that is not wanted."""
        if self.fallback == "raise":
            raise Unsupported(f"{method} cannot be compiled: {reason}")

    def _compile(self, key: Any, X: Any) -> tuple[Program | None, Warned]:
        method, signature = key[:2]
        with self._lock:
            if key in self._programs:
                return self._programs[key]
            if len(self._graphs) >= MOST_SIGNATURES:
                self._graphs.clear()
                self._programs.clear()
                self._trials.clear()
                self._resting.forget()
                self.places.forget()
            graphs, failure, start = self._graphs.get(key[1:3]), None, perf_counter()
            try:
                if graphs is None:
                    graphs = self._build(signature, X)
                program = self._program(graphs, key)
            except Exception as error:
                failure = error
            if graphs is None or failure is not None or graphs.sample_failed:
                natively(self.estimator, method, X)  # rows that it refuses tell nothing of others
            if graphs is not None:
                self._graphs[key[1:3]] = graphs
            if failure is not None:
                self._give_up(failure, key)
            elif graphs is not None:
                if program is not None and graphs.untested:
                    labels = method == "predict" and is_classifier(self.estimator)
                    self._trials[key] = Trial(graphs.untested, labels)
                self._programs[key] = program, graphs.warnings.get(method, ())
                self._log_program(graphs, key, program, perf_counter() - start)
            found = self._programs[key]
        tell(graphs.untested if graphs is not None else ())
        return found

    def _build(self, signature: Signature, X: Any) -> Graphs:
        with np.errstate(all="ignore"):  # logarithms of constants and the like
            graphs = build(self.estimator, signature, first_rows(X, SAMPLE_ROWS))
        self._log(graphs)
        return graphs

    def _program(self, graphs: Graphs, key: Any) -> Program | None:
        method, device = key[0], key[3]
        root = graphs.roots.get(method)
        if root is None:
            return None
        if self.fallback == "raise":
            self._refuse(graphs, method)
        if isinstance(root, Native) and isinstance(root.x, Input):
            return None
        why = self.places.instead.get(key) or lacking(graphs, method, device)
        if not why:
            try:
                return compile(root, device, self.batch_size)
            except Exception as error:  # its constants may be more than the device has room for
                why = cannot_run(error, device)
                if not why or self.fallback == "raise":
                    raise
        self.places.instead[key] = why
        logger.info("%s runs on the cpu: %s", method, why)
        return compile(root, devices.CPU, self.batch_size)

    def _refuse(self, graphs: Graphs, method: str) -> None:
        """Raise Unsupported if any step of the method runs natively, naming every one."""
        steps = [s for s in self._steps(graphs, [method]) if s.backend == "native"]
        if steps:
            named = "; ".join(f"{s.name} ({s.estimator}): {s.reason}" for s in steps)
            raise Unsupported(f"{method} cannot be compiled: {named}")

    def _steps(self, graphs: Graphs, methods: list[str], device: str = "") -> list[Step]:
        return steps_of(graphs.trace, graphs.roots, graphs.owners, methods, device)

    def _log(self, graphs: Graphs) -> None:
        for step in self._steps(graphs, list(graphs.roots)):
            if step.backend == "native":
                logger.info("%s (%s) runs natively: %s", step.name, step.estimator, step.reason)

    def _log_program(self, graphs: Graphs, key: Any, program: Program | None, t: float) -> None:
        """One line on what was compiled."""
        if program is not None and logger.isEnabledFor(logging.INFO):
            method, signature = key[:2]
            steps = self._steps(graphs, [method])
            name, n = type(self.estimator).__name__, sum(s.backend == "torch" for s in steps)
            kind = f"{signature.container} of {signature.width} columns"
            logger.info(
                "compiled %s of %s for %s in %.0f ms: %d of %d steps, %d stages, on %s",
                *(method, name, kind, 1e3 * t, n, len(steps), len(program.stages), program.device),
            )

    def program(self, method: str, X: Any) -> Program | None:
        """The program that answers `method` for input like `X`; None where it is native."""
        signature = signature_of(X)
        if signature is None:
            return None
        key = (method, signature, get_config()["transform_output"])
        return self._compile((*key, self.places.of(X) or self._place(key, X)), X)[0]

    def numeric_roots(self, X: Any, methods: tuple[str, ...]) -> tuple[dict[str, Op], Signature]:
        """The roots of some methods for input like `X`, none of which may be native."""
        signature = signature_of(X) if X is not None else self._last
        if signature is not None and signature.is_sparse:
            if X is not None:
                raise Unsupported("sparse input")
            signature = None
        signature = signature or numeric_signature(self.estimator)
        if X is not None and signature_of(X) is None:
            raise Unsupported(f"input of type {type(X).__name__}")
        known = next((g for (s, _), g in self._graphs.items() if s == signature), None)
        sample = None if X is None else X[:SAMPLE_ROWS]
        graphs = known or build(self.estimator, signature, sample)
        tell(graphs.untested)
        for method in methods:
            if method not in graphs.roots:
                name = type(self.estimator).__name__
                raise AttributeError(f"{name} has no response method {method!r}")
            self._refuse(graphs, method)
        return {m: graphs.roots[m] for m in methods}, signature

    def compiled(self, method: str, X: Any) -> Any:
        """A program's answer for `X`; Retreat where it has none, Unsupported without a program."""
        program = self.program(method, X)
        if program is None:
            raise Unsupported(f"{method} runs natively")
        return self._run(program, X)
