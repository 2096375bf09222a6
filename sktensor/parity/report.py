"""What a verification found, for people and for programs to read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

COLUMNS = ("method", "rows", "compared", "compiled", "flips", "absolute", "relative", "note")


@dataclass(frozen=True)
class Worst:
    """A row whose two answers differ most.

    Attributes
    ----------
    method : str
        The response method.
    rows : str
        Which rows it is among, as in :class:`Comparison`.
    row : int
        Its position: in `X` for the rows `"X"`, and among the rows made otherwise.
    ours, native : object
        Both answers.
    difference : float
        How far they are apart, relative to the largest value of the native answer; infinite for
        labels, and for what is NaN or infinite on one side only.
    x : tuple
        The row's first values.
    """

    method: str
    rows: str
    row: int
    ours: Any
    native: Any
    difference: float
    x: tuple[Any, ...]

    def __str__(self) -> str:
        about = f"{self.method} of row {self.row} of {self.rows}"
        return f"{about}: {self.ours} where {self.native} is native; x = {self.x}"


@dataclass(frozen=True)
class Comparison:
    """One response method on rows of one kind.

    Attributes
    ----------
    method : str
        The response method.
    rows : {"X", "thresholds", "categories", "missing", "alone"}
        Which rows: those given, made ones, or some of all these one at a time.
    compared : int
        How many rows both answered.
    compiled : int
        How many of them a program answered; the others were answered natively, by both.
    flips : int
        Rows with another label, or another value of what is not a float.
    absolute, relative : float
        The largest difference of floats; relative to the largest value of the same answer.
    within : bool
        Whether all is within tolerance.
    note : str
        What else there is to say: why nothing was compared, or what is wrong.
    worst : tuple of Worst
        The rows outside tolerance that differ most, at most five.
    """

    method: str
    rows: str
    compared: int
    compiled: int
    flips: int = 0
    absolute: float = 0.0
    relative: float = 0.0
    within: bool = True
    note: str = ""
    worst: tuple[Worst, ...] = ()


@dataclass(frozen=True)
class Parity:
    """Whether the compiled answers are the native ones; false if any is outside tolerance.

    Labels, and all that is no float, must be equal. Floats may differ by 1e-10 (float32: 1e-6) of
    the value or of the largest value in the same answer.

    Attributes
    ----------
    comparisons : tuple of Comparison
        One for each response method and kind of rows.
    estimator : str
        The class of the estimator that was verified.
    device : str
        Where the programs ran.
    """

    comparisons: tuple[Comparison, ...]
    estimator: str = ""
    device: str = "cpu"

    def __bool__(self) -> bool:
        return all(c.within for c in self.comparisons)

    @property
    def worst(self) -> tuple[Worst, ...]:
        """The rows outside tolerance, those that differ most first."""
        found = [w for c in self.comparisons for w in c.worst]
        return tuple(sorted(found, key=lambda w: -w.difference))

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                c.method,
                c.rows,
                f"{c.compared:,}",
                f"{c.compiled:,}",
                str(c.flips),
                f"{c.absolute:.1e}",
                f"{c.relative:.1e}",
                c.note if c.within else f"OUTSIDE {c.note}".rstrip(),
            )
            for c in self.comparisons
        ]

    def _head(self) -> str:
        bad = sum(not c.within for c in self.comparisons)
        said = "all within tolerance" if self else f"{bad} of {len(self.comparisons)} OUTSIDE"
        return f"{self.estimator} on {self.device}: {said}"

    def __str__(self) -> str:
        rows = [COLUMNS, *self._cells()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) for r in rows]
        lines.insert(1, "  ".join("-" * w for w in widths))
        said = [self._head(), "", *(line.rstrip() for line in lines)]
        if self.worst:
            said += ["", "worst rows:", *(f"  {w}" for w in self.worst[:10])]
        return "\n".join(said)

    def _repr_html_(self) -> str:
        def row(cells: tuple[str, ...], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(c)}</{tag}>" for c in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self._cells())
        worst = "".join(f"<li>{escape(str(w))}</li>" for w in self.worst[:10])
        return (
            f"<p>{escape(self._head())}</p><table><thead>{row(COLUMNS, 'th')}</thead>"
            f"<tbody>{body}</tbody></table>" + (f"<ul>{worst}</ul>" if worst else "")
        )

    def to_frame(self) -> Any:
        """Return the comparisons as a table.

        Returns
        -------
        frame : pandas.DataFrame
            One row for each comparison (needs pandas).
        """
        import pandas as pd

        columns = [*COLUMNS[:-1], "within", "note"]
        return pd.DataFrame([asdict(c) for c in self.comparisons], columns=columns)
