"""The runs of a study, in turn."""

import shutil
import signal
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from scatlight.study import outcome, record
from scatlight.study.definition import Study
from scatlight.study.errors import StudyError
from scatlight.study.plan import PlannedRun, train_command
from scatlight.study.program import WRONG_USAGE, Training, check_flags, start_training
from scatlight.study.record import Record
from scatlight.study.subsets import check_sizes, list_classes, make_subset

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_STOP = 120.0
DIVERGED = ("training diverged", "training has diverged")  # as the program says it


@dataclass(frozen=True)
class Call:
    """How this call of the study works."""

    program: str
    data: Path
    out: Path
    at_once: int
    threads: int  # of each run


@dataclass
class _Active:
    run: PlannedRun
    folder: Path
    training: Training
    began: float
    before: float  # seconds that earlier calls took


@dataclass
class Tally:
    """What this call made of the runs."""

    done_before: int = 0
    ended: list[str] = field(default_factory=list)  # states
    stopped: bool = False

    def count(self, state: str) -> int:
        return self.ended.count(state)


class _StopOnSignal:
    """Remembers that an end was asked for. Where it is asked for again, the usual thing happens."""

    def __init__(self) -> None:
        self.requested = False
        self._before = {one: signal.signal(one, self._remember) for one in (signal.SIGINT, signal.SIGTERM)}

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.requested = True
        signal.signal(number, self._before[signal.Signals(number)])

    def end(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def say(text: str) -> None:
    print(text, flush=True)


def duration(seconds: float) -> str:
    """3720 -> "1 h 2 min" """
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


class Runner:
    def __init__(self, study: Study, runs: Sequence[PlannedRun], known: Record, call: Call) -> None:
        self._study = study
        self._runs = list(runs)
        self._record = known
        self._call = call
        self._queue = deque(run for run in runs if not known.is_done(run))
        self._active: list[_Active] = []
        self._seconds = known.speed_of_earlier()
        self._classes: dict[str, list[Path]] = {}
        self._tally = Tally(done_before=len(runs) - len(self._queue))

    def check(self, rerun_changed: bool) -> None:
        """All that can be known to be wrong before the first run. Throws StudyError."""
        for run in self._runs:
            if self._record.has_changed(run) and not rerun_changed:
                raise StudyError(
                    f"{self._call.out}: the run {run.name} had another definition: "
                    f"{self._record.difference(run)}; --rerun-changed trains such runs anew, "
                    "or give another --out"
                )
        for name, folder in (("train", self._study.train), ("val", self._study.val)):
            if not (self._call.data / folder).is_dir():
                raise StudyError(
                    f"{self._call.data / folder}: there is no such folder, which {self._study.file} names "
                    f"as '{name}'"
                )
        counts = [run.images for run in self._queue if run.images is not None]
        if counts:
            root = self._call.data / self._study.train
            self._classes = list_classes(root)
            check_sizes(root, self._classes, max(counts))
        self._check_flags()

    def _check_flags(self) -> None:
        """Of each variant with each kind of subset once: a mistake is told before hours of work."""
        seen = set()
        for run in self._queue:
            kind = (run.variant, run.subset_name, run.length_name)
            if kind in seen:
                continue
            seen.add(kind)
            absent = self._call.out / ".absent"
            words = train_command(run, absent, absent, self._folder(run), self._call.threads)
            complaint = check_flags(self._call.program, words)
            if complaint:
                raise StudyError(
                    f"{self._study.file}: variant '{run.variant}' with {run.subset_name}: {complaint}"
                )

    def train(self) -> Tally:
        """Until all runs are over, or a signal asks for an end. Throws StudyError."""
        stop = _StopOnSignal()
        self._record.write()
        self._say_begin()
        try:
            while (self._queue or self._active) and not stop.requested:
                while self._queue and len(self._active) < self._call.at_once:
                    self._start(self._queue.popleft())
                self._gather()
                time.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            self._stop_all()
            stop.end()
        self._tally.stopped = stop.requested
        return self._tally

    def _folder(self, run: PlannedRun) -> Path:
        return self._call.out / "runs" / run.name

    def _log(self, run: PlannedRun) -> Path:
        folder = self._folder(run)
        return folder.with_name(f"{folder.name}.txt")

    def _data_of(self, run: PlannedRun) -> Path:
        root = self._call.data / self._study.train
        if run.images is None:
            return root
        folder = self._call.out / "subsets" / run.subset_name / f"seed-{run.seed}"
        make_subset(root, self._classes, run.images, run.seed, folder)
        return folder

    def _start(self, run: PlannedRun) -> None:
        folder = self._folder(run)
        before = self._record.wall_seconds(run)
        if self._record.has_changed(run) or self._record.state(run) is None:
            shutil.rmtree(folder, ignore_errors=True)  # another run's
            before = 0.0
        val = self._call.data / self._study.val
        words = train_command(run, self._data_of(run), val, folder, self._call.threads)
        resumes = (folder / outcome.CHECKPOINT).exists()
        words.append("--resume-or-new" if resumes else "--overwrite")
        training = start_training(self._call.program, words, self._log(run))
        self._active.append(_Active(run, folder, training, time.monotonic(), before))
        self._record.put(run, record.RUNNING, before)
        say(f"{run.name}: {'goes on' if resumes else 'begins'}")

    def _gather(self) -> None:
        for active in [one for one in self._active if not one.training.is_running()]:
            self._active.remove(active)
            self._end(active, stopping=False)

    def _end(self, active: _Active, stopping: bool) -> None:
        run, status = active.run, active.training.status
        seconds = active.before + time.monotonic() - active.began
        reason = None if status == 0 else active.training.complaint()
        try:
            found = outcome.read_outcome(active.folder) if active.folder.is_dir() else {}
        except StudyError as error:
            found, reason = {}, reason or str(error)
        if reason is None and "result" not in found:
            reason = f"{active.folder}: there is no log of a training"
        state = self._state(reason, stopping)
        if state in record.DONE and not self._study.keep_weights:
            outcome.remove_weights(active.folder)
        conditions = {"threads": self._call.threads, "at_once": self._call.at_once}
        self._record.put(run, state, seconds, **found, reason=reason, conditions=conditions)
        self._tally.ended.append(state)
        if state == record.FINISHED:
            self._seconds[run.name] = seconds
        self._say_end(run, state, reason, found, seconds)
        if status == WRONG_USAGE and not stopping:
            raise StudyError(f"{self._study.file}: variant '{run.variant}': {reason}")

    @staticmethod
    def _state(reason: str | None, stopping: bool) -> str:
        if reason is None:
            return record.FINISHED
        if any(words in reason for words in DIVERGED):
            return record.DIVERGED
        return record.INTERRUPTED if stopping else record.FAILED

    def _stop_all(self) -> None:
        """Each writes a checkpoint, from which the next call goes on."""
        if not self._active:
            return
        say(f"stopping {len(self._active)} at work")
        for active in self._active:
            active.training.stop()
        end = time.monotonic() + SECONDS_TO_STOP
        while any(one.training.is_running() for one in self._active) and time.monotonic() < end:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        for active in self._active:
            if active.training.is_running():
                active.training.kill()
            self._end(active, stopping=True)
        self._active.clear()

    # ---- what is said ----

    def _estimate(self, run: PlannedRun) -> float | None:
        """Seconds, from the runs most like it that finished."""
        if run.name in self._seconds:
            return self._seconds[run.name]
        of_kind = f"{run.subset_name}/{run.length_name}/"
        same = [spent for name, spent in self._seconds.items() if name.startswith(f"{run.variant}/{of_kind}")]
        alike = same or [spent for name, spent in self._seconds.items() if f"/{of_kind}" in name]
        if alike:
            return sum(alike) / len(alike)
        return None if run.minutes is None else 60 * run.minutes

    def _time_left(self) -> str:
        left = [self._estimate(run) for run in [*self._queue, *(one.run for one in self._active)]]
        known = [seconds for seconds in left if seconds is not None]
        if not left:
            return "nothing is left"
        if not known:
            return "it is not known how long"
        of_all = sum(known) * len(left) / len(known) / min(self._call.at_once, len(left))
        return f"about {duration(of_all)} left"

    def _say_begin(self) -> None:
        done = self._tally.done_before
        say(
            f"{self._study.title}: {len(self._runs)} runs, {done} of them done; "
            f"{self._call.at_once} at once, each with {_count(self._call.threads, 'thread')}"
        )

    def _say_end(self, run: PlannedRun, state: str, reason: str | None, found: outcome.Json,
                 seconds: float) -> None:  # fmt: skip
        over = self._tally.done_before + len(self._tally.ended)
        what = state
        if state == record.FINISHED:
            what = f"top-1 {found['result']['top1']:.2f} %, {duration(seconds)}"
        elif reason:
            what = f"{state}: {reason}"
        say(f"[{over}/{len(self._runs)}] {run.name}: {what}; {self._time_left()}")


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
