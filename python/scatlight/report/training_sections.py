"""How runs were trained, and what that cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scatlight.report import words
from scatlight.report.baseline import baseline
from scatlight.report.figures import Bar, Panel, Series, bar_plot, line_plot, smooth
from scatlight.report.load import Log, Run
from scatlight.report.section import Figure, Section

Logged = tuple[int, Run, Log]


def _logged(runs: Sequence[Run]) -> list[Logged]:
    return [(index, run, run.log) for index, run in enumerate(runs) if run.log and run.log.train]


# ---- curves ----


def _drops(log: Log) -> list[float]:
    """Seconds at which a learning rate that was constant falls at once to less than half."""
    return [
        after.seconds
        for first, before, after in zip(log.train, log.train[1:], log.train[2:], strict=False)
        if first.learning_rate == before.learning_rate and 0 < 2 * after.learning_rate < before.learning_rate
    ]


def _rates(logged: Sequence[Logged], unit: float) -> Panel:
    """Logarithmic where steps would be lost otherwise: the last rates are a hundredth of the first."""
    lines = []
    for index, _, log in logged:
        known = [point for point in log.train if point.learning_rate > 0]
        times = [point.seconds / unit for point in known]
        rates = [point.learning_rate for point in known]
        lines.append(Series("", times, rates, index, points=len(known) == 1, steps=bool(_drops(log))))
    return Panel(lines, "rate", log=any(_drops(log) for _, _, log in logged))


def _loss(logged: Sequence[Logged], unit: float, axis: str, drops: Sequence[float]) -> Figure:
    lines = []
    for index, run, log in logged:
        window = max(1, len(log.train) // 40)
        times = [point.seconds / unit for point in log.train]
        smoothed = smooth([point.loss for point in log.train], window)
        name = run.name if len(logged) > 1 else "training images"
        lines.append(Series(name, times, smoothed, index, points=len(times) == 1))
        if log.evals:
            times = [point.seconds / unit for point in log.evals]
            held_out = [point.loss for point in log.evals]
            name = f"{run.name}, held out" if len(logged) > 1 else "held-out images"
            lines.append(Series(name, times, held_out, index, points=True, dashed=True))
    svg = line_plot(lines, axis, "loss", "loss curves", events=drops, panel=_rates(logged, unit))
    caption = "Loss on the training images, a moving mean, and on held-out images. Below, the learning rate"
    return Figure(svg, f"{caption}; dotted lines mark its drops." if drops else f"{caption}.")


def _accuracy(logged: Sequence[Logged], unit: float, axis: str, drops: Sequence[float]) -> Figure | None:
    lines = [
        Series(
            run.name if len(logged) > 1 else "",
            [point.seconds / unit for point in log.evals],
            [point.top1 for point in log.evals],
            index,
            points=True,
        )
        for index, run, log in logged
        if log.evals
    ]
    if not lines:
        return None
    known = [found for _, run, log in logged if log.evals and (found := baseline(run))]
    marks = dict.fromkeys((found.accuracy, found.words) for found in known)
    svg = line_plot(lines, axis, "top-1, %", "accuracy curves", marks=list(marks), events=drops)
    return Figure(svg, "Top-1 accuracy on held-out images.")


def curves(runs: Sequence[Run]) -> Section | None:
    """Loss, learning rate and accuracy against the time of training."""
    logged = _logged(runs)
    if not logged:
        return None
    longest = max(log.train[-1].seconds for _, _, log in logged)
    name, unit = ("minutes", 60.0) if longest > 180 else ("seconds", 1.0)
    axis = f"{name} of training"
    drops = sorted({seconds / unit for _, _, log in logged for seconds in _drops(log)})
    figures = [_loss(logged, unit, axis, drops), _accuracy(logged, unit, axis, drops)]
    content = {"figures": [figure for figure in figures if figure]}
    return Section("curves", "Training", "figures.html.j2", content)


# ---- cost ----


@dataclass(frozen=True)
class Measure:
    """One number of each run."""

    name: str
    bars: list[Bar]
    text: Callable[[float], str]


def _rate(value: float) -> str:
    return f"{value:.0f} images/s" if value >= 10 else f"{value:.1f} images/s"


def _measures(runs: Sequence[Run]) -> list[Measure]:
    logged = _logged(runs)
    return [
        Measure(
            "training, decoding and augmentation included",
            [
                Bar(run.name, log.train[-1].images / log.train[-1].seconds, index)
                for index, run, log in logged
                if log.train[-1].seconds > 0
            ],
            _rate,
        ),
        Measure(
            "evaluation, decoding included",
            [
                Bar(run.name, run.evaluation.images_per_second, index)
                for index, run in enumerate(runs)
                if run.evaluation and run.evaluation.cached_images == 0
            ],
            _rate,
        ),
        Measure(
            "peak memory of the training",
            [
                Bar(run.name, log.peak_memory_bytes, index)
                for index, run, log in logged
                if log.peak_memory_bytes
            ],
            words.memory,
        ),
    ]


def cost(runs: Sequence[Run]) -> Section | None:
    """Throughput and memory: bars where there is something to compare, else numbers."""
    measures = [measure for measure in _measures(runs) if measure.bars]
    uncounted = [
        (run.name, run.evaluation) for run in runs if run.evaluation and run.evaluation.cached_images != 0
    ]
    if not measures and not uncounted:
        return None
    compared = [measure for measure in measures if len(measure.bars) > 1]
    content = {
        "many": len(runs) > 1,
        "figures": [
            Figure(bar_plot(measure.bars, measure.text, measure.name), f"{measure.name.capitalize()}.")
            for measure in compared
        ],
        "rows": [
            (f"{bar.name}: {measure.name}" if len(runs) > 1 else measure.name, measure.text(bar.value))
            for measure in measures
            if measure not in compared
            for bar in measure.bars
        ],
        "cached": [name for name, evaluation in uncounted if evaluation.cached_images is not None],
        "unknown": [name for name, evaluation in uncounted if evaluation.cached_images is None],
    }
    return Section("cost", "Speed and memory", "cost.html.j2", content)
