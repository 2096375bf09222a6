"""The runner of `python -m benchmarks cuda`, end to end on the CPU; its times are not looked at."""

import json
import os
import subprocess
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks import cuda

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments, **env):
    command = [sys.executable, "-m", "benchmarks", "cuda", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=ROOT, env=os.environ | env
    )


def test_without_a_card_it_says_so_and_fails():
    done = run(CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 2
    assert done.stderr.startswith("no card to measure on: ")
    assert not done.stdout


def test_it_goes_through_the_motions_on_the_cpu(tmp_path):
    names = ["rf-1000x10", "xgb-500x8", "frame-20x1500-lr"]
    options = ["--device", "cpu", "--rows", "100", "--scale", "0.004", "--cache", str(tmp_path)]
    done = run(*options, "--only", *names)
    assert done.returncode == 0, done.stderr
    assert "nothing here is measured on a card" in done.stdout
    written = json.loads((tmp_path / "cuda.json").read_text())
    results = written["results"]
    assert [(r["workload"], r["rows"], r["data"]) for r in results] == [
        ("rf-1000x10", 100, "on the card"),
        ("rf-1000x10", 100, "NumPy"),
        ("rf-1000x10", 1, "NumPy"),
        ("xgb-500x8", 100, "on the card"),
        ("xgb-500x8", 100, "NumPy"),
        ("frame-20x1500-lr", 100, "DataFrame"),
    ]
    for result in results:
        assert result["right"]
        assert result["difference"] <= 2e-6
        assert not result["native_steps"]
        assert result["events"] is None
        assert {"sktensor", "native"} <= set(result["seconds"])
        assert not result["met"]
    assert "xgboost" in results[3]["seconds"]
    assert results[0]["aim"] == "≤ 2.0 ms, ≥ 10× hummingbird"
    table = (tmp_path / "cuda.md").read_text().splitlines()
    assert len(table) == 4 + len(results)
    assert table[4].startswith("| rf-1000x10 | 100 | on the card | ≤ 2.0 ms, ≥ 10× hummingbird | ")
    assert all(line.count("|") == 9 for line in table[2:])


@pytest.mark.skipif(find_spec("triton") is None, reason="the sweep is about kernels in Triton")
def test_the_sweep_goes_through_the_motions_on_the_cpu(tmp_path, monkeypatch, capsys):
    from benchmarks import sweep
    from sktensor.kernels import forest_cuda

    monkeypatch.setattr(sweep, "BUDGET", 0.01)
    before = dict(vars(forest_cuda))
    only = ["lgbm-500x31", "xgb-500x8"]
    options = Namespace(device="cpu", only=only, rows=[50], scale=0.004, cache=tmp_path)
    assert sweep.main(options) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("dry run on cpu")
    n_settings = [len(list(sweep.settings(of))) for name in only for of in sweep.LAYOUTS[name]]
    assert len(lines) == sum(n_settings)
    assert lines[0].startswith("lgbm-500x31 layout bitvector, rows 128, warps 4, together 4: wall ")
    assert dict(vars(forest_cuda)) == before
    in_use = sweep.Setting("bitvector")
    assert in_use.rows == forest_cuda.ROWS
    assert in_use.together == forest_cuda.SPLITS == forest_cuda.TREES


def test_plain_estimators_are_compared_with_themselves(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "plain", "--rows", "3", "--budget", "0.01"]
    names = ["logistic-3", "calibrated-svc", "mlp-32", "k-means-5", "imputer", "multinomial-nb-3"]
    command += ["--only", *names, "--json", str(tmp_path / "plain.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "plain.json").read_text())["results"]
    assert [r["workload"] for r in results[:2]] == [
        "logistic-3 predict",
        "logistic-3 predict_proba",
    ]
    assert {r["workload"].split()[0] for r in results} == set(names)
    assert max(r["difference"]["sktensor"] for r in results) < 1e-10
    asked = {r["workload"] for r in results if r["native_steps"]}
    assert asked <= {"k-means-5 transform"}
    assert f" of {len(results)} slower than native" in done.stdout


def test_the_card_is_described(monkeypatch):
    card = SimpleNamespace(name="NVIDIA X1", major=9, minor=0, total_memory=140 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    said = cuda.card_in_words(torch.device("cuda", 0))
    assert said.startswith("NVIDIA X1, compute capability 9.0, 140 GiB, CUDA ")
    assert said.endswith(("forests by Triton", "forests by plain torch"))


def test_a_cell_that_fails_leaves_the_others_and_what_was_found(tmp_path, monkeypatch, capsys):
    def fails(cell, estimator, X, device):
        if cell.on_card:
            raise RuntimeError("CUDA error: unspecified launch failure\nand more")
        return measured(cell, estimator, X, device)

    measured = cuda.measured
    monkeypatch.setattr(cuda, "measured", fails)
    monkeypatch.setattr(cuda, "BUDGET", 0.01)
    options = Namespace(
        device="cpu", only=["xgb-500x8"], rows=[50], scale=0.004, cache=tmp_path, json=None
    )
    assert cuda.main(options) == 1
    first, second = json.loads((tmp_path / "cuda.json").read_text())["results"]
    assert first["failed"] == "RuntimeError: CUDA error: unspecified launch failure"
    assert second["right"]
    assert "failed: RuntimeError: CUDA error" in (tmp_path / "cuda.md").read_text()
    assert "xgb-500x8 on the card: RuntimeError" in capsys.readouterr().err


def test_a_peer_that_is_missing_is_a_note(tmp_path, monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError("No module named 'cupy'")

    monkeypatch.setattr(cuda, "RIVALS", {"xgboost": missing})
    monkeypatch.setattr(cuda, "BUDGET", 0.01)
    options = Namespace(
        device="cpu", only=["xgb-500x8"], rows=[50], scale=0.004, cache=tmp_path, json=None
    )
    assert cuda.main(options) == 0
    text = (tmp_path / "cuda.md").read_text()
    assert text.count("xgboost: ModuleNotFoundError: No module named 'cupy'") == 2
