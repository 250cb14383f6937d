"""A trained network as an ONNX file of standard operators, made without torch.

model.py       what `scatlight train` wrote: the network, its weights, classes and recipe
graph.py       the nodes and constants of an ONNX graph
scattering.py  the transform in them
network.py     the layers in them
onnx_file.py   all of it in one file
"""

from scatlight.export.model import ExportError
from scatlight.export.onnx_file import ExportOptions, write_onnx

__all__ = ["ExportError", "ExportOptions", "write_onnx"]
