"""What `scatlight train` wrote, read without torch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from scatlight._files import first_line

Array = npt.NDArray[Any]


class ExportError(Exception):
    """A file that cannot be exported; the text is one line."""


@dataclass(frozen=True)
class Network:
    """As src/nets/network.h has it."""

    name: str
    family: str  # scatresnet, resnet, vgg, linear, wideresnet
    block: str  # basic, bottleneck
    classes: int
    height: int  # of the images
    width: int
    scales: int
    angles: int
    max_order: int
    input_norm: bool
    stem: int
    depths: list[int]
    widths: list[int]
    expansion: int
    first_stride: int
    # What files of earlier versions do not have.
    input: str = ""  # scattering, pixels, dct, space-to-depth, patchify, pooled; empty: as the family had it
    paths: list[int] = field(default_factory=list)  # of each colour's scattering; empty: all
    dct_channels: int = 0  # 0: all
    image_mean: list[float] = field(default_factory=lambda: [0.0] * 3)
    image_deviation: list[float] = field(default_factory=lambda: [1.0] * 3)
    standardize: bool = False
    learned_filters: str = "none"  # of the scattering: none, shared, per-channel

    @property
    def reads(self) -> str:
        """The input."""
        return self.input or ("scattering" if self.family in ("scatresnet", "linear") else "pixels")

    @property
    def reads_images(self) -> bool:
        return self.reads in ("pixels", "patchify")

    @property
    def block_side(self) -> int:
        """2^J"""
        return 1 << self.scales

    @property
    def all_paths(self) -> int:
        """Of the scattering of a colour."""
        paths = 1 + self.scales * self.angles
        if self.max_order == 2:
            paths += self.angles**2 * self.scales * (self.scales - 1) // 2
        return paths

    @property
    def dct_shares(self) -> tuple[int, int, int]:
        """Channels of Y, Cb and Cr."""
        most = self.block_side**2
        channels = self.dct_channels or 3 * most
        luma = min(most, channels - 2 * (5 * channels // 24))
        rest = channels - luma
        return luma, rest - rest // 2, rest // 2

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Of the maps or of the image that the first layer reads."""
        if self.reads_images:
            return 3, self.height, self.width
        channels = {
            "scattering": 3 * (len(self.paths) or self.all_paths),
            "dct": sum(self.dct_shares),
            "space-to-depth": 3 * self.block_side**2,
            "pooled": 3,
        }[self.reads]
        return channels, self.height >> self.scales, self.width >> self.scales


@dataclass(frozen=True)
class Recipe:
    """How an image is prepared."""

    size: int
    resize: int  # short side before the centre is cut out
    mean: list[float]  # of R, G, B in 0 ... 1
    deviation: list[float]


class Weights:
    """The tensors of a network. Each is taken once, and at the end none may be left."""

    def __init__(self, file: Path, tensors: Any, owner: str) -> None:
        self._file = file
        self._tensors = tensors
        self._owner = owner
        self._left = set(tensors.keys())

    def _fail(self, text: str) -> ExportError:
        return ExportError(f"{self._file}: {text}")

    def _take(self, name: str, kind: str, shape: tuple[int, ...]) -> Array:
        if name not in self._left:
            raise self._fail(f"it has no tensor '{name}', which {self._owner} needs")
        self._left.remove(name)
        found = self._tensors.get_slice(name)  # reads nothing yet
        if (found.get_dtype(), tuple(found.get_shape())) != (kind, shape):
            raise self._fail(
                f"its tensor '{name}' is {found.get_dtype()} {found.get_shape()};"
                f" {self._owner} needs {kind} {list(shape)}"
            )
        tensor: Array = self._tensors.get_tensor(name)
        if not np.isfinite(tensor).all():
            raise self._fail(f"its tensor '{name}' has numbers that are not finite")
        return tensor

    def take(self, name: str, *shape: int) -> Array:
        """float32"""
        return self._take(name, "F32", shape)

    def take_double(self, name: str, *shape: int) -> Array:
        """float64"""
        return self._take(name, "F64", shape)

    def take_norm(self, name: str, channels: int, affine: bool) -> tuple[Array, Array]:
        """A batch norm as scale and shift of each channel, float64."""
        epsilon = 1e-5
        mean, variance = (
            self.take(f"{name}.{part}", channels).astype(np.float64)
            for part in ("running_mean", "running_var")
        )
        self._take(f"{name}.num_batches_tracked", "I64", ())
        scale = 1 / np.sqrt(variance + epsilon)
        if not affine:
            return scale, -mean * scale
        scale = scale * self.take(f"{name}.weight", channels)
        return scale, self.take(f"{name}.bias", channels) - mean * scale

    def finish(self) -> None:
        if self._left:
            raise self._fail(f"it has a tensor {min(self._left)!r}, which {self._owner} does not have")


def take_wavelets(weights: Weights, network: Network) -> Array | None:
    """Those that the network has learned: (J, L, 4), or (3, J, L, 4) for each colour."""
    if network.learned_filters == "none":
        return None
    of_each = (3,) if network.learned_filters == "per-channel" else ()
    return weights.take_double("scattering.wavelets", *of_each, network.scales, network.angles, 4)


@dataclass(frozen=True)
class Model:
    file: Path
    network: Network
    classes: list[str]
    recipe: Recipe
    weights: Weights


def _is_a(kind: Any, value: Any) -> bool:
    if get_origin(kind) is list:
        (entry,) = get_args(kind)
        return isinstance(value, list) and all(_is_a(entry, part) for part in value)
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind  # True is an int to isinstance()


def _is_needed(part: Field[Any]) -> bool:
    return part.default is MISSING and part.default_factory is MISSING


def _parse(metadata: dict[str, str], key: str, kind: Any) -> Any:
    """A dataclass, or a list, from the JSON under a key."""
    if key not in metadata:
        raise ExportError(f"its metadata has no '{key}': it is not a model that scatlight train wrote")
    damaged = ExportError(f"the '{key}' in its metadata is damaged")
    try:
        value = json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise damaged from error
    if get_origin(kind) is list:
        if not _is_a(kind, value):
            raise damaged
        return value
    if not isinstance(value, dict):
        raise damaged
    given = [part for part in fields(kind) if part.name in value or _is_needed(part)]
    for part in given:
        if not _is_a(part.type, value.get(part.name)):
            raise ExportError(
                f"the '{key}' in its metadata is damaged: its '{part.name}' is missing or wrong"
            )
    return kind(**{part.name: value[part.name] for part in given})


def _check_network(network: Network) -> None:
    """What the tensors do not say; src/nets/architecture.cpp has these limits."""
    for name, accepted in (
        ("family", ("scatresnet", "resnet", "vgg", "linear", "wideresnet")),
        ("block", ("basic", "bottleneck")),
        ("scales", range(1, 17)),
        ("angles", range(1, 1025)),
        ("max_order", (1, 2)),
        ("expansion", range(1, 17)),
        ("first_stride", (1, 2)),
    ):
        value = getattr(network, name)
        if value not in accepted:
            raise ExportError(f"the 'network' in its metadata is damaged: its '{name}' is {value!r}")
    if not network.name or not network.name.isprintable():
        raise ExportError(f"the 'network' in its metadata is damaged: its 'name' is {network.name!r}")
    if len(network.depths) != len(network.widths) or min(network.depths, default=1) < 1:
        raise ExportError(
            f"the 'network' in its metadata is damaged: it has the depths {network.depths} and the widths"
            f" {network.widths}"
        )
    _check_input(network)
    smallest = 32 if network.family == "vgg" else 1 if network.reads == "pixels" else network.block_side
    if network.height < smallest:
        raise ExportError(
            f"its images of {network.height} x {network.height} are too small for {network.name},"
            f" which needs {smallest} x {smallest}"
        )


def _check_input(network: Network) -> None:
    paths = network.paths
    channels = 3 * network.block_side**2
    accepted = {
        "input": network.reads in ("scattering", "pixels", "dct", "space-to-depth", "patchify", "pooled")
        and (network.reads == "pixels" or network.family not in ("resnet", "vgg"))
        and (network.reads in ("scattering", "pixels") or network.scales <= 5),
        "paths": paths == sorted(set(paths)) and all(0 <= path < network.all_paths for path in paths),
        "dct_channels": network.dct_channels >= 0
        and (network.reads != "dct" or network.dct_channels <= channels),
        "image_mean": len(network.image_mean) == 3 and all(abs(x) < 1e6 for x in network.image_mean),
        "image_deviation": len(network.image_deviation) == 3
        and all(1e-6 < x < 1e6 for x in network.image_deviation),
        "learned_filters": network.learned_filters == "none"
        or (network.learned_filters in ("shared", "per-channel") and network.reads == "scattering"),
        "standardize": not (network.standardize and network.input_norm),
    }
    for name, is_accepted in accepted.items():
        if not is_accepted:
            value = getattr(network, name)
            raise ExportError(f"the 'network' in its metadata is damaged: its '{name}' is {value!r}")


def _check(network: Network, classes: list[str], recipe: Recipe) -> None:
    _check_network(network)
    if len(classes) != network.classes:
        raise ExportError(f"its metadata names {len(classes)} classes, its network has {network.classes}")
    if not recipe.size == network.height == network.width:
        raise ExportError(
            f"its metadata asks for images of {recipe.size} x {recipe.size}, its network for"
            f" {network.height} x {network.width}"
        )
    if not (len(recipe.mean) == len(recipe.deviation) == 3):
        raise ExportError("the mean and the deviation in its metadata must be those of three colours")
    if not all(abs(x) < 1e6 for x in recipe.mean) or not all(1e-6 < x < 1e6 for x in recipe.deviation):
        raise ExportError("the mean in its metadata must be finite, and the deviation above 0")


@contextmanager
def open_model(run_or_file: Path) -> Iterator[Model]:
    """A run folder or its model.safetensors, open: weights are read when they are taken."""
    file = run_or_file / "model.safetensors" if run_or_file.is_dir() else run_or_file
    try:
        file.open("rb").close()  # safetensors' own errors have no strerror
        with safe_open(file, "np") as tensors:
            metadata = tensors.metadata() or {}
            if "scatlight.checkpoint" in metadata:
                raise ExportError(
                    f"{file}: it is a checkpoint, from which a training resumes: give the model.safetensors"
                    " beside it, or the run folder"
                )
            if metadata.get("task") == "detect":
                raise ExportError(
                    f"{file}: it is a detector; only networks that classify images are exported"
                )
            try:
                network = _parse(metadata, "network", Network)
                classes = _parse(metadata, "classes", list[str])
                recipe = _parse(metadata, "recipe", Recipe)
                _check(network, classes, recipe)
            except ExportError as error:
                raise ExportError(f"{file}: {error}") from error
            yield Model(file, network, classes, recipe, Weights(file, tensors, network.name))
    except OSError as error:
        raise ExportError(f"cannot read {file}: {error.strerror or first_line(error)}") from error
    except SafetensorError as error:
        raise ExportError(f"{file}: it is no safetensors file: {first_line(error)}") from error
