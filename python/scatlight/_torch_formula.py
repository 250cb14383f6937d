"""Derivatives of the transform beyond its gradient, as a formula of torch's own functions.

The engines have the transform and its gradient. What is here takes as long as with kymatio, on any device,
and torch differentiates it further.

J has the derivatives of the maps with respect to the images; H the second derivatives of the sum of the maps,
weighted with a gradient of them. Both are multiplied with a tangent v of the images. The derivatives of a
modulus of zero are zero.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from scatlight._core import Plan
from scatlight._options import Options, make_plan

_Array = npt.NDArray[Any]

# Samples of padded planes that are differentiated together: more would not fit into the caches and, of large
# planes, not into memory.
_SAMPLES_AT_ONCE = 2**17

_PAD_MODES: dict[str, Any] = {"reflect": "reflect", "periodic": "wrap"}


def plan_of(description: str, threads: int) -> Plan:
    return make_plan(description, threads or torch.get_num_threads())


def jacobian_product(
    images: torch.Tensor, tangent: torch.Tensor, description: str, threads: int
) -> torch.Tensor:
    """J v."""
    steps = _Steps(description, threads, images)
    if not images.numel():
        return images.new_zeros((*images.shape[:-2], *steps.maps_shape))
    maps_tangent = torch.cat([_push_forward(steps, *some)[0] for some in steps.in_parts(images, tangent)])
    return maps_tangent.reshape(*images.shape[:-2], *steps.maps_shape)


def vector_products(
    images: torch.Tensor, maps_gradient: torch.Tensor, tangent: torch.Tensor, description: str, threads: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """H v and J v."""
    if not images.numel():
        return torch.zeros_like(images), torch.zeros_like(maps_gradient)
    steps = _Steps(description, threads, images)
    parts = []
    for some_images, some_tangents, some_gradients in steps.in_parts(images, tangent, maps_gradient):
        maps_tangent, paths = _push_forward(steps, some_images, some_tangents)
        parts.append((_pull_back(steps, some_gradients, paths), maps_tangent))
    of_images, of_maps = (torch.cat(products) for products in zip(*parts, strict=True))
    return of_images.reshape(images.shape), of_maps.reshape(maps_gradient.shape)


class _Modulus(NamedTuple):
    """|z| of a z whose derivative along v is z'."""

    value: torch.Tensor  # (2, ...): |z| and |z|'
    sign: torch.Tensor  # z / |z|
    sign_tangent: torch.Tensor  # (z / |z|)'


class _Paths(NamedTuple):
    """The moduli of a scale, and those that order 2 makes of them, by the coarser scales."""

    first: _Modulus
    second: list[_Modulus]


def _modulus(filtered: torch.Tensor) -> _Modulus:
    z, tangent = filtered
    size, sign = z.abs(), z.sgn()
    along = sign.conj() * tangent  # the real part lengthens z, the imaginary one turns it
    is_zero = size == 0
    angle = torch.where(is_zero, 0, along.imag / torch.where(is_zero, 1, size))
    turned = torch.complex(-angle * sign.imag, angle * sign.real)
    return _Modulus(torch.stack([size, along.real]), sign, turned)


def _push_forward(
    steps: "_Steps", images: torch.Tensor, tangent: torch.Tensor
) -> tuple[torch.Tensor, list[_Paths]]:
    """J v of planes, and what _pull_back() goes on with."""
    order, scales = steps.options.max_order, steps.options.scales
    planes = steps.pad(torch.stack([images, tangent]))
    spectra = torch.fft.fft2(planes)
    tangents, second_tangents = [steps.average(planes[1], 0).unsqueeze(-3)], []
    paths = []
    for scale in range(scales if order >= 1 else 0):
        level = steps.level(scale)
        first = _modulus(steps.filter(spectra, 0, scale))
        tangents.append(steps.average(first.value[1], level))
        paths.append(_Paths(first, []))
        if order < 2 or scale + 1 == scales:
            continue
        spectra_of_first = torch.fft.fft2(first.value)
        by_scale = []
        for scale2 in range(scale + 1, scales):
            second = _modulus(steps.filter(spectra_of_first, level, scale2))
            by_scale.append(steps.average(second.value[1], steps.level(scale2)))
            paths[-1].second.append(second)
        of_second = torch.stack(by_scale, -4)
        second_tangents.append(of_second.reshape(*of_second.shape[:-5], -1, *of_second.shape[-2:]))
    return torch.cat([*tangents, *second_tangents], -3), paths


def _pull_back(steps: "_Steps", maps_gradient: torch.Tensor, paths: list[_Paths]) -> torch.Tensor:
    """H v of planes: what the gradient that goes back from the maps changes along v."""
    options = steps.options
    if not paths:  # order 0 is linear
        return maps_gradient.new_zeros((len(maps_gradient), options.height, options.width))
    angles = options.angles
    of_scales = [angles] * len(paths) + [angles**2 * len(of_scale.second) for of_scale in paths]
    _, *weights = torch.split(maps_gradient, [1, *of_scales], -3)
    spectra = []
    for scale, (first, seconds) in enumerate(paths):
        level = steps.level(scale)
        gradient = steps.spread(weights[scale], level)
        tangent = torch.zeros_like(gradient)
        of_second = weights[len(paths) + scale]
        shape = (*of_second.shape[:-3], angles, len(seconds), angles, *of_second.shape[-2:])
        by_scale = of_second.reshape(shape).unbind(-4)
        for scale2, (second, of_scale2) in enumerate(zip(seconds, by_scale, strict=True), scale + 1):
            of_modulus = steps.spread(of_scale2, steps.level(scale2))
            signs = torch.stack([second.sign, second.sign_tangent])
            returned = torch.fft.ifft2(steps.unfilter(signs * of_modulus, level, scale2)).real
            gradient, tangent = gradient + returned[0], tangent + returned[1]
        spectra.append(steps.unfilter(first.sign_tangent * gradient + first.sign * tangent, 0, scale))
    return steps.unpad(torch.fft.ifft2(sum(spectra)).real)


class _Steps:
    """The linear steps of the transform, and their adjoints, for tensors like one.

    A plane at a level has one in 2^level samples each way.
    """

    def __init__(self, description: str, threads: int, like: torch.Tensor) -> None:
        self.options = Options.parse(description)
        self._plan = plan_of(description, threads)
        self._device = like.device
        dtype = np.float64 if like.dtype == torch.float64 else np.float32
        self._filters = _make_filters(self._plan, self.options, dtype)

    def in_parts(self, images: torch.Tensor, *others: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
        """All with the batch as one dimension, and not too many planes."""
        batch = images.ndim - 2
        at_once = max(1, _SAMPLES_AT_ONCE // int(np.prod(self._plan.padded_shape)))
        tensors = (torch.split(x.reshape(-1, *x.shape[batch:]), at_once) for x in (images, *others))
        return zip(*tensors, strict=True)

    @property
    def maps_shape(self) -> tuple[int, int, int]:
        return self._plan.maps_shape

    def level(self, scale: int) -> int:
        """Of the moduli of a scale."""
        return _level(self._plan, scale)

    def pad(self, images: torch.Tensor) -> torch.Tensor:
        for axis, (image, plane) in zip((-2, -1), self._filters.padding, strict=True):
            images = self._move(images, axis, image, plane, self._plan.padded_shape[axis])
        return images

    def unpad(self, planes: torch.Tensor) -> torch.Tensor:
        """The adjoint of pad()."""
        size = self.options.height, self.options.width
        for axis, (image, plane) in zip((-2, -1), self._filters.padding, strict=True):
            planes = self._move(planes, axis, plane, image, size[axis])
        return planes

    # In float64, of which autocast and torch.set_float32_matmul_precision() leave matrix products alone.

    def average(self, planes: torch.Tensor, level: int) -> torch.Tensor:
        """With phi_J: (..., H, W) to maps."""
        rows, columns = (self._tensor(weights) for weights in self._filters.low_pass[level])
        return (rows @ (planes.double() @ columns.mT)).to(planes.dtype)

    def spread(self, maps: torch.Tensor, level: int) -> torch.Tensor:
        """The adjoint of average()."""
        rows, columns = (self._tensor(weights) for weights in self._filters.low_pass[level])
        return (rows.mT @ (maps.double() @ columns)).to(maps.dtype)

    def filter(self, spectra: torch.Tensor, level: int, scale: int) -> torch.Tensor:
        """With psi of all angles: from spectra (..., H, W) to planes (..., angles, H / folds, W / folds)."""
        products = spectra.unsqueeze(-3) * self._tensor(self._filters.wavelets[scale, level])
        *batch, height, width = products.shape
        folds = self._folds(level, scale)
        parts = products.reshape(*batch, folds, height // folds, folds, width // folds)
        planes: torch.Tensor = torch.fft.ifft2(parts.mean((-4, -2)))
        return planes

    def unfilter(self, gradients: torch.Tensor, level: int, scale: int) -> torch.Tensor:
        """The spectrum of what the adjoint of filter() gives, once its real part is taken."""
        folds = self._folds(level, scale)
        repeated: torch.Tensor = torch.fft.fft2(gradients).tile(folds, folds)
        return (repeated * self._tensor(self._filters.wavelets[scale, level])).sum(-3)

    def _folds(self, level: int, scale: int) -> int:
        return 1 << (self.level(scale) - level)

    def _move(self, x: torch.Tensor, axis: int, source: _Array, to: _Array, length: int) -> torch.Tensor:
        """Along an axis, from some indices to others, added up there."""
        shape = list(x.shape)
        shape[axis] = length
        moved = x.index_select(axis, self._tensor(source))
        return x.new_zeros(shape).index_add(axis, self._tensor(to), moved)

    def _tensor(self, array: _Array) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)


class _Filters(NamedTuple):
    """Arrays, not tensors: these would belong to the mode or the transform of functions that made them."""

    padding: list[tuple[_Array, _Array]]  # by axis: the samples of the image, and where they are in the plane
    low_pass: list[tuple[_Array, _Array]]  # by level: weights of phi_J (outputs, H) and (outputs, W)
    wavelets: dict[tuple[int, int], _Array]  # by scale and level of the plane: spectra (angles, H, W)


def _level(plan: Plan, scale: int) -> int:
    return min(scale, plan.stride.bit_length() - 1)


@functools.lru_cache(maxsize=2)
def _make_filters(plan: Plan, options: Options, dtype: Any) -> _Filters:
    def padding(size: int, padded: int) -> tuple[_Array, _Array]:
        before = (padded - size) // 2
        widths = (before, padded - size - before)
        if options.boundary in _PAD_MODES:
            return np.pad(np.arange(size), widths, _PAD_MODES[options.boundary]), np.arange(padded)
        return np.arange(size), before + np.arange(size)

    def spectrum(fill: Callable[[int, _Array], None], level: int) -> _Array:
        values = np.empty([side >> level for side in plan.padded_shape])
        fill(level, values)
        return values

    def weights(line: _Array, outputs: int, step: int) -> _Array:
        """Of phi_J along an axis, by its spectrum: (outputs, samples)."""
        kernel: _Array = np.fft.ifft(line).real
        border = 2**options.scales // plan.stride  # outputs that only padding reaches
        centers = step * (border + np.arange(outputs))
        found: _Array = kernel[(centers[:, None] - np.arange(len(kernel))) % len(kernel)]
        return found

    _, rows, columns = plan.maps_shape
    levels = [_level(plan, scale) for scale in range(options.scales)]
    low_pass = []
    for level in range(levels[-1] + 1):
        phi, step = spectrum(plan.low_pass, level), plan.stride >> level
        low_pass.append((weights(phi[:, 0], rows, step), weights(phi[0] / phi[0, 0], columns, step)))
    wavelets = {}
    for scale in range(options.scales if options.max_order >= 1 else 0):
        for level in {0, *(levels[:scale] if options.max_order == 2 else [])}:
            spectra = [
                spectrum(functools.partial(plan.wavelet, scale, angle), level).astype(dtype)
                for angle in range(options.angles)
            ]
            wavelets[scale, level] = np.stack(spectra)
    sides = zip((options.height, options.width), plan.padded_shape, strict=True)
    return _Filters([padding(size, padded) for size, padded in sides], low_pass, wavelets)
