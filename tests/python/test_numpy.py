"""What numpy's users rely on beyond the numbers."""

import copy
import multiprocessing
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from scatlight.numpy import Path, Scattering2D, ScatteringError

SHAPE = (24, 40)


@pytest.fixture(scope="module")
def scattering() -> Scattering2D:
    return Scattering2D(2, SHAPE, 6)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((2, 3, *SHAPE))


def test_batch_dimensions(scattering, images) -> None:
    maps = scattering(images)
    assert maps.shape == (2, 3, 1 + 2 * 6 + 6 * 6, 6, 10)
    np.testing.assert_allclose(scattering(images[1, 2]), maps[1, 2], rtol=1e-12)
    assert scattering(images[:0]).shape == (0, 3, 49, 6, 10)


def test_memory_orders_and_types(scattering, images) -> None:
    expected = scattering(images)
    wide = np.zeros((2, 3, 48, 80))
    wide[..., ::2, 1::2] = images
    for same in [np.asfortranarray(images), images.astype(">f8"), wide[..., ::2, 1::2], images[::-1][::-1]]:
        assert np.array_equal(scattering(same), expected)
    read_only = images.copy()
    read_only.flags.writeable = False
    assert np.array_equal(scattering(read_only), expected)
    assert np.array_equal(scattering(images.tolist()), expected)
    assert scattering(images.astype(np.float32)).dtype == np.float32
    assert scattering(images.astype(np.float16)).dtype == np.float32
    pixels = (255 * images).astype(np.uint8)
    assert np.array_equal(scattering(pixels), scattering(pixels.astype(np.float64)))


def test_gradient_is_that_of_a_small_step(scattering, images) -> None:
    generator = np.random.default_rng(1)
    weights = generator.random(scattering(images).shape)
    step = generator.standard_normal(images.shape)
    slope = (scattering.gradient(images, weights) * step).sum()
    epsilon = 1e-6
    change = scattering(images + epsilon * step) - scattering(images - epsilon * step)
    assert slope == pytest.approx((weights * change).sum() / (2 * epsilon), rel=1e-6)


def test_paths_and_stride(images) -> None:
    scattering = Scattering2D(2, SHAPE, 3, stride=2)
    paths = scattering.paths()
    assert len(paths) == 1 + 6 + 9
    assert paths[0] == Path(0, -1, -1, -1, -1)
    assert paths[5] == (1, 1, 1, -1, -1)
    assert paths[-1] == (2, 0, 2, 1, 2)
    assert scattering.stride == 2
    fine = scattering(images)
    assert fine.shape[-2:] == (12, 20)
    np.testing.assert_allclose(fine[..., ::2, ::2], Scattering2D(2, SHAPE, 3)(images), rtol=1e-12)


def test_attributes_do_not_change_what_was_planned() -> None:
    scattering = Scattering2D(2, SHAPE, 3, max_order=1)
    for name, value in {"J": 2, "L": 3, "shape": SHAPE, "max_order": 1, "pre_pad": False}.items():
        assert getattr(scattering, name) == value
        with pytest.raises(AttributeError):
            setattr(scattering, name, value)
    scattering.out_type = "list"
    assert len(scattering(np.zeros(SHAPE))) == 7
    with pytest.raises(RuntimeError, match="'array' or 'list'"):
        scattering.out_type = "tuple"


def test_threads_do_not_change_a_bit(images) -> None:
    one, three = (Scattering2D(2, SHAPE, threads=threads) for threads in (1, 3))
    assert np.array_equal(one(images), three(images))
    assert np.array_equal(one.gradient(images, one(images)), three.gradient(images, three(images)))


def test_pickle_and_deepcopy(scattering, images) -> None:
    for twin in (pickle.loads(pickle.dumps(scattering)), copy.deepcopy(scattering), copy.copy(scattering)):
        assert np.array_equal(twin(images), scattering(images))
    assert len(pickle.dumps(scattering)) < 10_000


def _transform(scattering, images, queue) -> None:
    queue.put(scattering(images))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_other_processes(method, images) -> None:
    scattering = Scattering2D(2, SHAPE, threads=2)
    expected = scattering(images)  # starts the threads that a fork leaves behind
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_transform, args=(scattering, images, queue))
    child.start()
    assert np.array_equal(queue.get(timeout=60), expected)
    child.join(60)
    assert child.exitcode == 0


def test_other_threads_of_python_run_meanwhile() -> None:
    scattering = Scattering2D(3, (256, 256), threads=1)
    images = np.zeros((64, 256, 256))
    worker = threading.Thread(target=scattering, args=(images,))
    started = time.perf_counter()
    worker.start()
    ticks = 0
    while worker.is_alive():
        time.sleep(0.001)
        ticks += 1
    seconds = time.perf_counter() - started
    assert ticks > 100 * seconds


def test_not_a_number_stays_in_its_image(scattering, images) -> None:
    expected = scattering(images)
    images[0, 1, 5, 5] = np.nan
    images[1, 0, 0, 0] = np.inf
    maps = scattering(images)
    assert np.isnan(maps[0, 1, 1:]).all()
    assert not np.isfinite(maps[1, 0, 1:]).any()
    # Order 0 is local: only what the sample reaches.
    assert np.isnan(maps[0, 1, 0, 1, 1])
    assert not np.isfinite(maps[1, 0, 0, 0, 0])
    maps[0, 1] = expected[0, 1]
    maps[1, 0] = expected[1, 0]
    assert np.array_equal(maps, expected)


@pytest.mark.parametrize(
    ("error", "text", "call"),
    [
        (ScatteringError, "scales", lambda: Scattering2D(0, SHAPE)),
        (ScatteringError, "scales", lambda: Scattering2D(-3, SHAPE)),
        (ValueError, "J", lambda: Scattering2D(2**40, SHAPE)),
        (ScatteringError, "angles", lambda: Scattering2D(2, SHAPE, 0)),
        (ScatteringError, "max_order", lambda: Scattering2D(2, SHAPE, max_order=3)),
        (ScatteringError, "stride", lambda: Scattering2D(2, SHAPE, stride=3)),
        (ScatteringError, "boundary", lambda: Scattering2D(2, SHAPE, boundary="mirror")),
        (ScatteringError, "wavelet", lambda: Scattering2D(2, SHAPE, wavelet="haar")),
        (ScatteringError, "sigma", lambda: Scattering2D(2, SHAPE, sigma=float("nan"))),
        (RuntimeError, "2^J", lambda: Scattering2D(2, (-24, 40))),
        (ValueError, "pre_pad", lambda: Scattering2D(2, SHAPE, pre_pad=True, boundary="zero")),
        (TypeError, "complex128", lambda: Scattering2D(2, SHAPE)(np.zeros(SHAPE, complex))),
        (TypeError, "float32 and float64", lambda: Scattering2D(2, SHAPE)(np.zeros(SHAPE, "U3"))),
        (TypeError, "float32 and float64", lambda: Scattering2D(2, SHAPE)(np.zeros(SHAPE, object))),
        (TypeError, "float32 and float64", lambda: Scattering2D(2, SHAPE)(np.zeros(SHAPE, np.longdouble))),
        (RuntimeError, "(24,40)", lambda: Scattering2D(2, SHAPE)(np.zeros((24, 41)))),
        (RuntimeError, "gradient", lambda: Scattering2D(2, SHAPE).gradient(np.zeros(SHAPE), np.zeros(3))),
        (
            TypeError,
            "complex",
            lambda: Scattering2D(2, SHAPE).gradient(np.zeros(SHAPE), np.zeros(3, complex)),
        ),
        (ScatteringError, "65536", lambda: Scattering2D(2, (2**20, 2**20))),
        (ScatteringError, "threads", lambda: Scattering2D(2, SHAPE, threads=10**6)),
        (ScatteringError, "angle is 8", lambda: Scattering2D(2, SHAPE).theta(8)),
    ],
)
def test_errors(error, text, call) -> None:
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_filters_beyond_the_limit_are_refused() -> None:
    for scales, shape in ((3, (65536, 65536)), (4, (30000, 20000))):
        with pytest.raises(ScatteringError, match=r"about \d+\.\d GB as float32; memory_limit is 4\.3 GB"):
            Scattering2D(scales, shape)
    for_float32 = Scattering2D(2, (64, 64), memory_limit=400_000)
    for_float32(np.zeros((64, 64), np.float32))
    with pytest.raises(ScatteringError, match=r"as float64; memory_limit is 0\.4 MB"):
        for_float32(np.zeros((64, 64)))
    with pytest.raises(ScatteringError, match="memory_limit is -1"):
        Scattering2D(2, SHAPE, memory_limit=-1)


def test_memory_that_cannot_be_had() -> None:
    program = """
import resource
from pathlib import Path
import numpy as np
from scatlight.numpy import Scattering2D, ScatteringError
image = np.zeros((4000, 4000), np.float32)
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 400 * 2**20  # enough for the maps, not for the filters
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    Scattering2D(3, image.shape, threads=1)(image)
except ScatteringError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "not enough memory" in result.stdout


def test_reconstruct() -> None:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    disk = np.hypot(rows - 10, columns - 25) < 8
    image = np.stack([disk * (0.5 - 0.1 * channel) + 0.01 * rows for channel in range(3)]).astype(np.float32)
    scattering = Scattering2D(1, SHAPE, 6, max_order=1)
    found = scattering.reconstruct(scattering(image))
    assert found.image.shape == image.shape
    assert found.errors[0] > found.errors[-1]
    again = scattering(found.image) - scattering(image)
    assert found.relative_error == pytest.approx(
        np.linalg.norm(again) / np.linalg.norm(scattering(image)), rel=1e-3
    )
    assert np.abs(found.image - image).mean() < 0.01
    grey = scattering.reconstruct(scattering(image[0]), evaluations=7, solver="paper", pixel_range=2)
    assert grey.image.shape == SHAPE
    assert len(grey.errors) == 7
    with pytest.raises(RuntimeError, match=r"\(7, 12, 20\)"):
        scattering.reconstruct(np.zeros((2, 3, 13, 12, 20)))
    with pytest.raises(ScatteringError, match="solver is 'magic'"):
        scattering.reconstruct(scattering(image), solver="magic")
    with pytest.raises(ScatteringError, match="not finite"):
        scattering.reconstruct(np.full((7, 12, 20), np.nan))


def test_needs_no_torch() -> None:
    program = "import sys, scatlight.numpy; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
