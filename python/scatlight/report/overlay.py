"""Boxes over photographs: shapes above the picture, which stay sharp and show their class to the pointer."""

from dataclasses import dataclass
from pathlib import Path

from scatlight.report.boxes import MarkedBox, MarkedPicture
from scatlight.report.images import Picture, find_file, photograph

LARGEST_BOXES = 300  # drawn over a picture
LARGEST_TAGS = 6  # boxes of a picture with their names beside them
COLORS = 8  # of classes, then they come again


@dataclass(frozen=True)
class Shape:
    style: str  # a class of style.css
    x: float  # pixels of the whole picture
    y: float
    width: float
    height: float
    tip: str
    tag: str


@dataclass(frozen=True)
class Overlay:
    name: str
    picture: Picture  # without one, the boxes stand alone
    width: int  # of the whole picture, which the page may show smaller
    height: int
    shapes: list[Shape]
    left_out: int  # boxes


def class_style(label: int) -> str:
    return f"class-{label % COLORS}"


def _tip(box: MarkedBox) -> str:
    words = [box.name]
    if box.score is not None:
        words.append(f"{100 * box.score:.0f} %")
    return " ".join(words) + (f", {box.kind}" if box.kind else "")


def _shape(box: MarkedBox, with_tag: bool) -> Shape:
    return Shape(
        style=box.kind or class_style(box.label),
        x=box.left,
        y=box.top,
        width=max(0.0, box.right - box.left),
        height=max(0.0, box.bottom - box.top),
        tip=_tip(box),
        tag=_tip(box) if with_tag else "",
    )


def _rank(box: MarkedBox) -> float:
    """What was missed counts as certain."""
    return 1.0 if box.score is None else box.score


def overlay(shown: MarkedPicture, folder: Path, tags: bool = False) -> Overlay:
    """The most certain boxes; small ones lie above large ones, or a pointer could not reach them."""
    chosen = sorted(shown.boxes, key=_rank, reverse=True)[:LARGEST_BOXES]
    shapes = [_shape(box, tags and len(chosen) <= LARGEST_TAGS) for box in chosen]
    return Overlay(
        name=Path(shown.file).name,
        picture=photograph(find_file(shown.file, folder)),
        width=shown.width,
        height=shown.height,
        shapes=sorted(shapes, key=lambda shape: shape.width * shape.height, reverse=True),
        left_out=len(shown.boxes) - len(chosen),
    )
