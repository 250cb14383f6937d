"""`scatlight transform`: the numbers of kymatio, the shapes, the formats and what they tell of themselves."""

import json
import os
import subprocess
import time

import numpy as np
import pytest
from conftest import PROGRAM, fail, pixels_of, run, succeed
from kymatio.numpy import Scattering2D
from PIL import Image
from safetensors import safe_open
from torchvision.transforms import functional as tv


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    """rtol 1e-5 with an absolute part of 1e-6 of the scale: kymatio's filters are complex64."""
    assert actual.shape == expected.shape
    bound = 1e-5 * np.abs(expected) + 1e-6 * np.abs(expected).max()
    error = np.abs(actual - expected)
    share = (error / bound).max()
    print(f"worst error {error.max():.3g}, {100 * share:.1f} % of the bound")
    assert share <= 1


def transform(tmp_path, *arguments, **options) -> np.ndarray:
    succeed("transform", *arguments, "--out", tmp_path / "out.npy", **options)
    return np.load(tmp_path / "out.npy")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_image_equals_kymatio(name, photo, tmp_path):
    file = photo(name, 40, 57)
    pixels = pixels_of(file)
    features = transform(tmp_path, file)
    assert features.dtype == np.float32
    assert_close(features, Scattering2D(3, (40, 57), 8, 1)(pixels)[None])
    wide = transform(tmp_path, file, "--scales", 2, "--angles", 5, "--max-order", 2, "--precision", "float64")
    assert wide.dtype == np.float64
    assert_close(wide, Scattering2D(2, (40, 57), 5, 2)(pixels)[None])


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("leading", [(), (3,), (5, 2)])
def test_array_equals_kymatio(dtype, leading, tmp_path):
    images = np.random.default_rng(1).random((*leading, 24, 33))
    given = (255 * images).astype(dtype) if dtype == "uint8" else images.astype(dtype)
    np.save(tmp_path / "in.npy", given)
    features = transform(tmp_path, tmp_path / "in.npy", "--scales", 2, "--max-order", 2)
    assert features.dtype == (np.float64 if dtype == "float64" else np.float32)
    scale = 255 if dtype == "uint8" else 1
    assert_close(features, Scattering2D(2, (24, 33), 8, 2)(given.astype(np.float64) / scale))


def test_many_small_planes_are_taken_in_pieces(tmp_path):
    images = np.random.default_rng(2).random((700, 3, 16, 16)).astype(np.float32)
    np.save(tmp_path / "in.npy", images)
    features = transform(tmp_path, tmp_path / "in.npy", "--scales", 2, "--threads", 3)
    assert_close(features, Scattering2D(2, (16, 16), 8, 1)(images.astype(np.float64)))


def test_precision_converts_an_array(tmp_path):
    images = np.random.default_rng(3).random((8, 16))
    np.save(tmp_path / "in.npy", images)
    assert transform(tmp_path, tmp_path / "in.npy").dtype == np.float64
    assert transform(tmp_path, tmp_path / "in.npy", "--precision", "float32").dtype == np.float32
    np.save(tmp_path / "in.npy", images * 1e300)
    out = ["--out", tmp_path / "x.npy"]
    fail(1, ["[0, 0]", "float32"], "transform", tmp_path / "in.npy", *out, "--precision", "float32")


@pytest.mark.parametrize("pixels", ["unit", "imagenet"])
def test_size_and_pixels_equal_torchvision(pixels, photo, tmp_path):
    file = photo("a.png", 90, 61)
    features = transform(tmp_path, file, "--size", 32, "--resize", 40, "--pixels", pixels)
    image = tv.to_tensor(tv.center_crop(tv.resize(Image.open(file), 40), 32))
    if pixels == "imagenet":
        image = tv.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert_close(features, Scattering2D(3, (32, 32), 8, 1)(image.numpy().astype(np.float64))[None])


def test_imagenet_pixels_without_a_crop(photo, tmp_path):
    file = photo("a.png", 16, 24)
    mean = np.array([0.485, 0.456, 0.406])[:, None, None]
    deviation = np.array([0.229, 0.224, 0.225])[:, None, None]
    features = transform(tmp_path, file, "--pixels", "imagenet")
    assert_close(features, Scattering2D(3, (16, 24), 8, 1)((pixels_of(file) - mean) / deviation)[None])


def test_options_reach_the_plan(photo, tmp_path):
    file = photo("a.png", 32, 32)
    usual = transform(tmp_path, file)
    for flags in (
        ["--wavelet", "gabor"],
        ["--boundary", "zero"],
        ["--boundary", "periodic"],
        ["--normalization", "exact"],
        ["--sigma", 0.9],
        ["--center-frequency", 2],
        ["--slant", 0.7],
    ):
        other = transform(tmp_path, file, *flags)
        assert other.shape == usual.shape
        assert not np.array_equal(other, usual), flags
    assert transform(tmp_path, file, "--stride", 2).shape == (1, 3, 25, 16, 16)
    assert transform(tmp_path, file, "--boundary", "padded").shape == (1, 3, 25, 2, 2)
    assert transform(tmp_path, file, "--max-order", 0).shape == (1, 3, 1, 4, 4)
    assert np.allclose(transform(tmp_path, file, engine="reference"), usual, rtol=1e-4, atol=1e-6)


def test_folder_in_order_whatever_the_threads(photo, tmp_path):
    files = [photo(f"in/{name}", 20 + i, 30, seed=i) for i, name in enumerate(["b.png", "a/z.jpg", "c.jpeg"])]
    flags = ["--size", 16, "--scales", 2]
    one = transform(tmp_path, tmp_path / "in", *flags, "--threads", 1)
    many = transform(tmp_path, tmp_path / "in", *flags, "--threads", 5)
    assert one.shape == (3, 3, 17, 4, 4)
    assert np.array_equal(one, many)
    in_order = [transform(tmp_path, file, *flags)[0] for file in (files[1], files[0], files[2])]
    assert np.array_equal(one, in_order)


def test_folder_says_what_it_leaves_out(photo, tmp_path):
    photo("in/a.png")
    photo("in/b.webp")
    arguments = ["transform", tmp_path / "in", "--out", tmp_path / "out.npy"]
    assert "left out" not in run(*arguments).stderr
    for name in ("notes.txt", "c.tiff", "deep/d.TIFF", "@eaDir/a.png"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text("no image")
    result = run(*arguments, tmp_path / "in/a.png")
    assert result.stdout == f"{tmp_path}/out.npy: float32 (3, 3, 25, 5, 7)\n"
    assert result.stderr.splitlines()[0] == (
        "4 files left out: 2 pictures (2 .tiff), 1 other (1 .txt), 1 hidden; "
        ".jpg, .jpeg, .jpe, .jfif, .png, .apng and .webp are read"
    )


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_limit_of_pixels(name, photo, tmp_path):
    file = photo(name, 40, 57)
    transform(tmp_path, file, "--max-pixels", 40 * 57)
    for flags in ([], ["--size", 32]):
        words = [name, "57 x 40 pixels", "2279 in all are accepted"]
        fail(1, words, "transform", file, "--out", tmp_path / "x.npy", "--max-pixels", 40 * 57 - 1, *flags)


def test_safetensors_tells_what_it_holds(photo, tmp_path):
    files = [photo("a.png"), photo("b.png", seed=1)]
    out = tmp_path / "out.safetensors"
    printed = succeed("transform", *files, "--out", out, "--scales", 2, "--angles", 3, "--max-order", 2)
    assert printed == f"{out}: float32 (2, 3, 16, 10, 14)\n"
    with safe_open(out, framework="numpy") as tensors:
        assert list(tensors.keys()) == ["features"]
        features = tensors.get_tensor("features")
        facts = json.loads(tensors.metadata()["scatlight"])
    assert np.array_equal(
        features, transform(tmp_path, *files, "--scales", 2, "--angles", 3, "--max-order", 2)
    )
    assert facts["files"] == [str(file) for file in files]
    assert facts["options"]["height"] == 40
    assert facts["options"]["scales"] == 2
    assert len(facts["theta"]) == 3
    expected = [(0,), *((1, j, t) for j in range(2) for t in range(3)),
                *((2, 0, t1, 1, t2) for t1 in range(3) for t2 in range(3))]  # fmt: skip
    assert [tuple(path.values()) for path in facts["paths"]] == expected


def test_index_beside_npy(photo, tmp_path):
    transform(tmp_path, photo("a.png"), "--index")
    facts = json.loads((tmp_path / "out.npy.json").read_text())
    assert facts["files"] == [str(tmp_path / "a.png")]
    assert len(facts["paths"]) == 25


def test_array_never_has_the_index_of_another(photo, tmp_path):
    transform(tmp_path, photo("a.png"), "--index")
    transform(tmp_path, photo("b.png", 24, 32))
    assert not (tmp_path / "out.npy.json").exists()
    (tmp_path / "out.npy.json").write_text('{"mine": true}')
    transform(tmp_path, photo("a.png"))
    assert (tmp_path / "out.npy.json").read_text() == '{"mine": true}'


def test_run_that_ends_between_array_and_index_leaves_no_index(tmp_path):
    """Such a moment is made by taking the new index away before it can get its name."""
    np.save(tmp_path / "in.npy", np.random.default_rng(0).random((30, 3, 64, 64)).astype(np.float32))
    old = transform(tmp_path, tmp_path / "in.npy", "--index", "--scales", 4)
    assert (tmp_path / "out.npy.json").exists()
    command = [PROGRAM, "transform", tmp_path / "in.npy", "--out", tmp_path / "out.npy", "--index"]
    slow = os.environ | {"SCATLIGHT_ENGINE": "reference"}
    process = subprocess.Popen(command, env=slow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / ".out.npy.json.tmp").exists():
        assert process.poll() is None, "it ended before the index could be taken away"
        time.sleep(0.001)
    (tmp_path / ".out.npy.json.tmp").unlink()
    assert process.wait() == 1
    assert np.load(tmp_path / "out.npy", mmap_mode="r").shape != old.shape
    assert not (tmp_path / "out.npy.json").exists()


def test_one_tensor_a_file(photo, tmp_path):
    # A path with a folder sorts otherwise than its text.
    files = [photo("b/c.png", 24, 40), photo("b-c.png", 33, 17), photo("a.png", 16, 16)]
    out = tmp_path / "out.safetensors"
    succeed("transform", *files, "--out", out, "--per-file")
    with safe_open(out, framework="numpy") as tensors:
        assert sorted(tensors.keys()) == sorted(str(file) for file in files)
        for file in files:
            assert np.array_equal(tensors.get_tensor(str(file)), transform(tmp_path, file)[0])


def test_sizes_that_differ(photo, tmp_path):
    files = [photo("a.png", 24, 40), photo("b.png", 24, 41)]
    fail(1, ["a.png", "40 x 24", "b.png", "41 x 24", "--size", "--per-file"], "transform", *files, "--out",
         tmp_path / "out.npy")  # fmt: skip


def test_skip_bad_names_and_counts(photo, tmp_path):
    photo("in/a.png")
    photo("in/c.png", seed=1)
    (tmp_path / "in/b.png").write_bytes((tmp_path / "in/a.png").read_bytes()[:500])
    photo("in/d.png", 4, 5)
    out = tmp_path / "out.safetensors"
    result = run("transform", tmp_path / "in", "--out", out, "--skip-bad")
    assert result.returncode == 0
    assert "2 files were left out" in result.stdout
    assert [line.split("/")[-1][:5] for line in result.stderr.splitlines() if "left out" in line] == [
        "b.png",
        "d.png",
    ]
    with safe_open(out, framework="numpy") as tensors:
        assert tensors.get_slice("features").get_shape()[0] == 2
        facts = json.loads(tensors.metadata()["scatlight"])
    assert [file[-5:] for file in facts["files"]] == ["a.png", "c.png"]
    assert [entry["file"][-5:] for entry in facts["skipped"]] == ["b.png", "d.png"]
    (tmp_path / "in/a.png").unlink()
    (tmp_path / "in/c.png").unlink()
    fail(1, ["no image is left"], "transform", tmp_path / "in", "--out", out, "--skip-bad")


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["--resize", "--size"], ["--resize", 40]),
        ([".npy", ".safetensors"], ["--out", "features.txt"]),
        (["--per-file", ".safetensors"], ["--per-file"]),
        (["--scales 0", "1 to 16"], ["--scales", 0]),
        (["--angles 257", "1 to 256"], ["--angles", 257]),
        (["--max-order 3", "0 to 2"], ["--max-order", 3]),
        (["--size 0"], ["--size", 0]),
        (["--max-pixels 0", "1 to 536870912"], ["--max-pixels", 0]),
        (["--wavelet haar", "morlet, gabor"], ["--wavelet", "haar"]),
        (["--sigma 0", "0.1 to 100"], ["--sigma", 0]),
    ],
)
def test_wrong_flags(words, flags, photo, tmp_path):
    out = [] if "--out" in flags else ["--out", "out.npy"]
    fail(2, words, "transform", photo("a.png"), *out, *flags, cwd=tmp_path)


@pytest.mark.parametrize(
    "flag", [["--size", 16], ["--per-file"], ["--skip-bad"], ["--pixels", "unit"], ["--max-pixels", 9]]
)
def test_flags_for_images_do_not_fit_an_array(flag, tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((8, 8), np.float32))
    fail(2, [flag[0], ".npy"], "transform", tmp_path / "in.npy", "--out", tmp_path / "x.safetensors", *flag)
