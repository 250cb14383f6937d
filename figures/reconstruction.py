"""What comes back from the scattering: three drawn images, and the blobs and lines of the paper's figure 2.

python figures/reconstruction.py     writes reconstruction.png and blobs.png of docs/images
"""

import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from tools import Pixels, output, read_pixels, save, scatlight

SIZE = 224
SCALES = (3, 4)
SEED = 4
KINDS = ("discs", "stripes", "stars")
# Deviations in pixels along and across, and the direction of a line from the height axis.
BLOBS = ((3, 3, 0), (10, 10, 0), (24, 2, 22.5), (24, 4, 90))


def draw_images(folder: Path) -> list[Path]:
    flags = [
        "--classes",
        "5",
        "--train",
        "1",
        "--val",
        "0",
        "--size",
        SIZE,
        "--seed",
        SEED,
        "--format",
        "png",
    ]
    scatlight("draw", folder / "shapes", *flags)
    files = []
    for kind in KINDS:
        file = folder / f"{kind}.png"
        min((folder / "shapes" / "train" / kind).glob("*.png")).rename(file)
        files.append(file)
    return files


def draw_blob(file: Path, length: float, thickness: float, degrees: float) -> Path:
    """x^(w) = exp(-w^T Sigma w), a Gaussian of covariance 2 Sigma in space, from black to white."""
    turn = np.radians(degrees)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    sigma = (length**2 * np.outer(along, along) + thickness**2 * np.outer(across, across)) / 2
    rows, columns = np.meshgrid(*[2 * np.pi * np.fft.fftfreq(SIZE)] * 2, indexing="ij")
    form = sigma[0, 0] * rows**2 + 2 * sigma[0, 1] * rows * columns + sigma[1, 1] * columns**2
    blob = np.fft.fftshift(np.fft.ifft2(np.exp(-form)).real)
    Image.fromarray(np.rint(255 * np.clip(blob / blob.max(), 0, 1)).astype(np.uint8)).save(file)
    return file


def reconstruct(files: list[Path], scales: int, folder: Path) -> list[tuple[Pixels, float]]:
    """The reconstruction of each file, with its PSNR in dB."""
    scatlight("reconstruct", *files, "--scales", scales, "--out", folder)
    found = {
        image["file"]: image for image in json.loads((folder / "reconstruction.json").read_text())["images"]
    }
    results = []
    for file in files:
        psnr = found[str(file)]["psnr_db"]
        pixels = read_pixels(folder / f"{file.stem}.reconstruction.png")
        results.append((pixels, np.inf if psnr is None else psnr))
    return results


def draw_rows(files: list[Path], folder: Path, name: str) -> None:
    """A row for the originals, one for each J; a column for each file."""
    rows = [("original", [(read_pixels(file), None) for file in files])]
    rows += [(f"J = {scales}", reconstruct(files, scales, folder / f"{name}-{scales}")) for scales in SCALES]
    columns = len(files)
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(2.1 * columns + 0.3, 2.2 * len(rows)), layout="constrained"
    )
    for line, (label, results) in zip(axes, rows, strict=True):
        line[0].set_ylabel(label, fontsize=11)
        for axis, (pixels, psnr) in zip(line, results, strict=True):
            axis.imshow(pixels, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if psnr is not None:
                axis.set_xlabel(f"{psnr:.1f} dB", fontsize=10)
    save(figure, f"{name}.png")
    # 256 colours are enough to see it, and a third of the bytes.
    with Image.open(output(f"{name}.png")) as picture:
        small = picture.convert("RGB").quantize(256)
    small.save(output(f"{name}.png"), optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_rows(draw_images(folder), folder, "reconstruction")
        blobs = [draw_blob(folder / f"blob{index}.png", *blob) for index, blob in enumerate(BLOBS)]
        draw_rows(blobs, folder, "blobs")


if __name__ == "__main__":
    main()
