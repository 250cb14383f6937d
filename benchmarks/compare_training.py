"""Speed of a training here, from files, against the steps of plain PyTorch alone.

Ours is `scatlight train` on drawn JPEG files: reading, decoding, augmentation, transform and steps. PyTorch's
are steps of the same network in eager mode on maps that are there: forward, loss, backward, its fused SGD,
with contiguous and with channels-last memory. All run in turn on as many cores as they have threads, and a
ratio is the median of the rounds' ratios, so that a machine that slows down slows all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from plain_networks import make_network

BUSY_LOAD = 0.5
BUILD = Path(__file__).resolve().parent.parent / "build"
CLASSES = 2
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Case:
    network: str
    size: int
    batch: int
    images: int  # of a round


CASES = (Case("scatresnet50", 224, 16, 64), Case("scatresnet-small", 128, 32, 640))


@dataclass(frozen=True)
class Result:
    """Images per second, medians."""

    case: Case
    threads: int
    scatlight: float
    contiguous: float
    channels_last: float
    ratio: float  # of ours to the faster of PyTorch's


class PlainTraining:
    """PyTorch's, with one memory layout."""

    def __init__(self, case: Case, layout: torch.memory_format) -> None:
        self._case = case
        self._network = make_network(case.network, CLASSES).to(memory_format=layout).train()
        parameters = self._network.parameters()
        self._sgd = torch.optim.SGD(parameters, 1e-4, momentum=0.9, weight_decay=1e-4, fused=True)
        side = case.size // 8
        self._maps = torch.rand(case.batch, 75, side, side).contiguous(memory_format=layout)
        self._labels = torch.arange(case.batch) % CLASSES

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self._network.parameters())

    def step(self) -> None:
        torch.nn.functional.cross_entropy(self._network(self._maps), self._labels).backward()
        self._sgd.step()
        self._sgd.zero_grad()

    def images_per_second(self) -> float:
        steps = self._case.images // self._case.batch
        started = time.perf_counter()
        for _ in range(steps):
            self.step()
        return steps * self._case.batch / (time.perf_counter() - started)


class OurTraining:
    """scatlight's, on files that it draws into a folder."""

    def __init__(self, case: Case, program: Path, folder: Path) -> None:
        self._case, self._program = case, program
        self._data, self._run = folder / "drawn", folder / "run"
        numbers = {
            "--classes": CLASSES,
            "--train": case.images // CLASSES,
            "--val": 0,
            "--size": 2 * case.size,
        }
        self._call("draw", self._data, *(word for flag in numbers.items() for word in flag))

    def _call(self, *words: object) -> str:
        done = subprocess.run([self._program, *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.splitlines() or [f"it ended with status {done.returncode}"])[-1]
            raise SystemExit(f"{words[0]} failed: {reason}")
        return done.stdout

    @property
    def parameters(self) -> int:
        flags = ("--size", self._case.size, "--classes", CLASSES, "--json")
        return int(json.loads(self._call("models", self._case.network, *flags))[0]["parameters"])

    def images_per_second(self, threads: int) -> float:
        """Of a pass over the files after one that warms up, the wait for its first batch included."""
        case = self._case
        flags = ("--network", case.network, "--size", case.size, "--batch", case.batch, "--epochs", 2)
        self._call(
            "train", self._data / "train", "--run", self._run, "--overwrite", *flags, "--threads", threads
        )
        lines = [json.loads(line) for line in (self._run / "log.jsonl").read_text().splitlines()]
        steps = [line for line in lines if line["kind"] == "train"]
        before = [line for line in steps if line["epoch"] == 1][-1]
        after = steps[-1]
        return float((after["images"] - before["images"]) / (after["seconds"] - before["seconds"]))


def compare(case: Case, threads: int, rounds: int, program: Path, folder: Path) -> Result:
    plain = {name: PlainTraining(case, layout) for name, layout in LAYOUTS.items()}
    ours = OurTraining(case, program, folder)
    for training in plain.values():
        if training.parameters != ours.parameters:
            raise SystemExit(f"{case.network}: {training.parameters} parameters, of ours {ours.parameters}")
        training.step()  # warm-up
    speeds: list[dict[str, float]] = []
    for _ in range(rounds):
        speeds.append({name: training.images_per_second() for name, training in plain.items()})
        speeds[-1]["scatlight"] = ours.images_per_second(threads)
    medians = {name: statistics.median(speed[name] for speed in speeds) for name in speeds[0]}
    fastest = max(LAYOUTS, key=lambda name: medians[name])
    ratio = statistics.median(speed["scatlight"] / speed[fastest] for speed in speeds)
    return Result(case=case, threads=threads, ratio=ratio, **medians)


def parse_positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def parse_case(text: str) -> Case:
    network, *numbers = text.split(":")
    if len(numbers) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not NETWORK:SIZE:BATCH:IMAGES")
    case = Case(network, *(parse_positive(number) for number in numbers))
    if case.images < max(case.batch, CLASSES):
        raise argparse.ArgumentTypeError(
            f"{text!r} has fewer images than a batch, or than the {CLASSES} classes"
        )
    return case


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--case",
        action="append",
        type=parse_case,
        metavar="NETWORK:SIZE:BATCH:IMAGES",
        help=f"instead of {' and '.join(f'{case.network} at {case.size}' for case in CASES)}",
    )
    parser.add_argument(
        "--threads",
        type=parse_positive,
        action="append",
        metavar="N",
        help="of all, ascending (default 1 and 2)",
    )
    parser.add_argument("--rounds", type=parse_positive, default=3, help="of each case (default 3)")
    parser.add_argument("--build", type=Path, default=BUILD, metavar="DIR", help="build folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    arguments = parser.parse_args()
    program = arguments.build / "bin" / "scatlight"
    cores = sorted(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    if load > BUSY_LOAD:
        # PyTorch's threads spin while they wait, ours sleep.
        print(
            f"the machine is busy: a load of {load:.1f} slows PyTorch's steps more than ours", file=sys.stderr
        )
    results = []
    print(f"{'contiguous':>10} {'channels last':>13} {'scatlight':>9} {'ratio':>6}   images/s of a training")
    for threads in sorted(arguments.threads or [1, 2]):
        if threads > len(cores):
            print(f"{threads} threads are left out: there are {len(cores)} cores")
            continue
        # Work beside the steps, such as decoding, must not find a core of its own.
        os.sched_setaffinity(0, cores[:threads])
        torch.set_num_threads(threads)
        for case in arguments.case or CASES:
            with tempfile.TemporaryDirectory() as folder:
                result = compare(case, threads, arguments.rounds, program, Path(folder))
            results.append(result)
            print(
                f"{result.contiguous:10.2f} {result.channels_last:13.2f} {result.scatlight:9.2f}"
                f" {result.ratio:6.2f}   {case.network} at {case.size}, {threads} threads",
                flush=True,
            )
    if arguments.out:
        info = subprocess.run([program, "info", "--json"], capture_output=True, check=True, text=True)
        facts = json.loads(info.stdout) | {"torch": torch.__version__, "load": load}
        text = json.dumps({"machine": facts, "results": [asdict(result) for result in results]}, indent=1)
        arguments.out.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
