"""Folders that the programs wrote, as typed records. Every file of a folder is optional; a file that is there
must be right."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from scatlight.report.features import Features, find_features
from scatlight.report.fields import Fields, ReportError, parse, read_text
from scatlight.report.reconstruction import Reconstruction, read_reconstruction
from scatlight.report.study import Study, read_study

Record = TypeVar("Record")


@dataclass(frozen=True)
class Network:
    name: str
    parameters: int
    multiply_adds: int
    input: list[int]  # (channels, height, width) of an image
    maps: list[int]  # (channels, height, width) at the first convolution


@dataclass(frozen=True)
class DataSet:
    """A folder of images as it was listed."""

    root: str
    images: int
    classes: int
    other_files: int  # left out, as they are no images


@dataclass(frozen=True)
class RunFacts:
    """run.json"""

    version: str
    options: dict[str, Any]
    network: Network
    classes: list[str]
    processor: str
    threads: int
    memory_bytes: int
    torch: str
    started: str
    data: dict[str, DataSet]  # by what it was for: train, val; empty in older files


@dataclass(frozen=True)
class TrainPoint:
    seconds: float
    epoch: float
    images: int
    loss: float
    learning_rate: float
    images_per_second: float


@dataclass(frozen=True)
class EvalPoint:
    seconds: float
    epoch: float
    loss: float
    top1: float  # percent
    top5: float  # percent


@dataclass
class Log:
    """log.jsonl; seconds count from the start of the training."""

    train: list[TrainPoint] = field(default_factory=list)
    evals: list[EvalPoint] = field(default_factory=list)
    seconds: float | None = None  # of the whole training, when it ended
    peak_memory_bytes: float | None = None


@dataclass(frozen=True)
class ClassScore:
    name: str
    images: int
    correct: int
    top1: float | None  # percent; None without images


@dataclass(frozen=True)
class Skipped:
    file: str
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """eval.json"""

    data: str
    images: int
    loss: float
    top1: float  # percent
    top5: float  # percent
    classes: list[str]
    confusion: list[list[int]]  # [true class][predicted class]
    per_class: list[ClassScore]
    images_per_second: float
    cached_images: int | None  # whose maps were computed before; None: an older file does not tell
    peak_memory_bytes: float | None
    skipped: list[Skipped]


@dataclass(frozen=True)
class Guess:
    name: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    file: str
    guesses: list[Guess]  # the most probable classes


@dataclass(frozen=True)
class Predictions:
    """predict.json"""

    images: list[Prediction]
    classes: int | None  # that the network tells apart; None: an older file does not tell
    skipped: list[Skipped]


@dataclass
class Run:
    folder: Path
    name: str
    facts: RunFacts | None = None
    log: Log | None = None
    evaluation: Evaluation | None = None
    predictions: Predictions | None = None
    features: list[Features] = field(default_factory=list)
    reconstruction: Reconstruction | None = None
    study: Study | None = None

    @property
    def is_empty(self) -> bool:
        found = (self.facts, self.log, self.evaluation, self.predictions, self.reconstruction, self.study)
        return all(record is None for record in found) and not self.features


def _read_data(fields: Fields) -> dict[str, DataSet]:
    found = {}
    for part in ("train", "val"):
        if fields.has(f"data.{part}"):
            data = fields.within("data").within(part)
            counts = (data.integer(name) for name in ("images", "classes", "other_files"))
            found[part] = DataSet(data.text("root"), *counts)
    return found


def read_facts(fields: Fields) -> RunFacts:
    return RunFacts(
        version=fields.text("scatlight"),
        options=fields.items("options"),
        network=Network(
            name=fields.text("network.name"),
            parameters=fields.integer("network.parameters"),
            multiply_adds=fields.integer("network.multiply_adds"),
            input=fields.integers("network.input"),
            maps=fields.integers("network.maps"),
        ),
        classes=fields.texts("classes"),
        processor=fields.text("machine.processor"),
        threads=fields.integer("machine.threads"),
        memory_bytes=fields.integer("machine.memory_bytes"),
        torch=fields.text("machine.torch"),
        started=fields.text("started"),
        data=_read_data(fields),
    )


def _add_log_line(log: Log, fields: Fields) -> None:
    kind = fields.text("kind")
    if kind == "train":
        log.train.append(
            TrainPoint(
                seconds=fields.number("seconds"),
                epoch=fields.number("epoch"),
                images=fields.integer("images"),
                loss=fields.number("loss"),
                learning_rate=fields.number("learning_rate"),
                images_per_second=fields.number("images_per_second"),
            )
        )
    elif kind == "eval":
        log.evals.append(
            EvalPoint(
                seconds=fields.number("seconds"),
                epoch=fields.number("epoch"),
                loss=fields.number("loss"),
                top1=fields.number("top1"),
                top5=fields.number("top5"),
            )
        )
    elif kind == "end":
        log.seconds = fields.number("seconds")
        log.peak_memory_bytes = fields.optional_number("peak_memory_bytes")


def read_log(file: Path) -> Log:
    """A kill may leave a last line without its end; it is left out."""
    log = Log()
    lines = read_text(file).split("\n")
    for number, line in enumerate(lines[:-1], start=1):
        _add_log_line(log, parse(line, f"{file}:{number}"))
    return log


def read_evaluation(fields: Fields) -> Evaluation:
    classes = fields.texts("classes")
    return Evaluation(
        data=fields.text("data"),
        images=fields.integer("images"),
        loss=fields.number("loss"),
        top1=fields.number("top1"),
        top5=fields.number("top5"),
        classes=classes,
        confusion=fields.square("confusion", len(classes)),
        per_class=[
            ClassScore(
                name=entry.text("class"),
                images=entry.integer("images"),
                correct=entry.integer("correct"),
                top1=entry.optional_number("top1"),
            )
            for entry in fields.objects("per_class")
        ],
        images_per_second=fields.number("images_per_second"),
        cached_images=fields.optional_integer("cached_images"),
        peak_memory_bytes=fields.optional_number("peak_memory_bytes"),
        skipped=_read_skipped(fields),
    )


def _read_skipped(fields: Fields) -> list[Skipped]:
    return [Skipped(entry.text("file"), entry.text("reason")) for entry in fields.objects("skipped")]


def read_predictions(fields: Fields) -> Predictions:
    images = [
        Prediction(
            file=image.text("file"),
            guesses=[
                Guess(guess.text("class"), guess.number("probability"))
                for guess in image.objects("predictions")
            ],
        )
        for image in fields.objects("images")
    ]
    return Predictions(images, fields.optional_integer("classes_in_all"), _read_skipped(fields))


def load_run(folder: Path) -> Run:
    """Throws ReportError when the folder is absent, a file in it is broken, or it holds nothing to report."""
    if not folder.is_dir():
        raise ReportError(f"{folder}: there is no such folder")

    def read(name: str, reader: Callable[[Fields], Record]) -> Record | None:
        file = folder / name
        return reader(parse(read_text(file), str(file))) if file.exists() else None

    log_file = folder / "log.jsonl"
    run = Run(
        folder=folder,
        name=folder.resolve().name,
        facts=read("run.json", read_facts),
        log=read_log(log_file) if log_file.exists() else None,
        evaluation=read("eval.json", read_evaluation),
        predictions=read("predict.json", read_predictions),
        features=find_features(folder),
        reconstruction=read("reconstruction.json", read_reconstruction),
        study=read("study.json", read_study),
    )
    if run.is_empty:
        raise ReportError(
            f"{folder}: it holds nothing to report: none of run.json, log.jsonl, eval.json, predict.json, "
            "reconstruction.json, study.json and features of `scatlight transform` (of an .npy, with --index)"
        )
    return run


def load_runs(folders: list[Path]) -> list[Run]:
    """Runs with names that differ: folders of the same name are told apart by their paths."""
    runs = [load_run(folder) for folder in folders]
    names = [run.name for run in runs]
    for run in runs:
        if names.count(run.name) > 1:
            run.name = str(run.folder)
    return runs
