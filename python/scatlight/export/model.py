"""What `scatlight train` wrote, read without torch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
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
    family: str  # scatresnet, resnet, vgg, linear
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

    @property
    def scatters(self) -> bool:
        return self.family in ("scatresnet", "linear")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Of the maps or of the image that the first layer reads."""
        if not self.scatters:
            return 3, self.height, self.width
        paths = 1 + self.scales * self.angles
        if self.max_order == 2:
            paths += self.angles**2 * self.scales * (self.scales - 1) // 2
        return 3 * paths, self.height >> self.scales, self.width >> self.scales


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
    for field in fields(kind):
        if not _is_a(field.type, value.get(field.name)):
            raise ExportError(
                f"the '{key}' in its metadata is damaged: its '{field.name}' is missing or wrong"
            )
    return kind(**{field.name: value[field.name] for field in fields(kind)})


def _check_network(network: Network) -> None:
    """What the tensors do not say; src/nets/architecture.cpp has these limits."""
    for name, accepted in (
        ("family", ("scatresnet", "resnet", "vgg", "linear")),
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
    smallest = 32 if network.family == "vgg" else 2**network.scales if network.scatters else 1
    if network.height < smallest:
        raise ExportError(
            f"its images of {network.height} x {network.height} are too small for {network.name},"
            f" which needs {smallest} x {smallest}"
        )


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
