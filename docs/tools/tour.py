"""Write docs/tour.md: one pipeline through all floors, its ops printed before and after each pass.

python docs/tools/tour.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktensor.converters import conversion, convert
from sktensor.graph import rewrite, walk
from sktensor.ops import Input, Op
from sktensor.passes import PASSES
from sktensor.program import Program
from sktensor.table import signature_of

PAGE = Path(__file__).resolve().parents[1] / "tour.md"

TEXT = """# A tour

<!-- Written by docs/tools/tour.py. -->

One pipeline, floor by floor. Numbers are imputed and scaled, a column of text becomes indicators:

```python
front = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "fare"]),
    (OneHotEncoder(handle_unknown="ignore"), ["port"]),
)
pipe = make_pipeline(front, LogisticRegression()).fit(frame, y)
```

## Front end

The converters turn `decision_function` into a graph of ops, in scikit-learn's order of arithmetic. Each line
is an op: its number, its name, the numbers of what it reads, its columns.

{linear_before}

`Input` is the DataFrame, `Columns` some columns of it, `Numbers` those as an array, `Lookup` the position of each
text among the categories. `Finite` is a guard: where it does not hold, scikit-learn answers, or raises its error.

## Passes

Each pass rewrites the graph and changes no answer. Those that found something to do:

{linear_passes}

## Back end

The program splits the graph into stages. The host's run over all rows at once, the device's in blocks of rows
that fit the cache, shared out over threads:

{linear_program}

## In front of a forest

With `HistGradientBoostingClassifier()` in place of the linear model the graph begins alike:

{forest_before}

A forest only compares. What its columns were computed from can be compared too, with other thresholds, which
bisection over the floats finds exactly; the imputed value says which side a missing value goes to, and a test
of an indicator becomes one of its code:

{forest_passes}

{forest_program}
"""  # noqa: E501


def table() -> tuple[pd.DataFrame, np.ndarray]:
    """A few passengers."""
    rng = np.random.default_rng(0)
    age = np.where(rng.random(120) < 0.2, np.nan, rng.normal(30, 9, 120))
    port = rng.choice(["Cork", "Cherbourg", "Southampton"], 120)
    port = pd.Series(port, dtype="string")  # before pandas 3, text is of objects unless it says so
    frame = pd.DataFrame({"age": age, "fare": rng.gamma(2, 15, 120), "port": port})
    return frame, (frame["fare"] + rng.normal(0, 9, 120) > 28).to_numpy().astype(int)


def listed(root: Op) -> str:
    """The ops under a root, one a line."""
    at: dict[Op, int] = {}
    lines = []
    for op in walk(root):
        at[op] = len(at)
        reads = ", ".join(str(at[x]) for x in op.inputs)
        n = op.width
        width = "one value a row" if n is None else f"{n} column{'s' * (n != 1)}"
        lines.append(f"{at[op]:>3}  {op!s:<14} {f'({reads})':<12} {width}")
    return "```\n" + "\n".join(lines) + "\n```"


def sections(final: object) -> tuple[str, str, str]:
    """The graph before all passes, after each that changed it, and the program."""
    frame, y = table()
    front = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "fare"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["port"]),
    )
    pipe = make_pipeline(front, final).fit(frame, y)
    with conversion(frame[:3]):
        root = convert(pipe, Input(signature_of(frame))).get("decision_function")
    before, passes = listed(root), []
    for rule in PASSES:
        new = rewrite(root, rule)
        if new is not root:
            passes.append(f"### {rule.__name__}\n\n{listed(new)}")
        root = new
    program = Program(root, torch.device("cpu"))
    return before, "\n\n".join(passes), f"```\n{program}\n```"


def text() -> str:
    """The page."""
    linear = sections(LogisticRegression())
    forest = sections(HistGradientBoostingClassifier(max_iter=5))
    names = ("before", "passes", "program")
    parts = {f"linear_{n}": p for n, p in zip(names, linear, strict=True)}
    parts |= {f"forest_{n}": p for n, p in zip(names, forest, strict=True)}
    return TEXT.format(**parts)


if __name__ == "__main__":
    PAGE.write_text(text())
