"""The transform and its gradient as operators of torch: on the CPU, on a GPU, and their derivatives."""

import functools
from collections.abc import Callable
from typing import Any

import numpy.typing as npt
import torch
from torch._C._functorch import _add_batch_dim
from torch._compile import _disable_dynamo
from torch._functorch.pyfunctorch import retrieve_current_functorch_interpreter
from torch._functorch.utils import enable_single_level_autograd_function
from torch._functorch.vmap import unwrap_batched
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction
from torch.utils._python_dispatch import _get_current_dispatch_mode

from scatlight._core import CudaPlanFloat32, CudaPlanFloat64, Options, Plan
from scatlight._options import to_core
from scatlight._torch_formula import jacobian_product, plan_of, vector_products

CudaPlan = CudaPlanFloat32 | CudaPlanFloat64

_BATCHED = torch._C.DispatchKeySet(torch._C.DispatchKey.FuncTorchBatched)


def _forward(images: torch.Tensor, description: str, threads: int) -> torch.Tensor:
    """(..., H, W) to (..., K, H / stride, W / stride)."""
    plan = plan_of(description, threads)
    maps = _empty_maps(images, plan)
    if maps.numel():
        plan.forward(_array(images), maps.numpy())
    return maps


def _backward(
    images: torch.Tensor, maps_gradient: torch.Tensor, description: str, threads: int
) -> torch.Tensor:
    gradient = torch.empty_like(images, memory_format=torch.contiguous_format)
    if images.numel():
        plan = plan_of(description, threads)
        plan.backward(_array(images), _array(maps_gradient), gradient.numpy())
    return gradient


def _array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """In order, copied where it is not. (The plan would take the tensor itself, but in 5 us more.)"""
    return tensor.detach().contiguous().numpy()


def _empty_maps(images: torch.Tensor, shaped: Plan | CudaPlan | Options) -> torch.Tensor:
    return images.new_empty((*images.shape[:-2], *shaped.maps_shape))


_library: Any = torch.library.Library("scatlight", "FRAGMENT")  # type: ignore[no-untyped-call]
for _schema in (
    "scattering2d(Tensor images, str description, int threads) -> Tensor",
    "scattering2d_backward(Tensor images, Tensor maps_gradient, str description, int threads) -> Tensor",
):
    _library.define(_schema, tags=torch.Tag.pt2_compliant_tag)
_library.impl("scattering2d", _disable_dynamo(_forward), "CPU")
_library.impl("scattering2d_backward", _disable_dynamo(_backward), "CPU")


# On a GPU: torch's memory, torch's current stream, and no waiting.


@functools.lru_cache(maxsize=16)
def _make_cuda_plan(description: str, dtype: torch.dtype, device: int) -> CudaPlan:
    kind = CudaPlanFloat32 if dtype == torch.float32 else CudaPlanFloat64
    return kind.make(to_core(description), device)


_captured: set[CudaPlan] = set()


def _cuda_plan(images: torch.Tensor, description: str) -> CudaPlan:
    plan = _make_cuda_plan(description, images.dtype, images.get_device())
    if torch.cuda.is_current_stream_capturing():
        _captured.add(plan)  # a graph may be replayed as long as the process lives
    return plan


def _run(
    call: Callable[..., None],
    workspace_size: Callable[[int], int],
    images: torch.Tensor,
    **others: torch.Tensor,
) -> None:
    """A call of a plan, with addresses for tensors. Those that it writes are contiguous."""
    planes = images.shape[:-2].numel()
    workspace = torch.empty(workspace_size(planes), dtype=torch.uint8, device=images.device)
    tensors = {"images": images, "workspace": workspace} | others
    tensors = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    stream = torch.cuda.current_stream(images.device).cuda_stream
    call(planes=planes, stream=stream, **{name: tensor.data_ptr() for name, tensor in tensors.items()})


def _forward_on_gpu(images: torch.Tensor, description: str, threads: int) -> torch.Tensor:
    plan = _cuda_plan(images, description)
    maps = _empty_maps(images, plan)
    if maps.numel():
        _run(plan.forward, plan.forward_workspace, images, features=maps)
    return maps


def _backward_on_gpu(
    images: torch.Tensor, maps_gradient: torch.Tensor, description: str, threads: int
) -> torch.Tensor:
    if maps_gradient.device != images.device:
        raise RuntimeError(f"The maps' gradient is on {maps_gradient.device}, the input on {images.device}.")
    gradient = torch.empty_like(images, memory_format=torch.contiguous_format)
    if images.numel():
        plan = _cuda_plan(images, description)
        gradients = {"feature_gradients": maps_gradient, "image_gradients": gradient}
        _run(plan.backward, plan.backward_workspace, images, **gradients)
    return gradient


_library.impl("scattering2d", _disable_dynamo(_forward_on_gpu), "CUDA")
_library.impl("scattering2d_backward", _disable_dynamo(_backward_on_gpu), "CUDA")


# What stands around the kernels. It is registered as with torch's own operators, at keys of the dispatcher:
# derivatives that torch.library registers are none for torch.func.


def _fake_forward(images: torch.Tensor, description: str, threads: int) -> torch.Tensor:
    return _empty_maps(images, to_core(description))


def _fake_backward(images: torch.Tensor, maps_gradient: torch.Tensor, *options: Any) -> torch.Tensor:
    return torch.empty_like(images, memory_format=torch.contiguous_format)


class _Derivatives(_SingleLevelFunction):
    @staticmethod
    def forward(ctx: Any, operator: Any, keys: Any, *operands: Any) -> Any:
        *tensors, description, threads = operands
        ctx.options = description, threads
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)
        # Below are the outer transforms of torch.func, which differentiate in their turn.
        with torch.enable_grad(), _forward_mode(), torch._C._AutoDispatchBelowAutograd():
            return operator.redispatch(keys & torch._C._after_autograd_keyset, *operands)


def _forward_mode() -> Any:
    return forward_ad._set_fwd_grad_enabled(True)


def _primals(ctx: Any) -> list[torch.Tensor]:
    """Without the tangents that jvp() multiplies with, but with those of outer transforms. (Torch has one
    level of forward mode, 0, about which compiled code does not inform Python.)"""
    return [
        forward_ad.unpack_dual(tensor, level=0).primal  # type: ignore[no-untyped-call]
        for tensor in ctx.saved_tensors
    ]


class _OfMaps(_Derivatives):
    @staticmethod
    def backward(ctx: Any, maps_gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (images,) = ctx.saved_tensors
        gradient = torch.ops.scatlight.scattering2d_backward(images, maps_gradient, *ctx.options)
        return None, None, gradient, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> torch.Tensor:
        with _forward_mode():
            (images,) = _primals(ctx)
            return jacobian_product(images, tangents[2], *ctx.options)


class _OfGradient(_Derivatives):
    @staticmethod
    def backward(ctx: Any, tangent: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images, maps_gradient = ctx.saved_tensors
        return None, None, *vector_products(images, maps_gradient, tangent, *ctx.options), None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        with _forward_mode():
            images, maps_gradient = _primals(ctx)
            by_images, _ = vector_products(images, maps_gradient, tangents[2], *ctx.options)  # H is symmetric
            return by_images + torch.ops.scatlight.scattering2d_backward(images, tangents[3], *ctx.options)


def _in_one_call(operator: Callable[..., Any], size: int, tensors: Any, dims: Any, options: Any) -> Any:
    """The images of a vmap are one more dimension of the batch."""
    batches = (
        x.expand(size, *x.shape) if dim is None else x.movedim(dim, 0)
        for x, dim in zip(tensors, dims, strict=False)
    )
    return operator(*batches, *options)


def _register_around(
    name: str, fake: Callable[..., Any], derivatives: Any, run_batch: Callable[..., Any] = _in_one_call
) -> None:
    operator = getattr(torch.ops.scatlight, name).default

    def differentiate(keys: Any, *operands: Any) -> Any:
        with enable_single_level_autograd_function():
            return derivatives.apply(operator, keys, *operands)

    def batch(*operands: Any) -> Any:
        vmap: Any = retrieve_current_functorch_interpreter()
        (*tensors, description, threads), dims = unwrap_batched(operands, vmap.level())
        with torch._C._ExcludeDispatchKeyGuard(_BATCHED):
            if all(dim is None for dim in dims):  # they are of another vmap
                return operator(*operands)
            result = run_batch(operator, vmap.batch_size(), tensors, dims, (description, threads))
            if isinstance(result, tuple):
                return tuple(_add_batch_dim(one, 0, vmap.level()) for one in result)
            return _add_batch_dim(result, 0, vmap.level())

    torch.library.register_fake(f"scatlight::{name}", fake, lib=_library)
    _library.impl(name, differentiate, "Autograd", with_keyset=True)
    _library.impl(name, batch, "FuncTorchBatched")


_register_around("scattering2d", _fake_forward, _OfMaps)
_register_around("scattering2d_backward", _fake_backward, _OfGradient)


# torch calls an operator through ten functions of its own. After other work, of which the caches are full,
# they take 0.1 ms, a thirtieth of the transform of a 3 x 224 x 224 image, and its gradient's 0.4 ms. So where
# nothing but autograd is to see the operator, what it does is done without it.


def _is_unwatched(tensor: torch.Tensor) -> bool:
    """Whether no compiler, tracer, transform of functions, forward mode, mode or subclass is at work."""
    return (
        not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
        and not torch._C._are_functorch_transforms_active()
        and _get_current_dispatch_mode() is None
        and type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and tensor.is_cpu
        and not tensor.is_neg()
        and forward_ad.unpack_dual(tensor).tangent is None  # type: ignore[no-untyped-call]
        and _has_memory(tensor)
    )


def _has_memory(tensor: torch.Tensor) -> bool:
    """Some that are really batches of others have none, those of torch.autograd's is_grads_batched."""
    try:
        tensor.data_ptr()
    except RuntimeError:
        return False
    return True


class _Unwatched(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, *options: Any) -> torch.Tensor:
        ctx.save_for_backward(images)
        ctx.options = options
        return _forward(images, *options)

    @staticmethod
    def backward(ctx: Any, maps_gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (images,) = ctx.saved_tensors
        is_last = not torch.is_grad_enabled() and _is_unwatched(maps_gradient)
        pull_back = _backward if is_last else torch.ops.scatlight.scattering2d_backward
        return pull_back(images, maps_gradient, *ctx.options), None, None


def transform(images: torch.Tensor, description: str, threads: int) -> Any:
    """(..., H, W) to (..., K, H / stride, W / stride), float32 or float64, in any memory order."""
    if not _is_unwatched(images):
        return torch.ops.scatlight.scattering2d(images, description, threads)
    if images.requires_grad and torch.is_grad_enabled():
        return _Unwatched.apply(images, description, threads)  # type: ignore[no-untyped-call]
    return _forward(images, description, threads)
