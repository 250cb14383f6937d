"""The layers of a network in ONNX's standard operators; src/nets/architecture.cpp has the same lists. A batch
norm becomes a part of the convolution before it."""

import numpy as np

from scatlight._vgg16 import VGG16_GRID, VGG16_GROUPS, VGG16_HIDDEN
from scatlight.export.graph import Graph, Value
from scatlight.export.model import Array, Network, Weights

LOGITS = "logits"  # the name of what the last layer gives


def _cell_means(length: int, cells: int) -> Array:
    """(cells, length): torch's adaptive pooling, whose cells may overlap."""
    matrix = np.zeros((cells, length))
    for cell in range(cells):
        begin, end = cell * length // cells, -(-(cell + 1) * length // cells)
        matrix[cell, begin:end] = 1 / (end - begin)
    return matrix


class Layers:
    """Each method reads the output of the one before."""

    def __init__(self, graph: Graph, weights: Weights, x: Value, channels: int, side: int) -> None:
        self.graph = graph
        self.weights = weights
        self.x = x  # (N, channels, side, side)
        self.channels = channels
        self.side = side

    def _apply(self, operator: str, *inputs: Value, name: str = "", **attributes: object) -> None:
        self.x = self.graph.add(operator, self.x, *inputs, name=name, **attributes)

    def conv(
        self,
        name: str,
        out: int,
        kernel: int,
        stride: int = 1,
        *,
        norm: str = "",
        bias: bool = False,
        relu: bool = True,
    ) -> None:
        """A batch norm becomes a bias, too."""
        weight = self.weights.take(f"{name}.weight", out, self.channels, kernel, kernel)
        if norm:
            scale, shift = self.weights.take_norm(norm, out, affine=True)
            weight = weight * scale[:, None, None, None]
        elif bias:
            shift = self.weights.take(f"{name}.bias", out)
        constants = [self.graph.constant(f"{name}.weight", weight)]
        if norm or bias:
            constants.append(self.graph.constant(f"{name}.bias", shift))
        padding = 0 if kernel == stride else kernel // 2  # patches touch each other
        self._apply("Conv", *constants, name=name, strides=[stride] * 2, pads=[padding] * 4)
        if relu:
            self._apply("Relu", name=f"{name}.relu")
        self.channels = out
        self.side = (self.side + 2 * padding - kernel) // stride + 1

    def max_pool(self, kernel: int, padding: int) -> None:
        self._apply("MaxPool", kernel_shape=[kernel] * 2, strides=[2, 2], pads=[padding] * 4)
        self.side = (self.side + 2 * padding - kernel) // 2 + 1

    def norm(self, name: str, *, affine: bool) -> None:
        scale, shift = self.weights.take_norm(name, self.channels, affine=affine)
        shape = (1, self.channels, 1, 1)
        self._apply("Mul", self.graph.constant(f"{name}.scale", scale.reshape(shape)))
        self._apply("Add", self.graph.constant(f"{name}.shift", shift.reshape(shape)), name=name)

    def standardize(self, name: str) -> None:
        for operator, part in (("Sub", "mean"), ("Div", "deviation")):
            values = self.weights.take(f"{name}.{part}", self.channels).reshape((1, self.channels, 1, 1))
            self._apply(operator, self.graph.constant(f"{name}.{part}", values), name=f"{name}.by_{part}")

    def flatten(self) -> None:
        self._apply("Flatten")

    def linear(self, name: str, inputs: int, out: int, *, relu: bool = False, output: str = "") -> None:
        constants = [
            self.graph.constant(f"{name}.weight", self.weights.take(f"{name}.weight", out, inputs)),
            self.graph.constant(f"{name}.bias", self.weights.take(f"{name}.bias", out)),
        ]
        self._apply("Gemm", *constants, name=output or name, transB=1)
        if relu:
            self._apply("Relu", name=f"{name}.relu")

    def block(self, network: Network, name: str, width: int, stride: int) -> None:
        """The stride is on the 3 x 3 convolution of bottlenecks, on the first of basic blocks."""
        x, inputs, side = self.x, self.channels, self.side
        out = width * network.expansion
        convs = [(width, 3, stride), (out, 3, 1)]
        if network.block == "bottleneck":
            convs = [(width, 1, 1), (width, 3, stride), (out, 1, 1)]
        for number, (channels, kernel, step) in enumerate(convs, start=1):
            last = number == len(convs)
            self.conv(
                f"{name}.conv{number}", channels, kernel, step, norm=f"{name}.bn{number}", relu=not last
            )
        y = self.x
        self.x, self.channels, self.side = x, inputs, side
        if stride != 1 or inputs != out:
            self.conv(f"{name}.downsample.0", out, 1, stride, norm=f"{name}.downsample.1", relu=False)
        self._apply("Add", y)
        self._apply("Relu", name=name)

    def norm_relu(self, name: str) -> None:
        self.norm(name, affine=True)
        self._apply("Relu", name=f"{name}.relu")

    def wide_block(self, name: str, width: int, stride: int) -> None:
        """Batch norms come before their convolutions."""
        x, inputs, side = self.x, self.channels, self.side
        self.norm_relu(f"{name}.bn1")
        activated = self.x
        self.conv(f"{name}.conv1", width, 3, stride, norm=f"{name}.bn2")
        self.conv(f"{name}.conv2", width, 3, relu=False)
        y = self.x
        if stride != 1 or inputs != width:
            self.x, self.channels, self.side = activated, inputs, side
            self.conv(f"{name}.downsample", width, 1, stride, relu=False)
        else:
            self.x = x
        self._apply("Add", y, name=name)

    def groups(self, network: Network) -> None:
        wide = network.family == "wideresnet"
        for group, (depth, width) in enumerate(zip(network.depths, network.widths, strict=True), start=1):
            for index in range(depth):
                stride = 1 if index > 0 else network.first_stride if group == 1 else 2
                if wide:
                    self.wide_block(f"layer{group}.{index}", width, stride)
                else:
                    self.block(network, f"layer{group}.{index}", width, stride)
        if wide:
            self.norm_relu("norm")
        self._apply("GlobalAveragePool")
        self.flatten()
        self.linear("fc", self.channels, network.classes, output=LOGITS)

    def vgg16(self, network: Network) -> None:
        index = 0  # in torchvision's Sequential, where ReLU and pooling count too
        for width, depth in VGG16_GROUPS:
            for _ in range(depth):
                self.conv(f"features.{index}", width, 3, bias=True)
                index += 2
            self.max_pool(2, 0)
            index += 1
        if self.side != VGG16_GRID:
            means = _cell_means(self.side, VGG16_GRID)
            self._apply("MatMul", self.graph.constant("avgpool.columns", means.T))
            self.x = self.graph.add("MatMul", self.graph.constant("avgpool.rows", means), self.x)
        self.flatten()
        self.linear("classifier.0", self.channels * VGG16_GRID**2, VGG16_HIDDEN, relu=True)
        self.linear("classifier.3", VGG16_HIDDEN, VGG16_HIDDEN, relu=True)
        self.linear("classifier.6", VGG16_HIDDEN, network.classes, output=LOGITS)


def add_network(graph: Graph, x: Value, network: Network, weights: Weights) -> Value:
    """From what its first layer reads, normalised images or their maps, to logits (N, classes)."""
    channels, side, _ = network.input_shape
    layers = Layers(graph, weights, x, channels, side)
    if network.standardize:
        layers.standardize("standardize")
    elif network.input_norm or network.family == "linear":
        layers.norm("norm0", affine=False)
    if network.reads == "patchify":
        layers.conv("conv0", 3 * network.all_paths, network.block_side, network.block_side, norm="bn0")
    if network.family == "scatresnet":
        layers.conv("conv1", network.stem, 3, norm="bn1")
        layers.groups(network)
    elif network.family == "resnet":
        layers.conv("conv1", network.stem, 7, 2, norm="bn1")
        layers.max_pool(3, 1)
        layers.groups(network)
    elif network.family == "wideresnet":
        layers.conv("conv1", network.stem, 3, relu=False)
        layers.groups(network)
    elif network.family == "vgg":
        layers.vgg16(network)
    else:
        layers.flatten()
        layers.linear("fc", layers.channels * layers.side**2, network.classes, output=LOGITS)
    return layers.x
