"""Times of a detector's steps here and in torchvision, in one process, in turn, and the largest difference.

Each case runs torchvision, scatlight, torchvision, scatlight ...; the ratio is the median of the pairs'
ratios, so that a machine that slows down slows both. Both get their features in the memory format that they
are fastest in.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torchvision

BUILD = Path(__file__).resolve().parent.parent / "build"


@dataclass(frozen=True)
class Result:
    name: str
    torchvision_ms: float
    scatlight_ms: float
    ratio: float
    error: float  # the largest, as a share of the largest value


Run = Callable[[], torch.Tensor]


def random_boxes(count: int, width: float, height: float, most: float) -> torch.Tensor:
    """Boxes within a picture, with sides of 16 pixels to `most`."""
    generator = torch.Generator().manual_seed(0)
    sides = 16 + torch.rand(count, 2, generator=generator) * (most - 16)
    room = torch.tensor([width, height]) - sides
    corner = torch.rand(count, 2, generator=generator) * room
    return torch.cat([corner, corner + sides], 1)


def crowded_boxes(count: int, places: int, width: float, height: float) -> torch.Tensor:
    """Boxes around a few places, as of a trained network."""
    generator = torch.Generator().manual_seed(1)
    centres = random_boxes(places, width, height, 400)
    boxes = centres[torch.randint(places, (count,), generator=generator)]
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + 0.05 * sides * torch.randn(count, 4, generator=generator)


def nms_case(name: str, boxes: torch.Tensor, most: int) -> tuple[str, Run, Run]:
    scores = torch.arange(len(boxes), 0, -1.0)
    limit = float(torch.tensor(0.7))

    def theirs() -> torch.Tensor:
        return torchvision.ops.nms(boxes, scores, limit)[:most]

    def ours() -> torch.Tensor:
        return torch.ops.scatlight_boxes.nms(boxes, limit, most)

    return f"NMS, {len(boxes)} {name} boxes to {len(theirs())}", theirs, ours


def roi_align_cases() -> list[tuple[str, Run, Run]]:
    features = torch.randn(1, 1024, 50, 75, generator=torch.Generator().manual_seed(0))
    rois = torch.cat([torch.zeros(128, 1), random_boxes(128, 1200, 800, 600)], 1)
    weights = torch.randn(128, 1024, 7, 7, generator=torch.Generator().manual_seed(1))
    last = torch.channels_last
    their_leaf = features.clone().requires_grad_()
    our_leaf = features.clone().contiguous(memory_format=last).requires_grad_()
    our_weights = weights.contiguous(memory_format=last)

    def theirs(leaf: torch.Tensor) -> torch.Tensor:
        return torchvision.ops.roi_align(leaf, rois, 7, 1 / 16, 2, aligned=False)

    def ours(leaf: torch.Tensor) -> torch.Tensor:
        return torch.ops.scatlight.roi_align(leaf, rois, 1 / 16, 7, 2)

    their_pooled, our_pooled = theirs(their_leaf), ours(our_leaf)
    size = "128 RoIs, 1024 x 50 x 75"
    return [
        (f"RoI align, {size}, forward", lambda: theirs(their_leaf.detach()), lambda: ours(our_leaf.detach())),
        (
            f"RoI align, {size}, backward",
            lambda: torch.autograd.grad(their_pooled, their_leaf, weights, retain_graph=True)[0],
            lambda: torch.autograd.grad(our_pooled, our_leaf, our_weights, retain_graph=True)[0],
        ),
    ]


def seconds(run: Run) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def compare(name: str, theirs: Run, ours: Run, pairs: int) -> Result:
    expected, actual = theirs().double(), ours().double()
    if expected.shape != actual.shape:
        raise SystemExit(
            f"{name}: torchvision gives {tuple(expected.shape)}, scatlight {tuple(actual.shape)}"
        )
    error = (actual - expected).abs().max() / expected.abs().max()
    times = [(seconds(theirs), seconds(ours)) for _ in range(pairs)]
    their_time, our_time = (statistics.median(column) for column in zip(*times, strict=True))
    return Result(
        name=name,
        torchvision_ms=1e3 * their_time,
        scatlight_ms=1e3 * our_time,
        ratio=statistics.median(a / b for a, b in times),
        error=float(error),
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1, help="of both (default 1)")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each case (default 5)")
    parser.add_argument("--build", type=Path, default=BUILD, metavar="DIR", help="build folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    arguments = parser.parse_args()
    torch.ops.load_library(str(arguments.build / "tests" / "box_operators.so"))
    torch.set_num_threads(arguments.threads)
    cases = [
        *roi_align_cases(),
        nms_case("random", random_boxes(12000, 1200, 800, 600), 2000),
        nms_case("crowded", crowded_boxes(12000, 60, 1200, 800), 2000),
    ]
    results = []
    print(f"{'torchvision ms':>14} {'scatlight ms':>13} {'ratio':>6} {'error':>9}   case")
    for case in cases:
        result = compare(*case, arguments.pairs)
        results.append(result)
        print(
            f"{result.torchvision_ms:14.1f} {result.scatlight_ms:13.2f} {result.ratio:6.1f}"
            f" {result.error:9.1e}   {result.name}",
            flush=True,
        )
    if arguments.out:
        program = arguments.build / "bin" / "scatlight"
        info = subprocess.run([program, "info", "--json"], capture_output=True, check=True, text=True)
        facts = {"threads_used": arguments.threads, "torchvision": torchvision.__version__}
        text = json.dumps(
            {"machine": facts | json.loads(info.stdout), "results": [asdict(result) for result in results]},
            indent=1,
        )
        arguments.out.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
