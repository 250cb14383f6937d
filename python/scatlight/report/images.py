"""Photographs and maps as pictures inside the page."""

import base64
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

LARGEST_SIDE = 360  # pixels of a photograph on the page
LARGEST_WIDTH = 1050  # pixels of a picture as wide as the page


def _data_uri(image: Image.Image, kind: str, quality: int = 85, subsampling: int = 2) -> str:
    data = io.BytesIO()
    if kind == "jpeg":
        image.save(data, kind, quality=quality, subsampling=subsampling)
    else:
        image.save(data, kind, optimize=True)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"


def _open(file: Path) -> Image.Image | None:
    try:
        with Image.open(file) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None


def find_file(name: str, folder: Path) -> Path | None:
    """A file that a program named as it was given on its command line: from here, or from the run folder."""
    for candidate in (Path(name), folder / name, folder / Path(name).name):
        if candidate.is_file():
            return candidate
    return None


def photograph(file: Path | None) -> str | None:
    """A data URI, small; None when the file is gone or no picture."""
    image = _open(file) if file else None
    if image is None:
        return None
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return _data_uri(image, "jpeg")


def cropped_photograph(file: Path | None, size: int, resize: int) -> str | None:
    """The part of a photograph that was transformed: its short side resized, its centre cut out."""
    image = _open(file) if file else None
    if image is None:
        return None
    if size > 0:
        scale = resize / min(image.size)
        image = image.resize((max(size, round(image.width * scale)), max(size, round(image.height * scale))))
        left, top = (image.width - size) // 2, (image.height - size) // 2
        image = image.crop((left, top, left + size, top + size))
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return _data_uri(image, "jpeg")


def wide_picture(file: Path) -> str | None:
    """A data URI of a picture with fine detail, as wide as the page at most; None when it is gone."""
    image = _open(file)
    if image is None:
        return None
    image.thumbnail((LARGEST_WIDTH, LARGEST_WIDTH))
    return _data_uri(image, "jpeg", quality=92, subsampling=0)


def drawing(file: Path) -> str | None:
    """A data URI of a drawing as it is; None when it is gone or no picture."""
    image = _open(file)
    return _data_uri(image, "png") if image else None


def map_picture(values: npt.NDArray[np.float64], lowest: float, highest: float) -> str:
    """A map (h, w) in grey, or (3, h, w) in colour, with white at `highest`."""
    span = max(highest - lowest, 1e-12)
    levels = np.clip(255 * (values - lowest) / span, 0, 255).round().astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)) if levels.ndim == 3 else levels)
    return _data_uri(image, "png")
