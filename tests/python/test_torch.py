"""What torch's users rely on beyond the numbers."""

import copy
import io
from typing import Any

import numpy as np
import pytest
import torch
from kymatio.torch import Scattering2D as Theirs
from scatlight import numpy as ours_for_numpy
from scatlight._options import make_plan
from scatlight.torch import Scattering2D
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import data
from torch.utils._python_dispatch import TorchDispatchMode

SHAPE = (24, 40)


@pytest.fixture(scope="module")
def scattering() -> Scattering2D:
    return Scattering2D(2, SHAPE, 4)


def draw(*batch: int, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*batch, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=dtype)


def compile_whole(function) -> Any:
    torch._dynamo.reset()  # else the code of all transforms is soon recompiled too often for it
    return torch.compile(function, fullgraph=True, backend="aot_eager")


def test_numbers_are_those_of_numpy(scattering) -> None:
    images = draw(2, 3)
    maps = scattering(images)
    assert maps.shape == (2, 3, 1 + 8 + 16, 6, 10)
    assert np.array_equal(maps.numpy(), ours_for_numpy.Scattering2D(2, SHAPE, 4)(images.numpy()))
    assert scattering(images[:0]).shape == (0, 3, 25, 6, 10)
    assert scattering(images.float()).dtype == torch.float32


def test_gradcheck(scattering) -> None:
    small = Scattering2D(1, (6, 5), 3, max_order=1)
    x = torch.rand(2, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(small, x, atol=1e-8)
    small = Scattering2D(2, (7, 6), 2, boundary="periodic")
    x = torch.rand(7, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(small, x, atol=1e-8)


def test_gradient_is_zero_where_the_modulus_is(scattering) -> None:
    x = torch.zeros(1, *SHAPE, requires_grad=True)
    scattering(x)[:, 1:].sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_opcheck(scattering) -> None:
    images = draw(2, 3).requires_grad_()
    maps_gradient = torch.rand_like(scattering(images)).detach()
    torch.library.opcheck(
        torch.ops.scatlight.scattering2d, (images, scattering._description, scattering._threads)
    )
    torch.library.opcheck(
        torch.ops.scatlight.scattering2d_backward,
        (images.detach(), maps_gradient, scattering._description, scattering._threads),
    )


def test_operators_take_any_memory_order(scattering) -> None:
    operands = (scattering._description, scattering._threads)
    images = draw(3, 2)
    maps = scattering(images)
    turned = images.mT.contiguous().mT
    assert not turned.is_contiguous()
    with torch.inference_mode():
        assert torch.equal(torch.ops.scatlight.scattering2d(turned, *operands), maps)
    weights = torch.rand_like(maps)
    expected = torch.ops.scatlight.scattering2d_backward(images, weights, *operands)
    of_turned = torch.ops.scatlight.scattering2d_backward(turned, weights.mT.contiguous().mT, *operands)
    assert torch.equal(of_turned, expected)


# Pictures whose samples are not one behind the other: how they are cut out of a leaf of this shape.
ORDERS = {
    "crop": ((2, 3, 30, 50), lambda x: x[..., 2:26, 7:47]),
    "channels last": ((2, 24, 40, 3), lambda x: x.permute(0, 3, 1, 2)),
    "turned": ((2, 3, 40, 24), lambda x: x.mT),
    "one image for all": ((1, 1, 24, 40), lambda x: x.expand(2, 3, -1, -1)),
    "every other sample": ((2, 3, 48, 80), lambda x: x[..., 1::2, ::2]),
    "negative": ((2, 3, 24, 40), lambda x: torch.complex(x, x).conj().imag),
    "channels_last": ((2, 3, 24, 40), lambda x: x.contiguous(memory_format=torch.channels_last)),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("run", ["eager", "compiled"])
def test_any_memory_order(scattering, order, run) -> None:
    shape, cut = ORDERS[order]
    leaf = torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    leaf.requires_grad_()
    transform = compile_whole(scattering) if run == "compiled" else scattering
    maps = transform(cut(leaf))
    expected = ours_for_numpy.Scattering2D(2, SHAPE, 4)(cut(leaf).detach().resolve_neg().numpy())
    assert np.array_equal(maps.detach().numpy(), expected)
    weights = torch.rand_like(maps)
    (gradient,) = torch.autograd.grad(maps, leaf, weights)
    (of_copy,) = torch.autograd.grad(
        scattering(cut(leaf).clone(memory_format=torch.contiguous_format)), leaf, weights
    )
    assert torch.equal(gradient, of_copy)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("run", ["eager", "compiled", "exported", "traced"])
def test_halves_are_transformed_in_float32(scattering, dtype, autocast, run) -> None:
    images = draw(2, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        transform = {
            "eager": lambda: scattering,
            "compiled": lambda: compile_whole(scattering),
            "exported": lambda: torch.export.export(scattering, (images,)).module(),
            "traced": lambda: make_fx(scattering)(images),
        }[run]()
        leaf = images.clone().requires_grad_()
        maps = transform(leaf)
    as_float = images.float().requires_grad_()
    expected = scattering(as_float)
    assert maps.dtype == torch.float32
    assert torch.equal(maps, expected)
    weights = torch.rand_like(maps)
    (gradient,) = torch.autograd.grad(maps, leaf, weights)
    assert gradient.dtype == dtype
    assert torch.equal(gradient, torch.autograd.grad(expected, as_float, weights)[0].to(dtype))


def test_autocast_between_layers_is_kymatios() -> None:
    layer = torch.nn.Conv2d(3, 3, 3, padding=1)
    images = draw(2, 3, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps, theirs = (kind(2, SHAPE, 4)(layer(images)) for kind in (Scattering2D, Theirs))
    assert maps.dtype == theirs.dtype
    torch.testing.assert_close(maps, theirs, rtol=1e-5, atol=1e-5)
    maps.sum().backward()
    assert layer.weight.grad.dtype == torch.float32


def test_tensors_without_memory(scattering) -> None:
    for dtype, expected in ((torch.float64, torch.float64), (torch.bfloat16, torch.float32)):
        maps = scattering(torch.empty(2, 3, *SHAPE, dtype=dtype, device="meta").mT.mT)
        assert maps.is_meta
        assert maps.dtype == expected
        assert maps.shape == (2, 3, 25, 6, 10)


class Recorder(TorchDispatchMode):
    """Notes the operators that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None) -> Any:
        self.seen.append(str(function))
        return function(*args, **(kwargs or {}))


def test_calls_without_the_operator_give_its_numbers(scattering) -> None:
    images = draw(2)
    operands = (scattering._description, scattering._threads)
    assert torch.equal(scattering(images), torch.ops.scatlight.scattering2d(images, *operands))
    gradients = []
    for transform in (scattering, lambda x: torch.ops.scatlight.scattering2d(x, *operands)):
        x = images.clone().requires_grad_()
        transform(x).square().sum().backward()
        gradients.append(x.grad)
    assert torch.equal(*gradients)
    with torch.no_grad():
        assert not scattering(images.requires_grad_()).requires_grad


def test_modes_and_tracers_see_the_operators(scattering) -> None:
    images = draw(2).requires_grad_()
    with Recorder() as recorder:
        scattering(images).sum().backward()
    assert [name for name in recorder.seen if name.startswith("scatlight")] == [
        "scatlight.scattering2d.default",
        "scatlight.scattering2d_backward.default",
    ]
    maps = scattering(images)
    with Recorder() as recorder:
        maps.sum().backward()
    assert "scatlight.scattering2d_backward.default" in recorder.seen
    traced = make_fx(scattering)(images.detach())
    other = draw(2).flip(0)
    assert torch.equal(traced(other), scattering(other))


def test_gradients_of_several_maps_at_once(scattering) -> None:
    images = draw().requires_grad_()
    maps = scattering(images)
    weights = torch.rand(3, *maps.shape, dtype=maps.dtype)
    (together,) = torch.autograd.grad(maps, images, weights, is_grads_batched=True)
    for weight, gradient in zip(weights, together, strict=True):
        assert torch.equal(gradient, torch.autograd.grad(scattering(images), images, weight)[0])


def test_plans_are_made_for_torchs_threads_unless_told_otherwise() -> None:
    images = draw(2)
    before = torch.get_num_threads()
    try:
        for threads, plans in ((0, 2), (1, 1)):
            make_plan.cache_clear()
            for torchs in (1, 2, 1):
                torch.set_num_threads(torchs)
                Scattering2D(2, SHAPE, 4, threads=threads)(images)
            assert make_plan.cache_info().currsize == plans
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("out_type", ["array", "list"])
def test_compiles_without_graph_breaks(out_type) -> None:
    scattering = Scattering2D(2, SHAPE, 4, out_type=out_type)

    def last(x: torch.Tensor) -> torch.Tensor:
        maps = scattering(2 * x)
        return (maps if out_type == "array" else maps[-1]["coef"]).square().sum()

    compiled = compile_whole(last)
    for batch in (2, 3, 5):
        x, same = draw(batch).requires_grad_(), draw(batch).requires_grad_()
        compiled(x).backward()
        last(same).backward()
        assert torch.equal(x.grad, same.grad)


def test_vmap(scattering) -> None:
    images = draw(3, 2)
    assert torch.equal(torch.func.vmap(scattering)(images), scattering(images))
    weights = torch.rand_like(scattering(images))

    def gradient(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.ops.scatlight.scattering2d_backward(
            x, weight, scattering._description, scattering._threads
        )

    expected = gradient(images, weights)
    assert torch.equal(torch.func.vmap(gradient)(images, weights), expected)
    same = torch.func.vmap(gradient, in_dims=(None, 0))(images[0], weights)
    assert torch.equal(same, gradient(images[:1].expand(3, -1, -1, -1), weights))


def test_module_has_nothing_to_keep(scattering) -> None:
    assert scattering.state_dict() == {}
    assert list(scattering.parameters()) == []
    network = torch.nn.Sequential(scattering, torch.nn.Flatten(), torch.nn.LazyLinear(2))
    network(draw(2, dtype=torch.float32))
    assert list(network.state_dict()) == ["2.weight", "2.bias"]
    assert network.to(torch.float64)(draw(2)).dtype == torch.float64


def test_state_of_kymatio_loads(scattering) -> None:
    theirs = torch.nn.Sequential(Theirs(2, SHAPE, 4), torch.nn.Linear(2, 1))
    ours = torch.nn.Sequential(scattering, torch.nn.Linear(2, 1))
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours[1].weight, theirs[1].weight)
    with pytest.raises(RuntimeError, match=r"0\.tensors"):
        ours.load_state_dict(ours.state_dict() | {"0.tensors": torch.zeros(1)})


def test_save_and_deepcopy(scattering) -> None:
    file = io.BytesIO()
    torch.save(scattering, file)
    file.seek(0)
    images = draw(1)
    for twin in (torch.load(file, weights_only=False), copy.deepcopy(scattering)):
        assert torch.equal(twin(images), scattering(images))


class Images(data.Dataset):
    def __init__(self, scattering: Scattering2D) -> None:
        self.scattering = scattering

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.scattering(draw(1) + index)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_loader(scattering, method) -> None:
    scattering(draw(8))  # starts the threads that a fork leaves behind
    loader = data.DataLoader(
        Images(scattering), batch_size=2, num_workers=2, multiprocessing_context=method, timeout=100
    )
    expected = torch.stack([scattering(draw(1) + index) for index in range(6)])
    assert torch.equal(torch.cat(list(loader)), expected)


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (TypeError, "PyTorch Tensor", lambda: np.zeros(SHAPE)),
        (RuntimeError, "two dimensions", lambda: torch.zeros(3)),
        (RuntimeError, "(24,40)", lambda: torch.zeros(3, 40, 24)),
        (TypeError, "sparse_coo", lambda: torch.zeros(SHAPE).to_sparse()),
        (TypeError, "nested", lambda: torch.nested.nested_tensor([torch.zeros(SHAPE)])),
        (TypeError, "int64", lambda: torch.zeros(SHAPE, dtype=torch.int64)),
        (TypeError, "complex64", lambda: torch.zeros(SHAPE, dtype=torch.complex64)),
    ],
)
def test_errors(scattering, error, text, make) -> None:
    with pytest.raises(error) as caught:
        scattering(make())
    assert text in str(caught.value)
