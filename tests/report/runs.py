"""Run folders as the programs write them, made up for the tests."""

import json
import math
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

CLASSES = ["blocks", "discs", "drops & co", "rings", "stars", "stripes"]
MACHINE = {"processor": "A <fast> one", "threads": 2, "memory_bytes": 8 << 30, "torch": "2.11.0"}


def write_json(file: Path, value) -> None:
    file.write_text(json.dumps(value))


def draw_picture(file: Path, size: int = 64, stripes_along_rows: bool = True) -> None:
    """Stripes of 4 pixels a period: along the rows they vary from row to row."""
    wave = 127 + 100 * np.sin(np.arange(size) * math.pi / 2)
    plane = np.repeat(wave[:, None], size, axis=1)
    if not stripes_along_rows:
        plane = plane.T
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(plane.astype(np.uint8)).convert("RGB").save(file)


def write_facts(run: Path, network: str = "scatresnet-small") -> None:
    write_json(
        run / "run.json",
        {
            "scatlight": "0.1.0",
            "command": "train",
            "options": {
                "network": network,
                "size": 128,
                "widths": [64, 128],
                "input-norm": True,
                "batch": 32,
            },
            "network": {
                "name": network,
                "parameters": 1_234_567,
                "multiply_adds": 89_000_000,
                "input": [3, 128, 128],
                "maps": [75, 16, 16],
            },
            "classes": CLASSES,
            "machine": MACHINE,
            "started": "2024-05-31T12:00:00Z",
        },
    )


def log_lines(speed: float = 1.0, steps: int = 120) -> list[str]:
    lines = []
    for step in range(1, steps + 1):
        seconds = 2.0 * step
        loss = 0.2 + 1.6 * math.exp(-speed * step / 40) + 0.05 * math.sin(step * 7)
        lines.append(
            {
                "kind": "train",
                "epoch": 1 + step // 30,
                "step": step,
                "images": 32 * step,
                "seconds": seconds,
                "loss": loss,
                "learning_rate": 0.1,
                "images_per_second": 16.0,
            }
        )
        if step % 30 == 0:
            lines.append(
                {
                    "kind": "eval",
                    "epoch": step // 30,
                    "seconds": seconds,
                    "images": 60,
                    "loss": loss + 0.2,
                    "top1": 100 - 30 * loss,
                    "top5": 100.0,
                }
            )
    lines.append({"kind": "end", "epoch": 4, "seconds": 240.0, "peak_memory_bytes": 600_000_000})
    return [json.dumps(line) for line in lines]


def write_log(run: Path, speed: float = 1.0) -> None:
    (run / "log.jsonl").write_text("".join(line + "\n" for line in log_lines(speed)))


def write_evaluation(run: Path, data: Path | str = "nowhere", right: int = 7) -> None:
    side = len(CLASSES)
    confusion = [
        [right if i == j else (10 - right if j == (i + 1) % side else 0) for j in range(side)]
        for i in range(side)
    ]
    write_json(
        run / "eval.json",
        {
            "weights": "model.safetensors",
            "data": str(data),
            "network": "scatresnet-small",
            "images": 10 * side,
            "loss": 0.5,
            "top1": 10.0 * right,
            "top5": 100.0,
            "classes": CLASSES,
            "confusion": confusion,
            "per_class": [
                {"class": name, "images": 10, "correct": right, "top1": 10.0 * right} for name in CLASSES
            ],
            "images_per_second": 310.0,
            "peak_memory_bytes": 500_000_000,
            "skipped": [{"file": "val/discs/7.jpg", "reason": "cannot decode it: it ends too early"}],
        },
    )


def write_predictions(run: Path, files: list[str]) -> None:
    guesses = [{"class": name, "probability": 0.5 / (i + 1)} for i, name in enumerate(CLASSES)]
    images = [{"file": file, "predictions": guesses} for file in files]
    write_json(run / "predict.json", {"weights": "w", "network": "n", "images": images, "skipped": []})


def description(picture: str, scales: int, angles: int, max_order: int) -> str:
    paths: list[dict[str, int]] = [{"order": 0}]
    first = [(j, t) for j in range(scales) for t in range(angles)]
    paths += [{"order": 1, "scale1": j, "angle1": t} for j, t in first]
    if max_order == 2:
        paths += [
            {"order": 2, "scale1": j1, "angle1": t1, "scale2": j2, "angle2": t2}
            for j1, t1 in first
            for j2 in range(j1 + 1, scales)
            for t2 in range(angles)
        ]
    theta = [(int(angles - angles / 2 - 1) - t) * math.pi / angles for t in range(angles)]
    return json.dumps(
        {
            "scatlight": "0.1.0",
            "command": "transform",
            "options": {"scales": scales, "angles": angles, "max_order": max_order},
            "paths": paths,
            "theta": theta,
            "files": [picture],
            "skipped": [],
        }
    )


def write_features(run: Path, picture: str, max_order: int = 2, as_npy: bool = False) -> None:
    text = description(picture, 3, 8, max_order)
    maps = len(json.loads(text)["paths"])
    features = np.random.default_rng(0).random((1, 3, maps, 8, 8), dtype=np.float32)
    if as_npy:
        np.save(run / "maps.npy", features)
        (run / "maps.npy.json").write_text(text)
    else:
        save_file({"features": features}, run / "maps.safetensors", {"scatlight": text})


def write_whole_run(
    run: Path, data: Path, network: str = "scatresnet-small", speed: float = 1.0, right: int = 8
) -> None:
    run.mkdir(parents=True)
    write_facts(run, network)
    write_log(run, speed)
    write_evaluation(run, data, right)
    write_predictions(run, [str(data / CLASSES[0] / "0.png"), "gone.jpg"])
    write_features(run, str(data / CLASSES[0] / "0.png"))
