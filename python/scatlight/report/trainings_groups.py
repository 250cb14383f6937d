"""Runs of a study that differ by their seeds alone, taken together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scatlight.report.trainings import Training, Trainings

FINISHED = "finished"


@dataclass(frozen=True)
class Spread:
    """Numbers of several seeds."""

    mean: float
    deviation: float | None  # of the numbers, not of their mean; None: there is one
    count: int


@dataclass(frozen=True)
class Column:
    """Runs on as many images of each class, and for as long."""

    images: int | None  # None: all
    length: str | None  # None: only layers that are solved
    images_per_class: float  # as they were, on average

    @property
    def subset(self) -> str:
        return "all images" if self.images is None else f"{self.images} per class"

    @property
    def key(self) -> str:
        """As published figures name it."""
        return "all" if self.images is None else str(self.images)

    @property
    def label(self) -> str:
        return self.subset if self.length is None else f"{self.subset}, {self.length}"


@dataclass(frozen=True)
class Cell:
    """Of a variant in a column."""

    runs: list[Training]  # that finished
    others: int  # that diverged or failed

    @property
    def top1(self) -> Spread | None:
        return spread([run.result.top1 for run in self.runs if run.result and run.result.top1 is not None])

    @property
    def seconds(self) -> Spread | None:
        return spread([run.result.seconds for run in self.runs if run.result])

    @property
    def images_per_second(self) -> Spread | None:
        known = [run.result.images_per_second for run in self.runs if run.result]
        return spread([rate for rate in known if rate is not None])


@dataclass(frozen=True)
class Comparison:
    """All variants, for equal epochs or for equal time."""

    title: str
    columns: list[Column]  # by the number of images
    cells: dict[tuple[str, int], Cell]  # by the variant's name and the column's index

    def cell(self, variant: str, column: int) -> Cell:
        return self.cells[variant, column]

    def seeds(self, column: int) -> int:
        return max((len(cell.runs) for (_, of), cell in self.cells.items() if of == column), default=0)

    def best(self, column: int) -> float | None:
        """The highest mean, where there is something to compare."""
        means = [cell.top1.mean for (_, of), cell in self.cells.items() if of == column and cell.top1]
        return max(means) if len(means) > 1 else None


def spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    mean = sum(values) / len(values)
    if len(values) == 1:
        return Spread(mean, None, 1)
    squares = sum((value - mean) ** 2 for value in values)
    return Spread(mean, math.sqrt(squares / (len(values) - 1)), len(values))


def _column(runs: Sequence[Training], images: int | None, length: str | None) -> Column:
    sizes = [
        run.images_per_class for run in runs if run.images == images and run.images_per_class is not None
    ]
    return Column(images, length, sum(sizes) / len(sizes) if sizes else float(images or 0))


def _compare(study: Trainings, title: str, runs: Sequence[Training]) -> Comparison | None:
    """`runs`: those of one kind of length, and the solved ones."""
    trained = [run for run in runs if run.length is not None]
    pairs = {(run.images, run.length) for run in trained or runs}
    columns = sorted(
        (_column(runs, images, length) for images, length in pairs),
        key=lambda one: (one.images is None, one.images or 0, one.length or ""),
    )
    cells = {}
    for variant in study.variants:
        for index, column in enumerate(columns):
            own = [
                run
                for run in runs
                if run.variant == variant.name
                and run.images == column.images
                and run.length in (column.length, None)
            ]
            cells[variant.name, index] = Cell(
                runs=[run for run in own if run.state == FINISHED],
                others=sum(run.state in ("diverged", "failed") for run in own),
            )
    return Comparison(title, columns, cells) if columns else None


def comparisons(study: Trainings) -> list[Comparison]:
    """At equal epochs and at equal time, as far as the study has them; solved layers stand in both."""
    solved = [run for run in study.runs if run.length is None]
    by_epochs = [run for run in study.runs if run.epochs is not None]
    by_time = [run for run in study.runs if run.minutes is not None]
    found = [
        _compare(study, title, [*runs, *solved])
        for title, runs in (("At equal epochs", by_epochs), ("At equal time", by_time))
        if runs
    ]
    if not found and solved:
        found = [_compare(study, "Solved", solved)]
    return [one for one in found if one is not None]
