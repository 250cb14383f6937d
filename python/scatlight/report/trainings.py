"""What `python -m scatlight.study` gathered: trainings.json, of many trainings that are compared."""

from dataclasses import dataclass
from typing import Any

from scatlight.report.fields import Fields, ReportError

FORMAT = 1
STATES = ("finished", "diverged", "failed", "interrupted", "running")


@dataclass(frozen=True)
class Variant:
    name: str
    title: str
    flags: dict[str, Any]  # of `scatlight train`, besides the common ones
    without: list[str]  # common flags that it does not take


@dataclass(frozen=True)
class Published:
    """Accuracies of others, in percent, by the images of each class as text."""

    name: str
    top1: dict[str, float]
    deviation: dict[str, float]
    source: str


@dataclass(frozen=True)
class Point:
    """An evaluation."""

    seconds: float
    top1: float  # percent


@dataclass(frozen=True)
class Cost:
    """Of one image, and the network's size."""

    network: str
    front_end: str
    parameters: int
    multiply_adds: int
    front_end_multiply_adds: int
    saved_bytes: int | None  # kept for the backward pass; None: the layer was solved

    @property
    def all_multiply_adds(self) -> int:
        return self.multiply_adds + self.front_end_multiply_adds


@dataclass(frozen=True)
class Result:
    top1: float | None  # percent, at the end; None: nothing was evaluated before the training diverged
    best_top1: float | None
    steps: int
    epochs: int
    seconds: float  # of training
    images_per_second: float | None
    peak_memory_bytes: float | None


@dataclass(frozen=True)
class Conditions:
    """How and where it ran."""

    processor: str
    version: str
    torch: str
    threads: int
    at_once: int


@dataclass(frozen=True)
class Training:
    name: str
    variant: str
    images: int | None  # of each class; None: all
    seed: int
    epochs: int | None
    minutes: float | None
    state: str
    reason: str | None  # one line, where it did not finish
    wall_seconds: float
    images_per_class: float | None  # as they were
    val_images: int | None
    cost: Cost | None
    result: Result | None
    points: list[Point]
    conditions: Conditions | None

    @property
    def length(self) -> str | None:
        """None: the layer was solved."""
        if self.epochs is not None:
            return f"{self.epochs} epochs"
        return None if self.minutes is None else f"{self.minutes:g} minutes"


@dataclass(frozen=True)
class Trainings:
    file: str
    title: str
    question: str
    train: str
    val: str
    note: str
    flags: dict[str, Any]  # common ones
    variants: list[Variant]
    published: list[Published]
    planned: int  # runs of the whole study
    runs: list[Training]
    others: int  # runs that the study has no longer


def _read_cost(fields: Fields) -> Cost:
    return Cost(
        network=fields.text("name"),
        front_end=fields.text("front_end"),
        parameters=fields.integer("parameters"),
        multiply_adds=fields.integer("multiply_adds"),
        front_end_multiply_adds=fields.integer("front_end_multiply_adds"),
        saved_bytes=fields.optional_integer("saved_bytes"),
    )


def _read_result(fields: Fields) -> Result:
    return Result(
        top1=fields.optional_number("top1"),
        best_top1=fields.optional_number("best_top1"),
        steps=fields.integer("steps"),
        epochs=fields.integer("epochs"),
        seconds=fields.number("seconds"),
        images_per_second=fields.optional_number("images_per_second"),
        peak_memory_bytes=fields.optional_number("peak_memory_bytes"),
    )


def _read_conditions(fields: Fields) -> Conditions:
    program, conditions = fields.within("program"), fields.within("conditions")
    return Conditions(
        processor=program.text("processor"),
        version=program.text("scatlight"),
        torch=program.text("torch"),
        threads=conditions.positive("threads"),
        at_once=conditions.positive("at_once"),
    )


def _read_training(fields: Fields) -> Training:
    has_facts = fields.has("network")
    state = fields.one_of("state", *STATES)
    result = _read_result(fields.within("result")) if fields.has("result") else None
    if state == "finished" and (result is None or result.top1 is None):
        raise ReportError(f"{fields.where}: it is finished, but has no accuracy")
    return Training(
        name=fields.text("name"),
        variant=fields.text("variant"),
        images=fields.optional_integer("images_per_class"),
        seed=fields.integer("seed"),
        epochs=fields.optional_integer("epochs"),
        minutes=fields.optional_number("minutes"),
        state=state,
        reason=fields.optional_text("reason"),
        wall_seconds=fields.number("wall_seconds"),
        images_per_class=fields.positive("train_images") / fields.positive("classes") if has_facts else None,
        val_images=fields.optional_integer("val_images"),
        cost=_read_cost(fields.within("network")) if has_facts else None,
        result=result,
        points=[Point(one.number("seconds"), one.number("top1")) for one in fields.objects("evaluations")],
        conditions=_read_conditions(fields) if has_facts and fields.has("conditions") else None,
    )


def _read_variant(fields: Fields) -> Variant:
    return Variant(fields.text("name"), fields.text("title"), fields.items("flags"), fields.texts("without"))


def _read_published(fields: Fields) -> Published:
    return Published(
        name=fields.text("name"),
        top1=fields.named_numbers("top1"),
        deviation=fields.named_numbers("deviation"),
        source=fields.text("source"),
    )


def read_trainings(fields: Fields) -> Trainings:
    if fields.integer("trainings") != FORMAT:
        raise ReportError(f"{fields.where}: it is of another version of scatlight.study")
    study = fields.within("study")
    variants = [_read_variant(one) for one in study.objects("variants")]
    names = [variant.name for variant in variants]
    current = [one for one in fields.objects("runs") if one.flag("in_study")]
    runs = [_read_training(one) for one in current]
    for run in runs:
        if run.variant not in names:
            raise ReportError(f"{fields.where}: the run {run.name} is of no variant of the study")
    return Trainings(
        file=study.text("file"),
        title=study.text("title"),
        question=study.text("question"),
        train=study.text("data.train"),
        val=study.text("data.val"),
        note=study.text("data.note"),
        flags=study.items("flags"),
        variants=variants,
        published=[_read_published(one) for one in study.objects("published")],
        planned=fields.integer("planned"),
        runs=runs,
        others=len(list(fields.objects("runs"))) - len(current),
    )
