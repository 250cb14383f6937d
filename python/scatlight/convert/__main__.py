"""python -m scatlight.convert from-torchvision | from-pyscatlight | to-torchvision IN OUT"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scatlight import __version__
from scatlight.convert.files import (
    read_checkpoint,
    read_classes,
    read_weights,
    write_checkpoint,
    write_weights,
)
from scatlight.convert.layouts import ConvertError, Options, State
from scatlight.convert.pyscatlight import SIZE, from_pyscatlight
from scatlight.convert.torchvision import from_torchvision, to_torchvision

DESCRIPTION = """Turn weights of other programs into files that `scatlight eval` and `scatlight predict` read,
and weights of scatlight into files for torchvision. Python's pickles can run code when they are read; here
they are read without."""

# ImageNet's, on which all of these checkpoints were trained.
PIXELS = {"mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}


def _write(arguments: argparse.Namespace, state: State, options: Options, resize: int) -> str:
    classes = read_classes(arguments.classes, options["classes"])
    recipe = {"size": options["height"], "resize": resize} | PIXELS
    write_weights(arguments.out, state, options, classes, recipe)
    count = sum(tensor.numel() for tensor in state.values() if tensor.is_floating_point())
    return f"{options['name']}, {options['classes']} classes, {count} numbers"


def _from_torchvision(arguments: argparse.Namespace) -> str:
    resize = arguments.resize or round(arguments.size * 256 / 224)
    if arguments.size < 1 or resize < arguments.size:
        raise ConvertError(f"--size {arguments.size} and --resize {resize}: 1 <= size <= resize is accepted")
    state, options = from_torchvision(read_checkpoint(arguments.checkpoint), arguments.size)
    return _write(arguments, state, options, resize)


def _from_pyscatlight(arguments: argparse.Namespace) -> str:
    state, options = from_pyscatlight(read_checkpoint(arguments.checkpoint))
    return _write(arguments, state, options, round(SIZE * 256 / 224))


def _to_torchvision(arguments: argparse.Namespace) -> str:
    state, options = read_weights(arguments.model)
    name = to_torchvision(state, options)
    write_checkpoint(arguments.out, state)
    return f"for torchvision.models.{name}(num_classes={options['classes']})"


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scatlight.convert", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"scatlight {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    ours = argparse.ArgumentParser(add_help=False)
    ours.add_argument(
        "checkpoint", metavar="CHECKPOINT", type=Path, help="a file of torch.save(), or .safetensors"
    )
    ours.add_argument("out", metavar="OUT.safetensors", type=Path, help="the file to write")
    ours.add_argument(
        "--classes",
        metavar="FILE",
        type=Path,
        help="names of the classes, one per line, in the order of the outputs: for ImageNet the sorted names"
        " of its folders (default: 0, 1, 2 ...)",
    )
    command = commands.add_parser(
        "from-torchvision", parents=[ours], help="a state_dict of torchvision's ResNets or VGG-16"
    )
    command.add_argument(
        "--size", type=int, default=SIZE, help="height and width of the images (default %(default)s)"
    )
    command.add_argument(
        "--resize",
        type=int,
        help="short side of images before the centre crop (default: size * 256 / 224; torchvision's"
        " IMAGENET1K_V2 weights want 232)",
    )
    command.set_defaults(run=_from_torchvision)
    command = commands.add_parser(
        "from-pyscatlight", parents=[ours], help="a checkpoint of the code of the paper's authors"
    )
    command.set_defaults(run=_from_pyscatlight)

    command = commands.add_parser("to-torchvision", help="a ResNet or VGG-16 that scatlight trained")
    command.add_argument("model", metavar="MODEL", type=Path, help="a run folder or its model.safetensors")
    command.add_argument("out", metavar="OUT.pth", type=Path, help="the file to write, for torch.load()")
    command.set_defaults(run=_to_torchvision)
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    arguments = parse_arguments(words)
    try:
        told = arguments.run(arguments)
    except ConvertError as error:
        print(f"scatlight.convert: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.out}: {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
