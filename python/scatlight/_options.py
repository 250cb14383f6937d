"""What the transforms of numpy and torch share: options as kymatio names them, their checks, the plans."""

import functools
import json
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from scatlight import _core
from scatlight._core import Plan


class Path(NamedTuple):
    """Which coefficient an output map holds. Scales and angles that its order does not use are -1."""

    order: int
    scale1: int  # j1
    angle1: int  # index of theta1
    scale2: int
    angle2: int


@dataclass(frozen=True)
class Options:
    """Those of _core, but for the threads: their names are C++'s."""

    height: int  # of the images as they are given, padding included
    width: int
    scales: int
    angles: int
    max_order: int
    stride: int
    sigma: float
    center_frequency: float
    slant: float
    wavelet: str
    boundary: str
    normalization: str
    memory_limit: int  # bytes

    def describe(self) -> str:
        """Names and values in one string, which a schema of torch can hold."""
        return json.dumps(vars(self))

    @staticmethod
    def parse(description: str) -> "Options":
        return Options(**json.loads(description))


def to_core(description: str, threads: int = 0) -> _core.Options:
    """From Options.describe()."""
    return _core.Options.make(**vars(Options.parse(description)), threads=threads)


@functools.lru_cache(maxsize=16)
def make_plan(description: str, threads: int) -> Plan:
    """The plans used last are kept."""
    return Plan.make(to_core(description, threads))


# A training changes its wavelets with each step, and its gradient has those of its forward pass.
@functools.lru_cache(maxsize=8)
def _make_given_plan(description: str, threads: int, shape: tuple[int, ...], numbers: bytes) -> Plan:
    wavelets = np.frombuffer(numbers).reshape(shape)
    return make_plan(description, threads).with_wavelets(wavelets)


def make_given_plan(description: str, threads: int, wavelets: npt.NDArray[np.float64]) -> Plan:
    """With these wavelets: shapes (J, L, 4) or spectra (J, L, H, W). Those used last are kept."""
    return _make_given_plan(description, threads, wavelets.shape, wavelets.tobytes())


def to_wavelets(given: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """As a plan takes them, and no one's else."""
    wavelets = np.array(given)
    if wavelets.dtype.kind not in "biuf":
        raise TypeError(f"The wavelets are of type {wavelets.dtype}; they must be real numbers.")
    return np.array(wavelets, np.float64, order="C")


def _to_int(name: str, value: Any, bits: int = 32) -> int:
    try:
        integer = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} is {value!r}; it must be an integer") from error
    if not -(2 ** (bits - 1)) <= integer < 2 ** (bits - 1):
        raise ValueError(f"{name} is {integer}; no such number of anything fits into memory")
    return integer


def _to_size(shape: Iterable[int]) -> tuple[int, int]:
    try:
        sizes = tuple(_to_int("shape", size) for size in shape)
    except TypeError as error:
        raise TypeError(f"shape is {shape!r}; it must be two integers, height and width") from error
    if len(sizes) != 2:
        raise ValueError(f"shape has {len(sizes)} entries; it must be height and width")
    return sizes[0], sizes[1]


def _spectrum(plan: Plan, level: int, fill: Callable[[int, npt.NDArray[Any]], None]) -> npt.NDArray[Any]:
    values = np.empty([side >> level for side in plan.padded_shape])
    fill(level, values)
    return values.astype(np.float32)


class Scattering2DBase:
    _backend: str  # the one that kymatio's argument may name
    _kind: str  # of the input, as errors name it
    _whole_kind: str  # the same of images that are not padded; kymatio's texts differ

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
        """Plan the transform of images of one size. The arguments up to out_type are kymatio's.

        J: the low-pass covers 2^J samples; 2^J may not exceed the height or the width.
        shape: height and width of the images.
        L: angles.
        max_order: 0, 1 or 2.
        pre_pad: the images come with padding around them, of the size that kymatio uses.
        backend: None, the name of this module, or kymatio's object of that name.
        out_type: 'array', or 'list' for a list with a dictionary for each map.

        stride: input samples per output sample, a power of two up to 2^J; 0 means 2^J.
        boundary: how an image is continued beyond its edges.
        wavelet: Morlet is Gabor with a zero mean.
        normalization: kymatio has 3.1415 for pi; 'exact' has pi.
        sigma, center_frequency: of the finest wavelet, in samples and in radians per sample (3/4 pi).
        slant: ratio of a wavelet's two widths; 0 means 4 / L.
        threads: 0 means torch's number of threads in scatlight.torch, one per core in scatlight.numpy.
        memory_limit: bytes that filters may take, of float32 and of float64 each; more are refused. Those of
            order 2 take about 50 bytes per sample as float32, those of order 1 little.
        """
        super().__init__()
        self._check_backend(backend)
        if pre_pad and boundary != "reflect":
            raise ValueError(f"boundary is {boundary!r}; pre_pad excludes it, as the padding is given")
        self.out_type = out_type
        self._shape = _to_size(shape)
        height, width = self._shape
        scales = _to_int("J", J)
        if 1 <= scales <= 24:  # the plan says what is wrong with another
            block = 2**scales
            if min(height, width) < block:
                raise RuntimeError(
                    "The smallest dimension should be larger than 2^J:"
                    f" shape is {height} x {width}, J is {scales}."
                )
            if pre_pad:
                height, width = (
                    _to_int("padded shape", (size + block) // block * block + block) for size in self._shape
                )
        self._options = Options(
            height=height,
            width=width,
            scales=scales,
            angles=_to_int("L", L),
            max_order=_to_int("max_order", max_order),
            stride=_to_int("stride", stride),
            sigma=float(sigma),
            center_frequency=float(center_frequency),
            slant=float(slant),
            wavelet=str(wavelet),
            boundary="padded" if pre_pad else str(boundary),
            normalization=str(normalization),
            memory_limit=_to_int("memory_limit", memory_limit, 64),
        )
        self._description = self._options.describe()
        self._threads = _to_int("threads", threads)
        self._paths = [Path(*path) for path in to_core(self._description).paths]
        self._plan()  # checks threads, memory_limit and the engine, too; the first call makes its filters

    def _check_backend(self, backend: Any) -> None:
        name = getattr(backend, "name", backend)
        if name in (None, self._backend):
            return
        why = "can not be called from" if isinstance(backend, str) else "is not supported by"
        raise ImportError(
            f"The backend {name} {why} the frontend {self._backend}; its backend is {self._backend}."
        )

    def _plan(self) -> Plan:
        return make_plan(self._description, self._threads)

    # What the plan was made for does not change with an attribute: these can be read only.

    @property
    def J(self) -> int:
        return self._options.scales

    @property
    def L(self) -> int:
        return self._options.angles

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images, without padding."""
        return self._shape

    @property
    def max_order(self) -> int:
        return self._options.max_order

    @property
    def pre_pad(self) -> bool:
        return self._options.boundary == "padded"

    @property
    def backend(self) -> str:
        """The name that the argument may have."""
        return self._backend

    @property
    def padded_shape(self) -> tuple[int, int]:
        """Height and width of the images with their padding: with pre_pad, those of the input."""
        height, width = self._plan().padded_shape
        return height, width

    # kymatio's names. Its users of pre_pad have the size from the underscored ones.

    @property
    def M(self) -> int:
        return self._shape[0]

    @property
    def N(self) -> int:
        return self._shape[1]

    @property
    def _M_padded(self) -> int:
        return self.padded_shape[0]

    @property
    def _N_padded(self) -> int:
        return self.padded_shape[1]

    @property
    def out_type(self) -> str:
        return self._out_type

    @out_type.setter
    def out_type(self, out_type: str) -> None:
        if out_type not in ("array", "list"):
            raise RuntimeError("The out_type must be one of 'array' or 'list'.")
        self._out_type = out_type

    @property
    def phi(self) -> dict[str, Any]:
        """The low-pass as kymatio gives it: {'j': J, 'levels': spectra}.

        Spectra are real float32 arrays on the padded plane, made with each access; level l is for a plane of
        which every 2^l-th sample is kept.
        """
        plan = self._plan()
        return {"j": self.J, "levels": [_spectrum(plan, level, plan.low_pass) for level in range(self.J)]}

    @property
    def psi(self) -> list[dict[str, Any]]:
        """The wavelets as kymatio gives them: {'j': scale, 'theta': angle, 'levels': spectra} of each."""
        plan = self._plan()
        return [
            {
                "j": scale,
                "theta": angle,
                "levels": [
                    _spectrum(plan, level, functools.partial(plan.wavelet, scale, angle))
                    for level in range(min(scale + 1, max(self.J - 1, 1)))
                ],
            }
            for scale in range(self.J)
            for angle in range(self.L)
        ]

    @property
    def stride(self) -> int:
        """Input samples per output sample, each way."""
        return self._plan().stride

    @property
    def engine(self) -> str:
        """The code that runs: "reference", or a vector instruction set such as "avx2"."""
        return self._plan().engine

    def paths(self) -> list[Path]:
        """One entry for each output map, in order: order 0, then 1 (angles the fastest), then 2."""
        return list(self._paths)

    def theta(self, angle: int) -> float:
        """The direction of an angle's wavelets in radians; 0 points along the height axis."""
        return self._plan().theta(angle)

    def wavelet_shapes(self) -> npt.NDArray[np.float64]:
        """The four numbers of each wavelet that follow from the options: (J, L, 4).

        They are theta and xi, in radians and radians per sample; sigma, the width in samples; and slant, the
        ratio of the two widths: a Gaussian with curvature R(theta) diag(1, slant^2) R(-theta) / (2 sigma^2)
        times the wave exp(i xi . u) along theta. with_wavelets() takes others.
        """
        return np.array(to_core(self._description).wavelet_shapes).reshape(self.J, self.L, 4)

    def _check_size(self, shape: tuple[int, ...]) -> None:
        if len(shape) < 2:
            raise RuntimeError(f"Input {self._kind} must have at least two dimensions.")
        wanted = (self._options.height, self._options.width)
        if tuple(shape[-2:]) != wanted:
            name = f"Padded {self._kind}" if self.pre_pad else self._whole_kind
            raise RuntimeError(
                f"{name} must be of spatial size ({wanted[0]},{wanted[1]}); it is ({shape[-2]},{shape[-1]})."
            )

    def _as_list(self, array: Any) -> list[dict[str, Any]]:
        """Kymatio's 'list': one dictionary for each map. n counts wavelets, scale by scale."""
        entries = []
        for index, path in enumerate(self._paths):
            scales = (path.scale1, path.scale2)[: path.order]
            angles = (path.angle1, path.angle2)[: path.order]
            entries.append(
                {
                    "coef": array[..., index, :, :],
                    "j": scales,
                    "n": tuple(j * self.L + angle for j, angle in zip(scales, angles, strict=True)),
                    "theta": angles,
                }
            )
        return entries
