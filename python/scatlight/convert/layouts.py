"""The tensors that a network consists of, with torchvision's names, and which network given tensors make."""

from collections.abc import Iterator
from typing import Any

import torch

from scatlight._vgg16 import VGG16_GRID, VGG16_GROUPS, VGG16_HIDDEN

State = dict[str, torch.Tensor]
Shape = tuple[int, ...]
Options = dict[str, Any]  # of a network, as src/nets/weights.cpp writes them


class ConvertError(Exception):
    """A file that cannot be converted; the text is one line."""


def shape_of(state: State, name: str, dimensions: int) -> Shape:
    if name not in state:
        raise ConvertError(f"the checkpoint has no tensor '{name}'")
    shape = tuple(state[name].shape)
    if len(shape) != dimensions:
        raise ConvertError(
            f"its tensor '{name}' has the shape {list(shape)}; {dimensions} dimensions are expected"
        )
    return shape


def read_groups(state: State) -> Options:
    """The options of a residual network that follow from its tensors."""
    depths: list[int] = []
    widths: list[int] = []
    while (group := f"layer{len(depths) + 1}") + ".0.conv1.weight" in state:
        widths.append(shape_of(state, f"{group}.0.conv1.weight", 4)[0])
        depth = 1
        while f"{group}.{depth}.conv1.weight" in state:
            depth += 1
        depths.append(depth)
    classes, features = shape_of(state, "fc.weight", 2)
    if not widths or widths[-1] == 0 or features % widths[-1] != 0:
        raise ConvertError(f"its groups have the widths {widths} and its last layer reads {features} numbers")
    return {
        "block": "bottleneck" if "layer1.0.conv3.weight" in state else "basic",
        "classes": classes,
        "stem": shape_of(state, "conv1.weight", 4)[0],
        "depths": depths,
        "widths": widths,
        "expansion": features // widths[-1],
    }


def _conv(conv: str, norm: str, out: int, inputs: int, kernel: int) -> Iterator[tuple[str, Shape]]:
    yield f"{conv}.weight", (out, inputs, kernel, kernel)
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{norm}.{part}", (out,)
    yield f"{norm}.num_batches_tracked", ()


def _affine(name: str, out: int, inputs: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (out, inputs)
    yield f"{name}.bias", (out,)


def _residual(options: Options) -> Iterator[tuple[str, Shape]]:
    scatters = options["family"] == "scatresnet"
    channels = options["stem"]
    maps = 3 * (1 + options["angles"] * options["scales"]) if scatters else 3
    yield from _conv("conv1", "bn1", channels, maps, 3 if scatters else 7)
    for group, (depth, width) in enumerate(zip(options["depths"], options["widths"], strict=True), start=1):
        out = width * options["expansion"]
        for index in range(depth):
            block = f"layer{group}.{index}"
            # (inputs, outputs, kernel) of the block's convolutions
            convs = [(channels, width, 3), (width, out, 3)]
            if options["block"] == "bottleneck":
                convs = [(channels, width, 1), (width, width, 3), (width, out, 1)]
            for number, (inputs, outputs, kernel) in enumerate(convs, start=1):
                yield from _conv(f"{block}.conv{number}", f"{block}.bn{number}", outputs, inputs, kernel)
            if index == 0 and (group > 1 or channels != out):
                yield from _conv(f"{block}.downsample.0", f"{block}.downsample.1", out, channels, 1)
            channels = out
    yield from _affine("fc", options["classes"], channels)


def _vgg16(options: Options) -> Iterator[tuple[str, Shape]]:
    index = 0  # in torchvision's Sequential, where ReLU and pooling count too
    channels = 3
    for width, depth in VGG16_GROUPS:
        for _ in range(depth):
            yield f"features.{index}.weight", (width, channels, 3, 3)
            yield f"features.{index}.bias", (width,)
            channels = width
            index += 2
        index += 1
    yield from _affine("classifier.0", VGG16_HIDDEN, channels * VGG16_GRID**2)
    yield from _affine("classifier.3", VGG16_HIDDEN, VGG16_HIDDEN)
    yield from _affine("classifier.6", options["classes"], VGG16_HIDDEN)


def complete(state: State) -> State:
    """With the counts of batch norm, which torch before 0.4.1 did not have."""
    counts = [
        name.replace("running_var", "num_batches_tracked") for name in state if name.endswith(".running_var")
    ]
    return state | {name: torch.zeros((), dtype=torch.int64) for name in counts if name not in state}


def check(state: State, options: Options) -> None:
    """That the tensors are those of a network of these options, no more and no fewer."""
    expected = dict(_vgg16(options) if options["family"] == "vgg" else _residual(options))
    if missing := [name for name in expected if name not in state]:
        raise ConvertError(
            f"the checkpoint lacks the tensor '{missing[0]}' of {options['name']}"
            f" ({len(missing)} are missing)"
        )
    if unknown := [name for name in state if name not in expected]:
        raise ConvertError(
            f"the checkpoint has a tensor {unknown[0]!r} that {options['name']} lacks"
            f" ({len(unknown)} are unknown)"
        )
    for name, shape in expected.items():
        tensor = state[name]
        kind = torch.int64 if name.endswith("num_batches_tracked") else torch.float32
        if tuple(tensor.shape) != shape or tensor.dtype != kind:
            raise ConvertError(
                f"its tensor '{name}' is {tensor.dtype} {list(tensor.shape)}, not {kind} {list(shape)}"
            )
