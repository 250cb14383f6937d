"""The scattering transform of torch tensors: a module with a gradient. Any torch from 2.5 on will do.

Tensors on a GPU are transformed there, if scatlight was built where nvcc 13 is.
"""

import copy
import re
from typing import Any, Literal

import numpy.typing as npt
import torch

from scatlight._core import Plan, ScatteringError
from scatlight._options import Path, Scattering2DBase, make_given_plan, to_wavelets
from scatlight._torch_formula import plan_of
from scatlight._torch_learned import keep_inside, transform_by
from scatlight._torch_operators import transform

__all__ = ["Path", "Scattering2D", "ScatteringError"]

_FILTERS_OF_KYMATIO = re.compile(r"tensor\d+")
_HALVES = (torch.float16, torch.bfloat16)


class Scattering2D(Scattering2DBase, torch.nn.Module):
    """The scattering transform of order 0, 1 and 2: kymatio's constructor, call and numbers (to 1e-5).

    It has no parameters and no buffers, so it runs wherever its input is: .to() and .cuda() change nothing.
    Filters that a state_dict of kymatio holds are passed over.

    With learnable=True it has one parameter, `wavelets`, (J, L, 4) in float64: theta, xi, sigma and slant of
    each wavelet, as wavelet_shapes() describes and begins with. At first the maps are those of the fixed
    transform, bit for bit. Beyond its range (xi from -pi to pi, sigma from 0.1, slant from 0.01 to 10) a
    number has the effect of the nearest one in it, and that one's gradient; NaN is an error. Leave it out of
    weight decay. It stays float64 under .float(), .half() and .to(dtype).
    """

    wavelets: torch.nn.Parameter | torch.Tensor | None

    _backend = "torch"
    _kind = "tensor"
    _whole_kind = "Tensor"

    def __init__(
        self,
        J: int,
        shape: tuple[int, int],
        L: int = 8,
        max_order: int = 2,
        pre_pad: bool = False,
        backend: Any = None,
        out_type: Literal["array", "list"] = "array",
        *,
        learnable: bool = False,
        stride: int = 0,
        boundary: Literal["reflect", "periodic", "zero"] = "reflect",
        wavelet: Literal["morlet", "gabor"] = "morlet",
        normalization: Literal["kymatio", "exact"] = "kymatio",
        sigma: float = 0.8,
        center_frequency: float = 2.356194490192345,
        slant: float = 0,
        threads: int = 0,
        memory_limit: int = 4 * 2**30,
    ) -> None:
        """Plan the transform of images of one size. The arguments are those of scatlight.numpy.Scattering2D,
        which describes them, and:

        learnable: the wavelets are a parameter.
        """
        super().__init__(
            J,
            shape,
            L,
            max_order,
            pre_pad,
            backend,
            out_type,
            stride=stride,
            boundary=boundary,
            wavelet=wavelet,
            normalization=normalization,
            sigma=sigma,
            center_frequency=center_frequency,
            slant=slant,
            threads=threads,
            memory_limit=memory_limit,
        )
        if learnable and max_order == 0:
            raise ValueError("max_order is 0, which has no wavelets; learnable=True needs 1 or 2")
        self.register_parameter(
            "wavelets", torch.nn.Parameter(torch.from_numpy(self.wavelet_shapes())) if learnable else None
        )

    def with_wavelets(self, wavelets: npt.ArrayLike | torch.Tensor) -> "Scattering2D":
        """The same transform by other wavelets psi: shapes (J, L, 4), or spectra (J, L, *padded_shape).

        Shapes are rows as wavelet_shapes() has them, in the range that the class describes. Spectra are real
        ones for whole planes, at no reduced resolution. Others are refused. The new transform has a copy of
        them in float64 as `wavelets`: a parameter if this one is learnable, else a buffer.
        """
        if isinstance(wavelets, torch.Tensor):
            wavelets = wavelets.detach().cpu().numpy()
        given = to_wavelets(wavelets)
        make_given_plan(self._description, self._threads or torch.get_num_threads(), given)
        other = copy.deepcopy(self)
        is_learnable = isinstance(self.wavelets, torch.nn.Parameter)
        del other.wavelets
        if is_learnable:
            other.wavelets = torch.nn.Parameter(torch.from_numpy(given))
        else:
            other.register_buffer("wavelets", torch.from_numpy(given))
        return other

    def _plan(self) -> Plan:
        wavelets = self._wavelets()
        if wavelets is None:
            return plan_of(self._description, self._threads)
        threads = self._threads or torch.get_num_threads()
        return make_given_plan(self._description, threads, wavelets.detach().cpu().numpy())

    def _wavelets(self) -> torch.Tensor | None:
        """What a plan takes, if the options do not say it."""
        wavelets = getattr(self, "wavelets", None)  # before the constructor has ended there are none
        return keep_inside(wavelets) if wavelets is not None and wavelets.ndim == 3 else wavelets

    def scattering(self, input: torch.Tensor) -> Any:
        """(..., H, W) to (..., K, H / stride, W / stride); K is the number of paths().

        float32 stays float32, float64 stays float64. float16 and bfloat16 become float32, with autocast and
        without; the gradient has the input's type. Any memory order is accepted; what is not contiguous is
        copied, by the gradient once more.

        NaN or infinite samples make NaN or infinite what they reach in their image: in small images, and with
        order 2 in all, every map of order 1 and 2. The other images of the batch are not touched.

        Derivatives of any order, forward mode and the transforms of torch.func are there. What goes beyond
        the gradient (second derivatives, forward mode) is made of torch's own functions and takes as long as
        with kymatio. At a modulus of zero, derivatives are zero. By wavelets that are a parameter or were
        given there is the gradient alone, for the input and for them, and it takes longer; they run on the
        CPU.

        On a GPU it works on the current stream without waiting, in memory of torch's allocator. The first
        call on a device makes a plan there; those after it can be captured in a CUDA graph.
        """
        if not isinstance(input, torch.Tensor):
            raise TypeError("The input should be a PyTorch Tensor.")
        if input.layout != torch.strided or input.is_nested:
            layout = "nested" if input.is_nested else input.layout
            raise TypeError(f"The input is {layout}; dense tensors are accepted.")
        self._check_size(tuple(input.shape))
        if input.dtype in _HALVES:
            input = input.float()
        elif input.dtype not in (torch.float32, torch.float64):
            raise TypeError(
                f"The input is of type {input.dtype};"
                " float32, float64 and, as float32, float16 and bfloat16 are accepted."
            )
        if not (input.is_cpu or input.is_cuda or input.is_meta):  # (.device takes 20 us after other work)
            raise RuntimeError(
                f"The input is on {input.device}; scatlight runs on the CPU and on CUDA's GPUs."
            )
        wavelets = self._wavelets()
        if wavelets is None:
            maps = transform(input, self._description, self._threads)
        else:
            maps = transform_by(input, wavelets, self._description, self._threads)
        return self._as_list(maps) if self.out_type == "list" else maps

    def forward(self, input: torch.Tensor) -> Any:
        return self.scattering(input)

    def extra_repr(self) -> str:
        return f"J={self.J}, shape={self.shape}, L={self.L}, max_order={self.max_order}"

    def _apply(self, function: Any, recurse: bool = True) -> "Scattering2D":
        """Moves the wavelets, and leaves them float64."""

        def move(tensor: torch.Tensor) -> Any:
            moved = function(tensor)
            if tensor.dtype != torch.float64 or moved.dtype == torch.float64:
                return moved
            return tensor.to(moved.device)

        super()._apply(move, recurse)  # type: ignore[no-untyped-call]
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        for name in list(state_dict):
            if name.startswith(prefix) and _FILTERS_OF_KYMATIO.fullmatch(name[len(prefix) :]):
                del state_dict[name]
        super()._load_from_state_dict(state_dict, prefix, *arguments)
