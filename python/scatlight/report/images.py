"""Photographs and maps as pictures inside the page. Files are decoded as for the networks, so that the page
shows what these saw; Pillow resizes and encodes."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from scatlight._core import ScatteringError, decode_image

LARGEST_SIDE = 360  # pixels of a photograph on the page
LARGEST_WIDTH = 1050  # pixels of a picture as wide as the page


@dataclass(frozen=True)
class Picture:
    """A data URI, and its size; or the reason why there is none."""

    uri: str = ""
    width: int = 0
    height: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Crop:
    """How networks cut a picture: the short side is resized, then the centre square cut out."""

    size: int  # of the square, in pixels
    resize: int  # the short side before


def _encode(image: Image.Image, kind: str, **options: int) -> str:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"


def _picture(file: Path, prepare: Callable[[Image.Image], Image.Image], kind: str, **options: int) -> Picture:
    if not file.is_file():
        return Picture(problem=f"the picture {file.name} is no longer there")
    try:
        image = prepare(Image.fromarray(decode_image(file)))
    except ScatteringError as error:
        return Picture(problem=str(error))
    return Picture(_encode(image, kind, **options), image.width, image.height)


def find_file(name: str, folder: Path) -> Path:
    """A file that a program named as it was given on its command line: from here, or from the run folder."""
    candidates = (Path(name), folder / name, folder / Path(name).name)
    return next((candidate for candidate in candidates if candidate.is_file()), candidates[0])


def _cut(image: Image.Image, crop: Crop) -> Image.Image:
    """As Recipe::evaluate() of src/data/recipe.cpp."""
    short = min(image.size)
    resized = image.resize(
        (crop.resize * image.width // short, crop.resize * image.height // short), Image.Resampling.BILINEAR
    )
    left, top = (round((side - crop.size) / 2) for side in resized.size)
    return resized.crop((left, top, left + crop.size, top + crop.size))


def _shrink(image: Image.Image, largest: int) -> Image.Image:
    image.thumbnail((largest, largest))
    return image


def photograph(file: Path, crop: Crop | None = None) -> Picture:
    """Small; the whole picture, or the part that a network saw."""
    cut = (lambda image: _cut(image, crop)) if crop else (lambda image: image)
    return _picture(file, lambda image: _shrink(cut(image), LARGEST_SIDE), "jpeg", quality=85)


def wide_picture(file: Path) -> Picture:
    """With fine detail, as wide as the page at most."""
    return _picture(file, lambda image: _shrink(image, LARGEST_WIDTH), "jpeg", quality=92, subsampling=0)


def drawing(file: Path) -> Picture:
    """As it is."""
    return _picture(file, lambda image: image, "png", optimize=1)


def map_picture(values: npt.NDArray[np.float64], lowest: float, highest: float) -> str:
    """The data URI of a map (h, w) in grey, or (3, h, w) in colour, with white at `highest`."""
    span = max(highest - lowest, 1e-12)
    levels = np.clip(255 * (values - lowest) / span, 0, 255).round().astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)) if levels.ndim == 3 else levels)
    return _encode(image, "png", optimize=1)
