"""What an engine says of its programs: where every step runs, and how long it takes."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import Any

from sklearn import get_config

from ..compiler import Graphs, build, default_signature
from ..converters import METHODS
from ..ops import Native, Retreat
from ..plan import Plan, Step, Timing, measure
from ..plan.account import stages_of
from ..program import Program
from ..table import Signature, row_count, signature_of
from ..versions import quietly, tell
from .arrays import natively
from .placing import Placing


class Planning:
    """The part of an engine that looks at its programs and makes no answers."""

    estimator: Any
    places: Placing
    _graphs: dict[Any, Graphs]
    _programs: dict[Any, tuple[Program | None, Any]]
    _last: Signature | None
    _lock: threading.RLock

    def answer(self, method: str, X: Any) -> Any:
        raise NotImplementedError

    def program(self, method: str, X: Any) -> Program | None:
        raise NotImplementedError

    def compiled(self, method: str, X: Any) -> Any:
        raise NotImplementedError

    def _steps(self, graphs: Graphs, methods: list[str], device: str = "") -> list[Step]:
        raise NotImplementedError

    def plan(self, method: str | None) -> Plan:
        """What runs where, for input like the last one seen."""
        with self._lock:
            key, graphs = next(
                ((k, g) for k, g in self._graphs.items() if k[0] == self._last), (None, None)
            )
        graphs = graphs or build(self.estimator, default_signature(self.estimator))
        if method is not None and method not in graphs.roots:
            raise AttributeError(
                f"{type(self.estimator).__name__} has no response method {method!r}"
            )
        tell(graphs.untested)
        methods = list(graphs.roots) if method is None else [method]
        said = [self.places.said_of(m, graphs, (m, *(key or ()))) for m in methods]
        where = " or ".join(dict.fromkeys(device for device, _ in said)) or str(self.places.device)
        notes = tuple(dict.fromkeys(note for _, note in said if note))
        steps = tuple(self._steps(graphs, methods, where))
        made = self._programs_of(self._last, methods).items()
        stages = tuple(stage for m, p in made for stage in stages_of(m, p))
        return Plan(steps, method, where, stages, estimator=self.estimator, notes=notes)

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

    def _programs_of(self, signature: Signature | None, methods: list[str]) -> dict[str, Program]:
        """The programs made so far for input of one signature, by their methods."""
        found = {k[0]: p for k, (p, _) in self._programs.items() if p and k[1] == signature}
        return {m: found[m] for m in methods if m in found}

    def why_native(self, method: str, X: Any) -> str:
        """Why no program answers `method` for input like `X`."""
        graphs = self._graphs.get((signature_of(X), get_config()["transform_output"]))
        root = None if graphs is None else graphs.roots.get(method)
        if isinstance(root, Native):
            return root.reason
        return f"input of type {type(X).__name__}" if graphs is None else "no program"
