"""The compiled programs of a fitted estimator: made on demand, dropped when it has changed."""

from __future__ import annotations

import logging
import threading
import warnings
from dataclasses import replace
from functools import partial
from operator import is_
from time import perf_counter
from typing import Any

import numpy as np
import torch
from sklearn import get_config
from sklearn.base import is_classifier

from .compiler import (
    Graphs,
    build,
    build_natively,
    compile,
    default_signature,
    numeric_signature,
)
from .converters import METHODS, Unsupported
from .devices import CPU
from .graph import to_device, walk
from .ops import Input, Named, Native, Op, Retreat
from .plan import Plan, Step, Timing, measure
from .plan.account import stages_of, steps_of
from .program import Program
from .snapshot import Snapshot
from .table import (
    TORCH_DTYPES,
    Signature,
    first_rows,
    row_count,
    signature_of,
)
from .trial import Disagreement, Trial
from .versions import quietly, tell

logger = logging.getLogger("sktensor")

Warned = tuple[tuple[str, type[Warning]], ...]

MOST_SIGNATURES = 16
SAMPLE_ROWS = 4


class Engine:
    """Answers the response methods of one fitted estimator on one device."""

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
        self._snapshot = Snapshot(estimator)
        self._graphs: dict[Any, Graphs] = {}
        self._programs: dict[Any, tuple[Program | None, Warned]] = {}
        self._trials: dict[Any, Trial] = {}  # of programs made for untested releases
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
        if signature is None or row_count(X) == 0 or method not in METHODS:
            return self._answer_natively(method, X)
        key = (method, signature, get_config()["transform_output"], _device_of(X))
        program, warned = self._programs.get(key) or self._compile(key, X)
        self._last = signature
        if program is None:
            return natively(self.estimator, method, X)
        failure: Exception
        try:
            answer = program(X)
            if self._trials:
                self._try(key, program, X)
        except Exception as error:
            failure = error  # and leave, so that a native error is not said to come of this one
        else:
            return self._finish(answer, program.root, X, warned)
        return self._answer_after(failure, key, X)

    def _try(self, key: Any, program: Program, X: Any) -> None:
        """Disagreement where a program on trial does not say what the native method says."""
        if key in self._trials:
            ours = partial(self._run, program)
            self._trials[key].go_on(ours, partial(natively, self.estimator, key[0]), X)

    def _run(self, program: Program, X: Any) -> Any:
        return self._finish(program(X), program.root, X, ())

    def _finish(self, answer: Any, root: Op, X: Any, warned: Warned) -> Any:
        """A program's answer in the caller's container, and what the estimator warns of."""
        for message, category in warned:
            warnings.warn(message, category, stacklevel=5)
        if isinstance(root, Named):
            return _wrap(answer, root, X)
        return as_tensors(answer, X.device) if isinstance(X, torch.Tensor) else answer

    def answer_with(self, method: str, X: Any, *args: Any, **params: Any) -> Any:
        """What the estimator's `method` says when it is told more than `X`."""
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
        """The native answer, or error, where a program refused rows or failed."""
        answer = natively(self.estimator, key[0], X)
        if isinstance(failure, Retreat):
            logger.info("%s answered natively: %s", key[0], failure)
        else:
            self._give_up(failure, key)
        return answer

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
        method, signature, _, device = key
        with self._lock:
            if key in self._programs:
                return self._programs[key]
            if len(self._graphs) >= MOST_SIGNATURES:
                self._graphs.clear()
                self._programs.clear()
                self._trials.clear()
            graphs, failure, start = self._graphs.get(key[1:3]), None, perf_counter()
            try:
                if graphs is None:
                    graphs = self._build(signature, X)
                program = self._program(graphs, method, device or self.device)
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
                self._programs[key] = program, graphs.warnings
                self._log_program(graphs, key, program, perf_counter() - start)
            found = self._programs[key]
        tell(graphs.untested if graphs is not None else ())
        return found

    def _build(self, signature: Signature, X: Any) -> Graphs:
        with np.errstate(all="ignore"):  # logarithms of constants and the like
            graphs = build(self.estimator, signature, first_rows(X, SAMPLE_ROWS))
        self._log(graphs)
        return graphs

    def _program(self, graphs: Graphs, method: str, device: torch.device) -> Program | None:
        root = graphs.roots.get(method)
        if root is None:
            return None
        if self.fallback == "raise":
            self._refuse(graphs, method)
        if isinstance(root, Native) and isinstance(root.x, Input):
            return None
        return compile(root, device if _fits(root, device) else CPU, self.batch_size)

    def _refuse(self, graphs: Graphs, method: str) -> None:
        """Raise Unsupported if any step of the method runs natively, naming every one."""
        steps = [s for s in self._steps(graphs, [method]) if s.backend == "native"]
        if steps:
            named = "; ".join(f"{s.name} ({s.estimator}): {s.reason}" for s in steps)
            raise Unsupported(f"{method} cannot be compiled: {named}")

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

    def plan(self, method: str | None) -> Plan:
        """What runs where, for input like the last one seen."""
        with self._lock:
            graphs = next(
                (g for (s, _), g in self._graphs.items() if s == self._last), None
            ) or build(self.estimator, default_signature(self.estimator))
        if method is not None and method not in graphs.roots:
            raise AttributeError(
                f"{type(self.estimator).__name__} has no response method {method!r}"
            )
        tell(graphs.untested)
        methods = list(graphs.roots) if method is None else [method]
        steps = tuple(self._steps(graphs, methods))
        made = self._programs_of(self._last, methods).items()
        stages = tuple(stage for m, p in made for stage in stages_of(m, p))
        return Plan(steps, method, str(self.device), stages, estimator=self.estimator)

    def measured_plan(self, X: Any) -> Plan:
        """What runs where for `X`, and how long each stage takes, beside the native method."""
        with quietly():  # what is warned of says nothing of how long it takes
            stages, timings = self._measured(X)
        plan = self.plan(None)
        return replace(plan, stages=tuple(stages), timings=tuple(timings), n_rows=row_count(X))

    def _measured(self, X: Any) -> tuple[list[Any], list[Timing]]:
        """Every method's stages and times."""
        stages: list[Any] = []
        timings: list[Timing] = []
        for method in (m for m in METHODS if hasattr(self.estimator, m)):
            self.answer(method, X)
            native = measure.fastest(partial(natively, self.estimator, method, X))
            program = self.program(method, X)
            if program is None:
                timings.append(Timing(method, None, native, self.why_native(method, X)))
                continue
            try:
                ours = measure.fastest(partial(self.compiled, method, X))
                stages += stages_of(method, program, measure.stage_times(program, X))
                timings.append(Timing(method, ours, native))
            except Retreat as why:
                timings.append(Timing(method, None, native, str(why)))
        return stages, timings

    def _steps(self, graphs: Graphs, methods: list[str]) -> list[Step]:
        return steps_of(graphs.trace, graphs.roots, graphs.owners, methods, str(self.device))

    def _programs_of(self, signature: Signature | None, methods: list[str]) -> dict[str, Program]:
        """The programs made so far for input of one signature, by their methods."""
        found = {k[0]: p for k, (p, _) in self._programs.items() if p and k[1] == signature}
        return {m: found[m] for m in methods if m in found}

    def program(self, method: str, X: Any) -> Program | None:
        """The program that answers `method` for input like `X`; None where it is native."""
        signature = signature_of(X)
        if signature is None:
            return None
        key = (method, signature, get_config()["transform_output"], _device_of(X))
        return self._compile(key, X)[0]

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

    def why_native(self, method: str, X: Any) -> str:
        """Why no program answers `method` for input like `X`."""
        graphs = self._graphs.get((signature_of(X), get_config()["transform_output"]))
        root = None if graphs is None else graphs.roots.get(method)
        if isinstance(root, Native):
            return root.reason
        return f"input of type {type(X).__name__}" if graphs is None else "no program"


def natively(estimator: Any, method: str, X: Any, *args: Any, **params: Any) -> Any:
    """What the estimator's own method says; a tensor where it is asked about one."""
    answer = getattr(estimator, method)(as_array(X), *args, **params)
    return as_tensors(answer, X.device) if isinstance(X, torch.Tensor) else answer


def as_array(X: Any) -> Any:
    """A tensor as the array that scikit-learn reads; anything else as it is."""
    if not isinstance(X, torch.Tensor):
        return X
    X = X.detach().cpu()
    return (X.float() if X.dtype == torch.bfloat16 else X).numpy()


def as_tensors(answer: Any, device: torch.device) -> Any:
    """The arrays of an answer as tensors on a device; labels that are no numbers as they are."""
    if isinstance(answer, list | tuple) and not hasattr(answer, "_fields"):
        return type(answer)(as_tensors(part, device) for part in answer)
    if isinstance(answer, np.ndarray) and (answer.dtype in TORCH_DTYPES or answer.dtype == "f2"):
        answer = to_device(answer)
        return answer if not _holds(device, answer.dtype) else answer.to(device)
    return answer


def _fits(root: Op, device: torch.device) -> bool:
    """Whether the device has numbers of every kind in the graph."""
    if device.type != "mps":
        return True
    ops = list(walk(root))
    dtypes = {op.dtype for op in ops} | {TORCH_DTYPES.get(a.dtype) for op in ops for a in op.arrays}
    return all(_holds(device, dtype) for dtype in dtypes)


def _holds(device: torch.device, dtype: torch.dtype | None) -> bool:
    return device.type != "mps" or dtype != torch.float64


def _device_of(X: Any) -> torch.device | None:
    return X.device if isinstance(X, torch.Tensor) else None


def _wrap(answer: Any, root: Op, X: Any) -> Any:
    """The transformed rows in the container that the estimator is set to return."""
    from sklearn.utils._set_output import _wrap_data_with_container

    assert isinstance(root, Named)
    if root.estimator is None:
        return type(X)(answer, columns=list(root.labels), index=X.index)
    original = X if root.keeps_index else answer
    return _wrap_data_with_container("transform", answer, original, root.estimator)
