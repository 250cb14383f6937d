"""Scattering features that `scatlight transform` wrote, with the table of their maps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from scatlight.report.fields import Fields, ReportError, parse, read_text


@dataclass(frozen=True)
class ScatteringPath:
    """Which map: -1 where the order does not use it."""

    order: int
    scale1: int = -1
    angle1: int = -1
    scale2: int = -1
    angle2: int = -1


@dataclass(frozen=True)
class Features:
    """What `scatlight transform` wrote, with the maps of its first image."""

    file: Path
    picture: str  # the first input file, as it was given
    size: int  # centre crop of the picture in pixels, or 0
    resize: int  # its short side before the crop
    scales: int
    angles: int
    theta: list[float]  # of each angle, in radians; 0 points along the height axis
    paths: list[ScatteringPath]
    maps: npt.NDArray[np.float64]  # (channels, K, h, w)


def _read_path(fields: Fields) -> ScatteringPath:
    names = [("scale1", "angle1"), ("scale2", "angle2")]
    order = fields.integer("order")
    used = [name for pair in names[:order] for name in pair]
    return ScatteringPath(order, **{name: fields.integer(name) for name in used})


def _read_features(file: Path, description: str, array: npt.NDArray[Any]) -> Features:
    fields = parse(description, str(file))
    paths = [_read_path(entry) for entry in fields.objects("paths")]
    if array.ndim < 3 or array.shape[-3] != len(paths):
        raise ReportError(f"{file}: its shape is {array.shape}; {len(paths)} maps stand in its list of paths")
    while array.ndim > 4:
        array = array[0]
    return Features(
        file=file,
        picture=next(iter(fields.texts("files")), ""),
        size=fields.integer("size") if fields.has("size") else 0,
        resize=fields.integer("resize") if fields.has("resize") else 0,
        scales=fields.integer("options.scales"),
        angles=fields.integer("options.angles"),
        theta=fields.numbers("theta"),
        paths=paths,
        maps=np.asarray(array, dtype=np.float64).reshape(-1, *array.shape[-3:]),
    )


def read_safetensors_features(file: Path) -> Features | None:
    """What `scatlight transform` wrote into the file; None for another's file, such as weights."""
    try:
        with safe_open(file, framework="numpy") as tensors:
            description = (tensors.metadata() or {}).get("scatlight", "")
            if '"transform"' not in description:
                return None
            names = list(tensors.keys())
            name = "features" if "features" in names else names[0]
            part = tensors.get_slice(name)
            # Only the first image: the file may be larger than memory.
            array = part[0] if len(part.get_shape()) > 4 else part[:]
    except (SafetensorError, OSError, IndexError) as error:
        raise ReportError(f"{file}: {str(error).splitlines()[0]}") from error
    return _read_features(file, description, array)


def read_npy_features(file: Path) -> Features:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError) as error:
        raise ReportError(f"{file}: {str(error).splitlines()[0]}") from error
    return _read_features(file, read_text(file.with_name(file.name + ".json")), array)


def find_features(folder: Path) -> list[Features]:
    found = [read_safetensors_features(file) for file in sorted(folder.glob("*.safetensors"))]
    arrays = [
        read_npy_features(file) for file in sorted(folder.glob("*.npy")) if Path(f"{file}.json").exists()
    ]
    return [features for features in found + arrays if features is not None]
