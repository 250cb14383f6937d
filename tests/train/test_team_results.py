"""Several processes that measure and use one network together, on the CPU."""

import json
import shutil

import numpy as np
import pytest
from conftest import run
from safetensors.numpy import load_file
from team import last_line, run_members, train_lines


def test_every_image_is_counted_once(trained, data, tmp_path):
    images = shutil.copytree(data / "val", tmp_path / "val")
    bad = images / "discs" / "00003.jpg"
    bad.write_bytes(b"no picture")
    arguments = ["eval", trained, images, "--skip-bad", "--batch", 5, "--out"]
    alone = run(*arguments, tmp_path / "one.json")
    first, *others = run_members(3, *arguments, tmp_path / "three.json")
    assert [line.split(",")[0] for line in first.stdout.splitlines()] == [
        line.split(",")[0] for line in alone.splitlines()
    ]
    assert [done.stdout for done in others] == ["", ""]
    one, three = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "three"))
    assert three["images"] == 29
    assert three["loss"] == pytest.approx(one["loss"], rel=1e-6)
    for key in ("confusion", "per_class", "top5", "skipped"):
        assert three[key] == one[key]


def test_every_picture_is_predicted_once(trained, data, tmp_path):
    pictures = shutil.copytree(data / "val" / "discs", tmp_path / "pictures")
    (pictures / "00003.jpg").write_bytes(b"no picture")
    arguments = ["predict", trained, pictures, "--skip-bad", "--json", "--out"]
    alone = json.loads(run(*arguments, tmp_path / "one.json"))
    first, second = run_members(2, *arguments, tmp_path / "two.json")
    assert (tmp_path / "two.json").read_text() == first.stdout
    assert second.stdout == ""
    two = json.loads(first.stdout)
    assert [image["file"] for image in two["images"]] == [image["file"] for image in alone["images"]]
    for image, expected in zip(two["images"], alone["images"], strict=True):
        found, guesses = (
            {guess["class"]: guess["probability"] for guess in one["predictions"]}
            for one in (image, expected)
        )
        assert found == pytest.approx(guesses, rel=1e-4)
    assert two["skipped"] == alone["skipped"]


def test_each_process_writes_a_part_of_a_transform(data, tmp_path):
    pictures = data / "val" / "discs"
    flags = ["--size", 32, "--scales", 2, "--out"]
    run("transform", pictures, *flags, tmp_path / "all.npy")
    done = run_members(3, "transform", pictures, *flags, tmp_path / "f.npy")
    parts = [tmp_path / f"f-{part:05}-of-00003.npy" for part in range(3)]
    assert [member.stdout.split(":")[0] for member in done] == list(map(str, parts))
    joined = np.concatenate([np.load(part) for part in parts])
    np.testing.assert_array_equal(joined, np.load(tmp_path / "all.npy"))

    bad = shutil.copytree(pictures, tmp_path / "bad")
    (bad / "00009.jpg").write_bytes(b"no picture")
    first, second = run_members(2, "transform", bad, *flags, tmp_path / "b.npy", status=1)
    assert "[process 1 of 2] scatlight: " in last_line(second)
    assert "00009.jpg" in last_line(second)
    assert last_line(first) == "scatlight: another process of the team ended"
    assert list(tmp_path.glob("*b-*")) == [], "nothing is written"

    two = [bad / "00001.jpg", bad / "00009.jpg"]
    _, second = run_members(2, "transform", *two, *flags, tmp_path / "b.npy", "--skip-bad", status=1)
    assert "no image of the part of process 1 is left" in last_line(second)
    assert last_line(second).endswith("fewer processes have larger parts")
    assert list(tmp_path.glob("*b-*")) == []


# ---- detectors ----


def test_two_processes_train_and_measure_a_detector_as_one(tmp_path):
    drawn = tmp_path / "data"
    run("draw", drawn, "--boxes", "--classes", 2, "--train", 9, "--val", 5, "--size", 64)
    small = ["--network", "scatdet-small", "--stem", 8, "--widths", "8,8,8", "--depths", "1,1,1"]
    small += [
        "--rpn-channels",
        8,
        "--short-side",
        64,
        "--long-side",
        128,
        "--anchors",
        "16,32",
        "--ratios",
        1,
    ]
    small += ["--proposals", 50, "--rois", 16, "--threads", 1, "--batch", 4]
    run("train-detector", drawn, "--run", tmp_path / "first", *small, "--epochs", 2)
    # From weights, batch norms are constants: they do not see which images a member has.
    arguments = ["train-detector", "--val-split", "val", *small, "--epochs", 2, "--lr", 0.01]
    arguments += ["--weights", tmp_path / "first" / "model.safetensors", "--clip", 10, "--run"]
    run(*arguments, tmp_path / "one", drawn)
    there = shutil.copytree(drawn, tmp_path / "there")
    run_members(2, *arguments, tmp_path / "two", each=[[drawn], [there]])
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=0, atol=1e-4 * abs(values).max(), err_msg=name)
    for line, of_two in train_lines(tmp_path / "one", tmp_path / "two"):
        for key in ("loss", "objectness", "rpn_box", "class", "box", "positive_anchors", "positive_rois"):
            assert of_two[key] == pytest.approx(line[key], rel=1e-3), key

    measure = ["eval", tmp_path / "one", drawn, "--split", "val", "--score", 0.01, "--results"]
    run(*measure, tmp_path / "one.json", "--out", tmp_path / "e1.json")
    run_members(2, *measure, tmp_path / "two.json", "--out", tmp_path / "e2.json")
    assert (tmp_path / "two.json").read_text() == (tmp_path / "one.json").read_text()
    written = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("e1", "e2")]
    for evaluation in written:
        for key in ("seconds", "images_per_second", "peak_memory_bytes"):
            del evaluation[key]
    assert written[0] == written[1]
