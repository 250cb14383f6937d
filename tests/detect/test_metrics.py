"""The metrics against pycocotools, against the rule of VOC's development kit, and on real annotations."""

import contextlib
import io
import os
import subprocess
from pathlib import Path

import box_sets
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

PROBE = os.environ["SCATLIGHT_METRIC_PROBE"]
BOUND = 1e-9


def probe(folder: Path, metric: str, boxes: box_sets.BoxSet, *more: float) -> np.ndarray:
    np.save(folder / "objects.npy", boxes.objects)
    np.save(folder / "found.npy", boxes.found)
    files = [folder / "result.npy", folder / "objects.npy", folder / "found.npy"]
    subprocess.run([PROBE, metric, *files, str(boxes.classes), *map(str, more)], check=True)
    return np.load(folder / "result.npy")


def mean_of(values: np.ndarray) -> float:
    return float(values[values > -1].mean()) if (values > -1).any() else -1


def pycocotools_numbers(boxes: box_sets.BoxSet) -> np.ndarray:
    """(classes + 1, 12), as the probe gives them."""
    annotations = [
        {
            "id": i + 1,
            "image_id": int(row[0]),
            "category_id": int(row[1]),
            "bbox": list(row[2:6]),
            # pycocotools knows no difficult objects; one of an area outside of all ranges does not count.
            "area": -1 if row[7] else row[6],
            "iscrowd": int(row[8]),
        }
        for i, row in enumerate(boxes.objects)
    ]
    images = sorted({int(row[0]) for row in boxes.objects} | {int(row[0]) for row in boxes.found})
    truth, found = COCO(), COCO()
    with contextlib.redirect_stdout(io.StringIO()):
        truth.dataset = {
            "images": [{"id": i} for i in images],
            "categories": [{"id": i} for i in range(boxes.classes)],
            "annotations": annotations,
        }
        truth.createIndex()
        if len(boxes.found):
            found = truth.loadRes(
                [
                    {
                        "image_id": int(row[0]),
                        "category_id": int(row[1]),
                        "bbox": list(row[2:6]),
                        "score": row[6],
                    }
                    for row in boxes.found
                ]
            )
        else:  # loadRes() fails on an empty list
            found.dataset = truth.dataset | {"annotations": []}
            found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision, recall = (
        evaluation.eval["precision"],
        evaluation.eval["recall"],
    )  # (T, R, K, A, M), (T, K, A, M)
    rows = [
        [
            mean_of(precision[:, :, k, 0, 2]),
            mean_of(precision[0, :, k, 0, 2]),
            mean_of(precision[5, :, k, 0, 2]),
            *(mean_of(precision[:, :, k, a, 2]) for a in (1, 2, 3)),
            *(mean_of(recall[:, k, 0, m]) for m in (0, 1, 2)),
            *(mean_of(recall[:, k, a, 2]) for a in (1, 2, 3)),
        ]
        for k in range(boxes.classes)
    ]
    return np.array([*rows, evaluation.stats])


def test_coco_equals_pycocotools_on_random_sets(tmp_path: Path) -> None:
    interesting = 0
    for seed in range(200):
        boxes = box_sets.draw(seed)
        ours, theirs = probe(tmp_path, "coco", boxes), pycocotools_numbers(boxes)
        assert np.abs(ours - theirs).max() <= BOUND, f"seed {seed}\n{ours}\n{theirs}"
        interesting += 0 < theirs[-1, 0] < 1
    assert interesting > 150


def voc_reference(boxes: box_sets.BoxSet, limit: float) -> np.ndarray:
    """The rule of VOCevaldet.m with a stable sort, as voc_eval.py of py-faster-rcnn has it in numpy."""
    rows = []
    for label in range(boxes.classes):
        objects = boxes.objects[boxes.objects[:, 1] == label]
        counts = (objects[:, 7] == 0) & (objects[:, 8] == 0)
        if not counts.any():
            rows.append([-1, -1])
            continue
        found = boxes.found[boxes.found[:, 1] == label]
        found = found[np.argsort(found[:, 0], kind="stable")]
        found = found[np.argsort(-found[:, 6], kind="stable")]
        taken = np.zeros(len(objects), bool)
        tp, fp = np.zeros(len(found)), np.zeros(len(found))
        for d, (image, _, left, top, width, height, _) in enumerate(found):
            here = np.flatnonzero(objects[:, 0] == image)
            if len(here) == 0:
                fp[d] = 1
                continue
            box = objects[here, 2:6]
            w = np.minimum(left + width, box[:, 0] + box[:, 2]) - np.maximum(left, box[:, 0])
            h = np.minimum(top + height, box[:, 1] + box[:, 3]) - np.maximum(top, box[:, 1])
            common = np.maximum(w, 0) * np.maximum(h, 0)
            overlaps = common / (width * height + box[:, 2] * box[:, 3] - common)
            best = here[overlaps.argmax()]
            if overlaps.max() < limit:
                fp[d] = 1
            elif counts[best]:
                tp[d], fp[d] = not taken[best], taken[best]
                taken[best] = True
        tp, fp = np.cumsum(tp), np.cumsum(fp)
        recall, precision = tp / counts.sum(), tp / np.maximum(tp + fp, np.finfo(np.float64).eps)
        ap07 = sum(precision[recall >= t].max(initial=0) for t in np.arange(0, 1.1, 0.1)) / 11
        recall, precision = np.r_[0, recall, 1], np.r_[0, precision, 0]
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        steps = np.flatnonzero(recall[1:] != recall[:-1])
        rows.append([ap07, ((recall[steps + 1] - recall[steps]) * precision[steps + 1]).sum()])
    values = np.array(rows)
    return np.array([*rows, [mean_of(values[:, 0]), mean_of(values[:, 1])]])


@pytest.mark.parametrize("limit", [0.5, 0.75])
def test_voc_equals_the_development_kit_on_random_sets(tmp_path: Path, limit: float) -> None:
    interesting = 0
    for seed in range(100):
        boxes = box_sets.draw(seed)
        ours, theirs = probe(tmp_path, "voc", boxes, limit), voc_reference(boxes, limit)
        assert np.abs(ours - theirs).max() <= BOUND, f"seed {seed}\n{ours}\n{theirs}"
        interesting += 0 < theirs[-1, 0] < 1
    assert interesting > 60


@pytest.mark.parametrize(
    ("limit", "ap07", "ap10"),
    [
        (0.1, 0.3333333333, 0.3371980676),
        (0.3, 0.2683982684, 0.2456866805),
        (0.5, 0.0303030303, 0.0222222222),
    ],
)
def test_published_results_of_voc(tmp_path: Path, limit: float, ap07: float, ap10: float) -> None:
    assert np.abs(probe(tmp_path, "voc", box_sets.voc_text(), limit)[-1] - [ap07, ap10]).max() <= BOUND


@pytest.mark.parametrize(
    ("limit", "map07", "map10"), [(0.5, 0.6644633397, 0.6708883180), (0.75, 0.1684359436, 0.1484937952)]
)
def test_voc_of_real_annotations(tmp_path: Path, limit: float, map07: float, map10: float) -> None:
    boxes = box_sets.voc_100()
    assert len(boxes.found) == 277
    assert np.abs(probe(tmp_path, "voc", boxes, limit)[-1] - [map07, map10]).max() <= BOUND


COCO_VAL = [
    0.2798928165,
    0.6463789537,
    0.1512598532,
    0.3289795991,
    0.3015986753,
    0.2909942413,
    0.2347005699,
    0.3443709204,
    0.3461827877,
    0.3687690934,
    0.3495188779,
    0.3371872832,
]


def test_coco_of_real_annotations(tmp_path: Path) -> None:
    boxes = box_sets.coco_val()
    assert len(boxes.found) == 1356
    ours = probe(tmp_path, "coco", boxes)
    assert np.abs(ours[-1] - COCO_VAL).max() <= BOUND
    assert np.abs(ours - pycocotools_numbers(boxes)).max() <= BOUND
