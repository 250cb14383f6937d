"""Times of scatlight and kymatio in one process, in turn, and the largest difference of their numbers.

Each case runs kymatio, scatlight, kymatio, scatlight ...; the ratio is the median of the pairs' ratios, so
that a machine that slows down slows both.

Plans are timed apart, from the constructor until the first image can be transformed: kymatio's, which makes
its filters anew for each object; scatlight's first of its options, with nothing kept from before; and a later
one of the same options, for which scatlight keeps the plan. kymatio's takes minutes for the largest images:
--only chooses.
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

import kymatio.torch
import numpy as np
import scatlight._options
import scatlight._torch_operators
import scatlight.torch
import torch
from scatlight import __version__

PROGRAM = Path(__file__).resolve().parent.parent / "build" / "bin" / "scatlight"


@dataclass(frozen=True)
class Case:
    images: int
    channels: int
    height: int
    width: int
    scales: int = 3
    angles: int = 8
    order: int = 1
    backward: bool = False

    @property
    def name(self) -> str:
        what = "forward + backward" if self.backward else "forward"
        size = f"{self.images} x {self.channels} x {self.height} x {self.width}"
        return f"{size}, J={self.scales}, L={self.angles}, order {self.order}, {what}"


CASES = [
    Case(8, 3, 224, 224),
    Case(1, 3, 224, 224),
    Case(2, 3, 224, 224, backward=True),
    Case(2, 3, 224, 224, order=2),
    Case(1, 3, 224, 224, order=2, backward=True),
    Case(4, 3, 224, 224, scales=2),
    Case(4, 3, 224, 224, scales=4),
    Case(4, 3, 224, 224, angles=6),
    Case(128, 3, 32, 32, scales=2),
    Case(128, 3, 32, 32, scales=2, order=2),
    Case(16, 3, 96, 128),
    Case(4, 3, 331, 331),
    Case(1, 3, 480, 640),
    Case(1, 3, 600, 901),
    Case(1, 3, 800, 1200),
]

CASES_OF_A_GPU = [
    Case(128, 3, 224, 224),
    Case(64, 3, 224, 224, backward=True),
    Case(32, 3, 224, 224, order=2),
    Case(512, 3, 32, 32, scales=2),
    Case(512, 3, 32, 32, scales=2, order=2),
    Case(64, 3, 320, 320),
    Case(8, 3, 800, 1200),
]


@dataclass(frozen=True)
class Result:
    name: str
    kymatio_ms: float  # of an image
    scatlight_ms: float
    ratio: float
    error: float  # the largest, as a share of the largest value
    kymatio_plan_ms: float
    scatlight_plan_ms: float  # the first, nothing kept
    scatlight_plan_again_ms: float  # a later one of the same options


def seconds(run: Callable[[], torch.Tensor]) -> float:
    started = time.perf_counter()
    result = run()
    if result.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started


def prepare(module: object, case: Case, images: torch.Tensor) -> tuple[torch.nn.Module, float]:
    """The transform, and the milliseconds until it is ready."""
    started = time.perf_counter()
    scattering = module.Scattering2D(case.scales, (case.height, case.width), case.angles, case.order)
    scattering.to(images.device)
    if images.is_cuda:  # on a GPU the first call makes scatlight's plan
        scattering(images[:1, :1])
        torch.cuda.synchronize()
    elif module is scatlight.torch:  # makes the filters, which the first call would do
        nothing = np.empty(0, np.float32)
        scattering._plan().forward(nothing, nothing)
    return scattering, 1e3 * (time.perf_counter() - started)


def forget_plans() -> None:
    scatlight._options.make_plan.cache_clear()
    scatlight._torch_operators._make_cuda_plan.cache_clear()


def runner(scattering: torch.nn.Module, case: Case, images: torch.Tensor) -> Callable[[], torch.Tensor]:
    def forward() -> torch.Tensor:
        with torch.no_grad():
            return scattering(images)

    def forward_and_backward() -> torch.Tensor:
        leaf = images.clone().requires_grad_()
        scattering(leaf).square().sum().backward()
        return leaf.grad

    return forward_and_backward if case.backward else forward


def compare(case: Case, pairs: int, device: str) -> Result:
    images = torch.rand(
        case.images, case.channels, case.height, case.width, generator=torch.Generator().manual_seed(0)
    ).to(device)
    their_module, their_plan = prepare(kymatio.torch, case, images)
    forget_plans()
    our_module, our_plan = prepare(scatlight.torch, case, images)
    _, our_plan_again = prepare(scatlight.torch, case, images)
    theirs, ours = runner(their_module, case, images), runner(our_module, case, images)
    expected = theirs()
    error = (ours() - expected).abs().max() / expected.abs().max()
    if images.is_cuda:
        torch.cuda.synchronize()
    times = [(seconds(theirs), seconds(ours)) for _ in range(pairs)]
    their_time, our_time = (statistics.median(column) for column in zip(*times, strict=True))
    return Result(
        name=case.name,
        kymatio_ms=1e3 * their_time / case.images,
        scatlight_ms=1e3 * our_time / case.images,
        ratio=statistics.median(a / b for a, b in times),
        error=float(error),
        kymatio_plan_ms=their_plan,
        scatlight_plan_ms=our_plan,
        scatlight_plan_again_ms=our_plan_again,
    )


def machine_facts(device: str) -> dict[str, object]:
    if device == "cuda":
        return {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
    info = subprocess.run([PROGRAM, "info", "--json"], capture_output=True, check=True, text=True)
    return json.loads(info.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1, help="of both (default 1)")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each case (default 5)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of both (default cpu)")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name has this text")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = []
    print(
        f"{'kymatio ms':>11} {'scatlight ms':>13} {'ratio':>6} {'error':>9}"
        "  plans, ms: kymatio, first, again   case"
    )
    for case in CASES_OF_A_GPU if arguments.device == "cuda" else CASES:
        if arguments.only not in case.name:
            continue
        result = compare(case, arguments.pairs, arguments.device)
        results.append(result)
        print(
            f"{result.kymatio_ms:11.2f} {result.scatlight_ms:13.3f} {result.ratio:6.1f} {result.error:9.1e}"
            f"  {result.kymatio_plan_ms:10.0f} {result.scatlight_plan_ms:11.1f}"
            f" {result.scatlight_plan_again_ms:10.2f}   {result.name}",
            flush=True,
        )
    if not results:
        parser.error(f"no case has '{arguments.only}' in its name")
    print(f"geometric mean of the ratios {statistics.geometric_mean(r.ratio for r in results):.1f}")
    if arguments.out:
        facts = {"threads_used": arguments.threads, "scatlight": __version__} | machine_facts(
            arguments.device
        )
        text = json.dumps({"machine": facts, "results": [asdict(result) for result in results]}, indent=1)
        arguments.out.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
