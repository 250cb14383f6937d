"""Derivatives of scatlight.torch: the gradient by torch.func, forward mode, and what is after the first."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from kymatio.torch import Scattering2D as Theirs
from scatlight import _torch_formula
from scatlight.torch import Scattering2D
from torch import func
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.fx.experimental.proxy_tensor import make_fx

SIZE = (6, 5)
SAMPLES = 30


@pytest.fixture(scope="module")
def scattering() -> Scattering2D:
    return Scattering2D(2, SIZE, 2)


def draw(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return draw(*SIZE)


@pytest.fixture(scope="module")
def loss(scattering) -> Callable[[torch.Tensor], torch.Tensor]:
    """Not linear in the maps, so that a change of theirs shows in its gradient."""
    return lambda x: scattering(x).square().sum()


CASES = [
    ((1, (6, 5), 3), {"max_order": 1}),
    ((2, (7, 6), 2), {"boundary": "periodic"}),
    ((2, (8, 9), 3), {"boundary": "zero", "stride": 2}),
    ((3, (9, 8), 1), {"stride": 1}),
    ((1, (5, 4), 2), {"pre_pad": True}),
    ((1, (6, 4), 2), {"max_order": 0}),
]


@pytest.mark.parametrize(("arguments", "options"), CASES)
def test_differences_of_gradients(arguments, options) -> None:
    scattering = Scattering2D(*arguments, **options)
    x = draw(2, scattering._options.height, scattering._options.width).requires_grad_()
    assert gradcheck(scattering, x, atol=1e-8, fast_mode=True, check_forward_ad=True)
    checks = {"check_fwd_over_rev": True, "check_rev_over_rev": True}
    assert gradgradcheck(scattering, x, atol=1e-7, fast_mode=True, **checks)


@pytest.mark.parametrize("arguments", [(2, (32, 24), 4, 1), (3, (24, 40), 3, 2)])
def test_second_derivatives_are_kymatios(arguments) -> None:
    products = []
    for transform in (Scattering2D(*arguments), Theirs(*arguments).double()):
        x = draw(2, *arguments[1]).requires_grad_()
        (gradient,) = torch.autograd.grad(transform(x).square().sum(), x, create_graph=True)
        products.append(torch.autograd.grad(gradient, x, draw(2, *arguments[1]).flip(-1))[0])
    torch.testing.assert_close(*products, rtol=1e-4, atol=1e-5 * products[1].abs().max().item())


def test_parts_of_a_batch_are_as_the_batch(scattering, monkeypatch) -> None:
    x, maps = draw(3, 2, *SIZE), scattering(draw(3, 2, *SIZE))
    operands = (scattering._description, scattering._threads)
    products = _torch_formula.vector_products(x, maps, x.flip(-1), *operands)
    monkeypatch.setattr(_torch_formula, "_SAMPLES_AT_ONCE", 1)
    in_parts = _torch_formula.vector_products(x, maps, x.flip(-1), *operands)
    torch.testing.assert_close(in_parts, products)
    (gradient,) = torch.autograd.grad(scattering(x.requires_grad_()).sum(), x, create_graph=True)
    assert torch.autograd.grad(gradient[:0].sum(), x)[0].abs().max() == 0
    empty = x.detach()[:0]
    assert func.jvp(scattering, (empty,), (empty,))[1].shape == (0, *maps.shape[1:])


def test_a_modulus_of_zero_has_no_derivatives(scattering, image) -> None:
    def gradient(x: torch.Tensor) -> torch.Tensor:
        return func.grad(lambda x: (scattering(x)[..., 1:, :, :] * (1 + draw(1))).sum())(x)

    def product(x: torch.Tensor) -> torch.Tensor:
        return func.vjp(gradient, x)[1](image)[0]

    zero = torch.zeros(SIZE, dtype=torch.float64)
    for derivative in (gradient, product, lambda x: func.vjp(product, x)[1](image)[0]):
        assert torch.equal(derivative(zero), zero)
    _, tangent = func.jvp(scattering, (zero,), (image,))
    assert torch.equal(tangent[1:], torch.zeros_like(tangent[1:]))
    torch.testing.assert_close(tangent[0], scattering(image)[0])


# ---- torch.func ----


def jacobian(transform: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Row by row, without torch.func."""
    x = x.clone().requires_grad_()
    maps = transform(x)
    rows = [torch.autograd.grad(value, x, retain_graph=True)[0] for value in maps.flatten()]
    return torch.stack(rows).reshape(*maps.shape, *x.shape)


FIRST = {
    "grad": lambda f, x: func.grad(lambda x: f(x).sum())(x)[None],
    "vjp": lambda f, x: func.vjp(f, x)[1](torch.ones_like(f(x)))[0][None],
    "jacrev": lambda f, x: func.jacrev(f)(x).sum((0, 1, 2))[None],
    "jacfwd": lambda f, x: func.jacfwd(f)(x).sum((0, 1, 2))[None],
    "vmap of grad": lambda f, x: func.vmap(func.grad(lambda x: f(x).sum()))(torch.stack([x, x])),
    "grad of vmap": lambda f, x: func.grad(lambda x: func.vmap(f, in_dims=2)(x).sum())(
        torch.stack([x, x], 2)
    ).movedim(2, 0),
    "vmap that shares its image": lambda f, x: func.vmap(
        lambda weight: func.grad(lambda x: (f(x) * weight).sum())(x)
    )(torch.ones(3)),
    "vmap of an image of another": lambda f, x: func.vmap(
        lambda x: func.vmap(lambda _: func.grad(lambda x: f(x).sum())(x))(torch.ones(2)).mean(0)
    )(torch.stack([x, x])),
}


@pytest.mark.parametrize("way", FIRST)
def test_gradient_by_torch_func(scattering, image, way) -> None:
    expected = jacobian(scattering, image).sum((0, 1, 2))
    for gradient in FIRST[way](scattering, image):
        torch.testing.assert_close(gradient, expected)


def products_of_jvp(gradient: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    units = torch.eye(SAMPLES, dtype=x.dtype).reshape(SAMPLES, *x.shape)
    return func.vmap(lambda unit: func.jvp(gradient, (x,), (unit,))[1])(units)


def products_of_forward_mode(loss: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    products = []
    for unit in torch.eye(SAMPLES, dtype=x.dtype).reshape(SAMPLES, *x.shape):
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(x.clone().requires_grad_(), unit)
            (gradient,) = torch.autograd.grad(loss(dual), dual, create_graph=True)
            products.append(forward_ad.unpack_dual(gradient).tangent.detach())
    return torch.stack(products)


HESSIANS: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    "reverse twice": lambda f, x: func.jacrev(func.grad(f))(x),
    "reverse of jacrev": lambda f, x: func.jacrev(func.jacrev(f))(x),
    "forward over reverse": lambda f, x: func.hessian(f)(x),
    "reverse over forward": lambda f, x: func.jacrev(func.jacfwd(f))(x),
    "forward twice": lambda f, x: func.jacfwd(func.jacfwd(f))(x),
    "vmap of jvp": lambda f, x: products_of_jvp(func.grad(f), x),
    "forward mode without torch.func": products_of_forward_mode,
    "vectorized": lambda f, x: torch.autograd.functional.hessian(f, x, vectorize=True),
}


@pytest.mark.parametrize("way", HESSIANS)
def test_all_ways_to_a_hessian_agree(loss, image, way) -> None:
    expected = torch.autograd.functional.hessian(loss, image)
    torch.testing.assert_close(HESSIANS[way](loss, image).reshape(expected.shape), expected)


@pytest.mark.parametrize("way", ["reverse twice", "forward over reverse", "vmap of jvp"])
def test_compiled_hessians(loss, image, way) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: HESSIANS[way](loss, x), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(image), HESSIANS[way](loss, image))


def test_compiled_gradients(scattering, image) -> None:
    def tangent(x: torch.Tensor) -> torch.Tensor:
        return func.jvp(scattering, (x,), (x.flip(0),))[1]

    def gradients(x: torch.Tensor) -> torch.Tensor:
        return func.vmap(func.grad(lambda x: scattering(x).square().sum()))(torch.stack([x, x.flip(0)]))

    torch._dynamo.reset()
    for derivative in (tangent, gradients):
        compiled = torch.compile(derivative, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(image), derivative(image))


def test_traced_gradient(loss, image) -> None:
    traced = make_fx(func.grad(loss))(torch.ones_like(image))
    assert torch.equal(traced(image), func.grad(loss)(image))


def test_autocast_leaves_second_derivatives_alone(scattering) -> None:
    x = draw(2, *SIZE).float()
    gradient = func.grad(lambda x: scattering(x).square().sum())
    _, expected = func.jvp(gradient, (x,), (x,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(func.jvp(gradient, (x,), (x,))[1], expected)
