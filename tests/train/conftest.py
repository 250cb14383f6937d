"""Runs the built program, which the environment variable SCATLIGHT names, on a data set that it draws."""

import os
import subprocess
import time

import pytest

PROGRAM = os.environ["SCATLIGHT"]
SMALL = ["--network", "scatresnet10", "--scales", 2, "--stem", 16, "--widths", "16,32", "--depths", "1,1"]
SMALL += ["--input-norm", "--size", 48, "--batch", 16, "--threads", 2]


def run_whole(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )


def run(*arguments: object, status: int = 0) -> str:
    """Runs the program; returns its standard output, or for a wanted failure its one line of complaint."""
    done = run_whole(*arguments)
    assert done.returncode == status, done.stderr
    if status == 0:
        return done.stdout
    assert done.stdout == ""
    complaint = done.stderr.splitlines()[-1]
    assert complaint.startswith("scatlight: ")
    return complaint


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "drawn"
    run("draw", folder, "--classes", 3, "--train", 40, "--val", 10, "--size", 64)
    return folder


def train_arguments(data, folder, *more: object):
    return ["train", data / "train", "--val", data / "val", "--run", folder, *SMALL, *more]


@pytest.fixture(scope="session")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "trained"
    run(*train_arguments(data, folder, "--epochs", 1))
    return folder


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)
