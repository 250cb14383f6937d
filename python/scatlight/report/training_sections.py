"""How classifiers were trained, and what that cost."""

from collections.abc import Sequence

from scatlight.report.baseline import baseline
from scatlight.report.curves import (
    TimeAxis,
    drops_of_rate,
    loss_line,
    rate_panel,
    time_axis,
    words_on_the_best,
)
from scatlight.report.figures import Bar, Series, line_plot
from scatlight.report.load import EvalPoint, Run
from scatlight.report.measures import (
    Measure,
    figures_of,
    rate,
    rows_of,
    training_memory,
    training_speed,
    waiting,
)
from scatlight.report.section import Figure, Section
from scatlight.report.training import Log

Logged = tuple[int, str, Log[EvalPoint]]


def _logged(runs: Sequence[Run]) -> list[Logged]:
    return [(index, run.name, run.log) for index, run in enumerate(runs) if run.log and run.log.train]


# ---- curves ----


def _loss(logged: Sequence[Logged], axis: TimeAxis, drops: Sequence[float]) -> Figure:
    lines = []
    for index, name, log in logged:
        of_training = name if len(logged) > 1 else "training images"
        lines.append(loss_line(of_training, (index, name, log), axis))
        if log.evals:
            times = [point.seconds / axis.unit for point in log.evals]
            held_out = [point.loss for point in log.evals]
            of_others = f"{name}, held out" if len(logged) > 1 else "held-out images"
            lines.append(Series(of_others, times, held_out, index, points=True, dashed=True))
    svg = line_plot(lines, axis.name, "loss", "loss curves", events=drops, panel=rate_panel(logged, axis))
    caption = "Loss on the training images, a moving mean, and on held-out images. Below, the learning rate"
    return Figure(svg, f"{caption}; dotted lines mark its drops." if drops else f"{caption}.")


def _accuracy(
    runs: Sequence[Run], logged: Sequence[Logged], axis: TimeAxis, drops: Sequence[float]
) -> Figure | None:
    lines = [
        Series(
            name if len(logged) > 1 else "",
            [point.seconds / axis.unit for point in log.evals],
            [point.top1 for point in log.evals],
            index,
            points=True,
        )
        for index, name, log in logged
        if log.evals
    ]
    if not lines:
        return None
    known = [found for index, _, log in logged if log.evals and (found := baseline(runs[index]))]
    marks = dict.fromkeys((found.accuracy, found.words) for found in known)
    svg = line_plot(lines, axis.name, "top-1, %", "accuracy curves", marks=list(marks), events=drops)
    return Figure(svg, "Top-1 accuracy on held-out images." + words_on_the_best(logged, "one"))


def curves(runs: Sequence[Run]) -> Section | None:
    """Loss, learning rate and accuracy against the time of training."""
    logged = _logged(runs)
    if not logged:
        return None
    axis = time_axis(logged)
    drops = drops_of_rate(logged, axis)
    figures = [_loss(logged, axis, drops), _accuracy(runs, logged, axis, drops)]
    content = {"figures": [figure for figure in figures if figure]}
    return Section("curves", "Training", "figures.html.j2", content)


# ---- cost ----


def _measures(runs: Sequence[Run]) -> list[Measure]:
    logged = _logged(runs)
    return [
        training_speed(logged),
        Measure(
            "evaluation, decoding included",
            [
                Bar(run.name, run.evaluation.images_per_second, index)
                for index, run in enumerate(runs)
                if run.evaluation and run.evaluation.cached_images == 0
            ],
            rate,
        ),
        training_memory(logged),
    ]


def cost(runs: Sequence[Run]) -> Section | None:
    """Throughput and memory: bars where there is something to compare, else numbers."""
    measures = [measure for measure in _measures(runs) if measure.bars]
    uncounted = [
        (run.name, run.evaluation) for run in runs if run.evaluation and run.evaluation.cached_images != 0
    ]
    if not measures and not uncounted:
        return None
    content = {
        "many": len(runs) > 1,
        "figures": figures_of(measures) + waiting(_logged(runs)),
        "rows": rows_of(measures, len(runs) > 1),
        "cached": [name for name, evaluation in uncounted if evaluation.cached_images is not None],
        "unknown": [name for name, evaluation in uncounted if evaluation.cached_images is None],
    }
    return Section("cost", "Speed and memory", "cost.html.j2", content)
