"""What the transform keeps and loses: a section for each part of section 2 of the paper."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scatlight.report.figures import Series, line_plot, stacked_plot
from scatlight.report.images import Picture, drawing
from scatlight.report.load import Run
from scatlight.report.section import Figure, MakeSection, Section
from scatlight.report.study import Blob, Bounds, FoundBlob, ImageEnergy, Shift, Signal, Study

FLOAT64_DIGITS = 16
FIRST_SIGNALS = 2  # of proposition 1, made by the study itself: the worst signal and the Dirac; then images


@dataclass(frozen=True)
class Drawing:
    picture: Picture
    caption: str
    small_text: bool = True  # then it does not shrink with the page but scrolls


Part = Callable[[Study, Path], dict[str, Any] | None]


def _drawing(folder: Path, name: str, caption: str, small_text: bool = True) -> Drawing:
    return Drawing(drawing(folder / name), caption, small_text)


def _section(name: str, title: str, part: Part) -> MakeSection:
    """The section of a part, one study after the other."""

    def make(runs: Sequence[Run]) -> Section | None:
        studies = [run for run in runs if run.study]
        shown = []
        for run in studies:
            content = part(run.study, run.folder) if run.study else None
            if content is not None:
                shown.append((run.name if len(studies) > 1 else None, content))
        return Section(name, title, f"study_{name}.html.j2", {"studies": shown}) if shown else None

    return make


# ---- frame bounds and filters ----


def _frame(study: Study, folder: Path) -> dict[str, Any]:
    frame = study.frame
    rows: list[tuple[str, float, Bounds]] = [
        ("these filters", 1.0, frame.bounds),
        ("their wavelets times the best gain", frame.gain, frame.at_gain),
        ("these filters, one-sided sum as printed", 1.0, frame.printed),
    ]
    rows += [
        (
            f"found: sigma {found.sigma:.3f}, centre {found.center_frequency:.3f}, slant {found.slant:.3f}",
            found.gain,
            found.bounds,
        )
        for found in study.search
    ]
    curve = frame.curve
    lines = [
        Series("highest", curve.radius, curve.highest, 1),
        Series("mean", curve.radius, curve.mean, 7),
        Series("lowest", curve.radius, curve.lowest, 0),
    ]
    radial = line_plot(
        lines, "|ω|, radians per pixel", "sum", "Littlewood-Paley sum by radius", marks=[(1, "")]
    )
    figures = [Figure(radial, "The sum on circles around zero. At 1 all energy would be kept.")]
    if frame.by_scales:
        scales = [row[0] for row in frame.by_scales]
        lines = [
            Series("upper", scales, [bounds.upper for _, bounds in frame.by_scales], 1, points=True),
            Series("lower", scales, [bounds.lower for _, bounds in frame.by_scales], 0, points=True),
        ]
        svg = line_plot(lines, "J", "frame bounds", "frame bounds against J", whole_x=True, marks=[(1, "")])
        figures.append(Figure(svg, "Frame bounds against J."))
    drawings = [_drawing(folder, "frame.png", "The Littlewood-Paley sum of these filters.")]
    if study.search:
        drawings.append(_drawing(folder, "frame_found.png", "The same with the parameters that were found."))
    return {
        "settings": f"J = {study.filters.scales}; {study.filters.describe()}; images of {study.size} x"
        f" {study.size} pixels",
        "rows": rows,
        "bounds": frame.bounds,
        "printed": frame.printed,
        "found": min((found.bounds.epsilon for found in study.search), default=None),
        "figures": figures,
        "drawings": drawings,
    }


def _filters(_: Study, folder: Path) -> dict[str, Any]:
    drawings = [
        _drawing(folder, "filters_space.png", "In space: the real part of each wavelet, and the low-pass φ."),
        _drawing(folder, "filters_frequency.png", "In frequency: the modulus of each filter's spectrum."),
    ]
    return {"drawings": drawings}


# ---- propositions 1 and 2 ----


def _tightest(signal: Signal) -> Shift:
    return max(signal.table, key=lambda row: row.ratio)


def _ratio_figure(signal: Signal, caption: str, least: float) -> Figure:
    lines = []
    for scale in sorted({row.scale for row in signal.table}):
        rows = [row for row in signal.table if row.scale == scale]
        shifts = [row.shift for row in rows]
        lines.append(Series(f"j = {scale}", shifts, [row.ratio for row in rows], scale, points=True))
    label = f"proposition 1, {signal.name}"
    svg = line_plot(
        lines, "|a|, pixels", "left / right", label, log="xy", marks=[(1, "the bound")], y_range=(least, 1.6)
    )
    return Figure(svg, caption)


def _translation(study: Study, _: Path) -> dict[str, Any] | None:
    signals = [signal for signal in study.signals if signal.table]
    if not signals:
        return None
    ratios = [row.ratio for signal in signals[:FIRST_SIGNALS] for row in signal.table if row.ratio > 0]
    least = 0.7 * min(ratios, default=0.1)
    return {
        "figures": [
            _ratio_figure(signal, f"{signal.name.capitalize()}: the share of the bound that it takes.", least)
            for signal in signals[:FIRST_SIGNALS]
        ],
        "rows": [(signal.name, _tightest(signal)) for signal in signals],
        "largest": max(_tightest(signal).ratio for signal in signals),
        "orders": study.dirac_orders,
    }


def _blob_name(blob: Blob | FoundBlob) -> str:
    turned = f" at {math.degrees(blob.direction):.3g}°" if blob.length != blob.thickness else ""
    return f"{blob.length:.3g} x {blob.thickness:.3g}{turned}"


def _found_blobs(study: Study, folder: Path) -> dict[str, Any] | None:
    """The paper's figure 2: a row for each blob, a column for each J."""
    if not study.found_blobs:
        return None
    scales = sorted({row.scales for row in study.found_blobs})
    of = {(_blob_name(row), row.scales): row for row in study.found_blobs}
    names = dict.fromkeys(name for name, _ in of)
    rows_below = " and ".join(f"J = {value}" for value in scales)
    caption = f"The middle of each blob, and below what its scattering gives back at {rows_below}."
    return {
        "scales": scales,
        "rows": [(name, [of.get((name, value)) for value in scales]) for name in names],
        "drawings": [_drawing(folder, "blobs_reconstructed.png", caption, small_text=False)],
    }


def _blobs(study: Study, folder: Path) -> dict[str, Any] | None:
    if not study.blobs:
        return None
    scales = sorted({scale.scale for blob in study.blobs for scale in blob.scales})
    rows = [
        {
            "name": _blob_name(blob),
            "order0": blob.order0_error,
            "errors": [
                next((entry.error for entry in blob.scales if entry.scale == scale), None) for scale in scales
            ],
            "unsampled": max((entry.error_unsampled for entry in blob.scales), default=0.0),
            "constants": (
                min((entry.smallest_constant for entry in blob.scales), default=0.0),
                max((entry.largest_constant for entry in blob.scales), default=0.0),
            ),
            "residual": max((entry.residual for entry in blob.scales), default=0.0),
        }
        for blob in study.blobs
    ]
    caption = "The blobs, in the order of the table."
    return {
        "scales": scales,
        "rows": rows,
        "worst_residual": max((entry.residual for blob in study.blobs for entry in blob.scales), default=0.0),
        "drawings": [_drawing(folder, "blobs.png", caption, small_text=False)],
        "found": _found_blobs(study, folder),
    }


# ---- against J ----


def _conditioning(study: Study, _: Path) -> dict[str, Any] | None:
    rows = study.conditioning
    if not rows:
        return None
    known = [row for row in rows if row.log10_condition is not None and row.log10_condition > 0]
    condition = Series(
        "", [row.scales for row in known], [row.log10_condition or 0 for row in known], 0, True
    )
    scales = [row.scales for row in rows]
    shares = [
        Series("coefficients per pixel", scales, [row.coefficients for row in rows], 1, points=True),
        Series("share of dimensions seen", scales, [row.seen for row in rows], 0, points=True),
    ]
    figures = [
        Figure(
            line_plot(
                [condition], "J", "log₁₀ of the condition number", "conditioning against J",
                log="y", whole_x=True, marks=[(FLOAT64_DIGITS, "float64 has 16 digits")],
            ),
            "Decimal digits that the inversion loses, before any sample is dropped.",
        ),
        Figure(
            line_plot(
                shares, "J", "share", "dimensions seen against J", log="y", whole_x=True, marks=[(1, "")],
            ),
            "After the subsampling by 2 to the power of J in both directions.",
        ),
    ]  # fmt: skip
    return {"figures": figures, "rows": rows}


def _mean_shares(rows: Sequence[ImageEnergy], order: int) -> list[float]:
    means = []
    for scales in sorted({row.scales for row in rows}):
        shares = [row.of_variance.orders[order] for row in rows if row.scales == scales and row.of_variance]
        means.append(sum(shares) / len(shares))
    return means


def _energy(study: Study, _: Path) -> dict[str, Any] | None:
    if not study.energy:
        return None
    varied = [row for row in study.energy if row.of_variance]
    figures = []
    if varied:
        columns = [f"J = {scales}" for scales in sorted({row.scales for row in varied})]
        parts = [(f"order {order}", _mean_shares(varied, order)) for order in range(3)]
        count = len({row.image for row in varied})
        svg = stacked_plot(columns, parts, "share of the variance", "energy by order against J")
        images = "one image" if count == 1 else f"the mean of {count} images"
        figures = [Figure(svg, f"Share of the variance that each order keeps, {images}.")]
    own = [row for row in varied if row.scales == study.filters.scales]
    shares = [_mean_shares(own, order)[0] for order in range(3)] if own else None
    return {"figures": figures, "rows": study.energy, "scales": study.filters.scales, "shares": shares}


def _compression(study: Study, _: Path) -> dict[str, Any] | None:
    if not study.sizes:
        return None
    angles = sorted({size.angles for size in study.sizes})
    of = {(size.scales, size.angles): size for size in study.sizes}
    rows = [
        (scales, [of.get((scales, count)) for count in angles])
        for scales in sorted({size.scales for size in study.sizes})
    ]
    own = of.get((study.filters.scales, study.filters.angles))
    return {"angles": angles, "rows": rows, "own": own}


STUDY_SECTIONS: list[MakeSection] = [
    _section("frame", "Frame bounds", _frame),
    _section("filters", "The filters", _filters),
    _section("translation", "Shifts: proposition 1", _translation),
    _section("blobs", "Blobs: proposition 2", _blobs),
    _section("conditioning", "Conditioning", _conditioning),
    _section("energy", "Energy kept", _energy),
    _section("compression", "Compression", _compression),
]
