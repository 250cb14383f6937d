"""train-detector, eval and predict of a detector, end to end on a small drawn data set."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import commands, fail, pixels_of, run, succeed
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

pytestmark = pytest.mark.skipif("train-detector" not in commands(), reason="a build without torch")

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
SMALL = ["--network", "scatdet-small", "--stem", 8, "--widths", "8,8,8", "--depths", "1,1,1"]
SMALL += ["--rpn-channels", 8, "--short-side", 64, "--long-side", 128, "--anchors", "16,32"]
SMALL += ["--ratios", 1, "--proposals", 50, "--rois", 16, "--threads", 2]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "data"
    succeed("draw", folder, "--boxes", "--classes", 2, "--train", 8, "--val", 4, "--size", 64)
    return folder


@pytest.fixture(scope="session")
def trained(drawn, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "detector"
    result = run("train-detector", drawn, "--val-split", "val", "--run", folder, *SMALL, "--epochs", 4)
    assert result.returncode == 0, result.stderr
    (folder / "stdout.txt").write_text(result.stdout)
    (folder / "stderr.txt").write_text(result.stderr)
    return folder


@pytest.fixture(scope="session")
def classifier(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    succeed("draw", folder / "data", "--classes", 2, "--train", 2, "--val", 1, "--size", 32)
    flags = ["--network", "linear", "--size", 32, "--epochs", 1]
    succeed("train", folder / "data/train", "--run", folder / "run", *flags)
    return folder


def val_of(drawn: Path) -> Path:
    return drawn / "annotations/instances_val.json"


def test_a_run_says_what_it_did(trained):
    assert re.search(r"detector/model.safetensors: 4 epochs, 16 steps", (trained / "stdout.txt").read_text())
    assert re.search(
        r"AP50 \d\.\d{4}  AP \d\.\d{4}  AP75 .* 4 images$", (trained / "stdout.txt").read_text().strip()
    )
    assert re.search(
        r"detector/best.safetensors: AP \d\.\d{4}, the best, after \d epoch",
        (trained / "stdout.txt").read_text(),
    )
    errors = (trained / "stderr.txt").read_text()
    assert "training: 8 images of 2 classes (discs, triangles)" in errors
    assert "evaluation: 4 images of 2 classes" in errors
    assert "steps of 2 images, rate 0.02, cosine schedule after a warm-up of 5 %" in errors
    facts = json.loads((trained / "run.json").read_text())
    assert (facts["task"], facts["command"]) == ("detect", "train-detector")
    assert facts["options"]["anchors"] == [16, 32]
    assert facts["options"]["rois"] == 16
    assert facts["classes"] == ["discs", "triangles"]
    assert facts["data"]["train"]["images"] == 8
    assert sum(facts["data"]["train"]["objects"].values()) == len(facts["objects"])
    assert len(facts["pictures"]) == 8
    log = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in log].count("eval") == 4
    for key in ("loss", "objectness", "rpn_box", "class", "box", "positive_anchors", "positive_rois"):
        assert np.isfinite(log[0][key]), key
    evaluation = json.loads((trained / "eval.json").read_text())
    assert evaluation["task"] == "detect"
    assert evaluation["ap50"] == log[-2]["ap50"]


def test_eval_prints_a_table_and_writes_the_numbers(trained, drawn, tmp_path):
    text = succeed("eval", trained, drawn, "--split", "val", "--out", tmp_path / "eval.json")
    result = json.loads((tmp_path / "eval.json").read_text())
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["class", "images", "objects", "precision", "recall", "AP50", "AP07", "AP"]
    assert [row[0] for row in rows[1:4]] == ["discs", "triangles", "all"]
    assert rows[3][1] == "4"
    assert float(rows[3][-3]) == pytest.approx(result["ap50"], abs=1e-4)
    assert "ap_small" in text
    assert "images/s" in text
    per_class = result["per_class"]
    assert [row["class"] for row in per_class] == ["discs", "triangles"]
    assert result["ap50"] == pytest.approx(np.mean([row["ap50"] for row in per_class]))
    assert np.shape(result["confusion"]) == (3, 3)
    assert len(result["shown"]) == 4
    # The same pictures in the other layout.
    succeed("eval", trained, val_of(drawn), "--out", tmp_path / "coco.json")
    coco = json.loads((tmp_path / "coco.json").read_text())
    for key in ("coco", "map07", "map10", "confusion", "per_class"):
        assert coco[key] == result[key], key


def test_eval_heeds_its_flags(trained, drawn, tmp_path):
    def results(*flags):
        succeed("eval", trained, val_of(drawn), *flags, "--results", tmp_path / "r.json")
        return json.loads((tmp_path / "r.json").read_text())

    usual = results()
    assert len(results("--most", 3)) == 4 * 3 < len(usual)
    scores = sorted(found["score"] for found in usual)
    middle = scores[len(scores) // 2]
    assert min(found["score"] for found in results("--score", middle)) >= middle
    assert len(results("--nms", 0.99)) > len(usual)


def test_pycocotools_reads_the_results_and_finds_the_same(trained, drawn, tmp_path):
    """The ids of images and categories are the annotation file's own, with gaps."""
    records = json.loads(val_of(drawn).read_text())
    category_ids = {category["id"]: 90 - 7 * category["id"] for category in records["categories"]}
    image_ids = {image["id"]: 1000 - 13 * image["id"] for image in records["images"]}
    for category in records["categories"]:
        category["id"] = category_ids[category["id"]]
    for image in records["images"]:
        image["id"] = image_ids[image["id"]]
    # The objects are some of what the detector finds, moved a little: so the numbers are neither 0 nor 1.
    flags = ["--score", 0, "--out", tmp_path / "eval.json", "--results", tmp_path / "results.json"]
    succeed("eval", trained, val_of(drawn), *flags)
    random = np.random.default_rng(0)
    records["annotations"] = []
    for number, found in enumerate(json.loads((tmp_path / "results.json").read_text())[::5], 1):
        left, top, width, height = found["bbox"]
        box = [left + 0.2 * width * random.random(), top, 0.8 * width, (0.5 + random.random() / 2) * height]
        records["annotations"].append(
            {
                "id": number,
                "image_id": image_ids[found["image_id"]],
                "category_id": category_ids[found["category_id"]],
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
        )
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(records))
    succeed("eval", trained, file, "--images", drawn / "JPEGImages", *flags)
    ours = json.loads((tmp_path / "eval.json").read_text())["coco"]

    truth = COCO(str(file))
    evaluation = COCOeval(truth, truth.loadRes(str(tmp_path / "results.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert 0.02 < evaluation.stats[0] < 0.98
    np.testing.assert_allclose(list(ours.values()), evaluation.stats, rtol=0, atol=1e-9)


def test_predict(trained, drawn, tmp_path):
    pictures = sorted((drawn / "JPEGImages").glob("val_*"))
    outputs = ["--out", tmp_path / "p.json", "--csv", tmp_path / "p.csv", "--marked", tmp_path / "marked"]
    text = succeed("predict", trained, *pictures, "--score", 0.02, *outputs)
    result = json.loads((tmp_path / "p.json").read_text())
    assert (result["task"], result["network"]) == ("detect", "scatdet-small")
    assert [image["file"] for image in result["images"]] == [str(picture) for picture in pictures]
    detections = result["images"][0]["detections"]
    assert detections
    assert (result["images"][0]["width"], result["images"][0]["height"]) == (64, 64)
    scores = [found["score"] for found in detections]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0.02
    for found in detections:
        left, top, right, bottom = found["box"]
        assert 0 <= left < right <= 64
        assert 0 <= top < bottom <= 64
        assert found["class"] in {"discs", "triangles"}

    lines = text.splitlines()
    assert lines[0] == str(pictures[0])
    first = lines[1].split()
    assert first[0] == detections[0]["class"]
    assert float(first[1]) == pytest.approx(100 * scores[0], abs=0.006)
    assert [float(number) for number in first[3:]] == pytest.approx(detections[0]["box"], abs=0.06)

    rows = list(csv.reader((tmp_path / "p.csv").read_text().splitlines()))
    assert rows[0] == ["file", "class", "score", "left", "top", "right", "bottom"]
    assert len(rows) - 1 == sum(len(image["detections"]) for image in result["images"])
    assert rows[1][:2] == [str(pictures[0]), detections[0]["class"]]
    assert [float(number) for number in rows[1][2:]] == [scores[0], *detections[0]["box"]]

    marked = sorted((tmp_path / "marked").iterdir())
    assert [file.name for file in marked] == [picture.stem + ".png" for picture in pictures]
    assert np.abs(pixels_of(marked[0]) - pixels_of(pictures[0])).max() > 0.1
    assert (
        json.loads(succeed("predict", trained, pictures[0], "--score", 0.02, "--json"))["images"]
        == (result["images"][:1])
    )


def test_predict_finds_nothing(trained, drawn):
    picture = drawn / "JPEGImages/val_00000.jpg"
    assert succeed("predict", trained, picture, "--score", 1) == f"{picture}: nothing found\n"


def test_predict_knows_its_own_lowest_score(drawn, trained, tmp_path):
    """Lower than the training's, too."""
    run_folder = tmp_path / "run"
    flags = ["--run", run_folder, *SMALL, "--epochs", 1, "--score", 0.9]
    succeed("train-detector", drawn, *flags)
    picture = drawn / "JPEGImages/val_00000.jpg"
    result = json.loads(succeed("predict", run_folder, picture, "--score", 0, "--json"))
    assert min(found["score"] for found in result["images"][0]["detections"]) < 0.9


def test_marked_pictures_never_replace_those_that_are_read(trained, tmp_path):
    Image.new("RGB", (64, 64), (90, 120, 30)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    fail(2, [f"--marked {tmp_path} lies where"], "predict", trained, tmp_path, "--marked", tmp_path)
    fail(2, ["--marked", "is read"], "predict", trained, tmp_path, "--marked", tmp_path / "new")
    fail(2, ["--marked ."], "predict", trained.resolve(), "a.png", "--marked", ".", cwd=tmp_path)
    assert (tmp_path / "a.png").read_bytes() == before


def test_bad_pictures_are_left_out_and_named(trained, drawn, tmp_path):
    shutil.copy(drawn / "JPEGImages/val_00000.jpg", tmp_path / "good.jpg")
    (tmp_path / "bad.jpg").write_text("no picture")
    Image.new("RGB", (1000, 20)).save(tmp_path / "narrow.png")
    fail(1, ["bad.jpg"], "predict", trained, tmp_path)
    result = json.loads(succeed("predict", trained, tmp_path, "--skip-bad", "--json"))
    assert [Path(image["file"]).name for image in result["images"]] == ["good.jpg"]
    assert [Path(file["file"]).name for file in result["skipped"]] == ["bad.jpg", "narrow.png"]


@pytest.mark.parametrize(
    ("flag", "arguments"),
    [
        ("--top", ["predict", "DETECTOR", "PICTURE", "--top", 3]),
        ("--batch", ["eval", "DETECTOR", "BOXES", "--batch", 3]),
        ("--score", ["predict", "CLASSIFIER", "PICTURE", "--score", 0.3]),
        ("--marked", ["predict", "CLASSIFIER", "PICTURE", "--marked", "out"]),
        ("--split", ["eval", "CLASSIFIER", "CLASSES", "--split", "val"]),
        ("--images", ["eval", "CLASSIFIER", "CLASSES", "--images", "x"]),
        ("--nms", ["eval", "CLASSIFIER", "CLASSES", "--nms", 0.5]),
        ("--most", ["eval", "CLASSIFIER", "CLASSES", "--most", 10]),
        ("--results", ["eval", "CLASSIFIER", "CLASSES", "--results", "out.json"]),
    ],
)
def test_flags_of_the_other_task_are_refused(flag, arguments, trained, drawn, classifier, tmp_path):
    places = {
        "DETECTOR": trained,
        "CLASSIFIER": classifier / "run",
        "BOXES": drawn,
        "CLASSES": classifier / "data/val",
        "PICTURE": drawn / "JPEGImages/val_00000.jpg",
    }
    kind = "detector" if "DETECTOR" in arguments else "classifier"
    words = [f"{flag} does not apply here", f"{places[arguments[1]]} is a {kind}"]
    fail(2, words, *(places.get(word, word) for word in arguments), cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_trainer_names_the_other(trained, drawn, classifier, tmp_path):
    for data in (drawn, val_of(drawn)):
        words = [str(data), "boxes", "`scatlight train-detector`"]
        fail(1, words, "train", data, "--run", tmp_path / "run")
    words = ["has no boxes", "Annotations", ".json"]
    fail(1, words, "train-detector", classifier / "data/train", "--run", tmp_path / "run")
    fail(1, ["`scatlight train-detector`"], "train", "--resume", "--run", trained)
    fail(1, ["`scatlight train`"], "train-detector", "--resume", "--run", classifier / "run")
    assert list(tmp_path.iterdir()) == []


def test_resume_of_a_finished_run_changes_nothing(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    succeed("train-detector", "--resume", "--run", folder)
    assert (folder / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    fail(
        1,
        ["has --anchors [16.0,32.0], and --anchors [16.0] was given"],
        *["train-detector", "--resume", "--run", folder, "--anchors", 16],
    )


def test_a_share_is_held_out_and_the_run_is_trained_on(drawn, tmp_path):
    folder = tmp_path / "run"
    flags = ["--run", folder, *SMALL, "--epochs", 1, "--val-share", 0.25, "--drop-at", 1]
    fail(2, ["--drop-at 1 is not accepted"], "train-detector", drawn, *flags)
    result = run("train-detector", drawn, *flags[:-2])
    assert "training: 6 images of 2 classes (discs, triangles)" in result.stderr
    assert "evaluation, 25 % held out: 2 images of 2 classes" in result.stderr
    assert json.loads((folder / "eval.json").read_text())["held_out"] == 0.25
    resume = ["train-detector", "--resume", "--run", folder]
    fail(
        2, ["--val-split is not accepted: the run holds out 25 % of its data"], *resume, "--val-split", "val"
    )
    assert "2 epochs, 6 steps" in succeed(*resume, "--epochs", 2)
    facts = json.loads((folder / "run.json").read_text())
    assert facts["data"]["val"]["held_out"] == facts["options"]["val-share"] == 0.25
    assert facts["options"]["epochs"] == 2


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_recipes_are_understood(recipe, drawn, tmp_path):
    """A training that cannot begin tells, as the data are listed after all flags are read."""
    weights = ["--weights", "w.safetensors"] if "frozen" in settings_of(recipe) else []
    flags = ["--run", tmp_path, "--config", recipe, *weights]
    line = fail(1, ["absent"], "train-detector", drawn / "absent", *flags)
    assert recipe.name not in line


def settings_of(recipe: Path) -> dict[str, object]:
    """Their values are written as JSON has them."""
    lines = [line.split("#")[0].split("=") for line in recipe.read_text().splitlines()]
    return {line[0].strip(): json.loads(line[1]) for line in lines if len(line) == 2}


def test_the_recipe_is_what_a_run_has(drawn, tmp_path):
    recipe = next(recipe for recipe in RECIPES if recipe.stem == "cells")
    small = ["--stem", 8, "--widths", "8,8,8", "--depths", "1,1,1"]
    flags = ["--run", tmp_path / "run", "--config", recipe, *small, "--epochs", 1, "--short-side", 64]
    succeed("train-detector", drawn, *flags)
    wanted = settings_of(recipe) | {"epochs": 1, "short-side": 64}
    del wanted["minutes"]  # which --epochs of the command line excludes
    assert len(wanted) > 10
    options = json.loads((tmp_path / "run/run.json").read_text())["options"]
    assert "minutes" not in options
    assert {key: options.get(key) for key in wanted} == wanted


BAD_FLAGS = {
    "--drop-at 5 --minutes 1": "--drop-at",
    "--drop-at 3 --schedule cosine": "--drop-at does not apply to --schedule cosine",
    "--drop-at 3,12": "--drop-at 12 is not accepted",
    "--batch 2 --micro-batch 3": "micro-batch 3: 0 to the batch (2) is accepted",
    "--anchors 0": "--anchors 0 is not accepted",
    "--anchors nan": "--anchors nan is not accepted",
    "--ratios 1,1000": "--ratios 1 1000 is not accepted",
    "--frozen 5": "--frozen 5 needs --weights",
    "--frozen 5 --weights w.safetensors": "frozen groups 5",
    "--val-images photos": "--val-images has no effect without",
    "--eval-every 2": "--eval-every 2 has no effect without",
    "--proposals 12001": "--proposals 12001",
    "--test-proposals 6001": "--test-proposals 6001",
    "--long-side 100": "long side 100: 600 (the short side)",
    "--network linear": "at least two groups",
    "--network scatresnet50 --scales 5": "a stride of 64 pixels",
    "--network vgg16 --widths 8": "vgg16, which has no residual groups",
    "--nms 1.5": "--nms 1.5 is not accepted",
    "--val-split val --images x": "--images x does not apply",
    "--size 64": "unknown flag --size",
}


@pytest.mark.parametrize("flags", BAD_FLAGS)
def test_bad_flags(flags, drawn, tmp_path):
    fail(2, [BAD_FLAGS[flags]], "train-detector", drawn, "--run", tmp_path / "run", *flags.split())
    assert list(tmp_path.iterdir()) == []


def test_a_split_is_of_voc_folders(trained, drawn, tmp_path):
    words = ["the split val does not apply", "instances_val.json", "VOC"]
    fail(2, words, "eval", trained, val_of(drawn), "--split", "val")
    fail(2, words, "train-detector", val_of(drawn), "--val-split", "val", "--run", tmp_path / "run")


def test_bad_data(trained, drawn, tmp_path):
    run_flags = ["--run", tmp_path / "run", *SMALL]
    fail(
        1, ["ImageSets/Main", "tset", "train", "val"], "train-detector", drawn, "--split", "tset", *run_flags
    )
    fail(1, ["test", "train, trainval, val"], "eval", trained, drawn)
    fail(
        1,
        ["no object of 1 class (lions)"],
        "train-detector",
        drawn,
        "--classes",
        "discs,triangles,lions",
        *run_flags,
    )

    data = shutil.copytree(drawn, tmp_path / "data")
    file = data / "Annotations/val_00001.xml"
    good = file.read_text()
    file.write_text(good.replace("<name>", "<name>lions-and-", 1))
    assert file.read_text() != good
    fail(1, ["val_00001.xml", "lions"], "eval", trained, data, "--split", "val")
    file.write_text(good[: len(good) // 2])
    fail(1, ["val_00001.xml"], "eval", trained, data, "--split", "val")
    flags = ["--split", "val", "--skip-bad", "--out", tmp_path / "eval.json"]
    result = run("eval", trained, data, *flags)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("left out: ") == 1
    evaluation = json.loads((tmp_path / "eval.json").read_text())
    assert evaluation["images"] == 3
    assert [Path(skipped["file"]).name for skipped in evaluation["skipped"]] == ["val_00001.xml"]

    records = json.loads(val_of(drawn).read_text())
    records["annotations"] = []
    empty = data / "annotations/empty.json"
    empty.write_text(json.dumps(records))
    fail(
        1,
        ["empty.json", "no object to train on"],
        "train-detector",
        empty,
        "--images",
        data / "JPEGImages",
        *run_flags,
    )
    assert not (tmp_path / "run").exists()


def test_bad_models(trained, drawn, tmp_path):
    model = (trained / "model.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(model[:-100])
    fail(1, ["cut.safetensors"], "eval", tmp_path / "cut.safetensors", drawn, "--split", "val")
    (tmp_path / "odd.safetensors").write_bytes(model.replace(b'\\"most\\":100', b'\\"most\\":0  '))
    fail(1, ["odd.safetensors", "damaged"], "eval", tmp_path / "odd.safetensors", drawn, "--split", "val")
    checkpoint = trained / "checkpoint.safetensors"
    fail(1, ["it is a checkpoint"], "predict", checkpoint, drawn / "JPEGImages/val_00000.jpg")


def test_folders_of_pictures(drawn, tmp_path):
    """Training and evaluation with pictures in folders of their own; a parent category that nothing has."""
    for split in ["train", "val"]:
        coco = json.loads((drawn / f"annotations/instances_{split}.json").read_text())
        coco["categories"].append({"id": 99, "name": "things"})
        (tmp_path / f"{split}.json").write_text(json.dumps(coco))
        (tmp_path / f"of_{split}").mkdir()
        for image in coco["images"]:
            name = image["file_name"]
            shutil.copy(drawn / "JPEGImages" / name, tmp_path / f"of_{split}" / name)
    files = [tmp_path / "train.json", "--val", tmp_path / "val.json"]
    folders = ["--images", tmp_path / "of_train", "--val-images", tmp_path / "of_val"]
    flags = ["--run", tmp_path / "run", *SMALL, "--epochs", 1]
    result = run("train-detector", *files, *folders, *flags)
    assert result.returncode == 0, result.stderr
    assert "no object is of these classes: things" in result.stderr
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert "things" not in facts["classes"]
    evaluation = json.loads((tmp_path / "run/eval.json").read_text())
    assert evaluation["data"] == str(tmp_path / "val.json")
    # A VOC folder for training, too: --images is of the evaluation's file then.
    mixed = [drawn, "--val", tmp_path / "val.json", "--images", tmp_path / "of_val"]
    succeed("train-detector", *mixed, *flags, "--overwrite")


def test_first_weights(trained, drawn, tmp_path):
    """Frozen layers stay as they were given."""
    weights = trained / "model.safetensors"
    flags = ["--weights", weights, "--run", tmp_path / "run", *SMALL, "--epochs", 1]
    result = run("train-detector", drawn, *flags)
    assert result.returncode == 0, result.stderr
    assert "steps of 1 image, rate 0.001, step schedule: from trained weights" in result.stderr
    assert "the stem and 1 group stay as they are; batch norms are constants" in result.stderr
    options = json.loads((tmp_path / "run/run.json").read_text())
    assert options["detector"]["frozen_groups"] == 1
    assert options["detector"]["frozen_norms"] is True
    assert (options["options"]["frozen"], options["options"]["clip"]) == (1, 0)
    assert "begin at random" not in result.stderr
    other = ["--network", "det-small", "--weights", weights, "--run", tmp_path / "other"]
    fail(1, ["model.safetensors", "this one reads pixels"], "train-detector", drawn, *other)
