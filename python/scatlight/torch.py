"""The scattering transform of torch tensors: a module with a gradient. Any torch from 2.5 on will do.

Tensors on a GPU are transformed there, if scatlight was built where nvcc 13 is.
"""

import re
from typing import Any

import torch

from scatlight._core import Plan, ScatteringError
from scatlight._options import Path, Scattering2DBase
from scatlight._torch_formula import plan_of
from scatlight._torch_operators import transform

__all__ = ["Path", "Scattering2D", "ScatteringError"]

_FILTERS_OF_KYMATIO = re.compile(r"tensor\d+")
_HALVES = (torch.float16, torch.bfloat16)


class Scattering2D(Scattering2DBase, torch.nn.Module):
    """The scattering transform of order 0, 1 and 2: kymatio's constructor, call and numbers (to 1e-5).

    It has no parameters and no buffers, so it runs wherever its input is: .to() and .cuda() change nothing.
    Filters that a state_dict of kymatio holds are passed over.
    """

    _backend = "torch"
    _kind = "tensor"
    _whole_kind = "Tensor"

    def _plan(self) -> Plan:
        return plan_of(self._description, self._threads)

    def scattering(self, input: torch.Tensor) -> Any:
        """(..., H, W) to (..., K, H / stride, W / stride); K is the number of paths().

        float32 stays float32, float64 stays float64. float16 and bfloat16 become float32, with autocast and
        without; the gradient has the input's type. Any memory order is accepted; what is not contiguous is
        copied, by the gradient once more.

        NaN or infinite samples make NaN or infinite what they reach in their image: in small images, and with
        order 2 in all, every map of order 1 and 2. The other images of the batch are not touched.

        Derivatives of any order, forward mode and the transforms of torch.func are there. What goes beyond
        the gradient (second derivatives, forward mode) is made of torch's own functions and takes as long as
        with kymatio. At a modulus of zero, derivatives are zero.

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
        maps = transform(input, self._description, self._threads)
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
