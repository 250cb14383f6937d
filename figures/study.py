"""What the transform keeps and loses, by `scatlight study`: pictures of its filters, and curves against J.

python figures/study.py     writes frame.png, frame_found.png, filters_space.png, filters_frequency.png,
                            energy.png and conditioning.png of docs/images
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MultipleLocator
from tools import output, save, scatlight

COPIED = ("frame.png", "frame_found.png", "filters_space.png", "filters_frequency.png")
COLOURS = ("#2b6cb0", "#dd8b3c", "#4f9a57")


def draw_energy(images: list[dict[str, Any]]) -> None:
    """The shares of the variance by order, the mean of the images."""
    varied = [image["by_scales"] for image in images if image["by_scales"][0]["of_variance"] is not None]
    scales = [row["scales"] for row in varied[0]]
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    base = np.zeros(len(scales))
    for order, colour in enumerate(COLOURS):
        shares = np.mean(
            [[row["of_variance"][f"order_{order}"] for row in image] for image in varied], axis=0
        )
        axis.bar(scales, shares, 0.66, base, color=colour, label=f"order {order}")
        base += shares
    axis.axhline(1, color="0.3", linewidth=1)
    axis.set_xlabel("J")
    axis.set_ylabel("share of the variance")
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=len(COLOURS), frameon=False, fontsize=9)
    save(figure, "energy.png")


def draw_conditioning(rows: list[dict[str, Any]]) -> None:
    scales = [row["scales"] for row in rows]
    figure, (condition, seen) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    digits = [row["log10_condition_before_subsampling"] for row in rows]
    condition.plot(scales, [np.nan if d is None else d for d in digits], "o-", color=COLOURS[0])
    condition.axhline(16, color="0.4", linestyle=":")
    condition.annotate(
        "float64 has 16 digits", (scales[0], 16), (0, 3), textcoords="offset points", fontsize=8
    )
    condition.set_ylabel("log10 of the condition number")
    shares = [row["share_seen_after_subsampling"] for row in rows]
    seen.plot(
        scales, [row["coefficients_per_pixel"] for row in rows], "o-", color=COLOURS[1],
        label="coefficients per pixel",
    )  # fmt: skip
    seen.plot(scales, shares, "o-", color=COLOURS[0], label="share of dimensions seen")
    seen.axhline(1, color="0.4", linestyle=":")
    seen.set_ylabel("share, after subsampling")
    seen.legend(frameon=False, fontsize=8)
    for axis in (condition, seen):
        axis.set_yscale("log")
        axis.set_xlabel("J")
        axis.xaxis.set_major_locator(MultipleLocator(1))
        axis.grid(color="0.92")
        axis.spines[["top", "right"]].set_visible(False)
    save(figure, "conditioning.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scatlight("study", "--search", "--out", folder)
        study = json.loads((folder / "study.json").read_text())
        for picture in COPIED:
            shutil.copyfile(folder / picture, output(picture))
            print(output(picture))
    draw_energy(study["energy_kept"])
    draw_conditioning(study["conditioning"])


if __name__ == "__main__":
    main()
