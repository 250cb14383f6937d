"""Ctrl-C and kill end every long command with a line, and by the signal, so that a shell's loop ends too."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import PROGRAM, commands

INPUT = "in.npy"
LONG = {
    "transform": ["transform", INPUT, "--out", "out.npy"],
    "draw": ["draw", "shapes", "--train", 10000, "--size", 512],
    "study": ["study", "--search"],
    "reconstruct": ["reconstruct", "photo.png", "--iterations", 100000, "--tolerance", 0],
}


def catches(process: subprocess.Popen, number: int) -> bool:
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", LONG)
def test_a_signal_stops_it(command, number, photo, tmp_path):
    if command not in commands():
        pytest.skip("this build does not have it")
    photo("photo.png")
    np.save(tmp_path / INPUT, np.random.default_rng(0).random((2000, 3, 64, 64)).astype(np.float32))
    process = subprocess.Popen(
        [PROGRAM, *map(str, LONG[command])],
        cwd=tmp_path,
        env=os.environ | {"SCATLIGHT_ENGINE": "reference"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not catches(process, number):
        assert process.poll() is None, "it ended before the signal"
        time.sleep(0.005)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -number
    assert errors.splitlines()[-1].startswith("scatlight: stopped by a signal: ")
    left = {INPUT, "photo.png"} | ({"reconstruction"} if command == "reconstruct" else set())
    assert set(os.listdir(tmp_path)) - {"study"} == left, "nothing half-written"
