"""Numbers of several runs: bars where there is something to compare, else a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scatlight.report import words
from scatlight.report.curves import Logged
from scatlight.report.figures import Bar, bar_plot
from scatlight.report.section import Figure

MOST_PROCESSES = 24  # in one picture


@dataclass(frozen=True)
class Measure:
    """One number of each run."""

    name: str
    bars: list[Bar]
    text: Callable[[float], str]


def rate(value: float) -> str:
    return f"{value:.0f} images/s" if value >= 10 else f"{value:.1f} images/s"


def training_speed(logged: Sequence[Logged]) -> Measure:
    bars = [
        Bar(name, log.train[-1].images / log.train[-1].seconds, index)
        for index, name, log in logged
        if log.train[-1].seconds > 0
    ]
    return Measure("training, decoding and augmentation included", bars, rate)


def training_memory(logged: Sequence[Logged]) -> Measure:
    bars = [Bar(name, log.peak_memory_bytes, index) for index, name, log in logged if log.peak_memory_bytes]
    return Measure("peak memory of the training", bars, words.memory)


def waiting(logged: Sequence[Logged]) -> list[Figure]:
    """How long each of several processes waited for its images, the longest first: it names a slow disk, or a
    slow machine."""
    bars = []
    for index, name, log in logged:
        seconds = log.train[-1].seconds
        processes = max(len(point.waited) for point in log.train)
        for rank in range(processes if seconds > 0 else 0):
            waited = sum(point.waited[rank] for point in log.train if rank < len(point.waited))
            of_run = f"{name}, process {rank}" if len(logged) > 1 else f"process {rank}"
            bars.append(Bar(of_run, 100 * waited / seconds, index))
    if not bars:
        return []
    longest = sorted(bars, key=lambda bar: -bar.value)[:MOST_PROCESSES]
    caption = "Waiting for images, as a share of the time of the training."
    return [Figure(bar_plot(longest, words.percent, "waiting for images"), caption)]


def figures_of(measures: Sequence[Measure]) -> list[Figure]:
    """Of those that several runs have."""
    return [
        Figure(bar_plot(measure.bars, measure.text, measure.name), f"{measure.name.capitalize()}.")
        for measure in measures
        if len(measure.bars) > 1
    ]


def rows_of(measures: Sequence[Measure], with_names: bool) -> list[tuple[str, str]]:
    """Of those that one run has: what it is, and how much."""
    return [
        (f"{bar.name}: {measure.name}" if with_names else measure.name, measure.text(bar.value))
        for measure in measures
        if len(measure.bars) == 1
        for bar in measure.bars
    ]
