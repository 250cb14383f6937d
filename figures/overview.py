"""The picture of the README: an image that the project draws, and the strength and direction of its maps.

python figures/overview.py     writes docs/images/overview.png; needs build/bin/scatlight
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.colors import hsv_to_rgb
from PIL import Image
from safetensors.numpy import load_file
from tools import save, scatlight

SCALES, ANGLES = 3, 8


def draw_and_transform(folder: Path) -> tuple[Image.Image, npt.NDArray[np.float32]]:
    flags = ["--classes", "8", "--train", "1", "--val", "1", "--size", "224", "--seed", "4"]
    scatlight("draw", folder / "shapes", *flags)
    picture = min((folder / "shapes" / "train").glob("*/*.jpg"))
    out = folder / "maps.safetensors"
    scatlight("transform", picture, "--size", "224", "--resize", "224", "--out", out)
    (maps,) = load_file(out).values()
    return Image.open(picture).copy(), maps.reshape(3, 1 + SCALES * ANGLES, *maps.shape[-2:])


def in_colours(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(3, L, h, w) of one scale as a picture: hue is the direction, brightness the strength."""
    strength = np.sqrt(np.square(maps).mean(axis=0))
    turn = np.exp(2j * np.pi * np.arange(ANGLES) / ANGLES)[:, None, None]
    direction = (strength * turn).sum(axis=0)
    total = strength.sum(axis=0)
    value = np.sqrt(total / total.max())
    saturation = np.clip(2.5 * np.abs(direction) / np.maximum(total, 1e-12), 0, 1)
    hue = np.angle(direction) / (2 * np.pi) % 1
    return np.asarray(hsv_to_rgb(np.stack([hue, saturation, value], axis=-1)))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture, maps = draw_and_transform(Path(folder))
    average = np.clip((maps[:, 0] - maps[:, 0].min()) / np.ptp(maps[:, 0]), 0, 1).transpose(1, 2, 0)
    panels = [("image, 3 x 224 x 224", np.asarray(picture)), ("order 0: averages, 28 x 28", average)]
    for scale in range(SCALES):
        first = 1 + scale * ANGLES
        title = f"order 1, j = {scale}: 8 directions"
        panels.append((title, in_colours(maps[:, first : first + ANGLES])))
    figure, axes = plt.subplots(1, len(panels), figsize=(13, 2.9), layout="constrained")
    for axis, (title, panel) in zip(axes, panels, strict=True):
        axis.imshow(panel, interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    save(figure, "overview.png")


if __name__ == "__main__":
    main()
