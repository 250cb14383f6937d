"""What a run reached, from the files of its folder."""

import json
from pathlib import Path
from typing import Any

from scatlight.study.errors import StudyError

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = (CHECKPOINT, "model.safetensors", "best.safetensors")
COSTS = ("name", "front_end", "parameters", "multiply_adds", "front_end_multiply_adds", "saved_bytes")

Json = dict[str, Any]


def _parse(text: str, where: str) -> Json:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{where}: it is not JSON that `scatlight train` writes") from error
    if not isinstance(value, dict):
        raise StudyError(f"{where}: a JSON object is expected")
    return value


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise StudyError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{file}: it is not UTF-8 text") from error


def _read_log(file: Path) -> list[Json]:
    """A kill may leave a last line without its end; it is left out."""
    lines = _read_text(file).split("\n")[:-1]
    return [_parse(line, f"{file}:{number}") for number, line in enumerate(lines, start=1)]


def _last(lines: list[Json], kind: str) -> Json:
    return next((line for line in reversed(lines) if line.get("kind") == kind), {})


def _evaluations(lines: list[Json]) -> list[Json]:
    return [
        {name: line[name] for name in ("epoch", "seconds", "top1", "loss")}
        for line in lines
        if line.get("kind") == "eval"
    ]


def _progress(lines: list[Json]) -> Json:
    last = _last(lines, "train")
    end = _last(lines, "end")
    seconds = float(end["seconds"] if end else last["seconds"])
    return {
        "steps": last["step"],
        "epochs": end.get("epoch", last["epoch"] - 1),  # whole ones
        "seconds": seconds,
        "images_per_second": last["images"] / seconds if seconds > 0 else None,
        "peak_memory_bytes": end.get("peak_memory_bytes"),
    }


def _accuracy(evaluations: list[Json]) -> Json:
    if not evaluations:
        return {}
    best = max(evaluations, key=lambda one: float(one["top1"]))
    return {
        "top1": evaluations[-1]["top1"],
        "loss": evaluations[-1]["loss"],
        "best_top1": best["top1"],
        "best_epoch": best["epoch"],
    }


def read_outcome(folder: Path) -> Json:
    """For trainings.json; what is not there, as of a run that diverged early, is left out. Throws
    StudyError."""
    found: Json = {}
    try:
        if (folder / "run.json").exists():
            facts = _parse(_read_text(folder / "run.json"), str(folder / "run.json"))
            found["network"] = {name: facts["network"].get(name) for name in COSTS}
            found["program"] = {"scatlight": facts["scatlight"], **facts["machine"]}
            found["started"] = facts["started"]
            found["classes"] = len(facts["classes"])
            found["train_images"] = facts["data"]["train"]["images"]
            found["val_images"] = facts["data"]["val"]["images"]
        if (folder / "log.jsonl").exists():
            lines = _read_log(folder / "log.jsonl")
            evaluations = _evaluations(lines)
            if _last(lines, "train"):
                found["result"] = _progress(lines) | _accuracy(evaluations)
                found["evaluations"] = evaluations
    except (KeyError, TypeError) as error:
        raise StudyError(f"{folder}: its files are not those of `scatlight train`: {error}") from error
    return found


def remove_weights(folder: Path) -> None:
    for name in WEIGHTS:
        (folder / name).unlink(missing_ok=True)
