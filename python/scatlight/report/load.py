"""Folders that the programs wrote, as typed records. Every file of a folder is optional; a file that is there
must be right."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from scatlight.report import boxes
from scatlight.report.bench import Bench, read_bench
from scatlight.report.features import Features, find_features
from scatlight.report.fields import Fields, ReportError, parse, read_text
from scatlight.report.reconstruction import Reconstruction, read_reconstruction
from scatlight.report.study import Study, read_study
from scatlight.report.training import Call, Log, Skipped, read_call, read_lines, read_log, read_skipped
from scatlight.report.trainings import Trainings, read_trainings

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

    call: Call
    network: Network
    classes: list[str]
    data: dict[str, DataSet]  # by what it was for: train, val; empty in older files


@dataclass(frozen=True)
class EvalPoint:
    seconds: float
    epoch: float
    loss: float
    top1: float  # percent
    top5: float  # percent


@dataclass(frozen=True)
class ClassScore:
    name: str
    images: int
    correct: int
    top1: float | None  # percent; None without images


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
    cached_images: int | None  # whose maps were computed before; None: an older file does not say
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
    classes: int | None  # that the network tells apart; None: an older file does not say
    skipped: list[Skipped]


@dataclass
class Run:
    folder: Path
    name: str
    facts: RunFacts | None = None
    log: Log[EvalPoint] | None = None
    evaluation: Evaluation | None = None
    predictions: Predictions | None = None
    detector: boxes.Detector | None = None
    features: list[Features] = field(default_factory=list)
    reconstruction: Reconstruction | None = None
    study: Study | None = None
    bench: Bench | None = None
    trainings: Trainings | None = None

    @property
    def is_empty(self) -> bool:
        trained = (self.facts, self.log, self.evaluation, self.predictions, self.detector)
        found = (*trained, self.reconstruction, self.study, self.bench, self.trainings)
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
        call=read_call(fields),
        network=Network(
            name=fields.text("network.name"),
            parameters=fields.integer("network.parameters"),
            multiply_adds=fields.integer("network.multiply_adds"),
            input=fields.integers("network.input"),
            maps=fields.integers("network.maps"),
        ),
        classes=fields.texts("classes"),
        data=_read_data(fields),
    )


def read_eval_point(fields: Fields) -> EvalPoint:
    return EvalPoint(
        seconds=fields.number("seconds"),
        epoch=fields.number("epoch"),
        loss=fields.number("loss"),
        top1=fields.number("top1"),
        top5=fields.number("top5"),
    )


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
        skipped=read_skipped(fields),
    )


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
    return Predictions(images, fields.optional_integer("classes_in_all"), read_skipped(fields))


class _Files:
    """The JSON of a folder. What a detector wrote says so."""

    def __init__(self, folder: Path) -> None:
        names = (
            "run.json", "eval.json", "predict.json", "reconstruction.json", "study.json", "bench.json",
            "trainings.json",
        )  # fmt: skip
        files = [folder / name for name in names if (folder / name).exists()]
        self._fields = {file.name: parse(read_text(file), str(file)) for file in files}
        log = folder / "log.jsonl"
        self.lines = read_lines(log) if log.exists() else None

    def read(self, name: str, reader: Callable[[Fields], Record]) -> Record | None:
        fields = self._fields.get(name)
        return reader(fields) if fields and not fields.has("task") else None

    def read_of_detector(self, name: str, reader: Callable[[Fields], Record]) -> Record | None:
        fields = self._fields.get(name)
        if fields is None or not fields.has("task"):
            return None
        fields.expect("task", boxes.TASK)
        return reader(fields)

    @property
    def has_log_of_detector(self) -> bool:
        """As its lines say or, if it has none yet, run.json."""
        first = next((line for line in self.lines or [] if line.has("loss")), None)
        if first:
            return first.has(boxes.LOSSES[0])
        return "run.json" in self._fields and self._fields["run.json"].has("task")


def _load_detector(files: _Files) -> boxes.Detector | None:
    log = None
    if files.lines is not None and files.has_log_of_detector:
        log = read_log(files.lines, boxes.read_detector_point, (*boxes.LOSSES, *boxes.POSITIVES))
    found = boxes.Detector(
        facts=files.read_of_detector("run.json", boxes.read_detector_facts),
        log=log,
        evaluation=files.read_of_detector("eval.json", boxes.read_detector_evaluation),
        predictions=files.read_of_detector("predict.json", boxes.read_detector_predictions),
    )
    return found if found != boxes.Detector() else None


def load_run(folder: Path) -> Run:
    """Throws ReportError when the folder is absent, a file in it is broken, or it holds nothing to report."""
    if not folder.is_dir():
        raise ReportError(f"{folder}: there is no such folder")
    files = _Files(folder)
    run = Run(
        folder=folder,
        name=folder.resolve().name,
        facts=files.read("run.json", read_facts),
        log=read_log(files.lines, read_eval_point)
        if files.lines is not None and not files.has_log_of_detector
        else None,
        evaluation=files.read("eval.json", read_evaluation),
        predictions=files.read("predict.json", read_predictions),
        detector=_load_detector(files),
        features=find_features(folder),
        reconstruction=files.read("reconstruction.json", read_reconstruction),
        study=files.read("study.json", read_study),
        bench=files.read("bench.json", read_bench),
        trainings=files.read("trainings.json", read_trainings),
    )
    if run.is_empty:
        raise ReportError(
            f"{folder}: it holds nothing to report: none of run.json, log.jsonl, eval.json, predict.json, "
            "reconstruction.json, study.json, bench.json, trainings.json and features of `scatlight "
            "transform` (of an .npy, with --index)"
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
