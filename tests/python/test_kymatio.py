"""Every number equals kymatio's: the field's reference, from PyPI."""

from types import SimpleNamespace

import kymatio
import numpy as np
import pytest
import scatlight
import torch
from kymatio.numpy import Scattering2D as TheirsNumpy
from kymatio.sklearn import Scattering2D as TheirsOfRows
from kymatio.torch import Scattering2D as TheirsTorch
from scatlight.numpy import Scattering2D
from scatlight.sklearn import Scattering2D as OursOfRows
from scatlight.torch import Scattering2D as OursTorch

# height, width, J, L, order
CASES = [
    (224, 224, 3, 8, 1),
    (64, 64, 3, 8, 2),
    (32, 32, 2, 8, 2),
    (16, 16, 1, 8, 2),
    (16, 16, 4, 3, 2),  # 2^J is the size
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
    (160, 157, 6, 3, 1),
]


def assert_close(actual: np.ndarray, expected: np.ndarray, relative: float, of_scale: float) -> None:
    assert actual.shape == expected.shape
    bound = relative * np.abs(expected) + of_scale * np.abs(expected).max()
    error = np.abs(actual - expected)
    share = (error / bound).max()
    print(f"worst error {error.max():.3g}, {100 * share:.1f} % of the bound")
    assert share <= 1


def draw(shape: tuple[int, ...]) -> np.ndarray:
    """Noise on a slope and a mean, so that the border and the low frequencies count."""
    return np.random.default_rng(shape[-1]).random(shape) + np.linspace(0, 2, shape[-1])


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "x".join(map(str, case)))
def case(request):
    height, width, *options = request.param
    images = draw((3, height, width))
    # kymatio's filters are complex64 whatever the input is.
    return images, (height, width), options, TheirsNumpy(options[0], (height, width), *options[1:])(images)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_maps(case, engine, dtype, use_engine) -> None:
    use_engine(engine)
    images, shape, (scales, angles, order), expected = case
    scattering = Scattering2D(scales, shape, angles, order)
    assert scattering.engine == engine
    maps = scattering(images.astype(dtype))
    assert maps.dtype == dtype
    assert_close(maps, expected, 1e-5, 1e-6)


@pytest.fixture(scope="module")
def noise():
    images = np.random.default_rng(0).standard_normal((2, 3, 32, 32)).astype("float32")
    return images, TheirsNumpy(4, (32, 32))(images.astype("float64"))


def test_noise_around_zero(noise, engine, use_engine) -> None:
    """In float32, to the bounds of kymatio's own test. Order 0 averages it to little, so all digits count."""
    use_engine(engine)
    images, expected = noise
    np.testing.assert_allclose(Scattering2D(4, (32, 32))(images), expected, rtol=1e-5, atol=1e-8)


def test_pre_padded_maps(engine, use_engine) -> None:
    use_engine(engine)
    for shape in [(40, 64), (37, 65)]:
        theirs = TheirsNumpy(2, shape, 8, 2, pre_pad=True)
        images = draw((2, theirs._M_padded, theirs._N_padded))
        assert_close(Scattering2D(2, shape, 8, 2, pre_pad=True)(images), theirs(images), 1e-5, 1e-6)


@pytest.mark.parametrize(
    ("height", "width", "scales", "angles", "order", "pre_pad"),
    [
        (64, 64, 3, 8, 1, False),
        (64, 64, 3, 8, 2, False),
        (37, 53, 2, 5, 2, False),
        (64, 32, 5, 4, 2, False),
        (40, 64, 2, 6, 2, True),
        (224, 224, 3, 8, 1, False),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients(height, width, scales, angles, order, pre_pad, dtype) -> None:
    arguments = (scales, (height, width), angles, order, pre_pad)
    theirs = TheirsTorch(*arguments)
    size = (theirs._M_padded, theirs._N_padded) if pre_pad else (height, width)
    images = torch.from_numpy(draw((2, *size))).to(dtype)
    gradients = []
    for scattering in (OursTorch(*arguments), theirs.to(dtype)):
        leaf = images.clone().requires_grad_()
        scattering(leaf).square().sum().backward()
        gradients.append(leaf.grad.double().numpy())
    # Float32 makes both err; at a small modulus its direction, which is the gradient, is the worst.
    assert_close(*gradients, 1e-5, 1e-5 if dtype == torch.float32 else 1e-6)


def test_list_has_the_same_entries() -> None:
    images = draw((2, 3, 32, 24))
    for ours, theirs in [
        (Scattering2D(2, (32, 24), 3, out_type="list"), TheirsNumpy(2, (32, 24), 3, out_type="list")),
        (OursTorch(2, (32, 24), 3, out_type="list"), TheirsTorch(2, (32, 24), 3, out_type="list").double()),
    ]:
        x = torch.from_numpy(images) if isinstance(ours, torch.nn.Module) else images
        got, expected = ours(x), theirs(x)
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            assert {key: a[key] for key in ("j", "n", "theta")} == {
                key: b[key] for key in ("j", "n", "theta")
            }
            assert_close(np.asarray(a["coef"]), np.asarray(b["coef"]), 1e-5, 1e-6)


@pytest.mark.parametrize(("scales", "shape", "angles"), [(1, (9, 14), 3), (3, (24, 40), 8), (4, (33, 17), 2)])
@pytest.mark.parametrize("ours", [Scattering2D, OursTorch])
def test_filters_are_the_same(ours, scales, shape, angles) -> None:
    a = ours(scales, shape, angles)
    b = TheirsNumpy(scales, shape, angles)
    for got, expected in zip([a.phi, *a.psi], [b.phi, *b.psi], strict=True):
        assert {**got, "levels": None} == {**expected, "levels": None}
        for level, expected_level in zip(got["levels"], expected["levels"], strict=True):
            assert level.dtype == expected_level.dtype
            np.testing.assert_allclose(level, expected_level, rtol=0, atol=1e-6)


MISUSES = [
    lambda Scattering2D, make: Scattering2D(5, (16, 64)),
    lambda Scattering2D, make: Scattering2D(2.5, (16, 64)),
    lambda Scattering2D, make: Scattering2D(2, (16,)),
    lambda Scattering2D, make: Scattering2D(2, 16),
    lambda Scattering2D, make: Scattering2D(2, (16, 64), backend="theano"),
    lambda Scattering2D, make: Scattering2D(2, (16, 64), backend=SimpleNamespace(name="theano")),
    lambda Scattering2D, make: Scattering2D(2, (16, 64), out_type="tuple")(make((16, 64))),
    lambda Scattering2D, make: Scattering2D(2, (16, 64))(make((16,))),
    lambda Scattering2D, make: Scattering2D(2, (16, 64))(make((3, 64, 16))),
    lambda Scattering2D, make: Scattering2D(2, (16, 64), pre_pad=True)(make((16, 64))),
    lambda Scattering2D, make: Scattering2D(2, (16, 64))(None),
]


@pytest.mark.parametrize("misuse", MISUSES)
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_the_same_misuse_is_the_same_error(misuse, kind) -> None:
    ours, theirs = (Scattering2D, TheirsNumpy) if kind == "numpy" else (OursTorch, TheirsTorch)
    make = np.zeros if kind == "numpy" else torch.zeros
    with pytest.raises(Exception) as their_error:  # noqa: PT011
        misuse(theirs, make)
    with pytest.raises(their_error.type) as our_error:
        misuse(ours, make)
    if their_error.type in (RuntimeError, ImportError):  # else the text may be Python's
        assert str(our_error.value).startswith(str(their_error.value).rstrip("."))


@pytest.mark.parametrize("frontend", ["numpy", "torch"])
@pytest.mark.parametrize("pre_pad", [False, True])
def test_attributes_are_the_same(frontend, pre_pad) -> None:
    ours, theirs = (
        package.Scattering2D(2, (9, 14), L=3, max_order=1, pre_pad=pre_pad, frontend=frontend)
        for package in (scatlight, kymatio)
    )
    for name in ("J", "L", "shape", "max_order", "pre_pad", "out_type", "_M_padded", "_N_padded"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.padded_shape == (ours._M_padded, ours._N_padded)
    assert ours.backend == theirs.backend.name
    assert type(ours)(2, (9, 14), backend=theirs.backend).backend == ours.backend  # kymatio's object
    assert (ours.M, ours.N) == (9, 14)


@pytest.mark.parametrize(
    "frontend", [{}, {"frontend": "numpy"}, {"frontend": "Torch"}, {"frontend": "sklearn"}]
)
def test_frontends_have_the_same_names(frontend) -> None:
    ours, theirs = (
        package.Scattering2D(2, shape=(9, 14), L=3, **frontend) for package in (scatlight, kymatio)
    )
    assert type(ours).__module__.replace("scatlight", "kymatio") == type(theirs).__module__
    assert type(ours).__name__ == type(theirs).__name__ == "Scattering2D"


def test_wrong_frontends_are_the_same_error() -> None:
    for package in (scatlight, kymatio):
        with pytest.raises(RuntimeError, match="is not valid"):
            package.Scattering2D(2, (9, 14), frontend="theano")


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_the_same(channels) -> None:
    images = draw((4, channels, 9, 14))
    rows = images.reshape(4, -1)
    ours, theirs = (kind(2, (9, 14), 3) for kind in (OursOfRows, TheirsOfRows))
    assert_close(ours.transform(rows), theirs.transform(rows), 1e-5, 1e-6)
    assert_close(ours.predict(rows), theirs.predict(rows), 1e-5, 1e-6)
    assert_close(ours.fit_transform(images), theirs.fit_transform(images), 1e-5, 1e-6)
    assert_close(ours.scattering(images), theirs.scattering(images), 1e-5, 1e-6)
    assert_close(ours(images), theirs(images), 1e-5, 1e-6)
