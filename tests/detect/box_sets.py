"""Sets of objects and detections for the tests of metrics: drawn at random, and made of real annotations."""

import json
import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest


@dataclass(frozen=True)
class BoxSet:
    """Rows as tests/detect/metric_probe.cpp reads them."""

    objects: np.ndarray  # (n, 9): image, label, left, top, width, height, area, difficult, crowd
    found: np.ndarray  # (m, 7): image, label, left, top, width, height, score
    classes: int


def draw(seed: int) -> BoxSet:
    """Objects, and detections near them. Coordinates are multiples of 1/4 and scores of 1/16, so that
    overlaps and scores are often equal and fall on limits."""
    random = np.random.default_rng(seed)
    classes, images = random.integers(1, 4), random.integers(1, 6)
    count = random.integers(0, 25)
    sides = np.floor(np.exp(random.uniform(np.log(4), np.log(160), (count, 2)))) + random.choice(
        [0, 0.25], (count, 2)
    )
    corners = random.integers(0, 120, (count, 2)) / random.choice([1, 4])
    area = np.prod(sides, axis=1) * random.choice([1, 1, 0.75], count)
    flags = random.random((count, 2)) < [0.1, 0.15]
    where = np.stack([random.integers(0, images, count) * 3, random.integers(0, classes, count)], 1)
    objects = np.concatenate([where, corners, sides, area[:, None], flags], 1).reshape(-1, 9)

    found = []
    for row in objects:
        for _ in range(random.integers(0, 4)):
            shift = random.integers(-3, 4, 4) / 4 * random.choice([0, 1, 4])
            box = row[2:6] + shift
            box[2:] = np.maximum(box[2:], 0.25)
            label = row[1] if random.random() < 0.9 else random.integers(0, classes)
            found.append([row[0], label, *box, random.integers(0, 16) / 16])
    if seed % 20 == 0 and len(objects):  # more than COCO looks at in an image
        found += [[*objects[0, :6], random.integers(0, 16) / 16] for _ in range(130)]
    found = np.array(found, np.float64).reshape(-1, 7)
    return BoxSet(objects.astype(np.float64), found[random.permutation(len(found))], int(classes))


def data_folder(name: str) -> Path:
    """A folder of real annotations; the test is skipped where there is none."""
    root = os.environ.get("SCATLIGHT_DATA")
    if root is None:
        pytest.skip("SCATLIGHT_DATA is not set: no real annotations")
    folder = Path(root) / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def make_detections(objects: np.ndarray, classes: int) -> np.ndarray:
    """Detections that random numbers make of objects: moved, of another class, missed, doubled."""
    state = 1
    found = []
    for image, label, left, top, width, height, *_ in objects:
        r = []
        for _ in range(7):
            state = (1103515245 * state + 12345) % 2**31
            r.append(state / 2**31)
        if r[0] >= 0.8:
            continue
        row = [
            image,
            (label + 1) % classes if r[6] < 0.1 else label,
            left + (r[1] - 0.5) * 0.3 * width,
            top + (r[2] - 0.5) * 0.3 * height,
            width * (0.85 + 0.3 * r[3]),
            height * (0.85 + 0.3 * r[4]),
            np.floor(100 * r[5]) / 100,
        ]
        found += [row, row] if r[5] < 0.2 else [row]
    return np.array(found)


def voc_text() -> BoxSet:
    """Boxes of text with published results; they are inclusive."""
    folder = data_folder("eval/voc_text")
    objects, found = [], []
    for image, file in enumerate(sorted((folder / "gts").glob("*.txt"))):
        for line in file.read_text().splitlines():
            left, top, width, height = map(float, line.split()[1:])
            objects.append([image, 0, left, top, width + 1, height + 1, 0, 0, 0])
        for line in (folder / "dets" / file.name).read_text().splitlines():
            score, left, top, width, height = map(float, line.split()[1:])
            found.append([image, 0, left, top, width + 1, height + 1, score])
    return BoxSet(np.array(objects), np.array(found), 1)


def voc_100() -> BoxSet:
    folder = data_folder("voc100/Annotations")
    rows = []
    for image, file in enumerate(sorted(folder.glob("*.xml"))):
        for item in ET.parse(file).getroot().iter("object"):
            left, top, right, bottom = (
                float(item.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")
            )
            box = [left - 1, top - 1, right - left + 1, bottom - top + 1]
            rows.append([image, item.findtext("name"), *box, 0, item.findtext("difficult") == "1", 0])
    names = sorted({row[1] for row in rows})
    objects = np.array([[row[0], names.index(row[1]), *row[2:]] for row in rows], np.float64)
    return BoxSet(objects, make_detections(objects, len(names)), len(names))


def coco_val() -> BoxSet:
    records = json.loads((data_folder("coco") / "annotations/instances_val2017.json").read_text())
    ids = sorted(category["id"] for category in records["categories"])
    objects = np.array(
        [
            [
                item["image_id"],
                ids.index(item["category_id"]),
                *item["bbox"],
                item["area"],
                0,
                item["iscrowd"],
            ]
            for item in records["annotations"]
        ],
        np.float64,
    )
    return BoxSet(objects, make_detections(objects, len(ids)), len(ids))
