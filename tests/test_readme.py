"""The README says what is so: its table, its example, its demo."""

import contextlib
import io
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def tool():
    """`docs/tools/compiles_table.py`, which writes the table."""
    spec = spec_from_file_location("compiles_table", ROOT / "docs/tools/compiles_table.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(table):
    """The table as a dict: the names of estimators by module."""
    rows = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", table, re.MULTILINE)
    return {module: names.split(", ") for module, names in rows}


def exists(module, name):
    """Whether the installed release of a library has the estimator."""
    return hasattr(import_module(module), name)


def test_the_table_lists_what_has_a_converter(tool):
    # An older scikit-learn lacks some estimators: the table is that of the newest.
    written = cells(tool.read(README)[1])
    found = {
        module: names
        for module, listed in written.items()
        if (names := [name for name in listed if exists(module, name)])
    }
    assert found == tool.compiled(), "run: python docs/tools/compiles_table.py"


def test_the_table_is_as_the_tool_writes_it(tool):
    _, written, _ = tool.read(README)
    assert written == tool.table(cells(written))


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_example_runs_and_prints_what_it_says():
    (example,) = blocks("python")
    assert len(example.splitlines()) <= 12
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})
    output = re.sub(r"on (cpu|cuda|mps|xpu)\S*$", "on cpu", printed.getvalue(), flags=re.MULTILINE)
    assert output in blocks("text")


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target


def test_the_demo_finds_no_difference():
    command = [sys.executable, "-W", "error", str(ROOT / "examples/quickstart.py")]
    small = ["--fit-rows", "2000", "--score-rows", "3000"]
    done = subprocess.run([*command, *small], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("labels that differ: 0;") == 4
    assert done.stdout.count("steps compiled") == 4


def test_the_demo_fails_where_a_label_differs():
    program = """
import sys
sys.path.insert(0, "examples")
import quickstart
honest = quickstart.TensorAccelerated.predict
quickstart.TensorAccelerated.predict = lambda self, X: ~honest(self, X)
quickstart.pipelines = lambda threads, all=quickstart.pipelines: dict([*all(threads).items()][:1])
sys.exit(quickstart.main(["--fit-rows", "500", "--score-rows", "300"]))
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "labels that differ: 300;" in done.stdout
