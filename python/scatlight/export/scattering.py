"""The scattering transform in ONNX's standard operators.

A discrete Fourier transform of few samples is a product with a matrix, and so are the padding, the lower
resolution, and the low-pass, which is one product for rows and one for columns. Each product with a wavelet's
spectrum is followed by an inverse transform, 8 m^3 multiply-adds for m x m samples. The finest wavelets have
few taps, and a convolution with them takes less.
"""

from typing import NamedTuple

import numpy as np

from scatlight.export.graph import Graph, Value
from scatlight.export.model import Array, ExportError, Network
from scatlight.numpy import Scattering2D

# Taps of a wavelet that are smaller than this share of the largest are left out; float32 rounds at 6e-8.
SMALLEST_TAP = 2e-7


def _reflection(size: int, padded: int) -> Array:
    """(padded, size): takes an image's samples to the padded ones, mirrored at the centre of the samples at
    its edges, again and again."""
    period = 2 * (size - 1)
    phase = (np.arange(padded) - (padded - size) // 2) % period
    matrix: Array = np.eye(size)[np.minimum(phase, period - phase)]
    return matrix


def _dft(length: int) -> Array:
    """(length, length), complex."""
    index = np.arange(length)
    matrix: Array = np.exp(-2j * np.pi / length * (np.outer(index, index) % length))
    return matrix


def _on_parts(matrix: Array) -> Array:
    """What a complex matrix is for columns of all real parts, then all imaginary parts."""
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])


def _taps(spectra: Array) -> Array:
    """Wavelets in space around sample 0: (angles, 2 radius + 1, 2 radius + 1), complex."""
    length = spectra.shape[1]
    taps = np.fft.fftshift(np.fft.ifft2(spectra), axes=(1, 2))
    distance = np.abs(np.arange(length) - length // 2)
    size = np.abs(taps).max(0)
    needed = np.maximum(distance[:, None], distance)[size > SMALLEST_TAP * size.max()]
    radius = min(int(needed.max()), (length - 1) // 2)
    kept = slice(length // 2 - radius, length // 2 + radius + 1)
    return taps[:, kept, kept]


class _Planes(NamedTuple):
    """What wavelets are applied to."""

    name: str
    values: Value  # (planes, side, side)
    padding: Array  # (m, side): takes a side to the m samples of the level, which repeat without end
    level: int
    scales: range  # of the wavelets


class _Transform:
    """A level is the log2 of a sampling step: a plane of level l has m x m samples with m = padded / 2^l."""

    def __init__(
        self, graph: Graph, network: Network, wavelets: Array | None = None, suffix: str = ""
    ) -> None:
        """By these wavelets, (J, L, 4), or those of the options. The suffix is for names of constants that
        follow from the wavelets."""
        self.graph = graph
        self.suffix = suffix
        self.scales, self.angles = network.scales, network.angles
        self.size = network.height
        transform = Scattering2D(self.scales, (self.size, self.size), self.angles, network.max_order)
        if wavelets is not None:
            transform = transform.with_wavelets(wavelets)
        self.plan = transform._plan()
        self.paths, self.side, _ = self.plan.maps_shape
        self.padded, _ = self.plan.padded_shape

    def length(self, level: int) -> int:
        return self.padded >> level

    # ---- filters, float64 ----

    def low_pass(self, level: int) -> Array:
        """(side, m): phi along one axis, at the samples of the maps."""
        length = self.length(level)
        spectrum = np.empty((length, length))
        self.plan.low_pass(level, spectrum)
        # Phi is the product of two equal functions, one of the row and one of the column.
        taps = np.fft.ifft(spectrum[0] / np.sqrt(spectrum[0, 0])).real
        step = 1 << (self.scales - level)  # the first and the last 2^J samples lie in the padding
        matrix: Array = taps[(np.arange(step, length - step, step)[:, None] - np.arange(length)) % length]
        return matrix

    def wavelets(self, level: int, scale: int) -> Array:
        """(angles, m, m): spectra, which are real."""
        spectra = np.empty((self.angles, self.length(level), self.length(level)))
        for angle, spectrum in enumerate(spectra):
            self.plan.wavelet(scale, angle, level, spectrum)
        return spectra

    # ---- nodes ----

    def both_sides(self, name: str, matrix: Array, x: Value) -> Value:
        """matrix x matrix^T of each plane."""
        rows = self.graph.add("MatMul", self.graph.constant(name, matrix), x)
        return self.graph.add("MatMul", rows, self.graph.constant(f"{name}.T", matrix.T))

    def average(self, u: Value, level: int) -> Value:
        """phi * u at the samples of the maps: (..., m, m) to (..., side, side)."""
        return self.both_sides(f"phi{level}", self.low_pass(level), u)

    def modulus(self, x: Value, axis: int) -> Value:
        """Of numbers whose real and imaginary parts lie along an axis."""
        return self.graph.add("Sqrt", self.graph.sum_over(axis, self.graph.add("Mul", x, x)))

    def spectrum(self, planes: _Planes) -> Value:
        """(planes, 1, 2, m, m): real parts, imaginary parts."""
        graph, (m, side) = self.graph, planes.padding.shape
        matrix = _dft(m) @ planes.padding
        columns = graph.constant(f"{planes.name}.columns", np.concatenate([matrix.real, matrix.imag]).T)
        rows = graph.constant(f"{planes.name}.rows", _on_parts(matrix))
        x = graph.reshape(graph.add("MatMul", planes.values, columns), -1, side, 2, m)
        x = graph.reshape(graph.add("Transpose", x, perm=[0, 2, 1, 3]), -1, 2 * side, m)
        return graph.reshape(graph.add("MatMul", rows, x), -1, 1, 2, m, m)

    def multiply(self, spectrum: Value, level: int, psi: Array, scale: int) -> Value:
        """|x * psi| by the product of spectra. At a lower resolution a spectrum is the mean of the parts that
        fall together."""
        graph, angles, length = self.graph, self.angles, self.length(level)
        folds = 1 << (scale - level)
        m = length // folds
        x = graph.add(
            "Mul", spectrum, graph.constant(f"psi{scale}.{level}{self.suffix}", psi[:, None] / folds**2)
        )
        if folds > 1:
            x = graph.sum_over(3, graph.reshape(x, -1, angles, 2, folds, m * length))
            x = graph.sum_over(3, graph.reshape(x, -1, angles, 2 * m, folds, m))
        inverse = _on_parts(_dft(m).conj() / m)
        rows = graph.constant(f"inverse{scale}", inverse)
        columns = graph.constant(f"inverse{scale}.T", inverse.T)
        x = graph.add("MatMul", rows, graph.reshape(x, -1, angles, 2 * m, m))
        x = graph.add("Transpose", graph.reshape(x, -1, angles, 2, m, m), perm=[0, 1, 3, 2, 4])
        x = graph.add("MatMul", graph.reshape(x, -1, angles, m, 2 * m), columns)
        return self.modulus(graph.reshape(x, -1, angles, m, 2, m), 3)

    def convolve(self, planes: _Planes, taps: Array, scale: int) -> Value:
        """|x * psi| with few taps. The stride lowers the resolution."""
        graph, length, radius = self.graph, self.length(planes.level), taps.shape[1] // 2
        stride = 1 << (scale - planes.level)
        around = planes.padding[np.arange(-radius, length + radius) % length]
        x = self.both_sides(f"{planes.name}.around{scale}{self.suffix}", around, planes.values)
        x = graph.reshape(x, -1, 1, length + 2 * radius, length + 2 * radius)
        turned = taps[:, None, ::-1, ::-1]  # ONNX's convolution correlates
        parts = np.concatenate([turned.real, turned.imag])
        kernel = graph.constant(f"taps{scale}.{planes.level}{self.suffix}", parts)
        x = graph.add("Conv", x, kernel, strides=[stride, stride])
        return self.modulus(graph.reshape(x, -1, 2, self.angles, length // stride, length // stride), 1)

    def moduli(self, planes: _Planes) -> list[Value]:
        """|x * psi| for the wavelets of each scale: (planes, angles, m, m) with the m of that scale."""
        results = []
        spectrum: Value | None = None
        for scale in planes.scales:
            psi = self.wavelets(planes.level, scale)
            taps = _taps(psi)
            # Multiply-adds of an angle: 2 taps m^2 against 8 m^3.
            if taps.shape[1] ** 2 < 4 * self.length(scale):
                results.append(self.convolve(planes, taps, scale))
            else:
                spectrum = spectrum or self.spectrum(planes)
                results.append(self.multiply(spectrum, planes.level, psi, scale))
        return results

    def second_order(self, u: Value, level: int) -> Value:
        """From the moduli of a scale: (planes, paths, side, side); their angle is the slowest."""
        scales = range(level + 1, self.scales)
        m = self.length(level)
        x = self.graph.reshape(u, -1, m, m)
        moduli = self.moduli(_Planes(f"u{level}", x, np.eye(m), level, scales))
        averages = [self.average(u2, scale) for scale, u2 in zip(scales, moduli, strict=True)]
        of_first_angle = self.graph.add("Concat", *averages, axis=1)
        paths = self.angles * len(scales) * self.angles
        return self.graph.reshape(of_first_angle, -1, paths, self.side, self.side)

    def maps(self, images: Value, max_order: int, colours: int = 3) -> Value:
        """Of images with so many colours."""
        graph, side = self.graph, self.side
        x = graph.reshape(images, -1, self.size, self.size)
        padding = _reflection(self.size, self.padded)
        average = self.both_sides("phi0.image", self.low_pass(0) @ padding, x)
        maps = [graph.reshape(average, -1, 1, side, side)]
        moduli = self.moduli(_Planes("image", x, padding, 0, range(self.scales)))
        maps += [self.average(u, scale) for scale, u in enumerate(moduli)]
        if max_order == 2:
            maps += [self.second_order(u, scale) for scale, u in enumerate(moduli[:-1])]
        of_planes = graph.add("Concat", *maps, axis=1)
        return graph.reshape(of_planes, -1, colours * self.paths, side, side)


def _colour(graph: Graph, images: Value, index: int) -> Value:
    """(N, 1, size, size)"""
    return graph.add("Gather", images, graph.constant(f"colour{index}", [index], np.int64), axis=1)


def add_scattering(graph: Graph, images: Value, network: Network, wavelets: Array | None) -> Value:
    """(N, 3, size, size) to (N, 3 K, size / 2^J, size / 2^J): the maps of red, of green, of blue.

    Wavelets that were learned are (J, L, 4), or (3, J, L, 4) for each colour.
    """
    order = network.max_order
    try:
        if wavelets is None or wavelets.ndim == 3:
            return _Transform(graph, network, wavelets).maps(images, order)
        maps = [
            _Transform(graph, network, one, f".{index}").maps(_colour(graph, images, index), order, colours=1)
            for index, one in enumerate(wavelets)
        ]
    except (RuntimeError, ValueError) as error:
        raise ExportError(f"the transform of {network.name} is not possible: {error}") from error
    return graph.add("Concat", *maps, axis=1)
