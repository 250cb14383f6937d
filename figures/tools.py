"""What the figures share: where pictures go, and the program: build/bin/scatlight, or what the variable
SCATLIGHT names."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("SCATLIGHT") or ROOT / "build" / "bin" / "scatlight")
IMAGES = ROOT / "docs" / "images"

Pixels = npt.NDArray[np.uint8]


def scatlight(*arguments: Any) -> None:
    """Runs the program; the figure ends with one line when that is impossible."""
    command = [str(argument) for argument in (PROGRAM, *arguments)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        sys.exit(f"figures: cannot run {PROGRAM}: {error.strerror}; SCATLIGHT names another program")
    if result.returncode != 0:
        said = result.stderr.strip().splitlines() or [f"it ended with {result.returncode}"]
        sys.exit(f"figures: {' '.join(command[:2])}: {said[0]}")


def read_pixels(file: Path) -> Pixels:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def output(name: str) -> Path:
    IMAGES.mkdir(parents=True, exist_ok=True)
    return IMAGES / name


def save(figure: Figure, name: str) -> None:
    # Without matplotlib's version, so that the same pixels make the same file.
    figure.savefig(output(name), dpi=110, metadata={"Software": None})
    print(output(name))
