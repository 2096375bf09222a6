"""The runner of `python -m benchmarks cuda`, end to end on the CPU; its times are not looked at."""

import json
import os
import subprocess
import sys
from pathlib import Path

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
