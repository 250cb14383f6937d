"""Speed and memory of networks beside the paper's table 2."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scatlight.report import words
from scatlight.report.bench import Bench, Measured
from scatlight.report.figures import Bar, bar_plot, stacked_bar_plot
from scatlight.report.load import Run
from scatlight.report.section import Figure, Section

BUSY_LOAD = 0.5


@dataclass(frozen=True)
class Published:
    """A row of the paper's table 2, of one GTX 1080 Ti with 11 GB."""

    seconds: float  # of a batch, from the encoding
    batch: int
    largest_batch: int


PAPER_MEMORY = 11_000_000_000
PAPER_SIZE = {False: 224, True: 800}  # by whether they are bases of detectors
PAPER = {
    False: {
        "scatresnet50": Published(0.072, 64, 175),
        "resnet50": Published(0.095, 64, 120),
        "resnet101": Published(0.158, 64, 70),
    },
    True: {
        "scatresnet50": Published(0.073, 4, 9),
        "resnet50": Published(0.104, 4, 7),
        "resnet101": Published(0.182, 4, 2),
    },
}


@dataclass(frozen=True)
class Row:
    network: Measured
    paper: Published | None


@dataclass(frozen=True)
class Share:
    """Of the first network's numbers in those of another one."""

    name: str
    from_maps: float
    from_images: float
    training: float
    kept: float
    batch: float
    paper_from_maps: float | None
    paper_batch: float | None


def _rows(bench: Bench) -> list[Row]:
    published = PAPER[bench.features] if bench.size == PAPER_SIZE[bench.features] else {}
    return [Row(network, published.get(network.name)) for network in bench.networks]


def _share(first: Row, other: Row) -> Share:
    ours, theirs = first.network, other.network
    published = (first.paper, other.paper) if first.paper and other.paper else None
    return Share(
        name=theirs.name,
        from_maps=ours.folded.from_maps.median / theirs.folded.from_maps.median,
        from_images=ours.folded.from_images.median / theirs.folded.from_images.median,
        training=ours.training.from_images.median / theirs.training.from_images.median,
        kept=ours.kept_bytes / theirs.kept_bytes,
        batch=ours.largest_batch / theirs.largest_batch,
        paper_from_maps=published[0].seconds / published[1].seconds if published else None,
        paper_batch=published[0].largest_batch / published[1].largest_batch if published else None,
    )


def _inference_figure(bench: Bench) -> Figure:
    names = [network.name for network in bench.networks]
    unit = 1e3 / bench.batch  # milliseconds of an image
    parts = [
        (
            "transform",
            [unit * (n.folded.transform.median if n.folded.transform else 0) for n in bench.networks],
        ),
        ("network", [unit * n.folded.from_maps.median for n in bench.networks]),
    ]
    svg = stacked_bar_plot(names, parts, "ms per image", "time of inference", first_color=0)
    return Figure(svg, "Inference, batch norms folded: the transform, and the network from its maps.")


def _batch_figure(bench: Bench, rows: Sequence[Row]) -> Figure:
    bars = []
    for row in rows:
        bars.append(Bar(row.network.name, row.network.largest_batch, 0))
        if row.paper and bench.memory_bytes == PAPER_MEMORY:
            bars.append(Bar("in the paper", row.paper.largest_batch, 7))
    svg = bar_plot(bars, lambda value: f"{value:.0f} images", "largest batch")
    return Figure(
        svg, f"The largest batch that can be trained in {words.digits(bench.memory_bytes / 1e9)} GB."
    )


def _memory_figure(bench: Bench) -> Figure:
    bars = [Bar(network.name, network.kept_bytes / 1e6, 2) for network in bench.networks]
    svg = bar_plot(bars, lambda value: f"{value:.1f} MB", "activations kept")
    return Figure(svg, "What training keeps of an image for the backward pass.")


def _content(bench: Bench) -> dict[str, Any]:
    rows = _rows(bench)
    return {
        "bench": bench,
        "rows": rows,
        "with_paper": any(row.paper for row in rows),
        "shares": [_share(rows[0], row) for row in rows[1:]],
        "is_busy": bench.load > BUSY_LOAD,
        "figures": [_inference_figure(bench), _batch_figure(bench, rows), _memory_figure(bench)],
    }


def table_2(runs: Sequence[Run]) -> Section | None:
    """One measurement after the other."""
    measured = [run for run in runs if run.bench and run.bench.networks]
    shown = [(run.name if len(measured) > 1 else None, _content(run.bench)) for run in measured if run.bench]
    return (
        Section("bench", "Speed and memory of networks", "bench.html.j2", {"measured": shown})
        if shown
        else None
    )
