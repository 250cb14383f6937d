"""Scattering maps as rows of pictures."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scatlight.report.features import Features
from scatlight.report.images import Crop, Picture, find_file, map_picture, photograph


@dataclass(frozen=True)
class Stripe:
    """The direction of the edges that an angle's wavelets answer to, of length 1, y down."""

    x: float
    y: float
    degrees: int


@dataclass(frozen=True)
class ShownMaps:
    source: str
    photograph: Picture | None  # None: an array was transformed
    average: str | None  # order 0
    scales: int
    stripes: list[Stripe]  # of the angles
    first: list[tuple[int, list[str]]]  # order 1: (j, one picture for each angle)
    second: list[tuple[int, int, str]]  # order 2: (j1, j2, one picture of L x L tiles)
    shape: str


def edge_direction(theta: float) -> Stripe:
    """A wavelet waves along (row, column) = (cos theta, sin theta); its edges run across."""
    return Stripe(x=math.cos(theta), y=-math.sin(theta), degrees=round(math.degrees(theta)) % 180)


def _brightness(features: Features, index: int) -> npt.NDArray[np.float64]:
    """The strength of a map over all channels, (h, w), as its square root: weak edges stay visible."""
    strength = np.sqrt(np.mean(np.square(features.maps[:, index]), axis=0))
    root: npt.NDArray[np.float64] = np.sqrt(strength)
    return root


def _average(features: Features) -> str | None:
    zero = [index for index, path in enumerate(features.paths) if path.order == 0]
    if not zero:
        return None
    maps = features.maps[:, zero[0]]
    return map_picture(maps if len(maps) == 3 else maps.mean(axis=0), float(maps.min()), float(maps.max()))


def _first_order(features: Features) -> list[tuple[int, list[str]]]:
    rows = []
    for scale in range(features.scales):
        indices = [i for i, path in enumerate(features.paths) if path.order == 1 and path.scale1 == scale]
        maps = [_brightness(features, index) for index in indices]
        # Fine scales are much weaker than coarse ones, so each scale has its own white.
        highest = max((float(values.max()) for values in maps), default=0.0)
        if maps:
            rows.append((scale, [map_picture(values, 0, highest) for values in maps]))
    return rows


def _second_order(features: Features) -> list[tuple[int, int, str]]:
    angles = features.angles
    rows = []
    for scale1 in range(features.scales):
        for scale2 in range(scale1 + 1, features.scales):
            pair = [
                i
                for i, path in enumerate(features.paths)
                if path.order == 2 and (path.scale1, path.scale2) == (scale1, scale2)
            ]
            if len(pair) != angles * angles:
                continue
            maps = np.stack([_brightness(features, index) for index in pair])
            height, width = maps.shape[1:]
            tiles = maps.reshape(angles, angles, height, width).transpose(0, 2, 1, 3)
            sheet = tiles.reshape(angles * height, angles * width)
            rows.append((scale1, scale2, map_picture(sheet, 0, float(sheet.max()))))
    return rows


def show_maps(features: Features, folder: Path) -> ShownMaps:
    crop = Crop(features.size, features.resize) if features.size > 0 else None
    is_array = features.picture.endswith(".npy")
    channels, maps, height, width = features.maps.shape
    return ShownMaps(
        source=features.picture,
        photograph=None if is_array else photograph(find_file(features.picture, folder), crop),
        average=_average(features),
        scales=features.scales,
        stripes=[edge_direction(theta) for theta in features.theta],
        first=_first_order(features),
        second=_second_order(features),
        shape=f"{channels} x {maps} maps of {height} x {width}",
    )
