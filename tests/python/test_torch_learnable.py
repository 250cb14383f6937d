"""Wavelets as a parameter of scatlight.torch, and wavelets that are given."""

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from kymatio.scattering2d.core.scattering2d import scattering2d
from kymatio.torch import Scattering2D as Theirs
from scatlight import _options
from scatlight import numpy as ours_for_numpy
from scatlight._options import make_given_plan
from scatlight.torch import Scattering2D, ScatteringError
from torch import func
from torch.autograd import gradcheck

SHAPE = (24, 40)


def draw(*shape: int, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def moved(scattering: Scattering2D, share: float = 0.05) -> torch.Tensor:
    """Numbers of wavelets near those of the options, none as another."""
    wavelets = torch.from_numpy(scattering.wavelet_shapes())
    noise = 2 * draw(*wavelets.shape) - 1
    return wavelets + share * noise * wavelets.abs().clamp(min=0.3)


@pytest.fixture(params=[1, 2])
def learnable(request) -> Scattering2D:
    return Scattering2D(2, SHAPE, 4, request.param, learnable=True)


# ---- the start ----


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("options", [{}, {"boundary": "zero", "wavelet": "gabor", "normalization": "exact"}])
@pytest.mark.parametrize("order", [1, 2])
def test_it_begins_as_the_fixed_transform(dtype, options, order) -> None:
    images = draw(2, 3, *SHAPE, dtype=dtype)
    maps, gradients = [], []
    for learns in (False, True):
        scattering = Scattering2D(2, SHAPE, 4, order, learnable=learns, **options)
        leaf = images.clone().requires_grad_()
        maps.append(scattering(leaf))
        gradients.append(torch.autograd.grad(maps[-1], leaf, torch.ones_like(maps[-1]))[0])
    assert torch.equal(*maps)
    torch.testing.assert_close(*gradients)
    assert [name for name, _ in scattering.named_parameters()] == ["wavelets"]
    assert scattering.wavelets.dtype == torch.float64
    assert not dict(Scattering2D(2, SHAPE, 4, order).named_parameters())


def test_the_numbers_are_described() -> None:
    scattering = Scattering2D(2, SHAPE, 4)
    shapes = scattering.wavelet_shapes()
    assert shapes.shape == (2, 4, 4)
    for angle in range(4):
        assert shapes[0, angle].tolist() == [scattering.theta(angle), 2.356194490192345, 0.8, 1]
        assert shapes[1, angle].tolist() == [scattering.theta(angle), 2.356194490192345 / 2, 1.6, 1]


# ---- the gradient ----


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((1, (6, 5), 3), {"max_order": 1}),
        ((2, (7, 6), 2), {"boundary": "periodic"}),
        ((2, (8, 9), 2), {"boundary": "zero", "stride": 2}),
        ((2, (8, 8), 3), {"wavelet": "gabor", "max_order": 1, "stride": 1}),
        ((1, (5, 4), 2), {"pre_pad": True}),
    ],
)
def test_differences(arguments, options) -> None:
    scattering = Scattering2D(*arguments, learnable=True, **options)
    images = draw(2, scattering._options.height, scattering._options.width).requires_grad_()
    wavelets = moved(scattering).requires_grad_()

    def transform(images: torch.Tensor, wavelets: torch.Tensor) -> Any:
        return func.functional_call(scattering, {"wavelets": wavelets}, (images,))

    assert gradcheck(transform, (images, wavelets), atol=1e-7, rtol=1e-5)


def test_differences_of_spectra() -> None:
    fixed = Scattering2D(1, (6, 5), 2)
    images = draw(1, 6, 5).requires_grad_()
    spectra = draw(1, 2, *fixed.padded_shape).requires_grad_()
    operands = (fixed._description, fixed._threads)
    assert gradcheck(
        lambda *leaves: torch.ops.scatlight.scattering2d_learned(*leaves, *operands),
        (images, spectra),
        atol=1e-7,
    )


def morlet(size: tuple[int, int], numbers: torch.Tensor) -> torch.Tensor:
    """kymatio's filter_bank.morlet_2d() and its spectrum, of tensors."""
    theta, xi, sigma, slant = numbers
    height, width = size
    rows = torch.arange(-2 * height, 3 * height, dtype=torch.float64)[:, None]
    columns = torch.arange(-2 * width, 3 * width, dtype=torch.float64)
    cosine, sine = theta.cos(), theta.sin()
    along, across = rows * cosine + columns * sine, columns * cosine - rows * sine
    envelope = torch.exp(-(along**2 + (slant * across) ** 2) / (2 * sigma**2))
    envelope = envelope / (2 * 3.1415 * sigma**2 / slant)

    def periodic(signal: torch.Tensor) -> torch.Tensor:
        return signal.reshape(5, height, 5, width).sum((0, 2))

    wave, low = periodic(torch.polar(envelope, xi * along)), periodic(envelope)
    return torch.fft.fft2(wave - wave.sum() / low.sum() * low).real


def reduced(spectrum: torch.Tensor, level: int) -> torch.Tensor:
    """kymatio's filter_bank.periodize_filter_fft(), of tensors."""
    mask = torch.ones(spectrum.shape, dtype=spectrum.dtype)
    for axis, side in enumerate(spectrum.shape):
        start, length = int(side * 2 ** (-level - 1)), int(side * (1 - 2**-level))
        mask.narrow(axis, start, length).zero_()
    height, width = (side >> level for side in spectrum.shape)
    return (spectrum * mask).reshape(1 << level, height, 1 << level, width).sum((0, 2))


def low_pass(scattering: Scattering2D, level: int) -> torch.Tensor:
    """In float64; kymatio's own is rounded to float32."""
    values = np.empty([side >> level for side in scattering.padded_shape])
    scattering._plan().low_pass(level, values)
    return torch.from_numpy(values).unsqueeze(-1)


@pytest.mark.parametrize(
    ("scales", "shape", "angles", "order"), [(2, (32, 24), 4, 2), (3, (40, 33), 3, 1), (3, (32, 32), 2, 2)]
)
def test_gradients_are_kymatios(scales, shape, angles, order) -> None:
    theirs = Theirs(scales, shape, angles, order).double()
    ours = Scattering2D(scales, shape, angles, order, learnable=True)
    images = draw(2, *shape)
    wavelets = moved(ours)
    phi = {"j": scales, "levels": [low_pass(ours, level) for level in range(scales)]}
    results = []
    for is_ours in (True, False):
        leaf, numbers = images.clone().requires_grad_(), wavelets.clone().requires_grad_()
        if is_ours:
            maps = func.functional_call(ours, {"wavelets": numbers}, (leaf,))
        else:
            psi = []
            for j, of_scale in enumerate(numbers):
                for angle, of_one in enumerate(of_scale):
                    spectrum = morlet(ours.padded_shape, of_one)
                    levels = [reduced(spectrum, level) for level in range(min(j + 1, max(scales - 1, 1)))]
                    levels = [level.unsqueeze(-1).contiguous() for level in levels]
                    psi.append({"j": j, "theta": angle, "levels": levels})
            maps = scattering2d(
                leaf, theirs.pad, theirs.unpad, theirs.backend, scales, angles, phi, psi, order
            )
        weights = draw(*maps.shape) - 0.5
        results.append((maps.detach(), *torch.autograd.grad(maps, (leaf, numbers), weights)))
    for got, expected in zip(*results, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-10 * expected.abs().max().item())


def test_it_is_differentiated_once(learnable) -> None:
    images = draw(1, *SHAPE).requires_grad_()
    with torch.enable_grad():
        maps = learnable(images).square().sum()
        (gradient,) = torch.autograd.grad(maps, learnable.wavelets, create_graph=True)
    with pytest.raises(RuntimeError, match="can be differentiated once"):
        gradient.sum().backward()
    with pytest.raises(RuntimeError, match="no forward mode"):
        func.jvp(learnable, (images.detach(),), (images.detach(),))


def test_torch_func(learnable) -> None:
    images = draw(3, *SHAPE)
    wavelets = learnable.wavelets.detach()

    def loss(wavelets: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        return func.functional_call(learnable, {"wavelets": wavelets}, (image,)).square().sum()

    of_images = func.vmap(func.grad(loss), in_dims=(None, 0))(wavelets, images)
    learnable(images).square().sum().backward()
    torch.testing.assert_close(of_images.sum(0), learnable.wavelets.grad)
    of_each = func.vmap(loss)(torch.stack([wavelets, 0.99 * wavelets, 0.98 * wavelets]), images)
    torch.testing.assert_close(of_each[1], loss(0.99 * wavelets, images[1]))


def test_a_plan_is_made_once_for_both_ways(learnable) -> None:
    with torch.no_grad():
        learnable.wavelets.mul_(0.9876 - 0.001 * learnable.max_order)
    made = _made()
    for _ in range(3):
        learnable(draw(1, *SHAPE)).sum().backward()
    assert _made() == made + 1


def _made() -> int:
    return _options._make_given_plan.cache_info().misses


def test_no_images_have_no_gradient(learnable) -> None:
    maps = learnable(draw(0, *SHAPE))
    assert maps.shape[0] == 0
    maps.sum().backward()
    assert torch.equal(learnable.wavelets.grad, torch.zeros_like(learnable.wavelets))


# ---- a module of torch ----


def test_a_step_changes_the_maps(learnable) -> None:
    images = draw(2, *SHAPE)
    target = learnable.with_wavelets(moved(learnable))(images).detach()
    optimizer = torch.optim.Adam(learnable.parameters(), lr=0.002)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = (learnable(images) - target).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("kind", ["deepcopy", "pickle", "torch.save"])
def test_copies(learnable, kind) -> None:
    with torch.no_grad():
        learnable.wavelets.copy_(moved(learnable))
    if kind == "deepcopy":
        other = copy.deepcopy(learnable)
    elif kind == "pickle":
        other = pickle.loads(pickle.dumps(learnable))
    else:
        file = io.BytesIO()
        torch.save(learnable, file)
        file.seek(0)
        other = torch.load(file, weights_only=False)
    images = draw(2, *SHAPE)
    assert torch.equal(other(images), learnable(images))
    with torch.no_grad():
        other.wavelets.mul_(0.9)
    assert not torch.equal(other(images), learnable(images))


def test_state_dict(learnable) -> None:
    with torch.no_grad():
        learnable.wavelets.copy_(moved(learnable))
    state = learnable.state_dict()
    assert list(state) == ["wavelets"]
    other = Scattering2D(2, SHAPE, 4, learnable.max_order, learnable=True)
    other.load_state_dict(state)
    assert torch.equal(other(draw(*SHAPE)), learnable(draw(*SHAPE)))
    with pytest.raises(RuntimeError, match="wavelets"):
        Scattering2D(2, SHAPE, 4).load_state_dict(state)


@pytest.mark.parametrize("convert", ["float", "half", "double"])
def test_wavelets_stay_float64(learnable, convert) -> None:
    network = torch.nn.Sequential(learnable, torch.nn.Flatten())
    before = learnable.wavelets.detach().clone()
    getattr(network, convert)()
    assert torch.equal(learnable.wavelets, before)
    assert isinstance(learnable.wavelets, torch.nn.Parameter)
    on_meta = copy.deepcopy(network).to("meta")
    assert on_meta(draw(1, *SHAPE).to("meta")).is_meta


def test_compiled(learnable) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(learnable, fullgraph=True, backend="aot_eager")
    images = draw(2, *SHAPE)
    for _ in range(2):
        gradients = []
        for transform in (learnable, compiled):
            leaf = images.clone().requires_grad_()
            learnable.zero_grad()
            maps = transform(leaf)
            maps.square().sum().backward()
            gradients.append((maps.detach(), leaf.grad, learnable.wavelets.grad))
        for got, expected in zip(*gradients, strict=True):
            assert torch.equal(got, expected)
        with torch.no_grad():
            learnable.wavelets.mul_(0.99)


def test_exported(learnable) -> None:
    images = draw(2, *SHAPE)
    program = torch.export.export(learnable, (images,)).module()
    assert torch.equal(program(images), learnable(images))


def test_opcheck(learnable) -> None:
    images = draw(2, 3, *SHAPE).requires_grad_()
    wavelets = moved(learnable).requires_grad_()
    operands = (learnable._description, learnable._threads)
    torch.library.opcheck(torch.ops.scatlight.scattering2d_learned, (images, wavelets, *operands))
    weights = draw(*learnable(images).shape)
    torch.library.opcheck(
        torch.ops.scatlight.scattering2d_learned_backward,
        (images.detach(), wavelets.detach(), weights, *operands),
    )


def test_psi_are_those_that_are_learned(learnable) -> None:
    fixed = Scattering2D(2, SHAPE, 4, learnable.max_order)
    for a, b in zip(learnable.psi, fixed.psi, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a["levels"], b["levels"], strict=True))
    with torch.no_grad():
        learnable.wavelets[0, 0, 2] *= 1.1
    assert not np.array_equal(learnable.psi[0]["levels"][0], fixed.psi[0]["levels"][0])
    assert np.array_equal(learnable.psi[1]["levels"][0], fixed.psi[1]["levels"][0])


# ---- numbers out of range ----


@pytest.mark.parametrize(
    ("number", "value", "nearest"),
    [(1, 3.5, np.pi), (1, -4, -np.pi), (2, 0, 0.1), (2, -1, 0.1), (3, 0, 0.01), (3, 11, 10)],
)
def test_numbers_out_of_range_are_as_the_nearest(learnable, number, value, nearest) -> None:
    images = draw(2, *SHAPE)
    results = []
    for given in (value, nearest):
        with torch.no_grad():
            learnable.wavelets[1, 2, number] = given
        learnable.zero_grad()
        maps = learnable(images)
        maps.square().sum().backward()
        results.append((maps.detach(), learnable.wavelets.grad))
    for of_value, of_nearest in zip(*results, strict=True):
        assert torch.equal(of_value, of_nearest)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("number", range(4))
def test_numbers_that_are_none_are_refused(learnable, number, value) -> None:
    with torch.no_grad():
        learnable.wavelets[1, 2, number] = value
    with pytest.raises(ScatteringError, match=r"of the wavelet of scale 1 and angle 2 is -?nan"):
        learnable(draw(*SHAPE))


def test_order_0_has_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match="max_order is 0, which has no wavelets"):
        Scattering2D(2, SHAPE, 4, 0, learnable=True)


# ---- wavelets that are given ----


@pytest.mark.parametrize("order", [1, 2])
def test_given_wavelets(order) -> None:
    images = draw(2, 3, *SHAPE)
    learnable = Scattering2D(2, SHAPE, 4, order, learnable=True)
    with torch.no_grad():
        learnable.wavelets.copy_(moved(learnable))
    shapes = learnable.wavelets.detach()
    expected = learnable(images).detach()
    spectra = np.stack([one["levels"][0] for one in learnable.psi]).reshape(2, 4, *learnable.padded_shape)
    for scattering in (Scattering2D(2, SHAPE, 4, order), ours_for_numpy.Scattering2D(2, SHAPE, 4, order)):
        takes_tensors = isinstance(scattering, torch.nn.Module)
        x = images if takes_tensors else images.numpy()
        given = scattering.with_wavelets(shapes if takes_tensors else shapes.numpy())
        assert np.array_equal(np.asarray(given(x)), expected)
        by_spectra = given.with_wavelets(spectra)  # of float32
        np.testing.assert_allclose(np.asarray(by_spectra(x)), expected, rtol=1e-4, atol=1e-5)
        assert not np.array_equal(np.asarray(scattering(x)), expected)
        restored = pickle.loads(pickle.dumps(given))
        assert np.array_equal(np.asarray(restored(x)), expected)


def test_given_wavelets_are_a_copy() -> None:
    fixed = ours_for_numpy.Scattering2D(2, SHAPE, 4)
    shapes = fixed.wavelet_shapes()
    given = fixed.with_wavelets(shapes)
    shapes *= 0.9
    images = draw(*SHAPE).numpy()
    assert np.array_equal(given(images), fixed(images))
    assert np.array_equal(given.wavelet_shapes(), fixed.wavelet_shapes())


def test_given_wavelets_are_a_buffer_or_a_parameter(learnable) -> None:
    fixed = Scattering2D(2, SHAPE, 4, learnable.max_order)
    given = fixed.with_wavelets(moved(fixed))
    assert not dict(given.named_parameters())
    assert list(given.state_dict()) == ["wavelets"]
    images = draw(*SHAPE).requires_grad_()
    given(images).sum().backward()
    assert images.grad.abs().max() > 0
    free = learnable.with_wavelets(draw(2, 4, *fixed.padded_shape))
    assert list(dict(free.named_parameters())) == ["wavelets"]
    free(draw(*SHAPE)).sum().backward()
    assert free.wavelets.grad.shape == (2, 4, *fixed.padded_shape)
    assert learnable.wavelets.shape == (2, 4, 4)


@pytest.mark.parametrize("kind", [Scattering2D, ours_for_numpy.Scattering2D])
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda shapes: shapes[:1], ScatteringError, r"wavelets are \(1, 4, 4\); they must be shapes"),
        (
            lambda shapes: shapes.reshape(-1),
            ScatteringError,
            r"shapes \(2, 4, 4\) or spectra \(2, 4, 32, 48\)",
        ),
        (
            lambda shapes: shapes * [1, 1, 0, 1],
            ScatteringError,
            "sigma of the wavelet of scale 0 and angle 0",
        ),
        (lambda shapes: shapes * [1, 2, 1, 1], ScatteringError, "it must be between -pi and pi"),
        (lambda shapes: shapes * np.nan, ScatteringError, "theta of the wavelet of scale 0 .* is nan"),
        (lambda shapes: np.full((2, 4, 32, 48), np.inf), ScatteringError, "has the value inf"),
        (lambda shapes: shapes.astype(complex), TypeError, "they must be real numbers"),
    ],
)
def test_bad_wavelets_are_refused(kind, make, error, message) -> None:
    scattering = kind(2, SHAPE, 4)
    with pytest.raises(error, match=message):
        scattering.with_wavelets(make(scattering.wavelet_shapes()))


def test_a_plan_of_other_wavelets_is_kept() -> None:
    fixed = Scattering2D(2, SHAPE, 4)
    shapes = moved(fixed).numpy()
    plans = [make_given_plan(fixed._description, 1, given) for given in (shapes, shapes.copy())]
    assert plans[0] is plans[1]
