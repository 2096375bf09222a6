"""How long the programs of an engine take, stage by stage, beside the native methods."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..converters import METHODS
from ..ops import Retreat
from ..plan import Plan, Timing, measure
from ..plan.account import stages_of
from ..table import row_count
from ..versions import quietly
from .arrays import natively

if TYPE_CHECKING:
    from . import Engine


def measured_plan(engine: Engine, X: Any) -> Plan:
    """What runs where for `X`, and how long each stage takes, beside the native method."""
    with quietly():  # what is warned of says nothing of how long it takes
        stages, timings = _measured(engine, X)
    plan = engine.plan(None)
    return replace(plan, stages=tuple(stages), timings=tuple(timings), n_rows=row_count(X))


def _measured(engine: Engine, X: Any) -> tuple[list[Any], list[Timing]]:
    """Every method's stages and times."""
    stages: list[Any] = []
    timings: list[Timing] = []
    for method in (m for m in METHODS if hasattr(engine.estimator, m)):
        engine.answer(method, X)
        native = measure.fastest(partial(natively, engine.estimator, method, X))
        program = engine.program(method, X)
        if program is None:
            timings.append(Timing(method, None, native, engine.why_native(method, X)))
            continue
        try:
            ours = measure.fastest(partial(engine.compiled, method, X))
            stages += stages_of(method, program, measure.stage_times(program, X))
            timings.append(Timing(method, ours, native))
        except Retreat as why:
            timings.append(Timing(method, None, native, str(why)))
    return stages, timings
