"""Each bad input gets one clear line and a status, and leaves nothing half-written."""

import json
import os
import resource
import signal
import struct
import subprocess
import time
import zlib

import numpy as np
import pytest
from conftest import PROGRAM, commands, fail, run, succeed
from PIL import Image


def png_with_size(width: int, height: int) -> bytes:
    """A PNG whose header claims this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def cut(file) -> bytes:
    return file.read_bytes()[: file.stat().st_size // 2]


BAD_IMAGES = {
    "truncated.jpg": lambda photo: cut(photo("whole.jpg")),
    "truncated.png": lambda photo: cut(photo("whole.png")),
    "empty.jpg": lambda photo: b"",
    "empty.png": lambda photo: b"",
    "text.jpg": lambda photo: b"These are words, not pixels.\n" * 20,
    "zero-wide.png": lambda photo: png_with_size(0, 32),
    "zero-high.png": lambda photo: png_with_size(32, 0),
    "huge.png": lambda photo: png_with_size(65000, 65000),
    "beyond.png": lambda photo: png_with_size(2_000_000_000, 2),
    "lying.png": lambda photo: png_with_size(64, 64),
    "broken.jpg": lambda photo: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
}


@pytest.mark.parametrize("name", BAD_IMAGES)
@pytest.mark.parametrize("flags", [[], ["--size", 32]])
def test_bad_image(name, flags, photo, tmp_path):
    (tmp_path / name).write_bytes(BAD_IMAGES[name](photo))
    before = sorted(os.listdir(tmp_path))
    fail(1, [name], "transform", tmp_path / name, "--out", tmp_path / "out.npy", *flags)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 30000), (30000, 1), (7, 100)])
def test_image_smaller_than_the_scale(height, width, tmp_path):
    file = tmp_path / "small.png"
    Image.new("RGB", (width, height), (9, 90, 200)).save(file)
    words = ["small.png", f"{width} x {height}", "at least 8"]
    fail(1, words, "transform", file, "--out", tmp_path / "out.npy")
    # Enlarged, it is an image like any other.
    succeed("transform", file, "--size", 32, "--out", tmp_path / "out.npy")
    features = np.load(tmp_path / "out.npy")
    assert features.shape == (1, 3, 25, 4, 4)
    assert np.allclose(features[0, :, 0].mean(axis=(1, 2)), np.array([9, 90, 200]) / 255, rtol=1e-3)


def test_bad_image_among_good_ones_is_the_one_that_is_named(photo, tmp_path):
    for i in range(20):
        photo(f"in/{i:02}.png", seed=i)
    for bad in ("13", "07"):
        (tmp_path / f"in/{bad}.png").write_bytes(cut(tmp_path / f"in/{bad}.png"))
    line = fail(1, ["07.png"], "transform", tmp_path / "in", "--out", tmp_path / "out.npy")
    assert "13.png" not in line
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, ["absent", "no such file"]),
        (lambda folder: folder.mkdir(), ["absent", "no image in it", ".jpg"]),
    ],
)
def test_nothing_to_transform(make, words, tmp_path):
    make(tmp_path / "absent")
    fail(1, words, "transform", tmp_path / "absent", "--out", tmp_path / "out.npy")


def with_sample(value: float) -> np.ndarray:
    images = np.zeros((4, 3, 16, 16), np.float32)
    images[2, 1, 5, 7] = value
    return images


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (with_sample(np.nan), ["[2, 1, 5, 7]", "nan"]),
        (with_sample(-np.inf), ["[2, 1, 5, 7]", "inf"]),
        (np.zeros(64, np.float32), ["(64,)", "(N, C, H, W)"]),
        (np.zeros((1, 1, 1, 16, 16), np.float32), ["(N, C, H, W)"]),
        (np.zeros((0, 3, 16, 16), np.float32), ["no sample"]),
        (np.zeros((3, 16, 0), np.float32), ["no sample"]),
        (np.zeros((64, 48, 3), np.uint8), ["(64, 48, 3)", "channels last; give (C, H, W)"]),
        (np.zeros((2, 16, 24, 3), np.uint8), ["(2, 16, 24, 3)", "channels last; give (N, C, H, W)"]),
        (np.zeros((2, 3, 24, 3), np.uint8), ["3 x 24", "at least 8"]),
        (np.zeros((16, 16), np.int64), ["<i8", "float32"]),
        (np.asfortranarray(np.zeros((16, 24))), ["Fortran"]),
        (np.zeros((16, 4), np.float32), ["4 x 16", "at least 8"]),
        (np.array(["a", "b"], dtype=object), ["|O"]),
    ],
)
def test_bad_array(array, words, tmp_path):
    np.save(tmp_path / "in.npy", array)
    fail(1, ["in.npy", *words], "transform", tmp_path / "in.npy", "--out", tmp_path / "out.npy")
    assert os.listdir(tmp_path) == ["in.npy"]


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x93NUMPY\x01\x00\xff\xff", b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16]
)
def test_file_that_is_no_array(content, tmp_path):
    (tmp_path / "in.npy").write_bytes(content)
    fail(1, ["in.npy"], "transform", tmp_path / "in.npy", "--out", tmp_path / "out.npy")


def test_array_shorter_than_its_header_says(tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((3, 16, 16), np.float32))
    (tmp_path / "in.npy").write_bytes((tmp_path / "in.npy").read_bytes()[:-4])
    fail(1, ["in.npy", "3068 bytes"], "transform", tmp_path / "in.npy", "--out", tmp_path / "out.npy")


def test_arrays_are_transformed_alone(photo, tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((16, 16), np.float32))
    fail(
        1,
        ["in.npy", "alone"],
        "transform",
        tmp_path / "in.npy",
        photo("a.png"),
        "--out",
        tmp_path / "out.npy",
    )


def test_options_that_do_not_fit_the_image(photo, tmp_path):
    file = photo("a.png", 32, 32)
    out = ["--out", tmp_path / "out.npy"]
    fail(1, ["a.png", "32 x 32", "64"], "transform", file, *out, "--scales", 6)
    fail(2, ["--sigma nan is not accepted: give a number"], "transform", file, *out, "--sigma", "nan")
    fail(1, ["stride is 3", "power of two"], "transform", file, *out, "--stride", 3)
    fail(1, ["stride is 16", "2^J = 8"], "transform", file, *out, "--stride", 16)
    fail(1, ["short side 8", "16"], "transform", file, *out, "--size", 16, "--resize", 8)
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize("out", ["absent/out.npy", "folder.npy", "/proc/out.npy", "/dev/full/out.npy"])
def test_output_that_cannot_be_written(out, photo, tmp_path):
    (tmp_path / "folder.npy").mkdir()
    fail(1, [out], "transform", photo("a.png"), "--out", tmp_path / out)


@pytest.mark.parametrize("name", ["out.npy", "out.safetensors"])
def test_disk_that_fills_up(name, photo, tmp_path):
    out = tmp_path / name
    out.write_text("an older file")
    files = [photo(f"{i}.png", 128, 128, seed=i) for i in range(8)]
    before = sorted(os.listdir(tmp_path))

    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    # Python leaves SIGXFSZ ignored for the program, which then sees an error, as on a full disk.
    fail(1, [str(out), "File too large"], "transform", *files, "--out", out, preexec_fn=limit_files,
         restore_signals=False)  # fmt: skip
    assert out.read_text() == "an older file"
    assert sorted(os.listdir(tmp_path)) == before


def test_full_disk(photo, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        files = [photo(f"{i}.png", 128, 128, seed=i) for i in range(8)]
        fail(1, ["No space left"], "transform", *files, "--out", disk / "out.npy")
        fail(1, ["No space left"], "draw", disk / "shapes", "--size", 256)
        assert os.listdir(disk) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_kill_leaves_the_old_file(tmp_path):
    np.save(tmp_path / "in.npy", np.random.default_rng(0).random((400, 3, 64, 64)).astype(np.float32))
    out = tmp_path / "out.npy"
    out.write_text("an older file")
    command = [PROGRAM, "transform", str(tmp_path / "in.npy"), "--out", str(out)]
    slow = os.environ | {"SCATLIGHT_ENGINE": "reference"}
    process = subprocess.Popen(command, env=slow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    partial = tmp_path / ".out.npy.tmp"
    while not (partial.exists() and partial.stat().st_size > 0):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert out.read_text() == "an older file"
    succeed("transform", tmp_path / "in.npy", "--out", out)
    assert np.load(out, mmap_mode="r").shape == (400, 3, 25, 8, 8)
    assert sorted(os.listdir(tmp_path)) == ["in.npy", "out.npy"]


def test_draw_refuses_a_folder_in_use(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    fail(1, [str(tmp_path)], "draw", tmp_path, "--overwrite", "--train", 1, "--val", 0)
    assert os.listdir(tmp_path) == ["thesis.txt"]


def test_hostile_file_name_stays_on_one_line(tmp_path):
    name = "line\nbreak\x1b[31m.png"
    (tmp_path / name).write_text("no image")
    result = run("transform", tmp_path / name, "--out", tmp_path / "out.npy")
    assert result.returncode == 1
    assert "\x1b" not in result.stderr
    assert "line\\x0Abreak" in result.stderr or "line\\x0abreak" in result.stderr


WITH_DEVICE = {
    "transform": ["in.npy", "--out", "out.npy"],
    "train": ["data", "--run", "run"],
    "eval": ["model", "data"],
    "predict": ["model", "a.png"],
}


@pytest.mark.parametrize("command", WITH_DEVICE)
def test_devices(command, tmp_path):
    """A GPU that is not there is known before anything is read or written."""
    if command not in commands():
        pytest.skip("this build has no torch")
    arguments = [command, *WITH_DEVICE[command], "--device"]
    for name in ("gpu", "CUDA", "cuda:", "cuda:-1", "cuda:1x", "cuda0", "cuda:99999999999", ""):
        fail(2, ["--device", f"{name} is not cpu, cuda or cuda:N"], *arguments, name, cwd=tmp_path)
    facts = json.loads(succeed("info", "--json"))
    absent = facts["gpus"]
    words = [f"no CUDA device {absent}; this machine has {absent}"] if facts["cuda"] else ["no CUDA engine"]
    fail(1, words, *arguments, f"cuda:{absent}", cwd=tmp_path)
    if absent == 0:
        fail(1, words, *arguments, "cuda", cwd=tmp_path)
    assert os.listdir(tmp_path) == []
