"""scatlight.torch on a GPU: the numbers of the CPU, kymatio's, and what torch's users rely on."""

import numpy as np
import pytest
import torch
from kymatio.torch import Scattering2D as Theirs
from scatlight import _core
from scatlight.torch import Scattering2D, ScatteringError

SHAPE = (24, 40)

no_gpu = pytest.mark.skipif(
    not (torch.cuda.is_available() and _core.built_with_cuda()),
    reason="skipped: no GPU" if _core.built_with_cuda() else "skipped: this build has no CUDA engine",
)


def draw(*batch: int, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*batch, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=dtype)


def close(actual: torch.Tensor, expected: torch.Tensor, relative: float, of_scale: float) -> None:
    assert actual.device.type == "cuda"
    expected = expected.double().numpy()
    np.testing.assert_allclose(
        actual.detach().double().cpu().numpy(), expected, relative, of_scale * np.abs(expected).max()
    )


@pytest.fixture(scope="module")
def scattering() -> Scattering2D:
    return Scattering2D(2, SHAPE, 4)


# ---- without a GPU, too ----


def test_a_module_moves_without_complaint(scattering) -> None:
    if torch.cuda.is_available():
        assert scattering.cuda() is scattering
    assert scattering.to("meta") is scattering
    assert scattering(draw(1)).shape == (1, 25, 6, 10)


def test_a_plan_without_its_gpu_is_an_error() -> None:
    options = _core.Options.make(height=24, width=24, scales=2)
    text = "there is no CUDA device" if _core.built_with_cuda() else "no CUDA engine"
    for kind in (_core.CudaPlanFloat32, _core.CudaPlanFloat64):
        with pytest.raises(ScatteringError, match=text):
            kind.make(options, _core.cuda_device_count())


def test_fake_tensors_of_a_gpu_have_the_shapes(scattering) -> None:
    with torch._subclasses.FakeTensorMode():
        images = torch.empty(2, 3, *SHAPE, device="cuda")
        maps = torch.ops.scatlight.scattering2d(images, scattering._description, scattering._threads)
        assert maps.shape == (2, 3, 25, 6, 10)
        gradient = torch.ops.scatlight.scattering2d_backward(
            images, maps, scattering._description, scattering._threads
        )
        assert gradient.shape == images.shape
        assert gradient.device.type == maps.device.type == "cuda"


# ---- with one ----


@no_gpu
@pytest.mark.parametrize("order", [0, 1, 2])
def test_numbers_are_those_of_the_cpu(order) -> None:
    scattering = Scattering2D(2, SHAPE, 4, max_order=order)
    images = draw(2, 3)
    expected = scattering(images)
    close(scattering(images.cuda()), expected, 0, 1e-12)
    close(scattering(images.float().cuda()), expected, 1e-5, 1e-6)
    assert scattering(images[:0].cuda()).shape == (0, *expected.shape[1:])
    assert scattering(images[0, 0].cuda()).shape == expected.shape[2:]


@no_gpu
@pytest.mark.parametrize(("J", "shape", "L"), [(3, (224, 224), 8), (2, (32, 32), 8), (4, (67, 131), 6)])
def test_numbers_are_those_of_kymatio(J, shape, L) -> None:
    images = torch.rand(2, *shape, generator=torch.Generator().manual_seed(1))
    theirs = Theirs(J, shape, L)(images)
    close(Scattering2D(J, shape, L).cuda()(images.cuda()), theirs, 1e-5, 1e-6)


@no_gpu
def test_gradient_is_that_of_the_cpu(scattering) -> None:
    weights = torch.rand_like(scattering(draw(2, 3)))

    def gradient(x: torch.Tensor) -> torch.Tensor:
        leaf = x.clone().requires_grad_()
        (scattering(leaf) * weights.to(x)).sum().backward()
        return leaf.grad

    close(gradient(draw(2, 3).cuda()), gradient(draw(2, 3)), 0, 1e-11)
    close(gradient(draw(2, 3).float().cuda()), gradient(draw(2, 3)), 1e-4, 1e-5)


@no_gpu
def test_gradcheck() -> None:
    small = Scattering2D(2, (7, 6), 2)
    x = torch.rand(2, 7, 6, dtype=torch.float64, device="cuda", requires_grad=True)
    assert torch.autograd.gradcheck(small, x, atol=1e-8, nondet_tol=0)


@no_gpu
def test_opcheck(scattering) -> None:
    images = draw(2, 3).cuda().requires_grad_()
    maps_gradient = torch.rand_like(scattering(images)).detach()
    torch.library.opcheck(
        torch.ops.scatlight.scattering2d, (images, scattering._description, scattering._threads)
    )
    torch.library.opcheck(
        torch.ops.scatlight.scattering2d_backward,
        (images.detach(), maps_gradient, scattering._description, scattering._threads),
    )


@no_gpu
def test_compiles_without_graph_breaks(scattering) -> None:
    def loss(x: torch.Tensor) -> torch.Tensor:
        return scattering(2 * x).square().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for batch in (2, 3):
        x, same = draw(batch).cuda().requires_grad_(), draw(batch).cuda().requires_grad_()
        compiled(x).backward()
        loss(same).backward()
        assert torch.equal(x.grad, same.grad)


@no_gpu
def test_a_graph_replays_with_new_data(scattering) -> None:
    static = draw(2).float().cuda().requires_grad_()

    def step() -> tuple[torch.Tensor, torch.Tensor]:
        maps = scattering(static)
        (gradient,) = torch.autograd.grad(maps.square().sum(), static)
        return maps, gradient

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        maps, gradient = step()
    for shift in (1, 2):
        with torch.no_grad():
            static.copy_(draw(2).float().cuda() + shift)
        graph.replay()
        torch.cuda.synchronize()
        expected_maps, expected_gradient = step()
        assert torch.equal(maps, expected_maps)
        assert torch.equal(gradient, expected_gradient)


@no_gpu
def test_streams_do_not_mix(scattering) -> None:
    images = [draw(8).float().cuda() + shift for shift in range(4)]
    expected = [scattering(x) for x in images]
    torch.cuda.synchronize()
    streams = [torch.cuda.Stream() for _ in images]
    for _ in range(10):
        found = []
        for x, stream in zip(images, streams, strict=True):
            with torch.cuda.stream(stream):
                found.append(scattering(x))
        torch.cuda.synchronize()
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@no_gpu
def test_autocast_leaves_the_numbers_alone(scattering) -> None:
    images = draw(2).float().cuda()
    with torch.autocast("cuda", dtype=torch.float16):
        assert torch.equal(scattering(images), scattering(images))
        assert scattering(images).dtype == torch.float32


@no_gpu
def test_halves_are_transformed_in_float32(scattering) -> None:
    images = draw(2).cuda().half().requires_grad_()
    maps = scattering(images)
    assert torch.equal(maps, scattering(images.float()))
    maps.sum().backward()
    assert images.grad.dtype == torch.float16


@no_gpu
def test_any_memory_order(scattering) -> None:
    images = draw(2, 3).cuda()
    leaf = images.mT.contiguous().requires_grad_()
    maps = scattering(leaf.mT)
    assert torch.equal(maps, scattering(images))
    maps.square().sum().backward()
    same = images.clone().requires_grad_()
    scattering(same).square().sum().backward()
    assert torch.equal(leaf.grad.mT, same.grad)


@no_gpu
def test_second_derivatives_are_those_of_the_cpu(scattering) -> None:
    def products(x: torch.Tensor) -> list[torch.Tensor]:
        gradient = torch.func.grad(lambda x: scattering(x).square().sum())
        return [torch.func.jvp(scattering, (x,), (x,))[1], torch.func.jvp(gradient, (x,), (x,))[1]]

    for actual, expected in zip(products(draw(2, 3).cuda()), products(draw(2, 3)), strict=True):
        close(actual, expected, 0, 1e-11)


@no_gpu
def test_vmap(scattering) -> None:
    images = draw(3, 2).cuda()
    assert torch.equal(torch.func.vmap(scattering)(images), scattering(images))


@no_gpu
def test_errors(scattering) -> None:
    images = draw(1).cuda()
    maps_gradient = torch.rand_like(scattering(images)).cpu()
    with pytest.raises(RuntimeError, match=r"gradient is on cpu"):
        torch.ops.scatlight.scattering2d_backward(
            images, maps_gradient, scattering._description, scattering._threads
        )
