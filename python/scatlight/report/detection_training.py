"""How detectors were trained, and what they cost."""

from collections.abc import Sequence

from scatlight.report import words
from scatlight.report.boxes import STAGES, Detector, DetectorPoint
from scatlight.report.curves import (
    TimeAxis,
    drops_of_rate,
    loss_line,
    rate_panel,
    time_axis,
    words_on_the_best,
)
from scatlight.report.figures import Bar, Series, line_plot, stacked_bar_plot
from scatlight.report.load import Run
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

Logged = tuple[int, str, Log[DetectorPoint]]

NAMES_OF_LOSSES = {
    "objectness": "objectness of the anchors",
    "rpn_box": "boxes of the anchors",
    "class": "classes of the regions",
    "box": "boxes of the regions",
}


def _logged(runs: Sequence[Run]) -> list[Logged]:
    return [
        (index, run.name, run.detector.log)
        for index, run in enumerate(runs)
        if run.detector and run.detector.log and run.detector.log.train
    ]


# ---- curves ----


def _loss(logged: Sequence[Logged], axis: TimeAxis, drops: Sequence[float]) -> Figure:
    lines = [loss_line(one[1] if len(logged) > 1 else "", one, axis) for one in logged]
    svg = line_plot(
        lines, axis.name, "loss", "loss of the detectors", events=drops, panel=rate_panel(logged, axis)
    )
    caption = "Loss on the training pictures, the sum of four, a moving mean. Below, the learning rate"
    return Figure(svg, f"{caption}; dotted lines mark its drops." if drops else f"{caption}.")


def _ap50(logged: Sequence[Logged], axis: TimeAxis, drops: Sequence[float]) -> Figure | None:
    lines = []
    for index, name, log in logged:
        known = [
            (point.seconds / axis.unit, 100 * point.ap50) for point in log.evals if point.ap50 is not None
        ]
        if known:
            times, values = zip(*known, strict=True)
            lines.append(Series(name if len(logged) > 1 else "", times, values, index, points=True))
    if not lines:
        return None
    svg = line_plot(lines, axis.name, "AP50, %", "AP50 during the training", events=drops)
    return Figure(svg, "AP50 on held-out pictures." + words_on_the_best(logged, "AP"))


def _parts(logged: Sequence[Logged], axis: TimeAxis) -> list[Figure]:
    return [
        Figure(
            line_plot(
                [loss_line("", one, axis, part) for one in logged],
                axis.name,
                "loss",
                f"loss: {name}",
                small=True,
            ),
            f"{name.capitalize()}.",
        )
        for part, name in NAMES_OF_LOSSES.items()
    ]


def curves(runs: Sequence[Run]) -> Section | None:
    """The losses, the learning rate and AP50 against the time of training."""
    logged = _logged(runs)
    if not logged:
        return None
    axis = time_axis(logged)
    drops = drops_of_rate(logged, axis)
    figures = [_loss(logged, axis, drops), _ap50(logged, axis, drops)]
    content = {
        "figures": [figure for figure in figures if figure],
        "parts_of_loss": _parts(logged, axis),
        "runs": [(index, name) for index, name, _ in logged],
        "positives": [(name, log.train[-1].parts) for _, name, log in logged],
    }
    return Section("boxes-curves", "Training", "boxes_curves.html.j2", content)


# ---- cost ----


def _measures(runs: Sequence[Run], detectors: Sequence[tuple[int, Run, Detector]]) -> list[Measure]:
    logged = _logged(runs)
    evaluated = [
        (index, run.name, detector.evaluation) for index, run, detector in detectors if detector.evaluation
    ]
    return [
        training_speed(logged),
        Measure(
            "evaluation, decoding included",
            [Bar(name, evaluation.images_per_second, index) for index, name, evaluation in evaluated],
            rate,
        ),
        training_memory(logged),
        Measure(
            "peak memory of the evaluation",
            [
                Bar(run.name, detector.evaluation.peak_memory_bytes, index)
                for index, run, detector in detectors
                if detector.evaluation and detector.evaluation.peak_memory_bytes and not detector.log
            ],
            words.memory,
        ),
    ]


def _stages(detectors: Sequence[tuple[int, Run, Detector]]) -> Figure | None:
    """Milliseconds per picture; what no stage counts is left out."""
    timed = [
        (
            run.name,
            [1000 * detector.evaluation.seconds[stage] / detector.evaluation.images for stage in STAGES],
        )
        for _, run, detector in detectors
        if detector.evaluation
        and detector.evaluation.images > 0
        and all(stage in detector.evaluation.seconds for stage in STAGES)
    ]
    if not timed:
        return None
    parts = [(stage, [times[place] for _, times in timed]) for place, stage in enumerate(STAGES)]
    svg = stacked_bar_plot(
        [name for name, _ in timed],
        parts,
        "milliseconds per picture",
        "time of each stage",
        first_color=len(timed),
    )
    return Figure(svg, "Where the time of the evaluation goes.")


def cost(runs: Sequence[Run]) -> Section | None:
    """Throughput, memory and the time of each stage."""
    detectors = [(index, run, run.detector) for index, run in enumerate(runs) if run.detector]
    measures = [measure for measure in _measures(runs, detectors) if measure.bars]
    if not measures:
        return None
    stages = _stages(detectors)
    content = {
        "figures": figures_of(measures) + waiting(_logged(runs)) + ([stages] if stages else []),
        "rows": rows_of(measures, len(runs) > 1),
        "stages": stages is not None,
    }
    return Section("boxes-cost", "Speed and memory", "boxes_cost.html.j2", content)
