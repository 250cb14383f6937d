"""Decoding, resizing and the recipes against Pillow and torchvision, on pictures that the tests draw."""

import os
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from scipy import stats
from torchvision.transforms import (
    CenterCrop,
    Compose,
    Normalize,
    RandomResizedCrop,
    Resize,
    ToTensor,
    functional,
    v2,
)

PROBE = os.environ["SCATLIGHT_IMAGE_PROBE"]
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def probe(step: str, to: Path, *arguments: object) -> np.ndarray:
    subprocess.run([PROBE, step, to, *map(str, arguments)], check=True)
    return np.load(to)


def draw(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Smooth shapes with sharp edges and some noise: every kind of detail that a filter can get wrong."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    channels = []
    for _ in range(len(Image.new(mode, (1, 1)).getbands())):
        a, b, c = random.uniform(0.02, 0.4, 3)
        wave = 127 + 90 * np.sin(a * x + b * y) + 60 * (np.sin(c * x) > np.cos(a * y))
        channels.append(np.clip(wave + random.normal(0, 12, wave.shape), 0, 255).astype(np.uint8))
    if len(channels) == 1:
        return Image.fromarray(channels[0])
    return Image.merge(mode, [Image.fromarray(channel) for channel in channels])


def expected_rgb(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


SIZES = [(1, 1), (2, 1), (7, 5), (16, 16), (17, 33), (64, 47), (255, 129)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(tmp_path: Path, size: tuple[int, int], subsampling: str, progressive: bool) -> None:
    file = tmp_path / "a.jpg"
    draw(*size).save(file, subsampling=subsampling, quality=85, progressive=progressive)
    assert np.array_equal(probe("decode", tmp_path / "a.npy", file), expected_rgb(file))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpeg_of_other_colours(tmp_path: Path, size: tuple[int, int], mode: str) -> None:
    file = tmp_path / "a.jpg"
    draw(*size, mode).save(file, quality=85)
    assert np.array_equal(probe("decode", tmp_path / "a.npy", file), expected_rgb(file))


@pytest.mark.parametrize("size", [(30000, 1), (1, 30000)])
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_long_and_thin(tmp_path: Path, size: tuple[int, int], name: str) -> None:
    file = tmp_path / name
    draw(*size).save(file)
    assert np.array_equal(probe("decode", tmp_path / "a.npy", file), expected_rgb(file))
    result = probe("evaluate", tmp_path / "b.npy", file, 32, 37)
    assert result.shape == (3, 32, 32)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(5, 3), (40, 70)])
def test_exif_orientation(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    file = tmp_path / "a.jpg"
    image = draw(*size)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(file, quality=90, exif=exif)
    result = probe("decode", tmp_path / "a.npy", file)
    assert np.array_equal(result, expected_rgb(file))
    assert (result.shape[1], result.shape[0]) == (size if orientation < 5 else size[::-1])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_png(tmp_path: Path, size: tuple[int, int], mode: str) -> None:
    file = tmp_path / "a.png"
    if mode in ("1", "P"):
        draw(*size).convert(mode).save(file)
    else:
        draw(*size, mode).save(file)
    assert np.array_equal(probe("decode", tmp_path / "a.npy", file), expected_rgb(file))


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_png_with_a_transparent_colour(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "a.png"
    image = draw(31, 17).convert(mode)
    image.save(file, transparency=image.getpixel((3, 3)))
    assert np.array_equal(probe("decode", tmp_path / "a.npy", file), expected_rgb(file))


def write_png(file: Path, samples: np.ndarray, bits: int, interlaced: bool = False) -> None:
    """The kinds of PNG that Pillow does not write; samples is (height, width, channels)."""
    height, width, channels = samples.shape

    def scanlines(part: np.ndarray) -> bytes:
        if part.size == 0:
            return b""
        rows = part.reshape(part.shape[0], -1)
        packed = rows.astype(">u2").view(np.uint8) if bits == 16 else rows.astype(np.uint8)
        if bits < 8:
            shifts = np.arange(bits - 1, -1, -1)
            packed = np.packbits(((rows[..., None] >> shifts) & 1).reshape(len(rows), -1), axis=1)
        return b"".join(b"\0" + row.tobytes() for row in packed)

    passes = [samples]
    if interlaced:
        steps = [
            (0, 8, 0, 8),
            (0, 8, 4, 8),
            (4, 8, 0, 4),
            (0, 4, 2, 4),
            (2, 4, 0, 2),
            (0, 2, 1, 2),
            (1, 2, 0, 1),
        ]
        passes = [samples[y::dy, x::dx] for y, dy, x, dx in steps]

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlaced)
    raw = b"".join(scanlines(part) for part in passes)
    file.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("interlaced", [False, True])
def test_png_of_16_bits(tmp_path: Path, channels: int, interlaced: bool) -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (13, 21, channels))
    write_png(tmp_path / "a.png", samples, 16, interlaced)
    high_bytes = (samples >> 8).astype(np.uint8)
    expected = high_bytes[..., :3] if channels >= 3 else np.repeat(high_bytes[..., :1], 3, axis=2)
    assert np.array_equal(probe("decode", tmp_path / "a.npy", tmp_path / "a.png"), expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("interlaced", [False, True])
def test_png_of_few_bits(tmp_path: Path, bits: int, interlaced: bool) -> None:
    samples = np.random.default_rng(0).integers(0, 2**bits, (13, 21, 1))
    write_png(tmp_path / "a.png", samples, bits, interlaced)
    result = probe("decode", tmp_path / "a.npy", tmp_path / "a.png")
    assert np.array_equal(result, np.repeat(samples * 255 // (2**bits - 1), 3, axis=2))
    assert np.array_equal(result, expected_rgb(tmp_path / "a.png"))


# left, top, width, height of the crop; width and height of the result: down, up, each way, extreme, none.
CROPS = [
    (0, 0, 203, 157, 64, 64),
    (0, 0, 203, 157, 203, 157),
    (11, 7, 150, 101, 224, 224),
    (3, 90, 200, 19, 33, 65),
    (60, 2, 17, 150, 64, 9),
    (202, 156, 1, 1, 8, 5),
    (1, 1, 201, 155, 1, 1),
    (5, 5, 100, 100, 99, 101),
    (0, 0, 203, 1, 20, 300),
]


@pytest.mark.parametrize("crop", CROPS)
def test_resized_crop(tmp_path: Path, crop: tuple[int, ...]) -> None:
    left, top, width, height, new_width, new_height = crop
    image = draw(203, 157)
    image.save(tmp_path / "a.png")
    result = probe("resize", tmp_path / "a.npy", tmp_path / "a.png", *crop)
    expected = functional.resized_crop(image, top, left, height, width, [new_height, new_width])
    assert np.array_equal(result, np.asarray(expected))


@pytest.mark.parametrize("crop", CROPS)
def test_resized_crop_is_close_to_that_of_tensors(tmp_path: Path, crop: tuple[int, ...]) -> None:
    left, top, width, height, new_width, new_height = crop
    image = draw(203, 157)
    image.save(tmp_path / "a.png")
    result = probe("resize", tmp_path / "a.npy", tmp_path / "a.png", *crop).astype(np.float64)
    tensor = v2.functional.to_image(image).to(torch.float64)
    expected = v2.functional.resized_crop(
        tensor, top, left, height, width, [new_height, new_width], antialias=True
    )
    assert np.abs(result - expected.permute(1, 2, 0).numpy()).max() <= 1.0


@pytest.mark.parametrize(
    "size", [(256, 256), (300, 200), (201, 333), (40, 31), (31, 40), (1, 1), (5, 200), (500, 3), (37, 37)]
)
@pytest.mark.parametrize(("crop", "short_side"), [(32, 37), (33, 37), (32, 32), (112, 128), (64, 250)])
def test_evaluate(tmp_path: Path, size: tuple[int, int], crop: int, short_side: int) -> None:
    image = draw(*size)
    image.save(tmp_path / "a.png")
    result = probe("evaluate", tmp_path / "a.npy", tmp_path / "a.png", crop, short_side)
    steps = Compose([Resize(short_side), CenterCrop(crop), ToTensor(), Normalize(MEAN, DEVIATION)])
    assert np.array_equal(result, steps(image).numpy())


def test_default_short_side_is_the_papers(tmp_path: Path) -> None:
    image = draw(340, 270)
    image.save(tmp_path / "a.png")
    steps = Compose([Resize(256), CenterCrop(224), ToTensor(), Normalize(MEAN, DEVIATION)])
    result = probe("evaluate", tmp_path / "a.npy", tmp_path / "a.png", 224, 0)
    assert np.array_equal(result, steps(image).numpy())


def torchvision_crops(width: int, height: int, count: int) -> np.ndarray:
    torch.manual_seed(0)
    image = torch.empty(1, height, width)
    crops = [RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(count)]
    return np.array([(left, top, w, h) for top, left, h, w in crops], dtype=np.float64)


STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "area": lambda crop: crop[:, 2] * crop[:, 3],
    "ratio": lambda crop: crop[:, 2] / crop[:, 3],
    "left": lambda crop: crop[:, 0],
    "top": lambda crop: crop[:, 1],
    "right": lambda crop: crop[:, 0] + crop[:, 2],
    "bottom": lambda crop: crop[:, 1] + crop[:, 3],
    "left and width": lambda crop: crop[:, 0] * crop[:, 2],
}


@pytest.mark.parametrize("size", [(500, 375), (300, 301), (400, 150)])
def test_random_crops_are_distributed_as_torchvisions(tmp_path: Path, size: tuple[int, int]) -> None:
    count = 20000
    ours = probe("crops", tmp_path / "a.npy", *size, count)
    theirs = torchvision_crops(*size, count)
    for name, statistic in STATISTICS.items():
        p = stats.ks_2samp(statistic(ours), statistic(theirs)).pvalue
        assert p > 1e-3, f"{name}: probability {p}"


@pytest.mark.parametrize("size", [(1000, 10), (10, 1000), (1, 1), (30000, 1), (1, 30000)])
def test_crops_of_extreme_pictures_fall_back_as_torchvisions(tmp_path: Path, size: tuple[int, int]) -> None:
    ours = probe("crops", tmp_path / "a.npy", *size, 50)
    theirs = torchvision_crops(*size, 50)
    # They nearly always have the largest centre crop of an allowed ratio.
    values, counts = np.unique(theirs, axis=0, return_counts=True)
    usual = values[counts.argmax()]
    assert (ours == usual).all(axis=1).sum() >= counts.max() - 10
