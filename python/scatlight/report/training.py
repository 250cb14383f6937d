"""What trainings of all kinds write: the call that began them, the log, and files that were left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from scatlight.report.fields import Fields, parse, read_text

Point = TypeVar("Point")


@dataclass(frozen=True)
class Member:
    """One of several processes that trained together."""

    host: str
    device: str


@dataclass(frozen=True)
class Call:
    """The program, its flags and the machine, of run.json."""

    version: str
    options: dict[str, Any]
    processor: str
    threads: int
    memory_bytes: int
    torch: str
    started: str
    members: list[Member]  # of the team, by rank; none of a process alone


@dataclass(frozen=True)
class TrainPoint:
    seconds: float
    epoch: float
    images: int
    loss: float
    learning_rate: float
    images_per_second: float
    parts: dict[str, float]  # of the loss, and counts, by name; none of a classifier
    waited: list[float]  # seconds for which each process waited for images; none of a process alone


@dataclass
class Log(Generic[Point]):
    """log.jsonl; seconds count from the start of the training."""

    train: list[TrainPoint] = field(default_factory=list)
    evals: list[Point] = field(default_factory=list)
    seconds: float | None = None  # of the whole training, when it ended
    peak_memory_bytes: float | None = None
    best_epoch: int | None = None  # after which the best evaluation came


@dataclass(frozen=True)
class Skipped:
    file: str
    reason: str


def _members(fields: Fields) -> list[Fields]:
    return list(fields.within("team").objects("members")) if fields.has("team") else []


def read_call(fields: Fields) -> Call:
    return Call(
        version=fields.text("scatlight"),
        options=fields.items("options"),
        processor=fields.text("machine.processor"),
        threads=fields.integer("machine.threads"),
        memory_bytes=fields.integer("machine.memory_bytes"),
        torch=fields.text("machine.torch"),
        started=fields.text("started"),
        members=[Member(one.text("host"), one.text("device")) for one in _members(fields)],
    )


def read_skipped(fields: Fields) -> list[Skipped]:
    return [Skipped(entry.text("file"), entry.text("reason")) for entry in fields.objects("skipped")]


def read_lines(file: Path) -> list[Fields]:
    """A kill may leave a last line without its end; it is left out."""
    lines = read_text(file).split("\n")
    return [parse(line, f"{file}:{number}") for number, line in enumerate(lines[:-1], start=1)]


def _read_train_point(fields: Fields, parts: Sequence[str]) -> TrainPoint:
    return TrainPoint(
        seconds=fields.number("seconds"),
        epoch=fields.number("epoch"),
        images=fields.integer("images"),
        loss=fields.number("loss"),
        learning_rate=fields.number("learning_rate"),
        images_per_second=fields.number("images_per_second"),
        parts={name: fields.number(name) for name in parts},
        waited=fields.numbers("waited_for_images") if fields.has("waited_for_images") else [],
    )


def read_log(
    lines: Sequence[Fields], read_eval: Callable[[Fields], Point], parts: Sequence[str] = ()
) -> Log[Point]:
    log: Log[Point] = Log()
    for fields in lines:
        kind = fields.text("kind")
        if kind == "train":
            log.train.append(_read_train_point(fields, parts))
            log.seconds = None  # also where an earlier line says that the training was over: it was resumed
        elif kind == "eval":
            log.evals.append(read_eval(fields))
            log.best_epoch = fields.optional_integer("best_epoch")
        elif kind == "end":
            log.seconds = fields.number("seconds")
            log.peak_memory_bytes = fields.optional_number("peak_memory_bytes")
    return log
