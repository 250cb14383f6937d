"""The compiled part. Arrays are contiguous, in memory, all float32 or all float64."""

from typing import Any

class ScatteringError(RuntimeError): ...

class Plan:
    @staticmethod
    def make(
        *,
        height: int,
        width: int,
        scales: int,
        angles: int,
        max_order: int,
        stride: int,
        wavelet: str,
        boundary: str,
        normalization: str,
        sigma: float,
        center_frequency: float,
        slant: float,
        threads: int,
    ) -> Plan: ...
    @property
    def paths(self) -> list[tuple[int, int, int, int, int]]: ...
    def theta(self, angle: int) -> float: ...
    @property
    def stride(self) -> int: ...
    @property
    def output_height(self) -> int: ...
    @property
    def output_width(self) -> int: ...
    @property
    def engine(self) -> str: ...
    def forward(self, images: Any, features: Any) -> None: ...
    def backward(self, images: Any, feature_gradients: Any, image_gradients: Any) -> None: ...
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

def available_engines() -> list[str]: ...
