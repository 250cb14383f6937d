"""A whole model in one ONNX file."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, helper

from scatlight import __version__
from scatlight._files import first_line, replacement
from scatlight.export.front_end import add_front_end
from scatlight.export.graph import Graph, Tensor, Value
from scatlight.export.model import ExportError, Model, Network, Recipe, open_model, take_wavelets
from scatlight.export.network import add_network

# From 13 on the operators take their parameters in the way that is used here.
OLDEST_OPSET = 13
NEWEST_OPSET = onnx.defs.onnx_opset_version()
# A file is one message of protobuf, which is shorter than 2 GiB; this leaves room for all but the constants.
MOST_BYTES = 2**31 - 2**24


@dataclass(frozen=True)
class ExportOptions:
    logits: bool = False  # the output is logits instead of probabilities
    maps: bool = False  # the input is the front end's maps of normalised images instead of images
    opset: int = 17


def _check(options: ExportOptions, network: Network) -> None:
    if not OLDEST_OPSET <= options.opset <= NEWEST_OPSET:
        raise ExportError(
            f"--opset {options.opset}: {OLDEST_OPSET} to {NEWEST_OPSET} is accepted, the newest of this onnx"
        )
    if options.maps and network.reads_images:
        raise ExportError(f"--maps: {network.name} reads pixels; it has no maps to begin with")


def _normalize(graph: Graph, images: Value, recipe: Recipe) -> Value:
    mean, deviation = (
        graph.constant(f"recipe.{name}", np.reshape(values, (1, 3, 1, 1)))
        for name, values in (("mean", recipe.mean), ("deviation", recipe.deviation))
    )
    return graph.add("Div", graph.add("Sub", images, mean), deviation, name="normalized")


def _make_graph(model: Model, options: ExportOptions) -> tuple[Graph, Tensor, Tensor]:
    """The graph, its input and its output."""
    network = model.network
    graph = Graph()
    wavelets = take_wavelets(model.weights, network)
    if options.maps:
        said = f"{network.reads} maps of the normalised image"
        if network.reads == "scattering":
            said += ": those of red, then of green, then of blue"
        given = Tensor("maps", ("N", *network.input_shape), said)
        x = given.name
    else:
        given = Tensor("images", ("N", 3, network.height, network.width), "RGB, 0 ... 1")
        x = add_front_end(graph, _normalize(graph, given.name, model.recipe), network, wavelets)
    x = add_network(graph, x, network, model.weights)
    model.weights.finish()
    if not options.logits:
        x = graph.add("Softmax", x, name="probabilities", axis=1)
    return graph, given, Tensor(x, ("N", network.classes), "in the order of 'classes' in the metadata")


def make_onnx(model: Model, options: ExportOptions) -> ModelProto:
    """Checked by onnx. The metadata are what the model's own file has, as JSON."""
    _check(options, model.network)
    graph, given, result = _make_graph(model, options)
    if graph.bytes > MOST_BYTES:
        raise ExportError(f"its weights take {graph.bytes / 2**30:.1f} GiB; a file of ONNX has less than 2")
    made = graph.to_model(model.network.name, given, result, opset=options.opset, version=__version__)
    metadata = {"classes": model.classes, "recipe": asdict(model.recipe), "network": asdict(model.network)}
    helper.set_model_props(made, {key: json.dumps(value) for key, value in metadata.items()})
    onnx.checker.check_model(made, full_check=True)
    return made


def write_onnx(run_or_file: Path, out: Path, options: ExportOptions) -> str:
    """From a run folder or its model.safetensors; says in a line what it wrote."""
    with open_model(run_or_file) as model:
        made = make_onnx(model, options)
        name, classes = model.network.name, len(model.classes)
        if os.path.exists(out) and os.path.samefile(out, model.file):
            raise ExportError(f"{out}: it is the model itself; the file to write must be another")
    try:
        with replacement(out) as file:
            file.write_bytes(made.SerializeToString())
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror or first_line(error)}") from error
    given, result = made.graph.input[0].name, made.graph.output[0].name
    size = out.stat().st_size
    return (
        f"{name}, {classes} classes, from {given} to {result}: {len(made.graph.node)} nodes of opset"
        f" {options.opset}, {size / 1e6:.1f} MB"
    )
