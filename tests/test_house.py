"""The rules of the house: who may import whom, what an import may load, how long a file may be."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import sktensor
from sktensor import passes

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sktensor"

# A module imports only from lower floors and from itself; siblings never see each other.
FLOORS = {
    "table": 0,
    "threads": 0,
    "devices": 0,
    "kernels": 0,
    "cards": 0,
    "exported": 0,
    "versions": 0,
    "compare": 0,
    "ops": 1,
    "graph": 2,
    "feeds": 2,
    "sizes": 2,
    "converters": 3,
    "passes": 3,
    "program": 3,
    "owners": 3,
    "compiler": 4,
    "plan": 4,
    "crossover": 4,
    "snapshot": 4,
    "trial": 4,
    "engine": 5,
    "parity": 6,
    "export": 6,
    "estimator": 7,
    "cli": 8,
    "__main__": 9,
    "__init__": 9,
}
# What each may import from outside, besides the standard library and NumPy.
LIBRARIES = {
    "table": {"torch", "scipy", "sklearn"},
    "threads": {"torch"},
    "devices": {"torch"},
    "exported": {"torch"},
    "versions": set(),
    "compare": {"torch", "scipy"},
    "kernels": {"torch", "numba", "llvmlite", "triton"},  # llvmlite: the intrinsics of Numba
    "cards": {"torch"},
    "ops": {"torch", "scipy"},
    "graph": {"torch"},
    "feeds": {"torch", "scipy"},
    "sizes": set(),
    "converters": {"torch", "scipy", "sklearn"},
    "passes": {"torch"},
    "program": {"torch", "scipy"},
    "compiler": {"torch"},
    "owners": set(),
    "crossover": set(),
    "plan": {"pandas", "sklearn"},  # pandas: `Plan.to_frame`, where the user asks for it
    "snapshot": set(),
    "trial": set(),
    "engine": {"torch", "sklearn"},
    "parity": {"torch", "scipy", "sklearn", "pandas"},  # pandas: `Parity.to_frame`
    "export": {"torch"},
    "estimator": {"torch", "sklearn"},
    "cli": {"sklearn"},
    "__main__": set(),
    "__init__": set(),
}
BOOSTERS = ("xgboost", "lightgbm", "catboost", "imblearn")  # each only in converters/ of its name
FRAMES = ("pandas", "polars", "pyarrow")  # never before a function needs them
MOST_LINES = 400


def files(folder):
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def module_of(path):
    """The dotted name of a file below its root, as a tuple: ("sktensor", "ops", "base")."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts


def imports(path):
    """Every module a file imports, as an absolute tuple, and whether at module level."""
    package = path.relative_to(ROOT).parent.parts
    return list(_imports(ast.parse(path.read_text()), package, True))


def _imports(node, package, at_top):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield tuple(alias.name.split(".")), at_top
        elif isinstance(child, ast.ImportFrom):
            base = package[: len(package) - child.level + 1] if child.level else ()
            base += tuple(child.module.split(".")) if child.module else ()
            for alias in child.names:
                yield (*base, alias.name), at_top
        elif _is_for_type_checkers(child):
            pass
        else:
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, package, at_top and not inner)


def _is_for_type_checkers(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def floor_errors(path):
    """What a file of the package imports though it may not."""
    unit = module_of(path)[1]
    for name, at_top in imports(path):
        if name[0] == "sktensor":
            other = name[1] if len(name) > 1 and name[1] in FLOORS else "__init__"
            if other != unit and FLOORS[other] >= FLOORS[unit]:
                yield f"floor {FLOORS[unit]} imports {'.'.join(name)} of floor {FLOORS[other]}"
        elif name[0] in BOOSTERS:
            if module_of(path)[1:3] != ("converters", name[0]):
                yield f"imports {name[0]} outside converters/{name[0]}"
        elif name[0] in FRAMES and at_top:
            yield f"imports {name[0]} at module level"
        elif name[0] not in sys.stdlib_module_names | {"numpy"} | LIBRARIES[unit]:
            yield f"imports {name[0]}"


@pytest.mark.parametrize("path", files(PACKAGE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_floors(path):
    assert not list(floor_errors(path))


def test_nothing_but_kernels_knows_of_triton():
    others = [path for path in files(PACKAGE) if module_of(path)[1] != "kernels"]
    assert not [path for path in others if "triton" in path.read_text().lower()]


def test_every_module_has_a_floor():
    assert {module_of(path)[1] for path in files(PACKAGE)} == set(FLOORS) == set(LIBRARIES)


@pytest.mark.parametrize(
    ("where", "line", "error"),
    [
        (
            "ops/odd.py",
            "from ..graph import walk",
            "floor 1 imports sktensor.graph.walk of floor 2",
        ),
        ("ops/odd.py", "from .. import graph", "floor 1 imports sktensor.graph of floor 2"),
        ("ops/odd.py", "from ..kernels import forest", None),
        ("ops/odd.py", "from .base import Op", None),
        ("ops/odd.py", "import sktensor", "floor 1 imports sktensor of floor 9"),
        ("passes/odd.py", "import sktensor.program", "floor 3 imports sktensor.program of floor 3"),
        ("program.py", "def f():\n from .passes import x", "imports sktensor.passes.x of floor 3"),
        ("engine.py", "from .compiler import build", None),
        ("converters/odd.py", "import xgboost", "imports xgboost outside converters/xgboost"),
        ("converters/xgboost/__init__.py", "import xgboost", None),
        ("converters/lightgbm/__init__.py", "import xgboost", "outside converters/xgboost"),
        ("table.py", "import pandas", "imports pandas at module level"),
        ("table.py", "try:\n import polars\nexcept ImportError: pass", "polars at module level"),
        ("plan/report.py", "def f():\n import pandas", None),
        ("kernels/odd.py", "import scipy", "imports scipy"),
        ("kernels/odd.py", "import triton.language", None),
    ],
)
def test_the_floors_are_seen(where, line, error, tmp_path, monkeypatch):
    path = tmp_path / "sktensor" / where
    path.parent.mkdir(parents=True)
    path.write_text(line)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    found = list(floor_errors(path))
    assert not found if error is None else any(error in e for e in found), found


@pytest.mark.parametrize("folder", ["sktensor", "tests", "examples", "benchmarks", "docs"])
def test_no_file_outgrows_one_idea(folder):
    lengths = {p: len(p.read_text().splitlines()) for p in files(ROOT / folder)}
    assert not {str(p): n for p, n in lengths.items() if n > MOST_LINES}


def run(program):
    """The words that a new process prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


HEAVY = (
    *("pandas", "polars", "xgboost", "lightgbm", "catboost", "imblearn"),
    *("matplotlib", "pyarrow", "triton"),
)


def test_importing_loads_no_library_that_is_not_needed():
    loaded = run(f"import sys, sktensor; print(*(m for m in {HEAVY} if m in sys.modules))")
    alone = run(f"import sys, torch, sklearn; print(*(m for m in {HEAVY} if m in sys.modules))")
    assert set(loaded) <= set(alone)


def test_answering_loads_no_library_that_is_not_needed():
    program = f"""
import sys
import numpy as np
from sklearn.linear_model import LogisticRegression
from sktensor import TensorAccelerated
X = np.arange(12.0).reshape(6, 2)
fast = TensorAccelerated(LogisticRegression().fit(X, [0, 1] * 3), device="cpu")
fast.predict_proba(X)
str(fast.explain())
print(*(m for m in {HEAVY} if m in sys.modules))
"""
    alone = run(f"import sys, torch, sklearn; print(*(m for m in {HEAVY} if m in sys.modules))")
    assert set(run(program)) <= set(alone)


def test_importing_touches_no_gpu():
    program = """
import torch
def touched(*args, **kwargs):
    raise AssertionError("a GPU was touched")
torch.cuda._lazy_init = touched
import sktensor
print(torch.cuda.is_initialized())
"""
    assert run(program) == ["False"]


def public():
    """Every public name, and every public name of the classes among them."""
    for name in sktensor.__all__:
        item = getattr(sktensor, name)
        yield pytest.param(item, id=name)
        if inspect.isclass(item):
            ours = [c for c in reversed(item.__mro__) if c.__module__.startswith("sktensor")]
            members = {name: member for c in ours for name, member in vars(c).items()}
            for attribute, member in members.items():
                if not attribute.startswith("_"):
                    # `available_if` hides the function until an instance is asked.
                    yield pytest.param(getattr(member, "fn", member), id=f"{name}.{attribute}")


@pytest.mark.parametrize("item", list(public()))
def test_every_public_name_is_documented(item):
    doc = inspect.getdoc(item)
    assert doc
    assert len(doc.split()) > 3
    assert "PLACEHOLDER" not in doc


def test_parameters_of_the_constructor_are_documented():
    doc = inspect.getdoc(sktensor.TensorAccelerated)
    assert "Parameters\n----------" in doc
    for name in inspect.signature(sktensor.TensorAccelerated).parameters:
        assert f"\n{name} : " in doc, name


def test_every_pass_has_a_file_of_its_name():
    stems = {path.stem for path in files(PACKAGE / "passes")} - {"__init__"}
    assert {rule.__name__ for rule in passes.PASSES} == stems
    for rule in passes.PASSES:
        assert rule.__module__ == f"sktensor.passes.{rule.__name__}"
        assert inspect.getmodule(rule).__doc__


@pytest.mark.parametrize("path", files(PACKAGE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text()))
