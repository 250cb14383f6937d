"""A trainings.json as `python -m scatlight.study` writes it, made up for the tests."""

import math
from pathlib import Path

from runs import MACHINE, write_json

VARIANTS = {
    "scattering": ("scattering", 300_000, 60_000_000, 25_000_000, 1_400_000, 1.0),
    "pixels": ("pixels", 280_000, 80_000_000, 0, 2_900_000, 0.8),
    "dct": ("DCT <8 x 8>", 350_000, 70_000_000, 600_000, 1_500_000, 0.9),
    "ridge": ("scattering + ridge", 190_000, 190_000, 25_000_000, None, 0.7),
}
CLASSES = 10
SIZES = {10: 10, 100: 100, None: 947}


def made_up_run(variant: str, images: int | None, seed: int, **length: float) -> dict:
    _, parameters, adds, front_end, saved, quality = VARIANTS[variant]
    per_class = SIZES[images]
    top1 = 100 * quality * (1 - 0.9 * math.exp(-math.log(per_class) / 4)) + seed - 1
    seconds = 60.0 * length["minutes"] if "minutes" in length else 0.05 * per_class / quality
    points = [
        {"epoch": i, "seconds": seconds * i / 4, "loss": 1.0, "top1": top1 * i / 4} for i in range(1, 5)
    ]
    name = "/".join([variant, str(images), *map(str, length.values()), str(seed)])
    return {
        "name": name,
        "variant": variant,
        "images_per_class": images,
        "seed": seed,
        "epochs": length.get("epochs"),
        "minutes": length.get("minutes"),
        "state": "finished",
        "reason": None,
        "wall_seconds": seconds + 3,
        "definition": {},
        "in_study": True,
        "network": {
            "name": "linear" if variant == "ridge" else "scatresnet-small",
            "front_end": "pixels" if variant == "pixels" else "scattering with J = 3, L = 8, order 1",
            "parameters": parameters,
            "multiply_adds": adds,
            "front_end_multiply_adds": front_end,
            "saved_bytes": saved,
        },
        "program": {"scatlight": "0.1.0", **MACHINE},
        "conditions": {"threads": 1, "at_once": 2},
        "started": "2024-05-31T12:00:00Z",
        "classes": CLASSES,
        "train_images": CLASSES * per_class,
        "val_images": 3925,
        "result": {
            "steps": 100,
            "epochs": 4,
            "seconds": seconds,
            "images_per_second": 200 * quality,
            "peak_memory_bytes": 600 << 20,
            "top1": top1,
            "loss": 1.0,
            "best_top1": top1 + 0.5,
            "best_epoch": 4,
        },
        "evaluations": points if variant != "ridge" else points[-1:],
    }


def made_up_runs() -> list[dict]:
    runs = []
    for images in SIZES:
        for seed in range(1 if images is None else 3):
            for variant in VARIANTS:
                lengths: list[dict] = [{"epochs": 20}, {"minutes": 5}]
                for length in [{}] if variant == "ridge" else lengths:
                    runs.append(made_up_run(variant, images, seed, **length))
    return runs


def diverged(run: dict) -> dict:
    lost = {name: run["result"][name] for name in ("steps", "epochs", "seconds", "images_per_second")}
    reason = "training diverged: the loss of step 6 (epoch 1) is nan"
    return run | {"state": "diverged", "reason": reason, "result": lost, "evaluations": []}


def made_up_study(runs: list[dict], published: bool = True) -> dict:
    row = {"name": "others' <network>", "top1": {"10": 36.0, "100": 53.3}, "deviation": {"10": 0.5}}
    return {
        "trainings": 1,
        "planned": len(runs),
        "study": {
            "file": "made-up.toml",
            "title": "Which input?",
            "question": "What should the first layer read?",
            "data": {"train": "set/train", "val": "set/val", "note": "The images are lossy."},
            "flags": {"size": 128, "batch": 32},
            "variants": [
                {"name": name, "title": VARIANTS[name][0], "flags": {"input": name}, "without": []}
                for name in VARIANTS
            ],
            "subsets": [],
            "published": [row | {"source": "A paper, table 1"}] if published else [],
        },
        "runs": runs,
    }


def write_trainings(folder: Path, study: dict | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "trainings.json", study or made_up_study(made_up_runs()))
