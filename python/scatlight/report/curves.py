"""What the curves of trainings have in common, whatever was trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scatlight.report.figures import Panel, Series, smooth
from scatlight.report.training import Log

Logged = tuple[int, str, Log[Any]]  # the run's number, its name, and a log with lines of training


@dataclass(frozen=True)
class TimeAxis:
    name: str
    unit: float  # seconds


def time_axis(logged: Sequence[Logged]) -> TimeAxis:
    longest = max(log.train[-1].seconds for _, _, log in logged)
    name, unit = ("minutes", 60.0) if longest > 180 else ("seconds", 1.0)
    return TimeAxis(f"{name} of training", unit)


def _drops(log: Log[Any]) -> list[float]:
    """Seconds at which a learning rate that was constant falls at once to less than half."""
    return [
        after.seconds
        for first, before, after in zip(log.train, log.train[1:], log.train[2:], strict=False)
        if first.learning_rate == before.learning_rate and 0 < 2 * after.learning_rate < before.learning_rate
    ]


def drops_of_rate(logged: Sequence[Logged], axis: TimeAxis) -> list[float]:
    return sorted({seconds / axis.unit for _, _, log in logged for seconds in _drops(log)})


def rate_panel(logged: Sequence[Logged], axis: TimeAxis) -> Panel:
    """Logarithmic where steps would be lost otherwise: the last rates are a hundredth of the first."""
    lines = []
    for index, _, log in logged:
        known = [point for point in log.train if point.learning_rate > 0]
        times = [point.seconds / axis.unit for point in known]
        rates = [point.learning_rate for point in known]
        lines.append(Series("", times, rates, index, points=len(known) == 1, steps=bool(_drops(log))))
    return Panel(lines, "rate", log=any(_drops(log) for _, _, log in logged))


def words_on_the_best(logged: Sequence[Logged], measure: str) -> str:
    """Which epochs the files best.safetensors are of, for the end of a caption."""
    epochs = [
        f"epoch {log.best_epoch}" + (f" of {name}" if len(logged) > 1 else "")
        for _, name, log in logged
        if log.best_epoch is not None
    ]
    return f" The best {measure}, of best.safetensors, came after {', '.join(epochs)}." if epochs else ""


def loss_line(name: str, logged: Logged, axis: TimeAxis, part: str | None = None) -> Series:
    """A moving mean of the loss on the training images, or of a part of it."""
    index, _, log = logged
    window = max(1, len(log.train) // 40)
    times = [point.seconds / axis.unit for point in log.train]
    losses = [point.parts[part] if part else point.loss for point in log.train]
    return Series(name, times, smooth(losses, window), index, points=len(times) == 1)
