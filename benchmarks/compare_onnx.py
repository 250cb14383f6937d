"""What an image costs in onnxruntime, against `scatlight predict`.

A network of random weights is exported as a whole and from its maps. `scatlight predict` reads JPEG files;
its start is left out, by the difference of two numbers of files. All run in turn with one thread, and what
counts is the processor's time, so that other work on the machine disturbs little; medians of the rounds.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from scatlight.export import ExportOptions, write_onnx
from scatlight.numpy import Scattering2D

BUILD = Path(__file__).resolve().parent.parent / "build"


def call(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip())


def make_session(run: Path, options: ExportOptions) -> onnxruntime.InferenceSession:
    file = run / "model.onnx"
    write_onnx(run, file, options)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])


def seconds_of(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


class Predict:
    """`scatlight predict` on copies of the files."""

    def __init__(self, program: Path, run: Path, files: list[Path]) -> None:
        self._command = [program, "predict", run, "--threads", 1, "--json"]
        self._files = files

    def _seconds(self, copies: int) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        call(*self._command, *self._files * copies)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def seconds(self) -> float:
        """Of an image."""
        few, many = 1, 9
        return (self._seconds(many) - self._seconds(few)) / (len(self._files) * (many - few))


def compare(
    network: str, size: int, batch: int, rounds: int, program: Path, folder: Path
) -> dict[str, float]:
    """Milliseconds of an image."""
    data, run = folder / "data", folder / "run"
    call(program, "draw", data, "--classes", 2, "--train", batch // 2, "--val", 0, "--size", size * 8 // 7)
    train = ["--network", network, "--size", size, "--epochs", 1, "--batch", 2, "--threads", 1]
    call(program, "train", data / "train", "--run", run, *train)
    whole = make_session(run, ExportOptions())
    rest = make_session(run, ExportOptions(maps=True))
    options = json.loads(whole.get_modelmeta().custom_metadata_map["network"])
    transform = Scattering2D(
        J=options["scales"],
        L=options["angles"],
        max_order=options["max_order"],
        shape=(size, size),
        threads=1,
    )
    images = np.random.default_rng(0).random((batch, 3, size, size), np.float32)

    def make_maps() -> np.ndarray:
        maps = transform(images)
        return maps.reshape(batch, -1, *maps.shape[-2:])

    maps = make_maps()
    predict = Predict(program, run, sorted(data.glob("train/*/*")))
    measures: dict[str, Callable[[], float]] = {
        "scatlight predict": predict.seconds,
        "onnxruntime": lambda: seconds_of(lambda: whole.run(None, {"images": images})) / batch,
        "onnxruntime from maps": lambda: seconds_of(lambda: rest.run(None, {"maps": maps})) / batch,
        "scatlight.numpy": lambda: seconds_of(make_maps) / batch,
    }
    times: dict[str, list[float]] = {name: [] for name in measures}
    for name, measure in measures.items():
        if name != "scatlight predict":
            measure()  # warm-up
    for _ in range(rounds):
        for name, measure in measures.items():
            times[name].append(1e3 * measure())
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="scatresnet50", help="on scattering (default %(default)s)")
    parser.add_argument("--size", type=int, default=224, help="of the images (default %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="images at a time, even (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default %(default)s")
    parser.add_argument("--build", type=Path, default=BUILD, metavar="DIR", help="build folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    arguments = parser.parse_args()
    program = arguments.build / "bin" / "scatlight"
    case = (arguments.network, arguments.size, arguments.batch)
    with tempfile.TemporaryDirectory() as folder:
        found = compare(*case, arguments.rounds, program, Path(folder))
    for name, milliseconds in found.items():
        print(f"{milliseconds:8.2f} ms   {name}")
    if arguments.out:
        info = subprocess.run([program, "info", "--json"], capture_output=True, check=True, text=True)
        facts = json.loads(info.stdout) | {"onnxruntime": onnxruntime.__version__}
        result = {"network": case[0], "size": case[1], "batch": case[2], "milliseconds": found}
        arguments.out.write_text(json.dumps({"machine": facts, "result": result}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
