"""The wheel is whole, and works in an environment that has nothing but its dependencies."""

import os
import shutil
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


def run(*command, cwd):
    """Run a command, undisturbed by this process's import path, and return what it printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command} exited {done.returncode}:\n{done.stdout}"
    return done.stdout


def package_files():
    """Every file of the package that users need, relative to the repository."""
    package = ROOT / "sktensor"
    found = {path.relative_to(ROOT).as_posix() for path in package.rglob("*.py")}
    return found | {"sktensor/py.typed", "sktensor/converters/known_parameters.txt"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with an sdist of this tree, and the wheel built from that sdist."""
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("not a source tree")
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture
def sdist(built):
    (path,) = built.glob("*.tar.gz")
    return path


def test_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        license = metadata.replace("METADATA", "licenses/LICENSE")
        assert "the sktensor developers" in archive.read(license).decode()
    assert {name for name in names if ".dist-info/" not in name} == package_files()


def test_sdist_holds_what_a_packager_needs(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    wanted = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "Makefile",
        "constraints.txt",
    }
    assert wanted | package_files() | {"tests/test_packaging.py"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(".venv")]


PROGRAM = """
import importlib.util
import pathlib
import sys

ABSENT = ("pandas", "xgboost", "lightgbm", "catboost", "polars", "pyarrow", "matplotlib", "pytest")
for absent in ABSENT:
    assert importlib.util.find_spec(absent) is None, f"{absent} is installed: no empty environment"

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import sktensor
from sktensor import TensorAccelerated

assert pathlib.Path(sys.prefix).resolve() in pathlib.Path(sktensor.__file__).resolve().parents
assert sktensor.__version__ == VERSION

X, y = load_iris(return_X_y=True)
native = LogisticRegression(max_iter=1000).fit(X, y)
fast = TensorAccelerated(native, fallback="raise")
np.testing.assert_array_equal(fast.predict(X), native.predict(X))
np.testing.assert_allclose(fast.predict_proba(X), native.predict_proba(X), rtol=1e-10)
print("all equal")
"""


@pytest.fixture
def empty_python(tmp_path):
    """The interpreter of a new environment; it is some hundred MB when full, so it goes at once."""
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=tmp_path)
    yield venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    shutil.rmtree(venv)


def test_wheel_works_in_an_empty_environment(wheel, empty_python, tmp_path):
    # The releases are the ones that run this test, so that every set of constraints has its wheel
    # tried. A local label (2.13.0+cpu) names a build, not a release.
    pins = {f"{found.name}=={found.version.split('+')[0]}\n" for found in distributions()}
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("".join(sorted(pins - {pin for pin in pins if "sktensor" in pin})))
    run(empty_python, "-m", "pip", "install", "-c", constraints, wheel, cwd=tmp_path)

    version = wheel.name.split("-")[1]
    program = textwrap.dedent(PROGRAM).replace("VERSION", repr(version))
    # -I: neither the current folder nor the user's own packages
    assert "all equal" in run(empty_python, "-I", "-c", program, cwd=tmp_path)
