"""Networks on other inputs than scattering, and what small data sets need, from the command line."""

import json
import shutil

import pytest
from conftest import run

BODY = ["--network", "scatresnet-small", "--stem", 8, "--widths", "8,16", "--depths", "1,1"]
CALL = ["--size", 32, "--batch", 40, "--epochs", 1, "--threads", 2]

INPUTS = {
    "scattering --paths 0-3,24": ("scattering with J = 3, L = 8, order 1, paths 0,1,2,3,24", [15, 4, 4]),
    "scattering --learn-filters shared --paths 0-8": (
        "scattering with J = 3, L = 8, order 1, paths 0,1,2,3,4,5,6,7,8, by learned wavelets",
        [27, 4, 4],
    ),
    "scattering --scales 2 --learn-filters per-channel --filter-rate 0.1": (
        "scattering with J = 2, L = 8, order 1, by wavelets learned for each colour",
        [51, 8, 8],
    ),
    "dct --dct-channels 24 --standardize": ("24 channels of the DCT of 8 x 8 pixels", [24, 4, 4]),
    "space-to-depth --scales 2": ("pixels of 4 x 4 blocks as channels", [48, 8, 8]),
    "pooled": ("means of 8 x 8 pixels", [3, 4, 4]),
    "patchify": ("pixels", [3, 32, 32]),
    "pixels --standardize": ("pixels", [3, 32, 32]),
}


def train(data, folder, *flags: object) -> dict:
    run("train", data / "train", "--val", data / "val", "--run", folder, *CALL, *flags)
    return json.loads((folder / "run.json").read_text())


@pytest.mark.parametrize("flags", INPUTS)
def test_the_model_knows_its_input(data, tmp_path, flags):
    folder = tmp_path / "run"
    facts = train(data, folder, *BODY, "--input", *flags.split())
    name, maps = INPUTS[flags]
    assert facts["network"]["front_end"] == name
    assert facts["network"]["maps"] == maps
    run("eval", folder, data / "val", "--out", tmp_path / "eval.json")
    result = json.loads((tmp_path / "eval.json").read_text())
    of_training = json.loads((folder / "eval.json").read_text())
    assert result["loss"] == pytest.approx(of_training["loss"], rel=1e-4)
    run("predict", folder, data / "val" / "discs" / "00000.jpg")
    run("train", "--resume", "--run", folder, "--epochs", 2)
    assert json.loads((folder / "log.jsonl").read_text().splitlines()[-1])["epoch"] == 2


def test_weights_go_to_other_classes_with_the_same_input(data, tmp_path):
    flags = [*BODY, "--input", "dct", "--standardize"]
    train(data, tmp_path / "first", *flags)
    weights = ["--weights", tmp_path / "first" / "model.safetensors", "--frozen", 1]
    for name in ("discs", "stripes"):
        shutil.copytree(data / "train" / name, tmp_path / "two" / name)
    next_run = ["train", tmp_path / "two", "--run", tmp_path / "next", *CALL, *weights]
    run(*next_run, *flags)
    complaint = run(*next_run, *BODY, "--input", "space-to-depth", "--overwrite", status=1)
    assert "first/model.safetensors: its network reads 192 channels of the DCT" in complaint
    assert "this one reads pixels of 8 x 8 blocks as channels" in complaint


def test_the_run_says_what_an_image_costs(data, tmp_path):
    flags = ["--network", "scatresnet-small", "--input", "dct"]
    facts = train(data, tmp_path / "whole", *flags)["network"]
    (listed,) = json.loads(run("models", *flags[1:], "--size", 32, "--classes", 3, "--json"))
    for name in ("parameters", "multiply_adds", "front_end_multiply_adds", "saved_bytes"):
        assert facts[name] == listed[name]
    weights = ["--weights", tmp_path / "whole" / "model.safetensors", "--frozen", 1]
    frozen = train(data, tmp_path / "frozen", *flags, *weights)["network"]
    assert frozen["multiply_adds"] == facts["multiply_adds"]
    assert 0 < frozen["saved_bytes"] < facts["saved_bytes"]


def test_all_that_little_data_needs(data, tmp_path):
    folder = tmp_path / "run"
    flags = ["--shift", 4, "--policy", "autoaugment-cifar10", "--erase", 0.5, "--mixup", 0.2, "--cutmix", 1]
    flags += ["--nesterov", "--schedule", "onecycle", "--ema", 0.9]
    wide = ["--network", "wrn-16-2", "--depths", "1,1,1", "--widths", "8,8,16"]
    facts = train(data, folder, *wide, *flags)
    assert facts["options"]["warmup"] == 0.3
    assert facts["options"]["weight-decay"] == 0.0001
    run("train", "--resume", "--run", folder, "--epochs", 2)
    facts = train(
        data, tmp_path / "adamw", *wide, "--optimizer", "adamw", "--input", "scattering", "--scales", 2
    )
    assert facts["options"]["lr"] == 0.001
    assert facts["options"]["weight-decay"] == 0.01


def test_ridge(data, tmp_path):
    folder = tmp_path / "run"
    flags = ["--network", "linear", "--ridge", 300, "--size", 32, "--threads", 2]
    run("train", data / "train", "--val", data / "val", "--run", folder, *flags)
    assert json.loads((folder / "eval.json").read_text())["top1"] > 40
    facts = json.loads((folder / "run.json").read_text())["network"]
    assert facts["multiply_adds"] > 0
    assert "saved_bytes" not in facts, "there is no backward pass to save anything for"
    run("train", "--resume", "--run", folder)
    complaint = run("train", data / "train", "--run", tmp_path / "b", *flags, "--lr", 1, status=2)
    assert "--lr does not apply here: --ridge solves the linear layer directly" in complaint


def test_models():
    def cost(*flags: object) -> dict:
        (found,) = json.loads(run("models", "scatresnet-small", "--json", *flags))
        return found

    plain, dct = cost(), cost("--input", "dct", "--dct-channels", 24)
    assert dct["input_values"] == 24 * 28 * 28
    assert dct["front_end_multiply_adds"] == 28 * 28 * 24 * 192
    assert plain["front_end_multiply_adds"] > dct["front_end_multiply_adds"]
    assert plain["parameters"] - dct["parameters"] == (75 - 24) * 64 * 9
    names = {row["name"] for row in json.loads(run("models", "--json", "--input", "pooled"))}
    assert {"scatresnet-small", "resnet50", "wrn-16-8", "linear"} <= names
    assert "vgg16" not in names


BAD_FLAGS = {
    "--input fft": "--input",
    "--input pixels --scales 2": "--scales says nothing about scatresnet-small, which works on pixels",
    "--input dct --angles 4": "--angles or --max-order says nothing about",
    "--input dct --paths 0-3": "--paths says nothing about",
    "--dct-channels 24": "--dct-channels says nothing about",
    "--input dct --dct-channels 193": "dct_channels is 193",
    "--paths 3-1": "--paths 3-1 is not accepted",
    "--paths 0-75": "paths",
    "--paths -1": "--paths",
    "--network vgg16 --input dct": "vgg16 works on pixels, not on dct",
    "--standardize --input-norm": "--input-norm",
    "--nesterov --optimizer adamw": "Nesterov's momentum needs SGD",
    "--ema 1": "--ema",
    "--mixup -1": "--mixup",
    "--policy best": "--policy",
    "--erase 2": "--erase",
    "--shift 33": "random shift 33",
    "--shift 4 --min-crop-area 0.5": "--min-crop-area",
    "--no-augment --policy trivialaugment": "--policy",
    "--input dct --learn-filters shared": "--learn-filters says nothing about scatresnet-small",
    "--network resnet50 --learn-filters shared": "--learn-filters says nothing about resnet50",
    "--max-order 0 --learn-filters shared": "max_order is 0",
    "--learn-filters all": "--learn-filters",
    "--filter-rate 0.1": "--filter-rate",
    "--network linear --ridge 1 --learn-filters shared": "--learn-filters does not apply here: --ridge",
    "--ridge 1": "which scatresnet-small is not",
}


@pytest.mark.parametrize("flags", BAD_FLAGS)
def test_bad_flags(data, tmp_path, flags):
    arguments = ["train", data / "train", "--run", tmp_path / "run", "--size", 32, *flags.split()]
    assert BAD_FLAGS[flags] in run(*arguments, status=2)
    assert not (tmp_path / "run").exists()
