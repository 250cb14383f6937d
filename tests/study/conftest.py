"""Studies of a program that stands in for scatlight."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from scatlight.study.__main__ import main

STAND_IN = Path(__file__).with_name("stand_in.py")

STUDY = """
title = "A study"
train = "set/train"
val = "set/val"
{top}
[flags]
batch = 8

[[variants]]
name = "one"
{flags}

[[variants]]
name = "two"
title = "The second"

[[subsets]]
images = 2
seeds = [0, 1]
epochs = 3
{subset}
"""


def study_text(top: str = "", flags: str = "", subset: str = "") -> str:
    return STUDY.format(top=top, flags=flags, subset=subset)


@dataclass
class Called:
    status: int
    lines: list[str]
    complaint: str


class Place:
    """A folder with data, a study, and what comes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.out = folder / "out"
        self.file = folder / "study.toml"
        self.calls_file = folder / "calls"
        for part, count in (("train", 6), ("val", 2)):
            for name in ("cat", "dog"):
                for number in range(count):
                    image = self.data / "set" / part / name / f"{number}.jpg"
                    image.parent.mkdir(parents=True, exist_ok=True)
                    image.write_text(name)

    def words(self, *more: object) -> list[str]:
        words = [self.file, "--data", self.data, "--out", self.out, "--program", STAND_IN, *more]
        return [str(word) for word in words]

    def call(self, *more: object) -> Called:
        with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
            status = main(self.words(*more))
        complaint = stderr.getvalue()
        assert complaint.count("\n") == (1 if complaint else 0), complaint
        return Called(
            status, stdout.getvalue().splitlines(), complaint.removeprefix("scatlight.study: ").strip()
        )

    def start(self, *more: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "scatlight.study", *self.words(*more)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def refusal(self, text: str, *more: object) -> str:
        """What a study is refused for, before any run."""
        self.file.write_text(text)
        called = self.call(*more)
        assert called.status == 1
        assert not self.calls()
        return called.complaint

    def calls(self) -> list[str]:
        """What the program was asked to train."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def record(self) -> dict:
        return json.loads((self.out / "trainings.json").read_text())

    def runs(self) -> dict[str, dict]:
        return {run["name"]: run for run in self.record()["runs"]}

    def states(self) -> dict[str, str]:
        return {name: run["state"] for name, run in self.runs().items()}


@pytest.fixture
def place(tmp_path, monkeypatch):
    found = Place(tmp_path)
    monkeypatch.setenv("CALLS", str(found.calls_file))
    return found


def wait_for(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return state != "Z"


def interrupt(process: subprocess.Popen) -> tuple[int, str]:
    """Ctrl-C: the status, and the last line of complaint."""
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=30)
    return process.returncode, complaint.splitlines()[-1]
