"""The transform by wavelets that are an argument, and its gradient for images and wavelets, as operators."""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import torch
from torch._compile import _disable_dynamo

from scatlight._core import Plan
from scatlight._options import make_given_plan, to_core
from scatlight._torch_operators import (
    _array,
    _Derivatives,
    _empty_maps,
    _fake_forward,
    _library,
    _register_around,
)

# What the four numbers of a shape may be: theta, xi, sigma and slant.
_LOWEST = (-float(np.finfo(np.float64).max), -np.pi, 0.1, 0.01)
_HIGHEST = (float(np.finfo(np.float64).max), np.pi, float(np.finfo(np.float64).max), 10.0)

for _schema in (
    "scattering2d_learned(Tensor images, Tensor wavelets, str description, int threads) -> Tensor",
    "scattering2d_learned_backward(Tensor images, Tensor wavelets, Tensor maps_gradient, str description,"
    " int threads) -> (Tensor, Tensor)",
):
    _library.define(_schema, tags=torch.Tag.pt2_compliant_tag)


def keep_inside(wavelets: torch.Tensor) -> torch.Tensor:
    """Shapes (..., 4) with the nearest numbers that a plan takes, and the gradient that these have.

    Numbers in range are left as they are, bit for bit. Those beyond it keep a gradient, so that a step can
    bring them back. NaN stays NaN, and infinity becomes NaN; a plan refuses it.
    """
    inside = torch.clamp(wavelets.detach(), wavelets.new_tensor(_LOWEST), wavelets.new_tensor(_HIGHEST))
    return inside + (wavelets - wavelets.detach())


def _plan(wavelets: torch.Tensor, description: str, threads: int) -> Plan:
    return make_given_plan(description, threads or torch.get_num_threads(), _array(wavelets))


def _forward(images: torch.Tensor, wavelets: torch.Tensor, description: str, threads: int) -> torch.Tensor:
    """(..., H, W), and shapes (J, L, 4) or spectra (J, L, *padded), to (..., K, H / stride, W / stride)."""
    plan = _plan(wavelets, description, threads)
    maps = _empty_maps(images, plan)
    if maps.numel():
        plan.forward(_array(images), maps.numpy())
    return maps


def _backward(
    images: torch.Tensor, wavelets: torch.Tensor, maps_gradient: torch.Tensor, description: str, threads: int
) -> tuple[torch.Tensor, torch.Tensor]:
    of_images = torch.empty_like(images, memory_format=torch.contiguous_format)
    of_wavelets = torch.zeros_like(wavelets, memory_format=torch.contiguous_format)
    if images.numel():
        plan = _plan(wavelets, description, threads)
        are_shapes = wavelets.ndim == 3
        spectra = np.empty((*wavelets.shape[:2], *plan.padded_shape)) if are_shapes else of_wavelets.numpy()
        plan.backward(_array(images), _array(maps_gradient), of_images.numpy(), spectra)
        if are_shapes:
            options = to_core(description, threads or torch.get_num_threads())
            options.shape_gradients(_array(wavelets), spectra, of_wavelets.numpy())
    return of_images, of_wavelets


def _refuse_device(images: torch.Tensor, wavelets: torch.Tensor, *others: Any) -> NoReturn:
    raise RuntimeError(
        "Wavelets that are given run on the CPU;"
        f" the input is on {images.device} and the wavelets are on {wavelets.device}."
    )


for _name, _on_cpu in (("scattering2d_learned", _forward), ("scattering2d_learned_backward", _backward)):
    _library.impl(_name, _disable_dynamo(_on_cpu), "CPU")
    _library.impl(_name, _disable_dynamo(_refuse_device), "CUDA")


# ---- what stands around the kernels ----


def _fake_backward(
    images: torch.Tensor, wavelets: torch.Tensor, *others: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.empty_like(images, memory_format=torch.contiguous_format),
        torch.empty_like(wavelets, memory_format=torch.contiguous_format),
    )


def _fake_learned_forward(images: torch.Tensor, wavelets: torch.Tensor, *options: Any) -> torch.Tensor:
    return _fake_forward(images, *options)


class _OfMaps(_Derivatives):
    @staticmethod
    def backward(ctx: Any, maps_gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images, wavelets = ctx.saved_tensors
        gradients = torch.ops.scatlight.scattering2d_learned_backward(
            images, wavelets, maps_gradient, *ctx.options
        )
        return None, None, *gradients, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> NoReturn:
        raise RuntimeError("The transform by given wavelets has a gradient, but no forward mode.")


class _OfGradients(_Derivatives):
    @staticmethod
    def backward(ctx: Any, *tangents: Any) -> NoReturn:
        raise RuntimeError(
            "The transform by given wavelets can be differentiated once; create_graph=True asks for more."
        )

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> NoReturn:
        raise RuntimeError("The gradient of the transform by given wavelets has no derivatives.")


def _one_by_one(
    operator: Callable[..., Any], size: int, tensors: Any, dims: Any, options: Any
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Each entry of a vmap by itself, as each has wavelets of its own, or a gradient for them."""
    results = [
        operator(
            *(x if dim is None else x.select(dim, i) for x, dim in zip(tensors, dims, strict=False)), *options
        )
        for i in range(size)
    ]
    if isinstance(results[0], torch.Tensor):
        return torch.stack(results)
    return tuple(torch.stack(parts) for parts in zip(*results, strict=True))


_register_around("scattering2d_learned", _fake_learned_forward, _OfMaps, _one_by_one)
_register_around("scattering2d_learned_backward", _fake_backward, _OfGradients, _one_by_one)


def transform_by(images: torch.Tensor, wavelets: torch.Tensor, description: str, threads: int) -> Any:
    """(..., H, W) to (..., K, H / stride, W / stride), float32 or float64, in any memory order."""
    return torch.ops.scatlight.scattering2d_learned(images, wavelets.double(), description, threads)
