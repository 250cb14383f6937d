"""Training on a machine that others use too: how the threads of OpenMP wait, against what else is running.

Trains a small network on drawn images, alone and beside a process that keeps one core busy, with the
program's way of waiting (microseconds of spinning, then sleep), with sleep at once, and with libgomp's own
(milliseconds of spinning). The runs are made in turn, so that a machine that slows down slows all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "build" / "bin" / "scatlight"
WAYS_OF_WAITING = {
    "the program's": {},
    "sleep": {"OMP_WAIT_POLICY": "passive"},
    "libgomp's": {"GOMP_SPINCOUNT": "300000"},  # what it does without a setting
}


@contextmanager
def busy_process() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def train(data: Path, run: Path, settings: dict[str, str]) -> float:
    """Images per second of one pass, stalls included."""
    environment = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    command: list[str | Path] = [PROGRAM, "train", data, "--run", run, "--overwrite"]
    flags = ["--network", "scatresnet-small", "--size", "128", "--epochs", "1"]
    subprocess.run([*command, *flags], env=environment | settings, check=True, capture_output=True)
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-2])
    return float(last["images"] / last["seconds"])


def measure(rounds: int, images: int) -> dict[str, list[float]]:
    """Images per second of each round, by the way of waiting and what else runs."""
    speeds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "shapes"
        draw: list[str | Path] = [
            PROGRAM,
            "draw",
            data,
            "--classes",
            "2",
            "--train",
            str(images // 2),
            "--val",
            "0",
        ]
        subprocess.run([*draw, "--size", "128"], check=True, capture_output=True)
        for _ in range(rounds):
            for busy in (False, True):
                with busy_process() if busy else nullcontext():
                    for waiting, settings in WAYS_OF_WAITING.items():
                        speed = train(data / "train", Path(folder) / "run", settings)
                        speeds.setdefault(
                            f"{waiting}, {'beside a busy process' if busy else 'alone'}", []
                        ).append(speed)
    return speeds


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind (default 3)")
    parser.add_argument("--images", type=int, default=640, help="of each run (default 640)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    arguments = parser.parse_args()
    speeds = measure(arguments.rounds, arguments.images)
    for name, values in speeds.items():
        print(f"{statistics.median(values):7.1f} images/s  {name}")
    if arguments.out:
        facts = json.loads(
            subprocess.run([PROGRAM, "info", "--json"], capture_output=True, check=True).stdout
        )
        text = json.dumps({"machine": facts, "images_per_second": speeds}, indent=1)
        arguments.out.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
