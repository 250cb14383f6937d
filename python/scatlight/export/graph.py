"""An ONNX graph while it is made: nodes, and the constants that they read."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Value = str  # a value of a graph is known by its name


class Tensor(NamedTuple):
    """What goes in or comes out, float32."""

    name: Value
    shape: tuple[int | str, ...]  # a word stands for any number
    said: str


class Graph:
    """Every method that adds a node gives the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: dict[Value, TensorProto] = {}

    def constant(self, name: str, array: npt.ArrayLike, kind: Any = np.float32) -> Value:
        """Nodes may share one: the same name with the same numbers."""
        made = numpy_helper.from_array(np.ascontiguousarray(array, kind), name)
        if self._constants.setdefault(name, made) != made:
            raise ValueError(f"two constants are called {name}")
        return name

    def add(self, operator: str, *inputs: Value, name: str = "", **attributes: Any) -> Value:
        """A node with one output, which gets the name that is given."""
        output = name or f"{operator.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], output, **attributes))
        return output

    # Operators whose parameters are constants. Opsets up to 12 have some of these as attributes.

    def _integers(self, *values: int) -> Value:
        return self.constant(f"[{', '.join(map(str, values))}]", values, np.int64)

    def reshape(self, x: Value, *shape: int) -> Value:
        return self.add("Reshape", x, self._integers(*shape))

    def sum_over(self, axis: int, x: Value) -> Value:
        """Without that axis."""
        return self.add("ReduceSum", x, self._integers(axis), keepdims=0)

    @property
    def bytes(self) -> int:
        """Of the constants."""
        return sum(len(constant.raw_data) for constant in self._constants.values())

    def to_model(self, name: str, given: Tensor, result: Tensor, *, opset: int, version: str) -> ModelProto:
        """From the nodes' one input to their one output."""
        values = [
            helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.shape, tensor.said)
            for tensor in (given, result)
        ]
        constants = list(self._constants.values())
        graph = helper.make_graph(self._nodes, name, values[:1], values[1:], constants)
        opsets = [helper.make_opsetid("", opset)]
        return helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets),
            producer_name="scatlight",
            producer_version=version,
        )
