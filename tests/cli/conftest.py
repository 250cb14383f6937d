"""Runs the built program; the environment variable SCATLIGHT names it."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PROGRAM = os.environ["SCATLIGHT"]


def run(*arguments, engine: str | None = None, **options) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if key != "SCATLIGHT_ENGINE"}
    if engine:
        environment["SCATLIGHT_ENGINE"] = engine
    command = [PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **options)


def succeed(*arguments, **options) -> str:
    """Runs to a success and returns what it printed."""
    result = run(*arguments, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def fail(status: int, words: list[str], *arguments, **options) -> str:
    """Runs to a failure with this status and one line of complaint that has all these words; returns the
    line. Lines of progress may stand before it."""
    result = run(*arguments, **options)
    complaints = [line for line in result.stderr.splitlines() if re.match(r"scatlight[:.]", line)]
    assert result.returncode == status, result.stderr
    assert len(complaints) == 1, result.stderr
    assert result.stderr.endswith(complaints[0] + "\n")
    assert result.stdout == ""
    for word in words:
        assert word in complaints[0]
    return complaints[0]


def commands() -> list[str]:
    """Of this build: without torch there are fewer."""
    page = succeed("--help").split("Commands:")[1].split("Examples:")[0]
    return re.findall(r"^  ([a-z-]+) ", page, re.MULTILINE)


@pytest.fixture
def photo(tmp_path: Path):
    """Makes a picture with edges, noise and colour: photo("a.png", 40, 56)."""

    def draw(name: str, height: int = 40, width: int = 56, seed: int = 0) -> Path:
        random = np.random.default_rng(seed)
        rows, columns = np.mgrid[:height, :width]
        planes = [
            110 + 60 * np.sin(rows / 3) + 40 * (columns > width / 2) + random.normal(0, 9, (height, width))
            for _ in range(3)
        ]
        pixels = np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file, quality=95)
        return file

    return draw


def pixels_of(file: Path) -> np.ndarray:
    """(3, H, W) in [0, 1]"""
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64).transpose(2, 0, 1) / 255
