"""Pictures on the page are what the networks see; where there is none, the page says why."""

import base64
import io
import struct

import numpy as np
import pytest
from PIL import Image
from scatlight._core import decode_image
from scatlight.report.images import Crop, _cut, photograph
from torchvision.transforms.v2.functional import center_crop, resize


def pixels_of(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.split(",", 1)[1])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_grey_of_16_bits(tmp_path):
    # Pillow's convert("RGB") makes white of it.
    Image.fromarray(np.full((8, 12), 0x4000, np.uint16)).save(tmp_path / "grey.png")
    assert np.array_equal(decode_image(tmp_path / "grey.png"), np.full((8, 12, 3), 0x40))
    shown = photograph(tmp_path / "grey.png")
    assert (shown.width, shown.height) == (12, 8)
    assert np.abs(pixels_of(shown.uri) - 0x40).max() <= 2


def test_orientation_as_a_long_number(tmp_path):
    orientation, long, turned_right = 0x0112, 4, 6
    exif = b"II*\0" + struct.pack("<IHHHIII", 8, 1, orientation, long, 1, turned_right, 0)
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=b"Exif\0\0" + exif)
    height, width, _ = decode_image(tmp_path / "turned.jpg").shape
    shown = photograph(tmp_path / "turned.jpg")
    assert (shown.width, shown.height) == (width, height)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"II*.", "it is neither a JPEG nor a PNG nor a WebP"), (b"", "it is empty")],
)
def test_reason_why_there_is_no_picture(content, reason, tmp_path):
    file = tmp_path / "photo.jpg"
    file.write_bytes(content)
    assert photograph(file).uri == ""
    assert photograph(file).problem == f"cannot decode {file}: {reason}"


def test_picture_that_is_gone(tmp_path):
    assert photograph(tmp_path / "photo.jpg").problem == "the picture photo.jpg is no longer there"


@pytest.mark.parametrize(("width", "height"), [(301, 200), (97, 300), (224, 224), (640, 427)])
def test_crop_is_that_of_the_networks(width, height):
    """tests/data compares the networks' own with torchvision's."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))
    expected = center_crop(resize(image, [73]), [64, 64])
    assert np.array_equal(np.asarray(_cut(image, Crop(64, 73))), np.asarray(expected))
