"""Augmentation against torchvision on Pillow's pictures, bit by bit where nothing is drawn."""

import math
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_torchvision import MEAN, draw, probe
from torchvision.transforms import (
    AutoAugment,
    AutoAugmentPolicy,
    InterpolationMode,
    RandomErasing,
    TrivialAugmentWide,
    functional,
)
from torchvision.transforms.autoaugment import _apply_op

PROBE = os.environ["SCATLIGHT_IMAGE_PROBE"]
SIZES = [(1, 1), (2, 5), (33, 33), (64, 47), (224, 224)]
MAGNITUDES = {
    "Identity": [0],
    "ShearX": [0.0, 0.3, -0.3, 0.165, -0.99],
    "ShearY": [0.0, 0.3, -0.3, 0.165, -0.99],
    "TranslateX": [0.0, 3.7, -3.7, 32, -101.5],
    "TranslateY": [0.0, 3.7, -3.7, 32, -101.5],
    "Rotate": [0, 30, -30, 3.3333332538604736, 90, -135, 4.5],
    "Brightness": [0, 0.9, -0.9, 0.10000000149011612, -0.99],
    "Color": [0, 0.9, -0.9, 0.10000000149011612, -0.99],
    "Contrast": [0, 0.9, -0.9, 0.10000000149011612, -0.99],
    "Sharpness": [0, 0.9, -0.9, 0.10000000149011612, -0.99],
    "Posterize": [8, 5, 4, 2],
    "Solarize": [255, 0, 226.6666717529297, 127.5],
    "AutoContrast": [0],
    "Equalize": [0],
    "Invert": [0],
}


@pytest.mark.parametrize("operation", MAGNITUDES)
def test_operations(tmp_path: Path, operation: str) -> None:
    for number, size in enumerate(SIZES):
        image = draw(*size, seed=number)
        if number == 3:  # few levels
            image = image.point(lambda level: 90 + level // 8)
        file = tmp_path / "a.png"
        image.save(file)
        for magnitude in MAGNITUDES[operation]:
            expected = _apply_op(image, operation, magnitude, InterpolationMode.NEAREST, None)
            result = probe("apply", tmp_path / "a.npy", file, operation, repr(float(magnitude)))
            assert np.array_equal(result, np.asarray(expected)), (size, magnitude)


def test_one_level(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    image = Image.new("RGB", (5, 4), (7, 0, 255))
    image.save(file)
    for operation in ("AutoContrast", "Equalize"):
        result = probe("apply", tmp_path / "a.npy", file, operation, 0)
        assert np.array_equal(result, np.asarray(image)), operation


def space_of(policy: str) -> dict[str, tuple[torch.Tensor, bool]]:
    if policy == "trivialaugment":
        return TrivialAugmentWide()._augmentation_space(31)
    return AutoAugment()._augmentation_space(10, (30, 40))


def test_policies() -> None:
    """What they draw from."""
    lines = subprocess.run(
        [PROBE, "policies"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    pairs: dict[str, list[list[str]]] = {}
    for policy, operation, *rest in map(str.split, lines):
        if operation == "pair":
            pairs.setdefault(policy, []).append(rest)
            continue
        if operation not in space_of(policy):  # TrivialAugment never inverts, AutoAugment does something
            continue
        magnitudes, is_signed = space_of(policy)[operation]
        np.testing.assert_allclose(np.array(rest[1:], float), magnitudes.reshape(-1), rtol=1e-6, atol=1e-6)
        assert is_signed == bool(int(rest[0])), operation
    for policy, theirs in (
        ("autoaugment-imagenet", AutoAugmentPolicy.IMAGENET),
        ("autoaugment-cifar10", AutoAugmentPolicy.CIFAR10),
    ):
        expected = [
            [word for name, share, bin in pair for word in (name, f"{share:g}", str(bin or 0))]
            for pair in AutoAugment(theirs).policies
        ]
        assert pairs[policy] == expected


def test_shift(tmp_path: Path) -> None:
    """RandomCrop(32, padding=4): each result is one of the 81 crops, and all of them appear."""
    file = tmp_path / "a.png"
    image = draw(32, 32)
    image.save(file)
    padded = np.asarray(functional.pad(image, 4))
    crops = {
        padded[top : top + 32, left : left + 32].tobytes(): (top, left)
        for top in range(9)
        for left in range(9)
    }
    seen = [crops[probe("augment", tmp_path / "a.npy", file, 32, 4, 0, seed).tobytes()] for seed in range(90)]
    assert {top for top, _ in seen} == {left for _, left in seen} == set(range(9))
    assert len(set(seen)) > 40


def test_erasing(tmp_path: Path) -> None:
    """The rectangles have torchvision's distribution, and the mean colour."""
    ours = probe("erased", tmp_path / "a.npy", 48, 64, 4000)
    torch.manual_seed(0)
    image = torch.zeros(3, 64, 48)
    theirs = np.array(
        [RandomErasing.get_params(image, (0.02, 0.33), (0.3, 3.3), [0.0])[:4] for _ in range(4000)], float
    )[:, [1, 0, 3, 2]]
    for column in range(4):
        a, b = np.sort(ours[:, column]), np.sort(theirs[:, column])
        values = np.union1d(a, b)
        distance = np.abs(
            np.searchsorted(a, values, "right") / len(a) - np.searchsorted(b, values, "right") / len(b)
        ).max()
        assert distance < 1.63 * math.sqrt(2 / 4000), column  # of Kolmogorov and Smirnov, at 1 %

    file = tmp_path / "a.png"
    Image.new("RGB", (32, 32), (250, 1, 250)).save(file)
    result = probe("augment", tmp_path / "b.npy", file, 32, 1, 1, 3)
    expected = np.round(255 * np.array(MEAN)).astype(int)
    share = (result == expected).all(-1).mean()
    assert 0.01 < share < 0.4
