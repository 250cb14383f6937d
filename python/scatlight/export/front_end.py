"""From normalised images to what a network's first layer reads; src/nets/front_end.cpp and dct.cpp have the
same."""

import numpy as np

from scatlight.export.graph import Graph, Value
from scatlight.export.model import Array, Network
from scatlight.export.scattering import add_scattering

# JFIF 1.02: rows Y, Cb, Cr of columns R, G, B.
TO_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def _zigzag(block: int) -> list[tuple[int, int]]:
    """Rows and columns of a block's coefficients, from low to high."""
    cells = [(row, column) for row in range(block) for column in range(block)]
    return sorted(cells, key=lambda cell: (sum(cell), cell[0] if sum(cell) % 2 else -cell[0]))


def _basis(block: int) -> Array:
    """(frequency, sample): the orthonormal DCT-II."""
    frequency, sample = np.arange(block)[:, None], np.arange(block)
    cosines: Array = np.cos(np.pi * (2 * sample + 1) * frequency / (2 * block))
    return cosines * np.sqrt(np.where(frequency == 0, 1, 2) / block)


def _dct(network: Network) -> tuple[Array, Array]:
    """Weights and biases of the convolution that the transform is."""
    block = network.block_side
    basis = _basis(block)
    mean, deviation = np.array(network.image_mean), np.array(network.image_deviation)
    weight, bias = [], []
    for component, (colour, share) in enumerate(zip(TO_YCBCR, network.dct_shares, strict=True)):
        level = colour @ mean - (0.5 if component == 0 else 0)
        for row, column in _zigzag(block)[:share]:
            weight.append((colour * deviation)[:, None, None] * np.outer(basis[row], basis[column]))
            bias.append(block * level if row == column == 0 else 0)
    return np.array(weight), np.array(bias)


def add_front_end(graph: Graph, images: Value, network: Network, wavelets: Array | None) -> Value:
    """(N, 3, size, size) to (N, channels, side, side). The wavelets are those that were learned."""
    block = network.block_side
    channels, side, _ = network.input_shape
    whole = side * block  # blocks leave out the pixels beyond
    if network.reads == "scattering":
        maps = add_scattering(graph, images, network, wavelets)
        if network.paths:
            kept = [colour * network.all_paths + path for colour in range(3) for path in network.paths]
            maps = graph.add("Gather", maps, graph.constant("paths", kept, np.int64), axis=1)
        return maps
    if network.reads == "dct":
        weight, bias = _dct(network)
        constants = [graph.constant("dct.weight", weight), graph.constant("dct.bias", bias)]
        return graph.add("Conv", images, *constants, name="dct", strides=[block] * 2)
    if network.reads == "pooled":
        return graph.add("AveragePool", images, name="pooled", kernel_shape=[block] * 2, strides=[block] * 2)
    if network.reads == "space-to-depth":
        ends = graph.constant("whole blocks", [whole, whole], np.int64)
        begins = graph.constant("first pixels", [0, 0], np.int64)
        axes = graph.constant("rows and columns", [2, 3], np.int64)
        x = graph.add("Slice", images, begins, ends, axes)
        x = graph.reshape(x, -1, 3, side, block, side, block)
        x = graph.add("Transpose", x, perm=[0, 1, 3, 5, 2, 4])
        return graph.reshape(x, -1, channels, side, side)
    return images
