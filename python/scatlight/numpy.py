"""The scattering transform of numpy arrays. Needs no torch."""

import copy
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from scatlight._core import Plan, ScatteringError
from scatlight._options import Path, Scattering2DBase, _to_int, make_given_plan, to_wavelets

__all__ = ["Path", "Reconstruction", "Scattering2D", "ScatteringError"]


class Reconstruction(NamedTuple):
    """An image whose scattering is close to a given one."""

    image: npt.NDArray[np.float32]  # (C, H, W) or (H, W), not clamped to a range
    relative_error: float  # ||S y - S x|| / ||S x||
    errors: list[float]  # of each evaluation of the transform and its gradient


class Scattering2D(Scattering2DBase):
    """The scattering transform of order 0, 1 and 2: kymatio's constructor, call and numbers (to 1e-5)."""

    _backend = "numpy"
    _kind = "array"
    _whole_kind = "NumPy array"

    _wavelets: npt.NDArray[np.float64] | None = None  # those that were given

    def with_wavelets(self, wavelets: npt.ArrayLike) -> "Scattering2D":
        """The same transform by other wavelets psi: shapes (J, L, 4), or spectra (J, L, *padded_shape).

        Shapes are rows as wavelet_shapes() has them, of any finite theta, xi from -pi to pi, sigma of at
        least 0.1, and slant from 0.01 to 10. Spectra are real ones for whole planes, at no reduced
        resolution. Others are refused.
        """
        other = copy.copy(self)
        other._wavelets = to_wavelets(wavelets)
        other._plan()
        return other

    def _plan(self) -> Plan:
        if self._wavelets is None:
            return super()._plan()
        return make_given_plan(self._description, self._threads, self._wavelets)

    def scattering(self, x: npt.ArrayLike) -> Any:
        """(..., H, W) to (..., K, H / stride, W / stride); K is the number of paths().

        float32 stays float32, float64 stays float64, float16 becomes float32, integers become float64. Any
        memory order is accepted. Other threads of Python run meanwhile.

        NaN or infinite samples make NaN or infinite what they reach in their image: in small images, and with
        order 2 in all, every map of order 1 and 2. The other images of the batch are not touched.
        """
        if x is None:
            raise TypeError("The input should be not empty.")
        images = _in_order(np.asarray(x))
        self._check_size(images.shape)
        plan = self._plan()
        maps = np.empty((*images.shape[:-2], *plan.maps_shape), images.dtype)
        if maps.size:
            plan.forward(images, maps)
        return self._as_list(maps) if self.out_type == "list" else maps

    def gradient(self, x: npt.ArrayLike, maps_gradient: npt.ArrayLike) -> npt.NDArray[Any]:
        """dL/dx from dL/dmaps, for any L: (..., H, W) and (..., K, H / stride, W / stride) to (..., H, W)."""
        images = _in_order(np.asarray(x))
        self._check_size(images.shape)
        given = np.asarray(maps_gradient)
        if not np.can_cast(given.dtype, images.dtype, "same_kind"):
            raise TypeError(f"The gradient of the maps is of type {given.dtype}; it must be real numbers.")
        gradient_in = np.ascontiguousarray(given, images.dtype)
        plan = self._plan()
        wanted = (*images.shape[:-2], *plan.maps_shape)
        if gradient_in.shape != wanted:
            raise RuntimeError(
                f"The gradient of the maps is {gradient_in.shape}; these images have {wanted}."
            )
        gradient = np.empty_like(images)
        if images.size:
            plan.backward(images, gradient_in, gradient)
        return gradient

    def reconstruct(
        self,
        maps: npt.ArrayLike,
        *,
        solver: Literal["coarse-to-fine", "paper"] = "coarse-to-fine",
        evaluations: int = 0,
        tolerance: float = 0,
        pixel_range: float = 1,
    ) -> Reconstruction:
        """An image with these maps: (C, K, h, w) to (C, H, W), or (K, h, w) to (H, W) (paper, section 2.2).

        solver: 'coarse-to-fine', or 'paper' for the paper's recipe, whose steps depend on pixel_range.
        evaluations: of the transform and its gradient, at most; 0 means 300, and 1000 of 'paper'.
        tolerance: stop at this relative error; 0 means 1e-5, and 2e-3 of 'paper'.
        pixel_range: from black to white.
        """
        given = np.ascontiguousarray(maps, np.float32)
        plan = self._plan()
        wanted = plan.maps_shape
        if given.ndim not in (3, 4) or given.shape[-3:] != wanted:
            raise RuntimeError(
                f"The maps are {given.shape}; those of an image are {wanted} or (C, *{wanted})."
            )
        image = np.empty((*given.shape[:-3], self._options.height, self._options.width), np.float32)
        error, errors = plan.reconstruct(
            given,
            image,
            solver=solver,
            evaluations=_to_int("evaluations", evaluations),
            tolerance=float(tolerance),
            pixel_range=float(pixel_range),
        )
        return Reconstruction(image, error, errors)

    __call__ = scattering


def _in_order(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """As contiguous float32 or float64 of this machine's byte order; copied only where it must be."""
    wanted: np.dtype[Any]
    if array.dtype.kind in "biu":
        wanted = np.dtype(np.float64)
    elif array.dtype == np.float16:
        wanted = np.dtype(np.float32)
    else:
        wanted = array.dtype.newbyteorder("=")
    if wanted not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"The input is of type {array.dtype}; float32 and float64 are accepted.")
    return np.ascontiguousarray(array, wanted)
