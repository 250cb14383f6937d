"""Random constructors and calls, good and bad: a result of the right shape, or a clear exception.

SCATLIGHT_FUZZ_SECONDS sets the time; `make fuzz` runs it long, with the sanitizers in the extension.
"""

import os
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scatlight import numpy as scatlight_numpy

SECONDS = float(os.environ.get("SCATLIGHT_FUZZ_SECONDS", "3"))
CLEAR = (TypeError, ValueError, RuntimeError, ImportError)

BAD_VALUES: list[Any] = [None, -1, 0, 2**31, 2**70, 1.5, np.nan, np.inf, "3", "", b"x", (), [1], {}]


def pick(random: np.random.Generator, values: list[Any]) -> Any:
    return values[random.integers(len(values))]


def random_arguments(random: np.random.Generator) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "J": int(random.integers(1, 5)),
        "shape": tuple(int(side) for side in random.integers(1, 70, 2)),
        "L": int(random.integers(1, 9)),
        "max_order": int(random.integers(0, 3)),
        "pre_pad": bool(random.random() < 0.2),
        "out_type": pick(random, ["array", "list"]),
        "threads": int(random.integers(0, 4)),
    }
    if random.random() < 0.3:
        extras = {
            "stride": [1, 2, 4, 3, 64],
            "boundary": ["periodic", "zero", "reflect", "padded", "mirror"],
            "wavelet": ["gabor", "morlet", "haar"],
            "normalization": ["exact", "kymatio", "none"],
            "sigma": [0.5, 2.0],
            "center_frequency": [1.0, 3.0],
            "slant": [0.5, 1.0],
            "backend": ["numpy", "torch"],
        }
        name = pick(random, list(extras))
        arguments[name] = pick(random, extras[name])
    if random.random() < 0.3:
        arguments[pick(random, list(arguments))] = pick(random, BAD_VALUES)
    return arguments


def random_array(random: np.random.Generator, height: int, width: int) -> npt.NDArray[Any]:
    batch = tuple(random.integers(0, 4, random.integers(0, 3)))
    shape = (*batch, height, width)
    array: npt.NDArray[Any] = random.standard_normal(shape)
    if random.random() < 0.2 and array.size:
        array.flat[random.integers(array.size)] = pick(random, [np.nan, np.inf, -np.inf, 1e308, 5e-324])
    with np.errstate(all="ignore"):
        array = array.astype(pick(random, ["f4", "f4", "f8", "f8", "f2", ">f4", ">f8", "i2", "u1", "?"]))
    way = random.integers(8)
    if way == 0:
        return np.asfortranarray(array)
    if way == 1:
        return array[..., ::-1, ::-1]
    if way == 2:
        return np.broadcast_to(array, (2, *shape))
    if way == 3:
        return np.repeat(array, 2, -1)[..., ::2]
    if way == 4:  # not aligned
        raw = np.frombuffer(b"\0" + array.tobytes(), np.uint8)[1:]
        return np.ndarray(array.shape, array.dtype, raw.data)
    return array


def random_bad_array(random: np.random.Generator, height: int, width: int) -> Any:
    return pick(
        random,
        [
            None,
            "text",
            object(),
            np.zeros((height,)),
            np.zeros((height + 1, width)),
            np.zeros((height, width), np.complex64),
            np.zeros((height, width), np.longdouble),
            np.full((height, width), None),
            np.zeros((height, width), "datetime64[s]"),
            [[1.0] * width] * (height - 1),
            np.float32(1),
        ],
    )


def call(random: np.random.Generator) -> str:
    try:
        transform = scatlight_numpy.Scattering2D(**random_arguments(random))
    except CLEAR as error:
        if "incompatible function arguments" in str(error):  # the binding's words, not ours
            raise AssertionError("not a clear message") from error
        return "refused"
    height, width = transform._options.height, transform._options.width
    if random.random() < 0.2:
        with pytest.raises(CLEAR):
            transform(random_bad_array(random, height, width))
        return "refused"
    array = random_array(random, height, width)
    maps = transform(array)
    if transform.out_type == "list":
        assert len(maps) == len(transform.paths())
        assert all(entry["coef"].shape[:-2] == array.shape[:-2] for entry in maps)
        return "done"
    assert maps.shape[:-2] == (*array.shape[:-2], len(transform.paths()))
    gradient = transform.gradient(array, np.ones_like(maps))
    assert gradient.shape == array.shape
    if np.isfinite(array).all() and np.abs(array, dtype=np.float64).max(initial=0) < 1e18:
        assert np.isfinite(maps).all()
        assert np.isfinite(gradient).all()
    return "done"


def test_random_calls_work_or_raise() -> None:
    end = time.monotonic() + SECONDS
    count = {"done": 0, "refused": 0}
    seed = 0
    while time.monotonic() < end:
        try:
            count[call(np.random.default_rng(seed))] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        seed += 1
    assert min(count.values()) > 10, count
