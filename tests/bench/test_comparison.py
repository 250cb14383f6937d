"""The comparison of trainings with plain PyTorch runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

COMPARISON = Path(__file__).resolve().parents[2] / "benchmarks" / "compare_training.py"
BUILD = Path(os.environ["SCATLIGHT"]).parents[1]


def test_the_comparison_of_trainings_runs(tmp_path: Path) -> None:
    out = tmp_path / "training.json"
    flags = ["--case", "scatresnet-small:48:8:16", "--threads", "1", "--rounds", "1", "--build", BUILD]
    subprocess.run([sys.executable, COMPARISON, *flags, "--out", out], check=True)
    (result,) = json.loads(out.read_text())["results"]
    assert result["case"]["network"] == "scatresnet-small"
    assert result["threads"] == 1
    assert result["ratio"] > 0
    assert min(result["scatlight"], result["contiguous"], result["channels_last"]) > 0


def test_other_networks_are_refused() -> None:
    command = [sys.executable, COMPARISON, "--case", "vgg16:64:2:4", "--threads", "1", "--build", BUILD]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "plain PyTorch" in done.stderr
