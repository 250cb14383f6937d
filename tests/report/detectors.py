"""Run folders of detectors as the programs write them, made up for the tests."""

import json
import math
from pathlib import Path

from runs import MACHINE, write_json

CELLS = ["red & white", "platelets", "others"]


def box_of(label, left: float, top: float, side: float = 20, **more):
    return {"class": label, "box": [left, top, left + side, top + side], **more}


def picture(file: Path | str, boxes: list, name: str = "boxes", **more):
    return {"file": str(file), "width": 64, "height": 64, **more, name: boxes}


def write_detector_facts(run: Path, files=("gone.png",), network: str = "scatdet-small") -> None:
    data = {
        "roots": ["cells"],
        "images": 205,
        "objects": {"red & white": 1500, "platelets": 200, "others": 30},
        "empty": 1,
        "difficult": 0,
        "crowd": 0,
        "trimmed": 2,
        "dropped": 0,
        "turned": 0,
        "skipped": 0,
    }
    write_json(
        run / "run.json",
        {
            "scatlight": "0.1.0",
            "command": "train-detector",
            "options": {
                "data": ["cells", "more cells"],
                "val-split": "val",
                "network": network,
                "anchors": [32.0, 64.0],
                "minutes": 4.0,
                "no-flip": False,
            },
            "machine": MACHINE,
            "started": "2024-05-31T12:00:00Z",
            "task": "detect",
            "network": {"name": network, "parameters": 1_480_000},
            "detector": {
                "anchor_sizes": [32.0, 64.0],
                "anchor_ratios": [0.5, 1.0, 2.0],
                "short_side": 320,
                "long_side": 640,
            },
            "data": {"train": data, "val": data | {"images": 87, "trimmed": 0}},
            "classes": CELLS,
            "pictures": [
                picture(file, [box_of(0, 5, 5), box_of(1, 30.5, 20, 12), box_of(0, 8, 8, 50)])
                for file in files
            ],
            "objects": [[0.1 * (i % 11), 0.5, 20.0 + i, 30.0] for i in range(40)],
        },
    )


def write_detector_log(run: Path, steps: int = 80, ended: bool = True) -> None:
    lines: list[dict] = []
    for step in range(1, steps + 1):
        fall = math.exp(-step / 20)
        parts = {"objectness": 0.1 + fall, "rpn_box": 0.2 * fall, "class": 0.1 + fall, "box": 0.3 * fall}
        lines.append(
            {
                "kind": "train",
                "epoch": 1 + step // 20,
                "step": step,
                "images": 2 * step,
                "seconds": 3.0 * step,
                "loss": sum(parts.values()),
                "learning_rate": 0.02,
                "images_per_second": 0.7,
                **parts,
                "positive_anchors": 21.5,
                "positive_rois": 14.25,
            }
        )
        if step % 20 == 0:
            numbers = {
                "images": 87,
                "ap": 0.3 - 0.3 * fall,
                "ap50": 0.7 - 0.6 * fall,
                "ap75": 0.1,
                "map07": 0.4,
            }
            lines.append({"kind": "eval", "epoch": step // 20, "seconds": 3.0 * step, **numbers})
    if ended:
        lines.append({"kind": "end", "epoch": 4, "seconds": 240.0, "peak_memory_bytes": 900_000_000})
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def class_result(name: str, objects: int = 50, ap50: float = 0.6):
    found = objects > 0 and ap50 > 0
    return {
        "class": name,
        "images": min(objects, 20),
        "objects": objects,
        "ap": ap50 / 2 if objects else -1,
        "ap50": ap50 if objects else -1,
        "ap07": ap50 if objects else -1,
        "curve": [[step / 100, 1 - step / 200, 1 - step / 100] for step in range(81)] if found else [],
    }


def write_detector_evaluation(run: Path, files=("gone.png",), ap50: float = 0.7, data: str = "cells") -> None:
    write_json(
        run / "eval.json",
        {
            "task": "detect",
            "weights": "model.safetensors",
            "data": data,
            "network": "scatdet-small",
            "images": 87,
            "classes": CELLS,
            "ap": ap50 / 2,
            "ap50": ap50,
            "ap75": ap50 / 3,
            "coco": {"ap": ap50 / 2},
            "map07": ap50 - 0.01,
            "map10": ap50,
            "per_class": [
                class_result(CELLS[0], 700, ap50),
                class_result(CELLS[1], 100, ap50 / 2),
                class_result(CELLS[2], 0),
            ],
            "confusion": [[600, 10, 0, 90], [5, 50, 0, 45], [0, 0, 0, 0], [80, 7, 0, 0]],
            "shown": [
                picture(
                    file,
                    [
                        box_of(0, 2, 2, 30, kind="found", score=0.914),
                        box_of(1, 40, 10, 9, kind="missed"),
                        box_of(1, 20, 40, 11, kind="false", score=0.31),
                    ],
                    objects=2,
                    f1=0.5,
                )
                for file in files
            ],
            "seconds": {
                "waiting": 0.5,
                "maps": 1.0,
                "base": 9.0,
                "proposals": 2.0,
                "head": 4.0,
                "all": 17.4,
            },
            "images_per_second": 5.0,
            "peak_memory_bytes": 700_000_000,
            "skipped": [{"file": "cells/7.jpg", "reason": "cannot decode it: it ends too early"}],
        },
    )


def write_detector_predictions(run: Path, files=("gone.png",)) -> None:
    found = [box_of("platelets", 30, 30, 12, score=0.97), box_of("red & white", 4, 4, score=0.61)]
    images = [picture(file, found if i == 0 else [], "detections") for i, file in enumerate(files)]
    write_json(
        run / "predict.json",
        {"task": "detect", "weights": "w", "network": "n", "images": images, "skipped": []},
    )


def write_detector(run: Path, files, network: str = "scatdet-small", ap50: float = 0.7) -> None:
    run.mkdir(parents=True)
    write_detector_facts(run, files, network)
    write_detector_log(run)
    write_detector_evaluation(run, files, ap50)
    write_detector_predictions(run, files)
