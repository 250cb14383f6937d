"""What detectors were trained on: pictures with boxes, and where and how large the objects are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scatlight.report.boxes import BoxData, DetectorFacts, Place
from scatlight.report.figures import Bar, bar_plot, heat_map, histogram
from scatlight.report.load import Run
from scatlight.report.overlay import Overlay, overlay
from scatlight.report.section import Figure, Section

LARGEST_BARS = 30  # classes
CELLS = 24  # of the heat map, along a side
GREY = 7  # of the series: data belong to no run


@dataclass(frozen=True)
class ShownData:
    runs: list[str]  # that were trained on it
    parts: dict[str, BoxData]
    classes: list[str]
    mosaic: list[Overlay]
    figures: list[Figure]


def _objects_of_classes(train: BoxData) -> Figure | None:
    objects = sorted(train.objects.items(), key=lambda entry: -entry[1])
    if not objects:
        return None
    bars = [Bar(name, count, GREY) for name, count in objects[:LARGEST_BARS]]
    svg = bar_plot(bars, lambda value: f"{value:.0f}", "objects of each class")
    more = len(objects) - len(bars)
    caption = "Objects of each class in the training pictures"
    return Figure(
        svg,
        f"{caption}, of the {len(bars)} with the most; {more} more have fewer." if more else f"{caption}.",
    )


def _sizes(places: Sequence[Place], facts: DetectorFacts) -> Figure | None:
    sizes = [math.sqrt(place.width * place.height) for place in places if place.width * place.height > 0]
    if not sizes:
        return None
    svg = histogram(
        sizes, "size in pixels of the network's images", "objects", "sizes", marks=facts.anchor_sizes
    )
    caption = "Sizes of the objects: the root of width times height, as the network sees them"
    return Figure(
        svg,
        f"{caption}; dotted lines mark the sizes of the anchors." if facts.anchor_sizes else f"{caption}.",
    )


def _aspects(places: Sequence[Place], facts: DetectorFacts) -> Figure | None:
    aspects = [place.height / place.width for place in places if place.width > 0 and place.height > 0]
    if not aspects:
        return None
    svg = histogram(aspects, "height / width", "objects", "aspects", marks=facts.anchor_ratios)
    caption = "Height by width of the objects"
    return Figure(
        svg, f"{caption}; dotted lines mark the anchors'." if facts.anchor_ratios else f"{caption}."
    )


def _centres(places: Sequence[Place]) -> Figure | None:
    if not places:
        return None
    counts = [[0] * CELLS for _ in range(CELLS)]
    for place in places:
        column, row = (min(CELLS - 1, max(0, int(CELLS * share))) for share in (place.x, place.y))
        counts[row][column] += 1
    return Figure(heat_map(counts, "centres"), "Where the centres of the objects lie in their pictures.")


def _show(facts: DetectorFacts, folder: Path, runs: list[str]) -> ShownData:
    train = facts.data.get("train")
    figures = [
        _objects_of_classes(train) if train else None,
        _sizes(facts.places, facts),
        _aspects(facts.places, facts),
        _centres(facts.places),
    ]
    return ShownData(
        runs=runs,
        parts=facts.data,
        classes=facts.classes,
        mosaic=[overlay(picture, folder) for picture in facts.pictures],
        figures=[figure for figure in figures if figure],
    )


def data(runs: Sequence[Run]) -> Section | None:
    """Each data set once, however many detectors were trained on it in the same way."""
    groups: list[tuple[DetectorFacts, Path, list[str]]] = []
    for run in runs:
        facts = run.detector.facts if run.detector else None
        if facts is None or not (facts.data or facts.pictures or facts.places):
            continue
        same = [
            names
            for other, _, names in groups
            if (other.data, other.pictures, other.places, other.anchor_sizes, other.anchor_ratios)
            == (facts.data, facts.pictures, facts.places, facts.anchor_sizes, facts.anchor_ratios)
        ]
        if same:
            same[0].append(run.name)
        else:
            groups.append((facts, run.folder, [run.name]))
    if not groups:
        return None
    content = {"sets": [_show(facts, folder, names) for facts, folder, names in groups]}
    return Section("boxes-data", "The pictures and their boxes", "boxes_data.html.j2", content)
