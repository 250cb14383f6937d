"""The compiled part. Arrays are contiguous, in memory, all float32 or all float64."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

class ScatteringError(RuntimeError): ...

class Options:
    """Of a plan, by the names in C++. What follows from them alone is known without a plan."""

    @staticmethod
    def make(**options: int | float | str) -> Options: ...
    @property
    def paths(self) -> list[tuple[int, int, int, int, int]]: ...
    @property
    def maps_shape(self) -> tuple[int, int, int]: ...  # of one plane: paths, height, width
    @property
    def wavelet_shapes(self) -> list[tuple[float, float, float, float]]:
        """Theta, xi, sigma and slant of each wavelet, (J, L)."""

    def shape_gradients(self, shapes: Any, wavelet_gradients: Any, gradients: Any) -> None:
        """From Plan.backward() to the four numbers of each wavelet, (J, L, 4), in float64."""

class Plan:
    @staticmethod
    def make(options: Options) -> Plan: ...
    def theta(self, angle: int) -> float: ...
    @property
    def padded_shape(self) -> tuple[int, int]: ...
    def low_pass(self, level: int, values: Any) -> None: ...
    def wavelet(self, scale: int, angle: int, level: int, values: Any) -> None: ...
    @property
    def stride(self) -> int: ...
    @property
    def maps_shape(self) -> tuple[int, int, int]: ...
    @property
    def engine(self) -> str: ...
    def forward(self, images: Any, features: Any) -> None: ...
    def backward(
        self, images: Any, feature_gradients: Any, image_gradients: Any, wavelet_gradients: Any = ...
    ) -> None: ...  # wavelet_gradients: (J, L, *padded_shape) in float64
    def with_wavelets(self, wavelets: Any) -> Plan:
        """By shapes (J, L, 4) or spectra (J, L, *padded_shape), in float64."""

    def reconstruct(
        self,
        features: Any,
        image: Any,
        *,
        solver: str,
        evaluations: int,
        tolerance: float,
        pixel_range: float,
    ) -> tuple[float, list[float]]: ...

class _CudaPlan:
    """The transform on one GPU. Its memory and streams are given as addresses, unchecked; no call waits.

    Planes of images (planes, height, width) give maps (planes, *maps_shape).
    """

    @property
    def maps_shape(self) -> tuple[int, int, int]: ...
    def forward_workspace(self, planes: int) -> int: ...  # bytes, aligned to 256
    def backward_workspace(self, planes: int) -> int: ...
    def forward(self, *, images: int, planes: int, features: int, workspace: int, stream: int) -> None: ...
    def backward(
        self,
        *,
        images: int,
        planes: int,
        feature_gradients: int,
        image_gradients: int,
        workspace: int,
        stream: int,
    ) -> None: ...

class CudaPlanFloat32(_CudaPlan):
    @staticmethod
    def make(options: Options, device: int) -> CudaPlanFloat32: ...

class CudaPlanFloat64(_CudaPlan):
    @staticmethod
    def make(options: Options, device: int) -> CudaPlanFloat64: ...

def decode_image(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
    """The upright picture in a JPEG, PNG or WebP file, (height, width, 3), as the networks get it."""

def cuda_device_count() -> int: ...  # 0, too, where built_with_cuda() is False
def built_with_cuda() -> bool: ...
def available_engines() -> list[str]: ...
