"""Write a fully compiled estimator as a program of torch and a page of JSON beside it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..converters import Unsupported
from ..exported import FORMAT, checksum, digest, dumps, read, without_pickles
from ..graph import rewrite, walk
from ..ops import Decided, Finite, Guard, Op, Provided, Several
from ..ops.conditions import AwayFrom, FarApart
from ..table import Signature
from .portable import check_last_bits, portable
from .stage import Ending, Feed, Numeric, numeric

EXPORTED = ("predict", "predict_proba", "transform", "decision_function")
ROWS = 3  # of the example that is traced


def export(
    roots: Mapping[str, Op], signature: Signature, estimator: Any, path: Any, version: str
) -> Path:
    """Write the responses as `path` (.pt2) and what there is to know of them as .json beside it."""
    path = Path(path)
    if path.suffix != ".pt2":
        path = path.with_name(path.name + ".pt2")
    if not roots:
        raise Unsupported("no response method that can be exported")
    together: Op = Several(tuple(roots.values()))
    check_last_bits(together)
    together = rewrite(together, portable)
    found = numeric(dict(zip(roots, together.inputs, strict=True)))
    _write_program(found, path)
    page = _page(found, signature, estimator, version)
    page["program"] = {"bytes": path.stat().st_size, "sha256": digest(path)}
    page["checksum"] = checksum(page)
    path.with_suffix(".json").write_text(dumps(page), encoding="utf-8")
    read(path)
    return path


def needed(estimator: Any) -> tuple[str, ...]:
    """The methods without which there is nothing to export."""
    predicts = tuple(m for m in ("predict", "predict_proba") if hasattr(estimator, m))
    if not predicts and not hasattr(estimator, "transform"):
        raise Unsupported("no response method that can be exported")
    return predicts or ("transform",)


class _Whole(nn.Module):
    """A stage as torch.export takes it: tuples out."""

    def __init__(self, stage: nn.Module):
        super().__init__()
        self.stage = stage

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        outputs, flags = self.stage(*inputs)
        return (*outputs, *flags)


def _write_program(found: Numeric, path: Path) -> None:
    example = tuple(
        torch.zeros(ROWS, len(f.columns), dtype=f.dtype, device="cpu") for f in found.feeds
    )
    rows = tuple({0: torch.export.Dim.DYNAMIC} for _ in example)
    program = torch.export.export(_Whole(found.stage.cpu()), example, dynamic_shapes=(rows,))
    # torch 2.6 keeps calls to promote_types, which nothing uses and which it cannot load again.
    program.graph.eliminate_dead_code()
    traced = path.with_name(f"{path.stem}.part.pt2")
    torch.export.save(program, traced)
    try:
        without_pickles(traced, path)
    finally:
        os.unlink(traced)


def _page(found: Numeric, signature: Signature, estimator: Any, version: str) -> dict[str, Any]:
    """All there is to know besides the program."""
    names = signature.names
    named = names is not None and all(isinstance(n, str) for n in names)
    outputs = found.stage.outputs
    return {
        "format": FORMAT,
        "sktensor": version,
        "torch": torch.__version__,
        "estimator": type(estimator).__name__,
        "n_features": signature.width,
        "feature_names": list(names) if named and names is not None else None,
        "inputs": [_input(feed) for feed in found.feeds],
        "methods": {
            method: {
                "list": method in found.lists,
                "columns": method in found.columns,
                "outputs": [_output(e, outputs.index(e.op)) for e in endings],
            }
            for method, endings in found.endings.items()
        },
        "classes": _classes(estimator),
        "n_outputs": len(outputs),
        "flags": _flags(found),
    }


def _input(feed: Feed) -> dict[str, Any]:
    about: dict[str, Any] = {
        "columns": list(feed.columns),
        "dtype": str(feed.dtype).removeprefix("torch."),
    }
    if feed.lookup is not None:
        about["categories"] = [list(map(_value, c.tolist())) for c in feed.lookup.categories]
        about["may_miss"] = feed.lookup.may_miss
    return about


def _output(ending: Ending, at: int) -> dict[str, Any]:
    about: dict[str, Any] = {"at": at}
    if ending.classes is not None:
        about["labels"] = list(map(_value, ending.classes.tolist()))
        about["dtype"] = ending.classes.dtype.str
    return about


def _classes(estimator: Any) -> Any:
    """The estimator's classes, where they are one array of plain values."""
    classes = getattr(estimator, "classes_", None)
    if not isinstance(classes, np.ndarray):
        return None
    return {"values": list(map(_value, classes.tolist())), "dtype": classes.dtype.str}


def _value(value: Any) -> Any:
    """A label or category as JSON has it."""
    if value is None or type(value) in (str, bool, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    raise Unsupported(f"categories of type {type(value).__name__}, in JSON")


def _flags(found: Numeric) -> list[dict[str, Any]]:
    """For each guard of the stage, which methods it is about and what it says."""
    reach = {m: {op for e in ends for op in walk(e.op)} for m, ends in found.endings.items()}
    return [
        {
            "methods": [m for m, ops in reach.items() if guard in ops],
            "says": _sentence(guard),
            "tie": _is_tie(guard),
        }
        for guard in found.stage.ops
        if isinstance(guard, Guard)
    ]


def _is_tie(guard: Guard) -> bool:
    """Whether it says that rounding could turn a label."""
    ties = FarApart | AwayFrom
    by_scores = isinstance(guard, Provided) and isinstance(guard.condition, ties)
    return isinstance(guard, Decided) or by_scores


def _sentence(guard: Guard) -> str:
    if isinstance(guard, Finite):
        return "infinite values" if guard.allow_nan else "NaN or infinite values"
    if _is_tie(guard):
        return "labels that are within rounding of a tie"
    return f"values that only the estimator itself can answer ({guard})"
