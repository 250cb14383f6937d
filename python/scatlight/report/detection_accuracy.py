"""What detectors find, miss and take for something else."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scatlight.report import words
from scatlight.report.boxes import (
    ClassResult,
    CurvePoint,
    DetectorEvaluation,
    DetectorPredictions,
    MarkedPicture,
)
from scatlight.report.figures import (
    LARGEST_LABELLED,
    LARGEST_NUMBERED,
    Series,
    confusion_plot,
    dot_plot,
    line_plot,
)
from scatlight.report.load import Run
from scatlight.report.mistakes import frequent_mistakes
from scatlight.report.overlay import Overlay, class_style, overlay
from scatlight.report.section import Figure, Section

LARGEST_CURVES = 12  # classes
LARGEST_DOTS = 30  # classes
LARGEST_CLASS_TABLE = 200
LARGEST_PREDICTIONS = 24  # pictures
BACKGROUND = "background"

Evaluated = tuple[int, Run, DetectorEvaluation]


def _evaluated(runs: Sequence[Run]) -> list[Evaluated]:
    return [
        (index, run, run.detector.evaluation)
        for index, run in enumerate(runs)
        if run.detector and run.detector.evaluation
    ]


# ---- precision and recall ----


def _precision_at(curve: Sequence[CurvePoint], recall: float) -> float:
    return max((point.precision for point in curve if point.recall >= recall - 1e-9), default=0.0)


def _mean_curve(evaluation: DetectorEvaluation) -> tuple[list[float], list[float]]:
    """Over the classes with objects, 0 where a class is not found so often."""
    recalls = [step / 20 for step in range(21)]
    counted = [result for result in evaluation.per_class if result.objects > 0]
    means = [
        sum(_precision_at(result.curve, recall) for result in counted) / max(len(counted), 1)
        for recall in recalls
    ]
    return recalls, means


def _curve_figure(name: str, lines: Sequence[Series]) -> Figure:
    svg = line_plot(
        lines,
        "recall",
        "precision",
        f"precision and recall: {name}",
        x_range=(0, 1),
        y_range=(0, 1.03),
        small=True,
    )
    return Figure(svg, name)


def _by_class(evaluated: Sequence[Evaluated]) -> list[tuple[str, list[ClassResult | None]]]:
    """The classes with the most objects first, and what each run reached."""
    found = [{result.name: result for result in evaluation.per_class} for _, _, evaluation in evaluated]
    objects: dict[str, int] = {}
    for of_run in found:
        for name, result in of_run.items():
            objects[name] = max(objects.get(name, 0), result.objects)
    names = sorted(objects, key=lambda name: -objects[name])
    return [(name, [of_run.get(name) for of_run in found]) for name in names]


def _curves(
    evaluated: Sequence[Evaluated], by_class: list[tuple[str, list[ClassResult | None]]]
) -> list[Figure]:
    means = [
        Series("", *_mean_curve(evaluation), index)
        for index, _, evaluation in evaluated
        if evaluation.per_class
    ]
    figures = [_curve_figure("Mean of all classes", means)] if len(by_class) > 1 else []
    for name, results in by_class[:LARGEST_CURVES]:
        lines = [
            Series(
                "",
                [point.recall for point in result.curve],
                [point.precision for point in result.curve],
                index,
                points=len(result.curve) == 1,
            )
            for (index, _, _), result in zip(evaluated, results, strict=True)
            if result and result.curve
        ]
        figures.append(_curve_figure(name, lines))
    return figures


def _ap50_in_percent(result: ClassResult | None) -> float | None:
    return None if result is None or result.ap50 is None else 100 * result.ap50


def _dots(
    evaluated: Sequence[Evaluated], by_class: list[tuple[str, list[ClassResult | None]]]
) -> Figure | None:
    rows = by_class[:LARGEST_DOTS]
    if not rows:
        return None
    series = [
        (
            run.name,
            index,
            [_ap50_in_percent(results[place]) for _, results in rows],
        )
        for place, (index, run, _) in enumerate(evaluated)
    ]
    caption = "AP50 of each class"
    more = f", of the {len(rows)} with the most objects" if len(by_class) > len(rows) else ""
    return Figure(
        dot_plot([name for name, _ in rows], series, "AP50, %", "AP50 of each class"), f"{caption}{more}."
    )


def precision(runs: Sequence[Run]) -> Section | None:
    """Curves of precision and recall, and the average precision of each class."""
    evaluated = _evaluated(runs)
    if not evaluated:
        return None
    by_class = _by_class(evaluated)
    dots = _dots(evaluated, by_class)
    content = {
        "runs": [(index, run.name) for index, run, _ in evaluated],
        "curves": _curves(evaluated, by_class),
        "curves_left_out": max(0, len(by_class) - LARGEST_CURVES),
        "figures": [dots] if dots else [],
        "rows": by_class[:LARGEST_CLASS_TABLE],
        "left_out": max(0, len(by_class) - LARGEST_CLASS_TABLE),
        "same_objects": all(
            len({result.objects for result in results if result}) == 1 for _, results in by_class
        ),
        "skipped": [(run.name, evaluation.skipped) for _, run, evaluation in evaluated if evaluation.skipped],
    }
    return Section("boxes-precision", "Each class", "boxes_precision.html.j2", content)


# ---- pictures ----


@dataclass(frozen=True)
class Card:
    """A picture with boxes, and how many there are of what."""

    overlay: Overlay
    counts: list[tuple[str, str, int]]  # style, name, number

    @property
    def told(self) -> str:
        return ", ".join(f"{count} {name}" for _, name, count in self.counts)


def _count_kinds(picture: MarkedPicture) -> list[tuple[str, str, int]]:
    kinds = [box.kind for box in picture.boxes]
    return [(kind, kind, kinds.count(kind)) for kind in ("found", "missed", "false")]


def shown(runs: Sequence[Run]) -> Section | None:
    """Pictures with what each detector found, missed and saw where nothing is."""
    groups = [
        (
            run.name,
            [Card(overlay(picture, run.folder), _count_kinds(picture)) for picture in evaluation.shown],
        )
        for _, run, evaluation in _evaluated(runs)
        if evaluation.shown
    ]
    if not groups:
        return None
    return Section("boxes-shown", "Found, missed, false", "boxes_shown.html.j2", {"groups": groups})


def _colors_of_classes(guessing: Sequence[tuple[Run, DetectorPredictions]]) -> dict[str, int]:
    """Those of the training pictures, where the classes of the training are known."""
    known = [
        name
        for run, _ in guessing
        if run.detector and run.detector.facts
        for name in run.detector.facts.classes
    ]
    found = [box.name for _, predicted in guessing for image in predicted.images for box in image.boxes]
    return {name: color for color, name in enumerate(dict.fromkeys([*known, *found]))}


def _with_labels(picture: MarkedPicture, labels: dict[str, int]) -> MarkedPicture:
    return replace(picture, boxes=[replace(box, label=labels[box.name]) for box in picture.boxes])


def _card_of_classes(picture: MarkedPicture, folder: Path) -> Card:
    labels = Counter((box.label, box.name) for box in picture.boxes)
    counts = [(class_style(label), name, count) for (label, name), count in sorted(labels.items())]
    return Card(overlay(picture, folder, tags=True), counts)


def predictions(runs: Sequence[Run]) -> Section | None:
    """Pictures with what each detector found, where nobody knows what is right."""
    guessing = [(run, run.detector.predictions) for run in runs if run.detector and run.detector.predictions]
    if not guessing:
        return None
    files = list(dict.fromkeys(image.file for _, found in guessing for image in found.images))
    colors = _colors_of_classes(guessing)
    images = [
        (
            file,
            [
                (run.name, _card_of_classes(_with_labels(image, colors), run.folder))
                for run, found in guessing
                for image in found.images
                if image.file == file
            ],
        )
        for file in files[:LARGEST_PREDICTIONS]
    ]
    content = {
        "images": images,
        "many": len(guessing) > 1,
        "left_out": max(0, len(files) - LARGEST_PREDICTIONS),
        "skipped": [(run.name, found.skipped) for run, found in guessing if found.skipped],
    }
    return Section("boxes-predictions", "Predictions", "boxes_predictions.html.j2", content)


# ---- confusion ----


def _largest(evaluation: DetectorEvaluation) -> tuple[list[list[int]], list[str], int]:
    """The matrix of the classes with the most objects and the background, their names, and how many classes
    are left out."""
    matrix, side = evaluation.confusion, len(evaluation.classes)
    by_objects = sorted(range(side), key=lambda label: -sum(matrix[label]))
    kept = [*sorted(by_objects[: LARGEST_LABELLED - 1]), side]
    names = [*evaluation.classes, BACKGROUND]
    return (
        [[matrix[row][column] for column in kept] for row in kept],
        [names[label] for label in kept],
        side + 1 - len(kept),
    )


def _confusion_figure(index: int, name: str, evaluation: DetectorEvaluation) -> Figure:
    matrix, names, left_out = _largest(evaluation)
    right = sum(evaluation.confusion[label][label] for label in range(len(evaluation.classes)))
    objects = sum(map(sum, evaluation.confusion[:-1]))
    caption = (
        f"{name}: {right} of {objects} objects are found as what they are"
        f"{f', {words.percent(100 * right / objects)}' if objects else ''}; "
        f"{sum(evaluation.confusion[-1])} boxes have no object."
    )
    if left_out:
        caption += f" The {len(names) - 1} classes with the most objects; {left_out} are left out."
    return Figure(confusion_plot(matrix, names, index, f"confusion of the objects of {name}"), caption)


def confusion(runs: Sequence[Run]) -> Section | None:
    """Which objects are taken for others, missed, and seen where there is none."""
    evaluated = _evaluated(runs)
    if not evaluated:
        return None
    content = {
        "figures": [_confusion_figure(index, run.name, evaluation) for index, run, evaluation in evaluated],
        "mistakes": [
            (run.name, frequent_mistakes(evaluation.confusion, evaluation.classes))
            for _, run, evaluation in evaluated
            if len(evaluation.classes) > LARGEST_NUMBERED
        ],
    }
    return Section("boxes-confusion", "Which objects are confused", "boxes_confusion.html.j2", content)
