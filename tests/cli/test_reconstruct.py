"""`scatlight reconstruct`: what it writes, that it finds images again, bad input and interruption."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest
from conftest import PROGRAM, fail, run, succeed
from PIL import Image


def reconstruct(tmp_path, *arguments) -> dict:
    succeed("reconstruct", *arguments, "--out", tmp_path / "out")
    return json.loads((tmp_path / "out" / "reconstruction.json").read_text())


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / ((a.astype(float) - b.astype(float)) ** 2).mean())


def test_a_photograph(photo, tmp_path):
    file = photo("a.png", 48, 64)
    facts = reconstruct(tmp_path, file, "--scales", 2)
    assert facts["solver"] == "coarse-to-fine"
    assert facts["complete"]
    (image,) = facts["images"]
    assert (image["height"], image["width"], image["channels"]) == (48, 64, 3)
    assert len(image["errors"]) == image["iterations"] <= 300
    assert image["relative_error"] < 0.01 < image["errors"][0]
    original = np.asarray(Image.open(file))
    found = np.asarray(Image.open(tmp_path / "out" / "a.reconstruction.png"))
    assert psnr(found, original) == pytest.approx(image["psnr_db"], abs=1e-6)
    assert image["psnr_db"] > 22  # it is mostly noise
    picture = np.asarray(Image.open(tmp_path / "out" / image["picture"]))
    assert picture.shape == (48, 3 * 64 + 16, 3)
    assert np.array_equal(picture[:, :64], original)
    assert np.array_equal(picture[:, 72:136], found)
    assert np.array_equal(picture[:, 144:], np.clip(128 + found.astype(int) - original, 0, 255))


def test_size_takes_the_centre_square(photo, tmp_path):
    facts = reconstruct(tmp_path, photo("a.png", 50, 80), "--size", 32, "--scales", 1, "--iterations", 5)
    assert (facts["images"][0]["height"], facts["images"][0]["width"]) == (32, 32)
    picture = Image.open(tmp_path / "out" / "a.png").crop((0, 0, 32, 32))
    square = Image.open(tmp_path / "a.png").crop((15, 0, 65, 50)).resize((32, 32), Image.BILINEAR)
    assert np.array_equal(np.asarray(picture), np.asarray(square))


def test_several_images_do_not_depend_on_threads(photo, tmp_path):
    for name in ("a.png", "b.jpg"):
        photo(name, 32, 40)
    (tmp_path / "more").mkdir()
    photo("more/a.png", 40, 32)
    files = [tmp_path / "a.png", tmp_path / "b.jpg", tmp_path / "more"]
    one = reconstruct(tmp_path, *files, "--iterations", 20, "--threads", 1)["images"]
    three = reconstruct(tmp_path, *files, "--iterations", 20, "--threads", 3)["images"]
    assert [image["picture"] for image in one] == ["a.png", "b.png", "a-2.png"]
    for a, b in zip(one, three, strict=True):
        assert a | {"seconds": 0} == b | {"seconds": 0}


@pytest.mark.parametrize("kind", ["grey", "grey 16", "alpha", "constant", "black"])
def test_kinds_of_pictures(kind, tmp_path):
    ramp = np.linspace(0, 255, 40 * 48).reshape(40, 48)
    pictures = {
        "grey": Image.fromarray(ramp.astype(np.uint8)),
        "grey 16": Image.fromarray((257 * ramp).astype(np.uint16)),
        "alpha": Image.fromarray(np.stack([ramp, ramp[::-1], ramp, ramp], -1).astype(np.uint8)),
        "constant": Image.new("RGB", (48, 40), (90, 90, 90)),
        "black": Image.new("RGB", (48, 40)),
    }
    pictures[kind].save(tmp_path / "a.png")
    (image,) = reconstruct(tmp_path, tmp_path / "a.png")["images"]
    assert image["channels"] == (3 if kind == "alpha" else 1)
    assert np.isfinite([image["relative_error"], *image["errors"]]).all()
    if kind == "black":
        assert image["psnr_db"] is None
        assert image["iterations"] == 0
    else:
        assert image["psnr_db"] is None or image["psnr_db"] > 30


def test_the_papers_recipe(photo, tmp_path):
    facts = reconstruct(tmp_path, photo("a.png", 32, 32), "--solver", "paper", "--iterations", 30)
    assert facts["solver"] == "paper"
    assert facts["images"][0]["iterations"] == 30


def test_the_default_beats_the_papers_recipe(tmp_path):
    drawn = ["--classes", 2, "--train", 2, "--val", 0, "--size", 96, "--format", "png"]
    succeed("draw", tmp_path / "shapes", *drawn)
    psnr_db = {}
    for solver in ("coarse-to-fine", "paper"):
        images = reconstruct(tmp_path, tmp_path / "shapes", "--solver", solver)["images"]
        psnr_db[solver] = np.mean([image["psnr_db"] for image in images])
    print(psnr_db)
    assert psnr_db["coarse-to-fine"] > psnr_db["paper"] + 1.5


def test_bad_input(photo, tmp_path):
    file = photo("a.png", 20, 64)
    fail(1, ["a.png", "64 x 20 pixels are too few", "at least 32"], "reconstruct", file, "--scales", 5)
    fail(1, ["absent.png"], "reconstruct", tmp_path / "absent.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    fail(1, ["bad.png"], "reconstruct", tmp_path / "bad.png", "--out", tmp_path / "out")
    fail(1, ["a.png"], "reconstruct", file, "--out", file / "out")
    fail(2, ["--solver"], "reconstruct", file, "--solver", "magic")
    fail(2, ["--scales"], "reconstruct", file, "--scales", 0)
    fail(2, ["--tolerance"], "reconstruct", file, "--tolerance", -1)


def test_an_interruption_writes_what_was_reached(photo, tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        photo(name, 200, 200)
    command = [PROGRAM, "reconstruct", tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"]
    command += ["--iterations", "100000", "--threads", "1", "--out", tmp_path / "out"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    facts = json.loads((tmp_path / "out" / "reconstruction.json").read_text())
    assert not facts["complete"]
    assert [image["picture"] for image in facts["images"]] == ["a.png"]
    assert 0 < facts["images"][0]["iterations"] < 100000
    assert (tmp_path / "out" / "a.png").is_file()
    assert not run("reconstruct", "--help").stderr
