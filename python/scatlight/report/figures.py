"""Plots as SVG that takes its colours from the page, so that one picture serves light and dark pages.

Matplotlib draws with stand-in colours, which become CSS variables in the SVG's text.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, NullLocator

INK = "#010101"
FAINT = "#020202"
GRID = "#030303"
ACCENT = "#040404"
PAPER = "#050505"
SERIES = [f"#0607{index:02x}" for index in range(8)]

VARIABLES = {INK: "--ink", FAINT: "--faint", GRID: "--grid", ACCENT: "--accent", PAPER: "--paper"} | {
    color: f"--series-{index}" for index, color in enumerate(SERIES)
}
WIDTH = 4.4  # inches: about a phone's page at its own scale, so that text is readable there
SMALL = (2.8, 2.1)  # inches, of many plots side by side
LARGEST_LABELLED = 40  # classes with their names beside the matrix
LARGEST_NUMBERED = 16  # classes with numbers in the matrix

_numbers = count()  # of the pictures of a page: the ids inside must differ


@dataclass(frozen=True)
class Series:
    """One line of a plot, with points on it or alone."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    color: int
    points: bool = False
    dashed: bool = False
    thin: bool = False  # one of very many
    steps: bool = False  # each value holds until the next
    spread: Sequence[float] = ()  # of each y, up and down: drawn as bars


@dataclass(frozen=True)
class Panel:
    """A small plot below another, with the same x."""

    series: Sequence[Series]
    y_label: str
    log: bool = False


@dataclass(frozen=True)
class Bar:
    name: str
    value: float
    color: int


def _plain(name: str) -> str:
    """A name of a file or folder, in which a dollar sign is no formula."""
    return name.replace("$", r"\$")


def series_color(index: int) -> str:
    return SERIES[index % len(SERIES)]


def _to_svg(figure: Figure, label: str) -> Markup:
    """The <svg> element, as wide as its place on the page."""
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"scatlight{next(_numbers)}"}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, f"var({variable})")
    head, body = svg.split(">", 1)
    view = head[head.index("viewBox") :].split('"')[1]
    return Markup(
        f'<svg viewBox="{view}" role="img" aria-label="{escape(label)}" xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{body}'
    )


def _new_axes(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, _style(figure.add_subplot())


def _new_axes_with_panel(height: float) -> tuple[Figure, Axes, Axes]:
    """The second below the first, a quarter as high, with the same x."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes, panel = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    return figure, _style(axes), _style(panel)


def _style(axes: Axes) -> Axes:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GRID)
    axes.tick_params(which="both", colors=FAINT, labelcolor=FAINT, labelsize=8.5)
    axes.tick_params(length=3)
    axes.xaxis.label.set(color=FAINT, size=9)
    axes.yaxis.label.set(color=FAINT, size=9)
    return axes


def _draw_lines(axes: Axes, series: Sequence[Series]) -> None:
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for line in series:
        axes.plot(
            line.x,
            line.y,
            color=series_color(line.color),
            linewidth=0.7 if line.thin else 1.4 if line.dashed else 2,
            alpha=0.7 if line.thin else 1,
            linestyle="--" if line.dashed else "-",
            marker="o" if line.points else None,
            markersize=4,
            drawstyle="steps-post" if line.steps else "default",
            label=_plain(line.name) or "_",
        )
        if line.spread:
            color = series_color(line.color)
            axes.errorbar(line.x, line.y, line.spread, fmt="none", ecolor=color, elinewidth=1.2, capsize=2.5)


def _scale(axes: Axes, log: str, whole_x: bool) -> None:
    if "y" in log:
        axes.set_yscale("log")
    if "x" in log:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    elif whole_x:
        axes.xaxis.set_major_locator(MultipleLocator(1))
    else:
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _mark(axes: Axes, height: float, name: str) -> None:
    axes.axhline(height, color=FAINT, linewidth=1, linestyle=":")
    axes.annotate(
        _plain(name), (1, height), xycoords=("axes fraction", "data"), xytext=(-2, 3),
        textcoords="offset points", ha="right", size=8, color=FAINT,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 1},
    )  # fmt: skip


def _add_legend(axes: Axes) -> None:
    legend = axes.legend(frameon=False, fontsize=8.5, labelcolor=INK, loc="best")
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            handle.set(linewidth=max(1.4, handle.get_linewidth()), alpha=1)


def line_plot(
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    label: str,
    *,
    log: str = "",
    whole_x: bool = False,
    marks: Sequence[tuple[float, str]] = (),
    events: Sequence[float] = (),
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    x_ticks: Sequence[tuple[float, str]] = (),
    panel: Panel | None = None,
    small: bool = False,
) -> Markup:
    """Series without a name are left out of the legend. `log` holds the letters of the axes that are
    logarithmic, x by powers of 2; `whole_x` puts a tick at each whole number; `marks`: heights and names of
    dotted lines across the plot; `events`: places of dotted lines down it; `x_ticks`: places and names of the
    ticks of x; `panel`: a small plot below; `small`: one of many plots.
    """
    width, height = SMALL if small else (WIDTH, 3.0)
    figure, axes, below = _new_axes_with_panel(3.8) if panel else (*_new_axes(height, width), None)
    _draw_lines(axes, series)
    axes.set_ylabel(y_label)
    if panel and below:
        _draw_lines(below, panel.series)
        below.set_ylabel(panel.y_label)
        _scale(below, "y" if panel.log else "", whole_x)
    (below or axes).set_xlabel(x_label)
    for drawn in figure.axes:
        for place in events:
            drawn.axvline(place, color=FAINT, linewidth=1, linestyle=":")
    for height, name in marks:
        _mark(axes, height, name)
    _scale(axes, log, whole_x)
    if x_range:
        axes.set_xlim(x_range)
    if y_range:
        axes.set_ylim(y_range)
    if x_ticks:
        axes.set_xticks([place for place, _ in x_ticks], [_plain(name) for _, name in x_ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    if any(line.name for line in series):
        _add_legend(axes)
    return _to_svg(figure, label)


def stacked_plot(
    columns: Sequence[str], parts: Sequence[tuple[str, Sequence[float]]], y_label: str, label: str
) -> Markup:
    """A column of shares for each of `columns`, its parts one on the other, up to a line at 1."""
    figure, axes = _new_axes(3.0)
    axes.axhline(1, color=FAINT, linewidth=1)
    base = np.zeros(len(columns))
    for index, (name, values) in enumerate(parts):
        axes.bar(range(len(columns)), values, 0.66, base, color=series_color(index), label=name)
        base += values
    axes.set_xticks(range(len(columns)), columns)
    axes.set_ylim(0, max(1.0, float(base.max(initial=0))) * 1.02)
    axes.set_ylabel(y_label)
    figure.legend(frameon=False, fontsize=8.5, labelcolor=INK, loc="outside upper right", ncols=len(parts))
    return _to_svg(figure, label)


def dot_plot(
    rows: Sequence[str], series: Sequence[tuple[str, int, Sequence[float | None]]], x_label: str, label: str
) -> Markup:
    """A row of dots for each of `rows`, one of each series (name, colour, a value for each row)."""
    figure, axes = _new_axes(1.0 + 0.2 * len(rows))
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for place in range(len(rows)):
        values = [value for _, _, line in series if (value := line[place]) is not None]
        if values:
            axes.plot([min(values), max(values)], [place, place], color=GRID, linewidth=1.6)
    for name, color, line in series:
        known = [(value, place) for place, value in enumerate(line) if value is not None]
        axes.plot(
            [value for value, _ in known],
            [place for _, place in known],
            "o",
            color=series_color(color),
            markersize=5,
            label=_plain(name),
        )
    axes.set_yticks(range(len(rows)), [_plain(row) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_xlabel(x_label)
    figure.legend(frameon=False, fontsize=8.5, labelcolor=INK, loc="outside upper right", ncols=2)
    return _to_svg(figure, label)


def stacked_bar_plot(
    rows: Sequence[str],
    parts: Sequence[tuple[str, Sequence[float]]],
    x_label: str,
    label: str,
    *,
    first_color: int,
) -> Markup:
    """A horizontal bar for each of `rows`, its parts one after the other."""
    figure, axes = _new_axes(1.1 + 0.34 * len(rows))
    start = np.zeros(len(rows))
    for index, (name, values) in enumerate(parts, start=first_color):
        axes.barh(range(len(rows)), values, 0.62, start, color=series_color(index), label=name)
        start += values
    axes.set_yticks(range(len(rows)), [_plain(row) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(x_label)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    figure.legend(frameon=False, fontsize=8.5, labelcolor=INK, loc="outside upper center", ncols=len(parts),
                  handlelength=1, columnspacing=1)  # fmt: skip
    return _to_svg(figure, label)


def histogram(
    values: Sequence[float], x_label: str, y_label: str, label: str, *, marks: Sequence[float] = ()
) -> Markup:
    """Of positive values, four bins for each doubling; `marks`: dotted lines down the plot."""
    figure, axes = _new_axes(2.6)
    steps = np.round(4 * np.log2(np.asarray(values, dtype=float)))
    places, counts = np.unique(steps, return_counts=True)
    edges = 2 ** ((places - 0.5) / 4)
    axes.bar(edges, counts, edges * (2**0.25 - 1), align="edge", color=series_color(0))
    for mark in marks:
        axes.axvline(mark, color=INK, linewidth=1.2, linestyle=":")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return _to_svg(figure, label)


def heat_map(counts: Sequence[Sequence[int]], label: str) -> Markup:
    """Counts over a picture: rows from its top, columns from its left."""
    cells = np.asarray(counts, dtype=float)
    figure, axes = _new_axes(2.6)
    for row, column in zip(*np.nonzero(cells), strict=True):
        share = float(cells[row, column] / cells.max())
        axes.add_patch(_cell(int(row), int(column), share, series_color(0)))
    rows, columns = cells.shape
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xticks([-0.5, columns / 2 - 0.5, columns - 0.5], ["left", "middle", "right"])
    axes.set_yticks([-0.5, rows / 2 - 0.5, rows - 0.5], ["top", "middle", "bottom"])
    for spine in axes.spines.values():
        spine.set(visible=True, color=GRID)
    return _to_svg(figure, label)


def bar_plot(bars: Sequence[Bar], text: Callable[[float], str], label: str) -> Markup:
    """Horizontal bars with their values written at their ends."""
    figure, axes = _new_axes(0.5 + 0.34 * len(bars))
    for place, bar in enumerate(bars):
        axes.barh(place, bar.value, color=series_color(bar.color), height=0.62)
        end = (bar.value, place)
        axes.annotate(
            text(bar.value), end, xytext=(4, 0), textcoords="offset points", va="center", size=8.5, color=INK
        )
    axes.set_yticks(range(len(bars)), [_plain(bar.name) for bar in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.4 * max([bar.value for bar in bars] + [1e-9]))
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    return _to_svg(figure, label)


def confusion_plot(
    confusion: Sequence[Sequence[int]], classes: Sequence[str], color: int, label: str
) -> Markup:
    """Rows are true classes, columns predicted ones; a cell's strength is its share of its row."""
    counts = np.asarray(confusion, dtype=float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _new_axes(WIDTH)
    side = len(classes)
    # Cells are drawn as shapes, not as an image, so that they take the page's colours.
    for row, column in zip(*np.nonzero(counts), strict=True):
        axes.add_patch(_cell(int(row), int(column), float(share[row, column]), series_color(color)))
        if side <= LARGEST_NUMBERED:
            text_color = PAPER if share[row, column] > 0.55 else INK
            axes.text(
                column,
                row,
                f"{int(counts[row, column])}",
                ha="center",
                va="center",
                size=8.5,
                color=text_color,
            )
    axes.set_xlim(-0.5, side - 0.5)
    axes.set_ylim(side - 0.5, -0.5)
    axes.set_aspect("equal")
    if side <= LARGEST_LABELLED:
        size = 8.5 if side <= LARGEST_NUMBERED else 6
        names = [_plain(name) for name in classes]
        axes.set_xticks(range(side), names, rotation=90, size=size)
        axes.set_yticks(range(side), names, size=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for spine in axes.spines.values():
        spine.set(visible=True, color=GRID)
    return _to_svg(figure, label)


def _cell(row: int, column: int, share: float, color: str) -> mpl.patches.Rectangle:
    # The square root keeps single mistakes visible.
    return mpl.patches.Rectangle(
        (column - 0.5, row - 0.5), 1, 1, facecolor=color, alpha=math.sqrt(share), linewidth=0
    )


def smooth(values: Sequence[float], window: int) -> list[float]:
    """The mean of the last `window` values at each place; fewer at the start."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return [float(mean) for mean in (sums[ends] - sums[starts]) / (ends - starts)]
