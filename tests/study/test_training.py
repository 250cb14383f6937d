"""A study of the real program, on images that it draws."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Place, wait_for
from scatlight.report import load_run, make_page
from scatlight.study import read_study
from scatlight.study.plan import plan_runs, train_command
from scatlight.study.program import check_flags

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ["SCATLIGHT"]

STUDY = """
title = "Drawn"
train = "drawn/train"
val = "drawn/val"

[flags]
network = "scatresnet-small"
stem = 8
widths = [8, 16]
depths = [1, 1]
size = 32
batch = 10
lr = 0.05
checkpoint-every = 0

[[variants]]
name = "scattering"

[[variants]]
name = "ridge"
flags = { network = "linear", ridge = 300 }
without = ["stem", "widths", "depths", "batch", "lr", "checkpoint-every"]

[[variants]]
name = "wild"
flags = { input = "pooled", lr = 1e6 }

[[subsets]]
images = 15
seeds = [3]
epochs = 30
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "drawn"
    words = [PROGRAM, "draw", folder, "--classes", "3", "--train", "40", "--val", "10", "--size", "32"]
    subprocess.run(words, check=True, capture_output=True)
    return folder


def words_of(place: Place, out) -> list[str]:
    return [
        str(place.file),
        "--data",
        str(place.data),
        "--out",
        str(out),
        "--program",
        PROGRAM,
        "--threads",
        "1",
    ]


def start(place: Place, out) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "scatlight.study", *words_of(place, out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def results(place: Place, out) -> dict[str, dict]:
    place.out = out
    return {name.split("/")[0]: run for name, run in place.runs().items()}


def test_a_study_that_is_killed_gives_the_same(place, drawn):
    (place.data / "drawn").symlink_to(drawn)
    place.file.write_text(STUDY)
    whole = start(place, place.folder / "whole")
    stdout, stderr = whole.communicate(timeout=300)
    assert whole.returncode == 0, stderr
    assert "[3/3]" in stdout

    killed = start(place, place.folder / "killed")
    folder = place.folder / "killed/runs/scattering/15-per-class/30-epochs/seed-3"
    wait_for((folder / "checkpoint.safetensors").exists, 100)
    killed.kill()
    killed.communicate()
    assert results(place, place.folder / "killed")["scattering"]["state"] == "running"
    wait_for(lambda: not is_locked(folder), 100)
    again = start(place, place.folder / "killed")
    stdout, stderr = again.communicate(timeout=300)
    assert again.returncode == 0, stderr
    assert "scattering/15-per-class/30-epochs/seed-3: goes on" in stdout

    found = results(place, place.folder / "killed")
    expected = results(place, place.folder / "whole")
    assert found["scattering"]["result"]["steps"] == 30 * 5
    for name in ("top1", "loss", "best_top1"):
        assert found["scattering"]["result"][name] == expected["scattering"]["result"][name]
    assert found["scattering"]["train_images"] == 45
    assert found["scattering"]["val_images"] == 30
    assert found["scattering"]["network"]["saved_bytes"] > 0
    assert found["ridge"]["state"] == "finished"
    assert found["ridge"]["network"]["saved_bytes"] is None
    assert found["wild"]["state"] == "diverged"
    assert "training has diverged" in found["wild"]["reason"]

    page = make_page([load_run(place.folder / "killed")], "Drawn")
    assert "3 runs are asked for" in page
    assert "training has diverged" in page


def is_locked(folder) -> bool:
    """Whether a training is at work in its run folder."""
    held = subprocess.run(["flock", "--nonblock", folder / ".lock", "true"], check=False)
    return held.returncode != 0


@pytest.mark.parametrize("file", sorted(ROOT.glob("studies/*.toml")), ids=lambda file: file.name)
def test_the_program_knows_the_flags_of_the_studies(file, tmp_path):
    absent = tmp_path / "absent"
    runs = {run.variant: run for run in plan_runs(read_study(file))}
    for run in runs.values():
        assert check_flags(PROGRAM, train_command(run, absent, absent, tmp_path / "run", 1)) is None
    assert check_flags(PROGRAM, ["train", str(absent), "--run", str(absent), "--no-such-flag"]) is not None
