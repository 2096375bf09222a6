"""Kernels that cannot be kept on disk, or found there, are compiled anew and answer the same."""

import os
import subprocess
import sys

import pytest

from sktensor.kernels.jit import compiled

PROGRAM = """
import sys
import numpy as np
from sklearn.ensemble import RandomForestRegressor
if "full" in sys.argv:  # no file may grow, as on a disk that is full
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
from sktensor import TensorAccelerated
X = np.random.RandomState(0).randn(200, 3)
forest = RandomForestRegressor(3, random_state=0).fit(X, X[:, 0])
for table in (X, X[:2]):
    ours = TensorAccelerated(forest, device="cpu", fallback="raise").predict(table)
    np.testing.assert_array_equal(ours, forest.predict(table))
if "kept" in sys.argv:  # what Numba loads when it gets ready to compile
    assert "numba.typed.typeddict" not in sys.modules
print("all equal")
"""


def run(folder, *arguments, **env):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *arguments],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)} | env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["all", "equal"]
    assert done.stderr == ""


def kept(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".nbi", ".nbc"))


def test_a_folder_that_cannot_be_written_into(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    # The kernels' own folder and the user's are left out too.
    run(file / "folder", NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator")


def test_kernels_that_are_kept_are_loaded_without_getting_ready_to_compile(tmp_path):
    run(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in kept(tmp_path)}
    run(tmp_path, "kept")
    assert {path: path.stat().st_mtime_ns for path in kept(tmp_path)} == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no process's files")
def test_a_disk_that_is_full(tmp_path):
    run(tmp_path, "full")
    assert not [path for path in kept(tmp_path) if path.stat().st_size]


def test_files_that_are_damaged(tmp_path):
    run(tmp_path)
    assert kept(tmp_path)
    for path in kept(tmp_path):
        path.write_bytes(path.read_bytes()[:50])
    run(tmp_path)


def test_a_function_without_a_file_is_compiled_all_the_same():
    space = {}
    exec("def double(x):\n    return 2 * x", space)
    assert compiled()(space["double"])(21) == 42
