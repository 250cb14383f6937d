"""The page of a study of trainings: its variants compared over seeds, subsets, time and cost."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from scatlight.report.figures import Series, line_plot
from scatlight.report.load import Run
from scatlight.report.section import Figure, MakeSection, Section
from scatlight.report.trainings import Cost, Training, Trainings
from scatlight.report.trainings_groups import Column, Comparison, Spread, comparisons, spread

STEP_ASIDE = (
    0.012  # as a share of the place in a logarithmic plot: bars of equal places do not cover each other
)
SECONDS_AS_MINUTES = 180

Part = Callable[[Trainings], dict[str, Any] | None]


def _section(name: str, title: str, part: Part) -> MakeSection:
    """The section of a part, one study after the other."""

    def make(runs: Sequence[Run]) -> Section | None:
        studies = [run for run in runs if run.trainings]
        shown = []
        for run in studies:
            content = part(run.trainings) if run.trainings else None
            if content is not None:
                shown.append((run.name if len(studies) > 1 else None, content))
        return (
            Section(name, title, f"{name.replace('-', '_')}.html.j2", {"studies": shown}) if shown else None
        )

    return make


def _keys(study: Trainings) -> list[tuple[int, str]]:
    """The colour of each variant, and its name."""
    return [(index, variant.title) for index, variant in enumerate(study.variants)]


def _deviation(values: Spread | None) -> float:
    """Of one seed alone NaN, for which no bar is drawn."""
    return values.deviation if values and values.deviation is not None else math.nan


# ---- accuracy ----


def _accuracy(study: Trainings) -> dict[str, Any]:
    val_images = sorted({run.val_images for run in study.runs if run.val_images is not None})
    return {
        "study": study,
        "keys": _keys(study),
        "comparisons": comparisons(study),
        "val_images": val_images,
        "finished": sum(run.state == "finished" for run in study.runs),
    }


# ---- curves ----


def _aside(place: float, index: int, count: int) -> float:
    return place * math.pow(1 + STEP_ASIDE, index - (count - 1) / 2)


def _figure_of_images(study: Trainings, compared: Comparison) -> Figure | None:
    """Accuracy against images of each class. Of several lengths of one subset the last is taken."""
    by_images = {column.images: index for index, column in enumerate(compared.columns)}
    if len(by_images) < 2:
        return None
    lines = []
    for number, variant in enumerate(study.variants):
        x, y, deviations = [], [], []
        for index in by_images.values():
            cell = compared.cell(variant.name, index)
            if top1 := cell.top1:
                x.append(_aside(compared.columns[index].images_per_class, number, len(study.variants)))
                y.append(top1.mean)
                deviations.append(_deviation(top1))
        if x:
            lines.append(Series("", x, y, number, points=True, spread=deviations))
    if not lines:
        return None
    ticks = [
        (compared.columns[index].images_per_class, "all" if images is None else str(images))
        for images, index in by_images.items()
    ]
    label = f"accuracy against images per class, {compared.title.lower()}"
    svg = line_plot(lines, "training images of each class", "top-1, %", label, log="x", x_ticks=ticks)
    return Figure(svg, f"{compared.title}: accuracy against images of each class.")


def _mean_curve(runs: Sequence[Training], unit: float) -> tuple[list[float], list[float], list[float]]:
    """Seconds, accuracies and deviations of the evaluations that all runs have."""
    x, y, deviations = [], [], []
    for index in range(min(len(run.points) for run in runs)):
        points = [run.points[index] for run in runs]
        top1, seconds = spread([one.top1 for one in points]), spread([one.seconds for one in points])
        if top1 and seconds:
            x.append(seconds.mean / unit)
            y.append(top1.mean)
            deviations.append(_deviation(top1))
    return x, y, deviations


def _figure_of_time(study: Trainings, compared: Comparison, index: int) -> Figure | None:
    column = compared.columns[index]
    cells = [compared.cell(variant.name, index) for variant in study.variants]
    longest = max((one.seconds.mean for one in cells if one.seconds), default=0.0)
    name, unit = ("minutes", 60.0) if longest > SECONDS_AS_MINUTES else ("seconds", 1.0)
    lines = []
    for number, cell in enumerate(cells):
        runs = [run for run in cell.runs if run.points]
        if runs:
            x, y, deviations = _mean_curve(runs, unit)
            lines.append(Series("", x, y, number, points=True, spread=deviations))
    if not lines:
        return None
    label = f"accuracy against time, {column.label}"
    svg = line_plot(lines, f"{name} of training", "top-1, %", label)
    return Figure(svg, f"{column.label.capitalize()}: accuracy against the time of training.")


def _curves(study: Trainings) -> dict[str, Any] | None:
    figures = []
    for compared in comparisons(study):
        of_images = _figure_of_images(study, compared)
        of_time = [_figure_of_time(study, compared, index) for index in range(len(compared.columns))]
        figures += [figure for figure in (of_images, *of_time) if figure]
    return {"keys": _keys(study), "figures": figures} if figures else None


# ---- cost ----


def _cost_of(study: Trainings, variant: str) -> Cost | None:
    return next((run.cost for run in study.runs if run.variant == variant and run.cost), None)


def _figure_of_cost(
    study: Trainings, compared: Comparison, column: Column, measure: Callable[[Cost], float | None], name: str
) -> Figure | None:
    index = compared.columns.index(column)
    lines = []
    for number, variant in enumerate(study.variants):
        cell, cost = compared.cell(variant.name, index), _cost_of(study, variant.name)
        amount = measure(cost) if cost else None
        if cell.top1 and amount:
            lines.append(
                Series("", [amount], [cell.top1.mean], number, points=True, spread=[_deviation(cell.top1)])
            )
    if len(lines) < 2:
        return None
    svg = line_plot(lines, name, "top-1, %", f"accuracy against {name}, {column.label}")
    return Figure(svg, f"{column.label.capitalize()}: accuracy against {name.removeprefix('million ')}.")


def _costs(study: Trainings) -> dict[str, Any] | None:
    found = comparisons(study)
    figures = []
    for compared in found:
        column = compared.columns[-1]
        figures += [
            _figure_of_cost(
                study, compared, column, lambda cost: cost.all_multiply_adds / 1e6,
                "million multiply-adds of an image",
            ),
            _figure_of_cost(
                study, compared, column, lambda cost: cost.saved_bytes and cost.saved_bytes / 1e6,
                "MB kept of an image for the backward pass",
            ),
        ]  # fmt: skip
    rows = []
    for number, variant in enumerate(study.variants):
        cost = _cost_of(study, variant.name)
        if cost is None:
            continue
        peaks = [
            run.result.peak_memory_bytes
            for run in study.runs
            if run.variant == variant.name and run.result and run.result.peak_memory_bytes
        ]
        speeds = [compared.cell(variant.name, len(compared.columns) - 1) for compared in found]
        rows.append(
            (number, variant.title, cost, [one.images_per_second for one in speeds], max(peaks, default=None))
        )
    if not rows:
        return None
    return {
        "keys": _keys(study),
        "figures": [figure for figure in figures if figure],
        "columns": [compared.columns[-1] for compared in found],
        "rows": rows,
    }


# ---- the list of runs ----


def _runs(study: Trainings) -> dict[str, Any] | None:
    colors = {variant.name: index for index, variant in enumerate(study.variants)}
    conditions = list(dict.fromkeys(run.conditions for run in study.runs if run.conditions))
    return {
        "study": study,
        "networks": {variant.name: _cost_of(study, variant.name) for variant in study.variants},
        "colors": colors,
        "bad": [run for run in study.runs if run.state in ("diverged", "failed")],
        "open": [run for run in study.runs if run.state in ("interrupted", "running")],
        "missing": study.planned - len(study.runs),
        "conditions": conditions,
    }


TRAININGS_SECTIONS: list[MakeSection] = [
    _section("trainings", "Trainings compared", _accuracy),
    _section("trainings-curves", "More images, more time", _curves),
    _section("trainings-cost", "What an image costs", _costs),
    _section("trainings-runs", "All runs", _runs),
]
