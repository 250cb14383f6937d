"""Weights of other programs become weights of scatlight, and the other way round.

layouts.py      the tensors that a network consists of, and which network tensors make
pyscatlight.py  checkpoints of the paper's authors
torchvision.py  torchvision's ResNets and VGG-16, in both directions
files.py        reading and writing
"""

from scatlight.convert.layouts import ConvertError
from scatlight.convert.pyscatlight import from_pyscatlight
from scatlight.convert.torchvision import from_torchvision, to_torchvision

__all__ = ["ConvertError", "from_pyscatlight", "from_torchvision", "to_torchvision"]
