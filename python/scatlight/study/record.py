"""trainings.json: what is known of each run, whole after every kill."""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scatlight._files import replacement
from scatlight.study.definition import Study, Subset
from scatlight.study.errors import StudyError
from scatlight.study.plan import PlannedRun

FILE = "trainings.json"
FORMAT = 1

FINISHED = "finished"
DIVERGED = "diverged"
FAILED = "failed"  # tried again by the next call
INTERRUPTED = "interrupted"
RUNNING = "running"  # also of a study that was killed
DONE = (FINISHED, DIVERGED)

Json = dict[str, Any]


def _subset_json(subset: Subset) -> Json:
    return {
        "images_per_class": subset.images,
        "seeds": subset.seeds,
        "epochs": subset.epochs,
        "minutes": subset.minutes,
        "variants": subset.variants,
    }


def _study_json(study: Study) -> Json:
    return {
        "file": study.file,
        "title": study.title,
        "question": study.question,
        "data": {"train": study.train, "val": study.val, "note": study.note},
        "flags": study.flags,
        "variants": [
            {"name": one.name, "title": one.title, "flags": one.flags, "without": one.without}
            for one in study.variants
        ],
        "subsets": [_subset_json(one) for one in study.subsets],
        "published": [
            {"name": one.name, "top1": one.top1, "deviation": one.deviation, "source": one.source}
            for one in study.published
        ],
    }


def _read_runs(file: Path) -> dict[str, Json]:
    if not file.exists():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        if value["trainings"] != FORMAT:
            raise ValueError
        return {run["name"]: run for run in value["runs"] if run["state"] and run["definition"]}
    except OSError as error:
        raise StudyError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StudyError(f"{file}: it is no file that this version of scatlight.study wrote") from error


class Record:
    """The file, and the folder that it is held in."""

    def __init__(self, out: Path, study: Study, planned: Sequence[PlannedRun]) -> None:
        self._file = out / FILE
        self._study = study
        self._planned = {run.name: run for run in planned}
        self._runs = _read_runs(self._file)

    def state(self, run: PlannedRun) -> str | None:
        """None: it was never begun."""
        known = self._runs.get(run.name)
        return known["state"] if known else None

    def is_done(self, run: PlannedRun) -> bool:
        return self.state(run) in DONE and not self.has_changed(run)

    def has_changed(self, run: PlannedRun) -> bool:
        known = self._runs.get(run.name)
        return known is not None and known["definition"] != run.definition

    def difference(self, run: PlannedRun) -> str:
        """One thing in which the definition is another than it was."""
        then, now = self._runs[run.name]["definition"], run.definition
        for name in ("train", "val"):
            if then.get(name) != now[name]:
                return f"{name} was {then.get(name)}, now {now[name]}"
        flags = (then.get("flags", {}), now["flags"])
        for name in sorted({*flags[0], *flags[1]}):
            old, new = (json.dumps(one[name]) if name in one else "not given" for one in flags)
            if old != new:
                return f"{name} was {old}, now {new}"
        return "its definition was another"

    def wall_seconds(self, run: PlannedRun) -> float:
        """Of all calls that trained it."""
        known = self._runs.get(run.name)
        return float(known["wall_seconds"]) if known else 0.0

    def speed_of_earlier(self) -> dict[str, float]:
        """Seconds of the runs that finished, by name."""
        finished = {name: run for name, run in self._runs.items() if run["state"] == FINISHED}
        return {name: float(run["wall_seconds"]) for name, run in finished.items()}

    def put(self, run: PlannedRun, state: str, wall_seconds: float, **more: Any) -> None:
        """Replaces what is known of a run, and writes the file. Throws StudyError."""
        self._runs[run.name] = {
            "name": run.name,
            "variant": run.variant,
            "images_per_class": run.images,
            "seed": run.seed,
            "epochs": run.epochs,
            "minutes": run.minutes,
            "state": state,
            "reason": None,
            "wall_seconds": round(wall_seconds, 3),
            "definition": run.definition,
            **more,
        }
        self.write()

    def write(self) -> None:
        # Runs that the study has no longer stay, and are told apart.
        runs = [run | {"in_study": name in self._planned} for name, run in self._runs.items()]
        content = {
            "trainings": FORMAT,
            "study": _study_json(self._study),
            "planned": len(self._planned),
            "runs": runs,
        }
        try:
            with replacement(self._file) as temporary:
                temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise StudyError(f"cannot write {self._file}: {error.strerror}") from error


@contextmanager
def held(out: Path) -> Iterator[None]:
    """The folder, made if it is not there, for one study at a time. Throws StudyError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise StudyError(f"cannot make {out}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StudyError(f"another study is at work in {out}") from error
        yield
