"""A plan: a table of steps, one of stages, and a diagram."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from html import escape
from typing import Any

from .diagram import diagram
from .units import in_bytes, in_seconds


@dataclass(frozen=True)
class Step:
    """One estimator of a plan.

    Attributes
    ----------
    name : str
        Where it is, as in `get_params`: `"columntransformer__num__standardscaler"`.
    estimator : str
        Its class.
    backend : {"torch", "native"}
        What answers.
    reason : str
        Why it runs natively, or which pass took it; empty where there is nothing to say.
    device : str
        Where its ops run: the plan's device, or `"host"` for those that stay with NumPy, such as
        what looks strings up, and for native steps; empty for a step that a pass took.
    dtype : str
        What it returns: the dtype of an array, or `"table"`; empty where it is not known.
    n_bytes : int
        What its constants take. What a pass has folded into another step is counted there.
    taken_by : str
        The pass that folded into other steps whatever it did on the device; empty where none did.
    """

    name: str
    estimator: str
    backend: str
    reason: str = ""
    device: str = ""
    dtype: str = ""
    n_bytes: int = 0
    taken_by: str = ""


@dataclass(frozen=True)
class Stage:
    """A run of ops on one side.

    Attributes
    ----------
    method : str
        The response method whose program it is part of.
    where : {"host", "device"}
        On which side: with Python and NumPy, or as one torch module.
    ops : tuple of str
        What it computes.
    n_bytes : int
        What its constants take.
    seconds : float or None
        How long it took, once measured.
    bytes_in, bytes_out : int or None
        What it read of other stages and the input, and what it handed on, once measured.
    """

    method: str
    where: str
    ops: tuple[str, ...]
    n_bytes: int = 0
    seconds: float | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None


@dataclass(frozen=True)
class Timing:
    """How long one response method took, in seconds; None where no program answered.

    Attributes
    ----------
    method : str
        The response method.
    ours, native : float or None
        With the program, and with the native method.
    note : str
        Why no program answered.
    """

    method: str
    ours: float | None
    native: float | None
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """What was compiled, what runs natively, and why.

    Attributes
    ----------
    steps : tuple of Step
        In the order in which they were converted.
    method : str or None
        The response method it is about; None for all of them.
    device : str
        Where the compiled steps run.
    stages : tuple of Stage
        Of the programs made so far, for input like the last.
    timings : tuple of Timing
        One for each method, once measured.
    n_rows : int or None
        How many rows were measured.
    notes : tuple of str
        Where a card does not answer, or only from some number of rows on, and why.
    """

    steps: tuple[Step, ...]
    method: str | None = None
    device: str = "cpu"
    stages: tuple[Stage, ...] = ()
    timings: tuple[Timing, ...] = ()
    n_rows: int | None = None
    estimator: Any = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()

    def only(self, method: str) -> Plan:
        """Return what it says of one response method.

        Parameters
        ----------
        method : str
            The response method.

        Returns
        -------
        plan : Plan
            The same steps, and the stages and timings of that method.
        """
        stages = tuple(s for s in self.stages if s.method == method)
        timings = tuple(t for t in self.timings if t.method == method)
        return replace(self, method=method, stages=stages, timings=timings)

    def _head(self) -> str:
        compiled = sum(s.backend == "torch" for s in self.steps)
        about = f"{self.method}: " if self.method else ""
        head = f"{about}{compiled} of {len(self.steps)} steps compiled, on {self.device}"
        return "\n".join([head, *self.notes])

    def _step_cells(self) -> list[tuple[str, ...]]:
        head = ("step", "estimator", "backend", "device", "dtype", "constants", "reason")
        return [head, *map(_cells_of_step, self.steps)]

    def _stage_cells(self) -> list[tuple[str, ...]]:
        head = ("method", "stage", "constants", "time", "in", "out", "ops")
        return [head, *map(_cells_of_stage, self.stages)]

    def _timing_cells(self) -> list[tuple[str, ...]]:
        cells: list[tuple[str, ...]] = [("method", "sktensor", "native", "ratio", "note")]
        for t in self.timings:
            ratio = f"{t.native / t.ours:.1f}×" if t.ours and t.native else ""
            cells.append((t.method, in_seconds(t.ours), in_seconds(t.native), ratio, t.note))
        return cells

    def _tables(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        tables = [(self._head(), self._step_cells())]
        if self.timings:
            tables.append((f"measured on {self.n_rows:,} rows", self._timing_cells()))
            tables.append(("stages", self._stage_cells()))
        return tables

    def __str__(self) -> str:
        return "\n\n".join(f"{head}\n\n{_text(cells)}" for head, cells in self._tables())

    def _repr_html_(self) -> str:
        shown = "" if self.estimator is None else diagram(self.estimator, self.steps)
        tables = list(self._tables())
        if self.stages and not self.timings:
            tables.append(("stages", self._stage_cells()))
        return shown + "".join(f"<p>{_lines(head)}</p>{_html(cells)}" for head, cells in tables)

    def to_frame(self) -> Any:
        """Return the steps as a table.

        Returns
        -------
        frame : pandas.DataFrame
            One row for each step (needs pandas).
        """
        import pandas as pd

        columns = [f.name for f in fields(Step)]
        return pd.DataFrame([asdict(s) for s in self.steps], columns=columns)


def _cells_of_step(s: Step) -> tuple[str, ...]:
    constants = in_bytes(s.n_bytes) if s.n_bytes else ""
    return s.name, s.estimator, s.backend, s.device, s.dtype, constants, s.reason


def _cells_of_stage(s: Stage) -> tuple[str, ...]:
    constants = in_bytes(s.n_bytes) if s.n_bytes else ""
    read, written = ("" if n is None else in_bytes(n) for n in (s.bytes_in, s.bytes_out))
    return s.method, s.where, constants, in_seconds(s.seconds), read, written, " ".join(s.ops)


def _text(cells: list[tuple[str, ...]]) -> str:
    """A table of text, without the columns in which nothing is said."""
    kept = [i for i in range(len(cells[0])) if i < 3 or any(row[i] for row in cells[1:])]
    rows = [[row[i] for i in kept] for row in cells]
    widths = [max(len(row[i]) for row in rows) for i in range(len(kept))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _html(cells: list[tuple[str, ...]]) -> str:
    head, *body = (
        "".join(f"<{tag}>{escape(c)}</{tag}>" for c in row)
        for tag, row in zip(["th", *["td"] * (len(cells) - 1)], cells, strict=True)
    )
    rows = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
