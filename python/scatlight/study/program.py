"""`scatlight train` as a process."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scatlight.study.errors import StudyError

PREFIX = "scatlight: "
WRONG_USAGE = 2
SECONDS_FOR_A_CHECK = 120
SIGNAL_OF_THE_PARENT = 1  # prctl's PR_SET_PDEATHSIG

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def find_program(given: str | None) -> str:
    """Throws StudyError."""
    name = given or "scatlight"
    found = shutil.which(name)
    if found is None:
        where = f"--program {name}: there is no such program" if given else "there is no program 'scatlight'"
        raise StudyError(f"{where}: build it, and give --program build/bin/scatlight")
    return found


def complaint_in(text: str) -> str:
    """The program's one line about what went wrong, or the last of its lines."""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    told = [line.removeprefix(PREFIX) for line in lines if line.startswith(PREFIX)]
    return (told or lines or ["it said nothing"])[-1]


def check_flags(program: str, words: Sequence[str]) -> str | None:
    """What the program has against these words of a training whose data is absent: flags come first."""
    try:
        done = subprocess.run(
            [program, *words], capture_output=True, text=True, check=False, timeout=SECONDS_FOR_A_CHECK,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise StudyError(f"cannot run {program}: {error}") from error
    return complaint_in(done.stderr) if done.returncode == WRONG_USAGE else None


def _stop_with_the_parent() -> None:
    """A study that is killed ends its trainings: each writes a checkpoint."""
    if _libc is not None:
        _libc.prctl(SIGNAL_OF_THE_PARENT, signal.SIGINT, 0, 0, 0)


@dataclass
class Training:
    """A process at work. Ctrl-C in a terminal does not reach it; stop() does."""

    process: subprocess.Popen[bytes]
    log: Path  # of what it says

    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def status(self) -> int:
        return self.process.returncode

    def stop(self) -> None:
        if self.is_running():
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def complaint(self) -> str:
        if self.status < 0:
            return f"it was ended by the signal {-self.status}"
        return complaint_in(self.log.read_text(encoding="utf-8", errors="replace"))


def start_training(program: str, words: Sequence[str], log: Path) -> Training:
    """Throws StudyError."""
    # As the program's own default, but also for programs that are called by other means.
    environment = os.environ | {"OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive")}
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as said:
            process = subprocess.Popen(
                [program, *words], stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment,
                start_new_session=True, preexec_fn=_stop_with_the_parent,  # noqa: PLW1509 (no threads here)
            )  # fmt: skip
    except OSError as error:
        raise StudyError(f"cannot run {program}: {error.strerror}") from error
    return Training(process, log)
