"""python -m scatlight.convert CHECKPOINT.pth.tar OUT.safetensors [--classes FILE]"""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from scatlight import __version__

DESCRIPTION = """Turn a checkpoint of pyscatlight, the code of the paper's authors, into a weights file that
`scatlight eval` and `scatlight predict` read. The maps of both have the same order, so that the numbers stay
as they are: only names change. Python's pickles can run code when they are read; this one is read without."""

State = dict[str, torch.Tensor]
Shapes = dict[str, tuple[int, ...]]

ANGLES = 8  # The authors' code has no other number.
NAMES = {
    ("basic", (2, 2), (256, 512)): "scatresnet10",
    ("bottleneck", (5, 8, 3), (128, 256, 512)): "scatresnet50",
    ("bottleneck", (5, 8, 3), (256, 512, 1024)): "wide-scatresnet50-2",
}
# The authors' evaluation: ImageNet's mean and deviation, short side 256, centre 224.
RECIPE = {"size": 224, "resize": 256, "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}


class ConvertError(Exception):
    """A file that cannot be converted; the text is one line."""


def read_checkpoint(file: Path) -> State:
    """The tensors of a checkpoint: a pickle of {'state_dict': {name: tensor}}, in any of torch's formats."""
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConvertError(f"cannot read {file}: {error.strerror}") from error
    except Exception as error:  # a broken pickle may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConvertError(f"{file}: it is not a checkpoint of torch with tensors alone: {reason}") from error
    state = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not state:
        raise ConvertError(f"{file}: it has no 'state_dict'; a checkpoint of pyscatlight has one")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise ConvertError(f"{file}: its entry {name!r} is not a tensor with a name")
    return state


def convert_pyscatlight(state: State) -> tuple[State, dict[str, Any]]:
    """The same tensors with scatlight's names, and the options of the network that they make."""
    renamed = {_rename(name): tensor for name, tensor in state.items()}
    options = _options_of(renamed)
    counts = {
        name.replace("running_var", "num_batches_tracked")
        for name in renamed
        if name.endswith(".running_var")
    }
    for name in counts - renamed.keys():  # torch before 0.4.1 did not count
        renamed[name] = torch.zeros((), dtype=torch.int64)
    _check(renamed, _shapes_of(options))
    return renamed, options


def _rename(name: str) -> str:
    name = name.removeprefix("module.")  # of DataParallel
    return re.sub(r"^layers\.(\d{1,4})\.", lambda match: f"layer{int(match[1]) + 1}.", name)


def _shape(state: State, name: str, dimensions: int) -> tuple[int, ...]:
    if name not in state:
        raise ConvertError(f"the checkpoint has no tensor '{name}': it is not a ScatResNet of pyscatlight")
    shape = tuple(state[name].shape)
    if len(shape) != dimensions:
        raise ConvertError(
            f"its tensor '{name}' has the shape {list(shape)}; {dimensions} dimensions are expected"
        )
    return shape


def _options_of(state: State) -> dict[str, Any]:
    stem, maps, kernel, _ = _shape(state, "conv1.weight", 4)
    if kernel != 3:
        raise ConvertError(
            f"its first convolution is {kernel} x {kernel}; only the variant with 3 x 3 is supported"
        )
    scales, rest = divmod(maps - 3, 3 * ANGLES)
    if rest != 0 or scales < 1:
        raise ConvertError(f"its first convolution reads {maps} maps; three colours have 3 (1 + 8 J)")
    block = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
    depths: list[int] = []
    widths: list[int] = []
    while (group := f"layer{len(depths) + 1}") + ".0.conv1.weight" in state:
        widths.append(_shape(state, f"{group}.0.conv1.weight", 4)[0])
        depth = 1
        while f"{group}.{depth}.conv1.weight" in state:
            depth += 1
        depths.append(depth)
    classes, features = _shape(state, "fc.weight", 2)
    if not widths or widths[-1] == 0 or features % widths[-1] != 0:
        raise ConvertError(f"its groups have the widths {widths} and its last layer reads {features} numbers")
    return {
        "family": "scatresnet",
        "block": block,
        "name": NAMES.get((block, tuple(depths), tuple(widths)), "scatresnet"),
        "classes": classes,
        "height": RECIPE["size"],
        "width": RECIPE["size"],
        "scales": scales,
        "angles": ANGLES,
        "max_order": 1,
        "input_norm": False,
        "stem": stem,
        "depths": depths,
        "widths": widths,
        "expansion": features // widths[-1],
        "first_stride": 1,
    }


def _conv(conv: str, norm: str, out: int, inputs: int, kernel: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{conv}.weight", (out, inputs, kernel, kernel)
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{norm}.{part}", (out,)
    yield f"{norm}.num_batches_tracked", ()


def _shapes_of(options: dict[str, Any]) -> Shapes:
    """What a network of these options consists of."""
    channels = options["stem"]
    shapes = dict(_conv("conv1", "bn1", channels, 3 * (1 + ANGLES * options["scales"]), 3))
    for group, (depth, width) in enumerate(zip(options["depths"], options["widths"], strict=True), start=1):
        out = width * options["expansion"]
        for index in range(depth):
            block = f"layer{group}.{index}"
            # (inputs, outputs, kernel) of the block's convolutions
            convs = [(channels, width, 3), (width, out, 3)]
            if options["block"] == "bottleneck":
                convs = [(channels, width, 1), (width, width, 3), (width, out, 1)]
            for number, (inputs, outputs, kernel) in enumerate(convs, start=1):
                shapes.update(_conv(f"{block}.conv{number}", f"{block}.bn{number}", outputs, inputs, kernel))
            if index == 0 and (group > 1 or channels != out):
                shapes.update(_conv(f"{block}.downsample.0", f"{block}.downsample.1", out, channels, 1))
            channels = out
    return shapes | {"fc.weight": (options["classes"], channels), "fc.bias": (options["classes"],)}


def _check(state: State, expected: Shapes) -> None:
    if missing := [name for name in expected if name not in state]:
        raise ConvertError(f"the checkpoint lacks the tensor '{missing[0]}' ({len(missing)} are missing)")
    if unknown := [name for name in state if name not in expected]:
        raise ConvertError(
            f"the checkpoint has a tensor {unknown[0]!r} that a ScatResNet lacks ({len(unknown)} are unknown)"
        )
    for name, shape in expected.items():
        tensor = state[name]
        kind = torch.int64 if name.endswith("num_batches_tracked") else torch.float32
        if tuple(tensor.shape) != shape or tensor.dtype != kind:
            raise ConvertError(
                f"its tensor '{name}' is {tensor.dtype} {list(tensor.shape)}, not {kind} {list(shape)}"
            )


def read_classes(file: Path | None, count: int) -> list[str]:
    """The names in a file, one a line; without a file the numbers from 0 on."""
    if file is None:
        return [str(index) for index in range(count)]
    try:
        names = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConvertError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConvertError(f"{file}: it is not UTF-8 text") from error
    if len(names) != count or len(set(names)) != count or not all(names):
        raise ConvertError(
            f"{file}: {count} lines with different names are needed; it has {len(names)} lines"
        )
    return names


def write_weights(file: Path, state: State, options: dict[str, Any], classes: list[str]) -> None:
    """Leaves the old file or the new one, whole. The metadata are those of `scatlight train`."""
    metadata = {
        "network": json.dumps(options),
        "classes": json.dumps(classes),
        "recipe": json.dumps(RECIPE),
    }
    tensors = {
        name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()
    }
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        save_file(tensors, temporary, metadata)
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(file)
    except Exception as error:  # safetensors has an error of its own for a full disk
        temporary.unlink(missing_ok=True)
        raise ConvertError(f"cannot write {file}: {error}") from error


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scatlight.convert", description=DESCRIPTION)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="a file that torch.save wrote")
    parser.add_argument("out", metavar="OUT.safetensors", type=Path, help="the file to write")
    parser.add_argument(
        "--classes",
        metavar="FILE",
        type=Path,
        help="names of the classes, one a line, in the order of the outputs: for ImageNet the sorted names of"
        " its folders (default: 0, 1, 2 ...)",
    )
    parser.add_argument("--version", action="version", version=f"scatlight {__version__}")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    try:
        state, options = convert_pyscatlight(read_checkpoint(arguments.checkpoint))
        classes = read_classes(arguments.classes, options["classes"])
        write_weights(arguments.out, state, options, classes)
    except ConvertError as error:
        print(f"scatlight.convert: {error}", file=sys.stderr)
        return 1
    count = sum(tensor.numel() for tensor in state.values() if tensor.is_floating_point())
    print(f"{arguments.out}: {options['name']}, {options['classes']} classes, {count} numbers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
