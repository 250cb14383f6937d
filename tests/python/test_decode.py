"""The decoder of the networks' images. tests/data compares its pixels with torchvision's."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from scatlight._core import ScatteringError, decode_image


def write_png(file: Path, pixels: np.ndarray) -> None:
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with file.open("ab") as stream:
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
            checked = kind + data
            stream.write(struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked)))


def test_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    write_png(tmp_path / "a.png", pixels)
    first, second = decode_image(tmp_path / "a.png"), decode_image(str(tmp_path / "a.png"))
    assert (first.dtype, first.shape) == (np.uint8, (5, 7, 3))
    first[:] = 0  # each array has pixels of its own
    assert np.array_equal(second, pixels)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(ScatteringError, match=r"cannot read .*absent\.png: No such file or directory"):
        decode_image(tmp_path / "absent.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ScatteringError, match=r"cannot decode .* neither a JPEG nor a PNG"):
        decode_image(tmp_path / "text.png")
    with pytest.raises(TypeError):
        decode_image(3)
