"""The comparison of trainings with plain PyTorch runs."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_wrong_arguments_are_refused(monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(COMPARISON.parent)
    comparison = importlib.import_module(COMPARISON.stem)
    for arguments, words in [
        (["--rounds", "0"], "argument --rounds: '0' is no whole number above 0"),
        (["--threads", "0"], "argument --threads: '0' is no whole number above 0"),
        (["--case", "scatresnet-small:48:8"], "is not NETWORK:SIZE:BATCH:IMAGES"),
        (["--case", "scatresnet-small:48:8:7"], "has fewer images than a batch"),
        (["--case", "scatresnet-small:x:8:8"], "'x' is no whole number above 0"),
    ]:
        monkeypatch.setattr(sys, "argv", [COMPARISON.name, *arguments])
        with pytest.raises(SystemExit, match="2"):
            comparison.main()
        assert words in capsys.readouterr().err.splitlines()[-1]


def test_a_program_that_is_killed_is_named(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "scatlight"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nkill -KILL $$\n")
    program.chmod(0o755)
    flags = ["--case", "scatresnet-small:48:8:16", "--threads", "1", "--rounds", "1"]
    command = [sys.executable, COMPARISON, *flags, "--build", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "draw failed: it ended with status -9"
