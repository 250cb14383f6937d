"""The runs that a study asks for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scatlight.study.definition import Study, Subset, Variant
from scatlight.study.errors import StudyError
from scatlight.study.tables import Flag

SOLVES = "ridge"  # the flag of a layer that is solved: its run has no length


@dataclass(frozen=True)
class PlannedRun:
    variant: str
    images: int | None  # of each class; None: all
    seed: int
    epochs: int | None  # of a training; a run has one of both lengths, or none
    minutes: float | None
    flags: dict[str, Flag]
    train: str  # folders, relative to that of all data
    val: str

    @property
    def name(self) -> str:
        """Also its place below the folder of all runs."""
        return "/".join((self.variant, self.subset_name, self.length_name, f"seed-{self.seed}"))

    @property
    def subset_name(self) -> str:
        return "all" if self.images is None else f"{self.images}-per-class"

    @property
    def length_name(self) -> str:
        if self.epochs is not None:
            return f"{self.epochs}-epochs"
        return "solved" if self.minutes is None else f"{self.minutes:g}-minutes"

    @property
    def definition(self) -> dict[str, Any]:
        """All that its result depends on, but for the program and the machine."""
        return {
            "train": self.train,
            "val": self.val,
            "images_per_class": self.images,
            "seed": self.seed,
            "epochs": self.epochs,
            "minutes": self.minutes,
            "flags": self.flags,
        }

    @property
    def length_words(self) -> list[str]:
        if self.epochs is not None:
            return ["--epochs", str(self.epochs)]
        return [] if self.minutes is None else ["--minutes", f"{self.minutes:g}"]


def words_of(flags: dict[str, Flag]) -> list[str]:
    """As somebody would type them."""
    words = []
    for name, value in flags.items():
        if value is False:
            continue
        words.append(f"--{name}")
        if isinstance(value, list):
            words.append(",".join(map(str, value)))
        elif value is not True:
            words.append(str(value))
    return words


def _flags_of(study: Study, subset: Subset, variant: Variant) -> dict[str, Flag]:
    common = study.flags | subset.flags
    return {name: flag for name, flag in common.items() if name not in variant.without} | variant.flags


def _lengths(subset: Subset, flags: dict[str, Flag]) -> list[tuple[int | None, float | None]]:
    if SOLVES in flags:
        return [(None, None)]
    lengths: list[tuple[int | None, float | None]] = []
    if subset.epochs is not None:
        lengths.append((subset.epochs, None))
    if subset.minutes is not None:
        lengths.append((None, subset.minutes))
    return lengths


def _runs_of(study: Study, subset: Subset, seed: int) -> Iterator[PlannedRun]:
    """Of one seed, so that a study that is not over can compare all variants."""
    for variant in study.variants:
        if variant.name not in subset.variants:
            continue
        flags = _flags_of(study, subset, variant)
        lengths = _lengths(subset, flags)
        if not lengths:
            raise StudyError(
                f"{study.file}: the subset of {subset.images or 'all'} images has neither epochs nor "
                f"minutes, which '{variant.name}' needs"
            )
        for epochs, minutes in lengths:
            yield PlannedRun(
                variant.name, subset.images, seed, epochs, minutes, flags, study.train, study.val
            )


def plan_runs(study: Study) -> list[PlannedRun]:
    """In the order of their training. Throws StudyError."""
    runs: dict[str, PlannedRun] = {}
    for subset in study.subsets:
        for seed in subset.seeds:
            for run in _runs_of(study, subset, seed):
                if run.name in runs:
                    raise StudyError(f"{study.file}: two subsets ask for the run {run.name}")
                runs[run.name] = run
    return list(runs.values())


def choose(runs: Sequence[PlannedRun], variants: Sequence[str]) -> list[PlannedRun]:
    """Those of some variants; all if none is named."""
    known = list(dict.fromkeys(run.variant for run in runs))
    for name in variants:
        if name not in known:
            raise StudyError(f"--only {name} is not accepted: the variants are {', '.join(known)}")
    return [run for run in runs if not variants or run.variant in variants]


def train_command(run: PlannedRun, train: Path, val: Path, folder: Path, threads: int) -> list[str]:
    """The words after the program's name."""
    return [
        "train", str(train), "--val", str(val), "--run", str(folder), *words_of(run.flags), *run.length_words,
        "--seed", str(run.seed), "--threads", str(threads),
    ]  # fmt: skip
