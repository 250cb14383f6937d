#!/usr/bin/env python3
"""Stands in for the program: takes the words of `scatlight train` and writes what a training would.

A rate of 1000 diverges, a warm-up of 0.5 fails, a momentum of 0.5 waits with the seed 0 until it is told to
stop: the next call, which finds a checkpoint, goes on.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

KNOWN = {"val", "run", "epochs", "minutes", "seed", "threads", "batch", "lr", "warmup", "momentum", "ridge"}
ALONE = {"overwrite", "resume-or-new"}


def complain(text: str, status: int) -> None:
    print(f"scatlight: {text}", file=sys.stderr)
    sys.exit(status)


def parse(words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    words = list(words)
    while words:
        name = words.pop(0).removeprefix("--")
        if name in ALONE:
            found[name] = "true"
        elif name in KNOWN:
            found[name] = words.pop(0)
        else:
            complain(f"The following argument was not expected: --{name}", 2)
    return found


def write_facts(run: Path, data: Path, flags: dict[str, str]) -> None:
    classes = sorted(folder.name for folder in data.iterdir())
    images = [file for name in classes for file in (data / name).iterdir()]
    assert all(file.read_text() == file.parent.name for file in images), "links lead to images"
    facts = {
        "scatlight": "0.1.0",
        "command": "train",
        "options": flags,
        "machine": {"processor": "A fast one", "threads": 1, "memory_bytes": 1 << 30, "torch": "2.11.0"},
        "started": "2024-05-31T12:00:00Z",
        "network": {
            "name": "stand-in",
            "front_end": "pixels",
            "parameters": 1000,
            "multiply_adds": 2000,
            "front_end_multiply_adds": 500,
            **({} if "ridge" in flags else {"saved_bytes": 4000}),
        },
        "data": {"train": {"images": len(images)}, "val": {"images": 7}},
        "classes": classes,
    }
    (run / "run.json").write_text(json.dumps(facts))


def main() -> None:
    command, data, *words = sys.argv[1:]
    assert command == "train"
    flags = parse(words)
    if not Path(data).is_dir():
        complain(f"{data}: there is no such folder", 1)
    run = Path(flags["run"])
    resumes = "resume-or-new" in flags and (run / "checkpoint.safetensors").exists()
    with Path(os.environ["CALLS"]).open("a") as calls:
        calls.write(f"{run.parts[-4]}/{'/'.join(run.parts[-3:])} {'goes on' if resumes else 'begins'}\n")
    run.mkdir(parents=True, exist_ok=True)
    write_facts(run, Path(data), flags)
    if flags.get("warmup") == "0.5":
        complain(f"{data}/a.jpg: cannot decode it: it ends too early", 1)
    lines = [{"kind": "train", "step": 5, "epoch": 1, "images": 50, "seconds": 2.0}]
    if flags.get("lr") == "1000":
        (run / "log.jsonl").write_text(json.dumps(lines[0]) + "\n")
        complain("training diverged: the loss of step 6 (epoch 2) is nan; try a lower --lr", 1)
    if flags.get("momentum") == "0.5" and flags["seed"] == "0" and not resumes:
        (run / "checkpoint.safetensors").touch()
        signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
        time.sleep(60)
    score = 40 + int(flags["seed"])
    for top1 in (score + 2, score):
        lines.append({"kind": "eval", "epoch": len(lines), "seconds": 2.0, "top1": top1, "loss": 1.5})
    lines.append({"kind": "end", "epoch": 2, "seconds": 2.5, "peak_memory_bytes": 1 << 20})
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("checkpoint", "model", "best"):
        (run / f"{name}.safetensors").touch()


if __name__ == "__main__":
    main()
