"""The scattering transform of torch tensors: a module with a gradient. Any torch from 2.5 on will do.

Tensors on a GPU are transformed there, if scatlight was built where nvcc 13 is.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy.typing as npt
import torch
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _get_current_dispatch_mode

from scatlight._core import CudaPlanFloat32, CudaPlanFloat64, Plan, ScatteringError
from scatlight._options import Path, Scattering2DBase, make_plan, to_core

__all__ = ["Path", "Scattering2D", "ScatteringError"]

CudaPlan = CudaPlanFloat32 | CudaPlanFloat64

_FILTERS_OF_KYMATIO = re.compile(r"tensor\d+")


def _plan(description: str, threads: int) -> Plan:
    return make_plan(description, threads or torch.get_num_threads())


def _forward(images: torch.Tensor, description: str, threads: int) -> torch.Tensor:
    """(..., H, W) to (..., K, H / stride, W / stride)."""
    plan = _plan(description, threads)
    maps = _empty_maps(images, plan)
    if maps.numel():
        plan.forward(_array(images), maps.numpy())
    return maps


def _backward(
    images: torch.Tensor, maps_gradient: torch.Tensor, description: str, threads: int
) -> torch.Tensor:
    gradient = torch.empty_like(images, memory_format=torch.contiguous_format)
    if images.numel():
        plan = _plan(description, threads)
        plan.backward(_array(images), _array(maps_gradient), gradient.numpy())
    return gradient


def _array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """The plan would take the tensor itself, but in 5 us more."""
    return tensor.detach().contiguous().numpy()


def _empty_maps(images: torch.Tensor, plan: Plan | CudaPlan) -> torch.Tensor:
    return images.new_empty((*images.shape[:-2], *plan.maps_shape))


_scattering2d = torch.library.custom_op(
    "scatlight::scattering2d", _forward, mutates_args=(), device_types="cpu"
)
_scattering2d_backward = torch.library.custom_op(
    "scatlight::scattering2d_backward", _backward, mutates_args=(), device_types="cpu"
)


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


@_scattering2d.register_kernel("cuda")
def _(images: torch.Tensor, description: str, threads: int) -> torch.Tensor:
    plan = _cuda_plan(images, description)
    maps = _empty_maps(images, plan)
    if maps.numel():
        _run(plan.forward, plan.forward_workspace, images, features=maps)
    return maps


@_scattering2d_backward.register_kernel("cuda")
def _(images: torch.Tensor, maps_gradient: torch.Tensor, description: str, threads: int) -> torch.Tensor:
    if maps_gradient.device != images.device:
        raise RuntimeError(f"The maps' gradient is on {maps_gradient.device}, the input on {images.device}.")
    gradient = torch.empty_like(images, memory_format=torch.contiguous_format)
    if images.numel():
        plan = _cuda_plan(images, description)
        gradients = {"feature_gradients": maps_gradient, "image_gradients": gradient}
        _run(plan.backward, plan.backward_workspace, images, **gradients)
    return gradient


@_scattering2d.register_fake
def _(images: torch.Tensor, description: str, threads: int) -> torch.Tensor:
    return _empty_maps(images, _plan(description, threads))


@_scattering2d_backward.register_fake
def _(images: torch.Tensor, maps_gradient: torch.Tensor, *options: Any) -> torch.Tensor:
    return torch.empty_like(images, memory_format=torch.contiguous_format)


def _save(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    images, *ctx.options = inputs
    ctx.save_for_backward(images)


def _differentiate(ctx: Any, maps_gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    (images,) = ctx.saved_tensors
    return torch.ops.scatlight.scattering2d_backward(images, maps_gradient, *ctx.options), None, None


def _refuse(ctx: Any, gradient: torch.Tensor) -> None:
    raise RuntimeError("scatlight: the scattering transform can be differentiated once, not twice")


_scattering2d.register_autograd(_differentiate, setup_context=_save)
_scattering2d_backward.register_autograd(_refuse)


# The images of a vmap are one more dimension of the batch.


@_scattering2d.register_vmap
def _(info: Any, dims: Any, images: torch.Tensor, *options: Any) -> tuple[torch.Tensor, int]:
    return torch.ops.scatlight.scattering2d(images.movedim(dims[0], 0), *options), 0


@_scattering2d_backward.register_vmap
def _(
    info: Any, dims: Any, images: torch.Tensor, maps_gradient: torch.Tensor, *options: Any
) -> tuple[torch.Tensor, int]:
    images, maps_gradient = (
        x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)
        for x, dim in ((images, dims[0]), (maps_gradient, dims[1]))
    )
    return torch.ops.scatlight.scattering2d_backward(images, maps_gradient, *options), 0


# torch calls an operator through ten functions of its own. After other work, of which the caches are full,
# they take 0.1 ms, a thirtieth of the transform of a 3 x 224 x 224 image, and its gradient's 0.4 ms. So where
# nothing but autograd is to see the operator, what it does is done without it.


def _is_unwatched(tensor: torch.Tensor) -> bool:
    """Whether no compiler, tracer, transform of functions, mode or subclass is at work."""
    return (
        not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
        and not torch._C._are_functorch_transforms_active()
        and _get_current_dispatch_mode() is None
        and type(tensor) is torch.Tensor
        and tensor.is_cpu
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
        _save(ctx, (images, *options), images)
        return _forward(images, *options)

    @staticmethod
    def backward(ctx: Any, maps_gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        if torch.is_grad_enabled() or not _is_unwatched(maps_gradient):  # once more: the operator refuses
            return _differentiate(ctx, maps_gradient)
        (images,) = ctx.saved_tensors
        return _backward(images, maps_gradient, *ctx.options), None, None


def _transform(images: torch.Tensor, description: str, threads: int) -> Any:
    if not _is_unwatched(images):
        return torch.ops.scatlight.scattering2d(images, description, threads)
    if images.requires_grad and torch.is_grad_enabled():
        return _Unwatched.apply(images, description, threads)  # type: ignore[no-untyped-call]
    return _forward(images, description, threads)


class Scattering2D(Scattering2DBase, torch.nn.Module):
    """The scattering transform of order 0, 1 and 2: kymatio's constructor, call and numbers (to 1e-5).

    It has no parameters and no buffers, so it runs wherever its input is: .to() and .cuda() change nothing.
    Filters that a state_dict of kymatio holds are passed over.
    """

    _backend = "torch"

    def _plan(self) -> Plan:
        return _plan(self._description, self._threads)

    def scattering(self, input: torch.Tensor) -> Any:
        """(..., H, W) to (..., K, H / stride, W / stride), float32 or float64; K is the number of paths().

        NaN or infinite samples make NaN or infinite what they reach in their image: in small images, and with
        order 2 in all, every map of order 1 and 2. The other images of the batch are not touched.
        The gradient can be taken once, not twice; at a modulus of zero it is zero.

        On a GPU it works on the current stream without waiting, in memory of torch's allocator. The first
        call on a device makes a plan there; those after it can be captured in a CUDA graph.
        """
        if not isinstance(input, torch.Tensor):
            raise TypeError("The input should be a PyTorch Tensor.")
        self._check_size("tensor", tuple(input.shape))
        if not input.is_contiguous():
            raise RuntimeError("Tensor must be contiguous.")
        if input.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"The input is of type {input.dtype}; float32 and float64 are accepted.")
        if not (input.is_cpu or input.is_cuda or input.is_meta):  # (.device takes 20 us after other work)
            raise RuntimeError(
                f"The input is on {input.device}; scatlight runs on the CPU and on CUDA's GPUs."
            )
        if forward_ad.unpack_dual(input).tangent is not None:  # type: ignore[no-untyped-call]
            raise NotImplementedError(
                "scatlight: the transform has a gradient and no forward-mode derivative"
            )
        maps = _transform(input, self._description, self._threads)
        return self._as_list(maps) if self.out_type == "list" else maps

    def forward(self, input: torch.Tensor) -> Any:
        return self.scattering(input)

    def extra_repr(self) -> str:
        return f"J={self.J}, shape={self.shape}, L={self.L}, max_order={self.max_order}"

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        for name in list(state_dict):
            if name.startswith(prefix) and _FILTERS_OF_KYMATIO.fullmatch(name[len(prefix) :]):
                del state_dict[name]
        super()._load_from_state_dict(state_dict, prefix, *arguments)
