"""Every number equals kymatio's: the field's reference, from PyPI."""

import os
import subprocess

import numpy as np
import pytest
from kymatio.numpy import Scattering2D

PROGRAM = os.environ["SCATLIGHT_TRANSFORM_RAW"]

# height, width, J, L, order
CASES = [
    (224, 224, 3, 8, 1),
    (64, 64, 3, 8, 2),
    (32, 32, 2, 8, 2),
    (16, 16, 1, 8, 2),
    (40, 56, 2, 6, 2),
    (37, 53, 2, 5, 2),  # odd and prime
    (61, 47, 3, 3, 1),
    (33, 70, 3, 12, 1),
    (64, 32, 5, 4, 2),  # 2^J is the width
    (64, 64, 6, 2, 2),  # 2^J is the size
    (128, 96, 4, 8, 2),
    (100, 60, 2, 1, 2),
    (48, 48, 2, 16, 1),
    (150, 299, 3, 7, 1),
]


def engines() -> list[str]:
    return subprocess.run([PROGRAM], capture_output=True, check=True, text=True).stdout.split()


def ours(
    images: np.ndarray, shape, scales, angles, order, engine: str, boundary: str = "reflect"
) -> np.ndarray:
    arguments = [images.dtype.name, *map(str, (*shape, scales, angles, order, boundary, 0, 2))]
    run = subprocess.run(
        [PROGRAM, *arguments],
        input=images.tobytes(),
        capture_output=True,
        check=False,
        env=os.environ | {"SCATLIGHT_ENGINE": engine},
    )
    assert run.returncode == 0, run.stderr.decode()
    return np.frombuffer(run.stdout, images.dtype)


def assert_close(actual: np.ndarray, expected: np.ndarray, relative: float, of_scale: float) -> None:
    assert actual.size == expected.size
    actual = actual.reshape(expected.shape)
    bound = relative * np.abs(expected) + of_scale * np.abs(expected).max()
    error = np.abs(actual - expected)
    share = (error / bound).max()
    print(f"worst error {error.max():.3g}, {100 * share:.1f} % of the bound")
    assert share <= 1


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "x".join(map(str, case)))
def case(request):
    height, width, scales, angles, order = request.param
    generator = np.random.default_rng(height * 1000 + width)
    # A slope and a mean, so that the border and the low frequencies count.
    images = generator.random((3, height, width)) + np.linspace(0, 2, width)
    scattering = Scattering2D(scales, (height, width), angles, order)
    # kymatio's filters are complex64 whatever the input is.
    return images, scattering(images), (height, width), scales, angles, order


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", engines())
def test_equals_kymatio(case, engine, dtype):
    images, expected, shape, scales, angles, order = case
    actual = ours(images.astype(dtype), shape, scales, angles, order, engine)
    assert_close(actual, expected, 1e-5, 1e-6)


@pytest.mark.parametrize("engine", engines())
def test_pre_padded_equals_kymatio(engine):
    images = np.random.default_rng(1).random((2, 48, 72))
    expected = Scattering2D(2, (40, 64), 8, 2, pre_pad=True)(images)
    actual = ours(images, (48, 72), 2, 8, 2, engine, boundary="padded")
    assert_close(actual, expected, 1e-5, 1e-6)
