"""python -m scatlight.export MODEL OUT.onnx [--logits] [--maps] [--opset N]"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scatlight import __version__
from scatlight.export.model import ExportError
from scatlight.export.onnx_file import NEWEST_OPSET, OLDEST_OPSET, ExportOptions, write_onnx

DESCRIPTION = """Write a trained network as one ONNX file of standard operators, which onnxruntime and other
programs run without scatlight: normalisation, scattering transform, layers and softmax. Its input is float32,
(N, 3, size, size), RGB from 0 to 1, already resized and cut as `scatlight predict` does it; its output is
(N, classes). The names of the classes, the recipe for images and the network are in its metadata, as JSON."""


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scatlight.export", description=DESCRIPTION)
    parser.add_argument("model", metavar="MODEL", type=Path, help="a run folder or its model.safetensors")
    parser.add_argument("out", metavar="OUT.onnx", type=Path, help="the file to write")
    parser.add_argument("--logits", action="store_true", help="leave out the softmax at the end")
    parser.add_argument(
        "--maps",
        action="store_true",
        help="leave out normalisation and transform: the input is maps, which scatlight.numpy,"
        " scatlight.torch and libscatlight make faster",
    )
    parser.add_argument(
        "--opset",
        metavar="N",
        type=int,
        default=ExportOptions.opset,
        help=f"version of the operators, {OLDEST_OPSET} to {NEWEST_OPSET} (default %(default)s)",
    )
    parser.add_argument("--version", action="version", version=f"scatlight {__version__}")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    arguments = parse_arguments(words)
    options = ExportOptions(logits=arguments.logits, maps=arguments.maps, opset=arguments.opset)
    try:
        told = write_onnx(arguments.model, arguments.out, options)
    except ExportError as error:
        print(f"scatlight.export: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.out}: {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
