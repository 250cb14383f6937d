"""python -m scatlight.tensorboard RUN [--out DIR] [--follow]"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from scatlight import __version__

DESCRIPTION = """Write the curves of a training for TensorBoard, from the log.jsonl of its run folder: loss,
learning rate, speed and what its evaluations measured, by the steps and the time of the training."""

PLACES = {"kind", "epoch", "step", "images", "seconds", "processes", "best_epoch"}  # of a line in a training
SUFFIX = ".scatlight"  # of the names of event files
SECONDS_BETWEEN_LOOKS = 5.0

Line = dict[str, Any]


class TensorBoardError(Exception):
    """What cannot be written; the text is one line."""


def read_lines(log: Path) -> list[Line]:
    """A kill, or a training at work, may leave a last line without its end; it is left out."""
    try:
        texts = log.read_text(encoding="utf-8").split("\n")[:-1]
    except OSError as error:
        raise TensorBoardError(f"cannot read {log}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TensorBoardError(f"{log}: it is not UTF-8 text") from error
    lines = []
    for number, text in enumerate(texts, start=1):
        try:
            line = json.loads(text)
            float(line["seconds"])
            int(line["step"] if line["kind"] == "train" else 0)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise TensorBoardError(f"{log}:{number}: it is no line of a training's log") from error
        lines.append(line)
    return lines


def read_start(run: Path) -> float:
    """Of the training, in seconds since 1970; 0 where run.json does not say."""
    try:
        facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
        return datetime.strptime(facts["started"], "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return 0


class Events:
    """The event file of a training, in the place of an earlier one in the folder."""

    def __init__(self, out: Path, start: float) -> None:
        try:
            writer: Any = import_module("tensorboard.summary.writer.event_file_writer")
            self._proto: Any = import_module("tensorboard.compat.proto.event_pb2")
        except ImportError as error:
            raise TensorBoardError("it needs the package tensorboard: pip install tensorboard") from error
        try:
            for earlier in out.glob(f"events.out.tfevents.*{SUFFIX}"):
                earlier.unlink()
            self._writer = writer.EventFileWriter(str(out), filename_suffix=SUFFIX)
        except OSError as error:
            raise TensorBoardError(f"cannot write {out}: {error.strerror}") from error
        self._start = start
        self._step = 0

    def add(self, line: Line) -> None:
        """An evaluation is at the last step before it."""
        kind = line["kind"]
        if kind == "train":
            self._step = int(line["step"])
        numbers = {
            name: value
            for name, value in line.items()
            if name not in PLACES and isinstance(value, int | float) and kind in {"train", "eval"}
        }
        if not numbers:
            return
        event = self._proto.Event(wall_time=self._start + float(line["seconds"]), step=self._step)
        for name, value in numbers.items():
            event.summary.value.add(tag=f"{kind}/{name}", simple_value=value)
        self._writer.add_event(event)

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def write_events(run: Path, out: Path, follow: bool) -> None:
    """With `follow` until the training ends. A resume cuts the log and writes the same lines again."""
    log = run / "log.jsonl"
    lines = read_lines(log)
    events = Events(out, read_start(run))
    written = 0
    try:
        while True:
            for line in lines[written:]:
                events.add(line)
            events.flush()
            written = max(written, len(lines))
            if not follow or (lines and lines[-1]["kind"] == "end"):
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)
            lines = read_lines(log)
    finally:
        events.close()


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scatlight.tensorboard", description=DESCRIPTION)
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder, also of a training at work")
    parser.add_argument("--out", type=Path, help="folder of the event file (default: tensorboard in RUN)")
    parser.add_argument("--follow", action="store_true", help="go on until the training ends")
    parser.add_argument("--version", action="version", version=f"scatlight {__version__}")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    arguments = parse_arguments(words)
    out: Path = arguments.out or arguments.run / "tensorboard"
    try:
        write_events(arguments.run, out, arguments.follow)
    except TensorBoardError as error:
        print(f"scatlight.tensorboard: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
