"""What runs where: the plan of a compiled estimator, for people to read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any


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
    """

    name: str
    estimator: str
    backend: str
    reason: str = ""


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
    """

    steps: tuple[Step, ...]
    method: str | None = None
    device: str = "cpu"

    def __str__(self) -> str:
        rows = [("step", "estimator", "backend", "reason")]
        rows += [(s.name, s.estimator, s.backend, s.reason) for s in self.steps]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        lines.insert(1, "  ".join("-" * w for w in widths))
        compiled = sum(s.backend == "torch" for s in self.steps)
        about = f"{self.method}: " if self.method else ""
        head = f"{about}{compiled} of {len(self.steps)} steps compiled, on {self.device}"
        return "\n".join([head, "", *lines])

    def _repr_html_(self) -> str:
        cells = [
            "".join(f"<td>{escape(v)}</td>" for v in (s.name, s.estimator, s.backend, s.reason))
            for s in self.steps
        ]
        head = "".join(f"<th>{h}</th>" for h in ("step", "estimator", "backend", "reason"))
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def to_frame(self) -> Any:
        """The steps as a pandas DataFrame, one row each (needs pandas)."""
        import pandas as pd

        columns = ["name", "estimator", "backend", "reason"]
        return pd.DataFrame([asdict(s) for s in self.steps], columns=columns)
