"""Both answers, on the rows given and on rows made for the purpose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier

from ..compare import Distance, arrays, distance
from ..converters import METHODS, Unsupported
from ..engine import Engine, natively
from ..ops import Op, Retreat
from ..versions import quietly
from .boundaries import Rows, made_rows
from .report import Comparison, Parity, Worst
from .tables import row_values, take

MOST_ALONE = 8  # rows of each kind that are answered one at a time
MOST_CALLS = 64  # into which rows are split to keep those apart that are answered natively
MOST_WORST = 5
MOST_REFUSED = 8  # rows refused by the native method whose errors are compared


def verify(engine: Engine, X: Any, n_rows: int, random_state: Any) -> Parity:
    """Compare every response method of an engine's estimator with the native one."""
    rng = np.random.default_rng(random_state)
    n = X.shape[0] if hasattr(X, "shape") and X.shape else len(X)
    if not n:
        raise ValueError("verify needs at least one row")
    at = np.arange(n) if n <= n_rows else np.sort(rng.choice(n, n_rows, replace=False))
    with quietly():
        given = Rows("X", X if len(at) == n else take(X, at), at)
        programs = {m: _root(engine, m, given.table) for m in METHODS if _has(engine, m)}
        roots = [op for op in programs.values() if isinstance(op, Op)]
        made = made_rows(roots, given.table, n_rows, rng) if roots and not issparse(X) else []
        found, refusals = [], []
        for method, root in programs.items():
            if isinstance(root, str):
                found.append(Comparison(method, "X", 0, 0, note=f"native: {root}"))
                continue
            tallies = [_compared(engine, method, rows) for rows in (given, *made)]
            tallies.append(_compared_alone(engine, method, (given, *made)))
            found += [tally.comparison() for tally in tallies]
            refusals += [] if tallies[0].error is None else [tallies[0].error]
        if refusals and not any(c.compared for c in found if c.rows == "X"):
            raise refusals[0]
    return Parity(tuple(found), type(engine.estimator).__name__, str(engine.device))


def _has(engine: Engine, method: str) -> bool:
    return hasattr(engine.estimator, method)


def _root(engine: Engine, method: str, table: Any) -> Op | str:
    """What a method's program answers; why it has none, where it is the native method itself."""
    try:
        program = engine.program(method, table)
    except Unsupported as why:
        return str(why)
    return program.root if program is not None else engine.why_native(method, table)


def _compared(engine: Engine, method: str, rows: Rows) -> _Tally:
    """One method on rows of one kind, and on those that it refuses one by one."""
    labels = method == "predict" and is_classifier(engine.estimator)
    tally = _Tally(method, rows)
    calls = _Budget(MOST_CALLS)
    for part, native in _answered(partial(natively, engine.estimator, method), rows, calls):
        if isinstance(native, Exception):
            row = take(rows.table, part)
            tally.refused(part, native, _outcome(partial(engine.answer, method, row)))
            continue
        for where, ours in _compiled(engine, method, rows.table, part, _Budget(MOST_CALLS)):
            if ours is None:
                tally.native += len(where)
                continue
            if isinstance(ours, Exception):
                tally.wrong(f"the program failed: {ours!r}")
                continue
            theirs = native
            if len(where) != len(part):
                theirs = natively(engine.estimator, method, take(rows.table, where))
            tally.add(where, ours, theirs, distance(ours, theirs, labels))
    return tally


def _compared_alone(engine: Engine, method: str, kinds: Sequence[Rows]) -> _Tally:
    """One method on a few rows of each kind one at a time, which are computed another way."""
    labels = method == "predict" and is_classifier(engine.estimator)
    tally = _Tally(method, Rows("alone", kinds[0].table, kinds[0].at))
    for rows in kinds:
        tally.rows = Rows("alone", rows.table, rows.at)
        n = len(rows.at)
        for i in np.unique(np.linspace(0, n - 1, MOST_ALONE).astype(int)).tolist():
            row = take(rows.table, np.array([i]))
            native = _outcome(partial(natively, engine.estimator, method, row))
            if isinstance(native, Exception):
                continue
            ours = _outcome(partial(engine.compiled, method, row))
            if isinstance(ours, Retreat | Unsupported):
                tally.native += 1
            elif isinstance(ours, Exception):
                tally.wrong(f"the program failed: {ours!r}")
            else:
                tally.add(np.array([i]), ours, native, distance(ours, native, labels))
    return tally


class _Budget:
    """Calls that are left."""

    def __init__(self, calls: int):
        self.calls = calls

    def spend(self) -> bool:
        self.calls -= 1
        return self.calls >= 0


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # whatever it is, it is compared
        return error


def _answered(
    method: Callable[[Any], Any], rows: Rows, calls: _Budget
) -> Iterator[tuple[np.ndarray, Any]]:
    """The rows in parts that the native method answers, and rows alone with its error."""
    n, refused = len(rows.at), 0
    todo = [np.arange(n)]
    while todo and calls.spend():
        part = todo.pop()
        table = rows.table if len(part) == n else take(rows.table, part)
        answer = _outcome(partial(method, table))
        if not isinstance(answer, Exception):
            yield part, answer
        elif len(part) == 1 or rows.name == "X":
            refused += 1
            if refused <= MOST_REFUSED:
                yield part, answer
        else:
            todo += [part[: len(part) // 2], part[len(part) // 2 :]]


def _compiled(
    engine: Engine, method: str, table: Any, part: np.ndarray, calls: _Budget
) -> Iterator[tuple[np.ndarray, Any]]:
    """The program's answers for as many of the rows as it answers; None for the others."""
    todo = [part]
    while todo:
        part = todo.pop()
        if not calls.spend():
            yield part, None
            continue
        try:
            yield part, engine.compiled(method, take(table, part))
        except (Retreat, Unsupported):
            if len(part) == 1:
                yield part, None
            else:
                todo += [part[: len(part) // 2], part[len(part) // 2 :]]
        except Exception as error:  # a bug, which is what this looks for
            yield part, error


class _Tally:
    """The comparison of one method on rows of one kind, as it grows."""

    def __init__(self, method: str, rows: Rows):
        self.method, self.rows = method, rows
        self.native = self.compiled = self.flips = 0
        self.absolute = self.relative = 0.0
        self.notes: list[str] = []
        self.within = True
        self.worst: list[Worst] = []
        self.n_refused = 0
        self.error: Exception | None = None

    def wrong(self, note: str) -> None:
        self.within = False
        if note not in self.notes:
            self.notes.append(note)

    def refused(self, part: np.ndarray, native: Exception, ours: Any) -> None:
        """Rows that the native method refuses must be refused here too, in the same words."""
        self.n_refused += len(part)
        self.error = native
        if not isinstance(ours, Exception):
            self.wrong(f"answers what is refused natively: {native}")
        elif type(ours) is not type(native) or _words(ours) != _words(native):
            self.wrong(f"{ours!r} instead of {native!r}")

    def add(self, where: np.ndarray, ours: Any, native: Any, found: Distance) -> None:
        self.compiled += len(where)
        if found.note:
            self.wrong(found.note)
            return
        self.flips += int(found.flips.sum())
        self.absolute = max(self.absolute, float(found.absolute.max(initial=0.0)))
        self.relative = max(self.relative, float(found.relative.max(initial=0.0)))
        if not found.outside.any():
            return
        self.within = False
        apart = np.where(found.flips, np.inf, found.relative)
        order = np.argsort(-np.where(found.outside, apart, -1.0), kind="stable")
        for i in order[: min(MOST_WORST, int(found.outside.sum()))].tolist():
            self.worst.append(self._worst(int(where[i]), i, ours, native, float(apart[i])))

    def _worst(self, row: int, i: int, ours: Any, native: Any, apart: float) -> Worst:
        mine, theirs = ([a[i : i + 1].tolist()[0] for a in arrays(v)] for v in (ours, native))
        mine, theirs = (v[0] if len(v) == 1 else v for v in (mine, theirs))
        shown = int(self.rows.at[row]) if self.rows.name == "X" else row
        x = row_values(self.rows.table, row)
        return Worst(self.method, self.rows.name, shown, mine, theirs, apart, x)

    def comparison(self) -> Comparison:
        notes = list(self.notes)
        if self.n_refused:
            notes.append("refused by both" if self.within else "some refused natively")
        elif self.native and not self.compiled:
            notes.append("answered natively")
        worst = sorted(self.worst, key=lambda w: -w.difference)[:MOST_WORST]
        return Comparison(
            self.method,
            self.rows.name,
            self.compiled + self.native,
            self.compiled,
            self.flips,
            self.absolute,
            self.relative,
            self.within,
            "; ".join(notes),
            tuple(worst),
        )


def _words(error: Any) -> str:
    """What an error says, but for the time of day in XGBoost's."""
    return re.sub(r"\[\d\d:\d\d:\d\d\]", "", str(error))
