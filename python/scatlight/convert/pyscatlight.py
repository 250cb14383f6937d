"""Checkpoints of pyscatlight, the code of the paper's authors. The maps of both have the same order, so that
the numbers stay as they are: only names change."""

import re

from scatlight.convert.layouts import ConvertError, Options, State, check, complete, read_groups, shape_of

ANGLES = 8  # The authors' code has no other number.
SIZE = 224  # of the images of their evaluation
NAMES = {
    ("basic", (2, 2), (256, 512)): "scatresnet10",
    ("bottleneck", (5, 8, 3), (128, 256, 512)): "scatresnet50",
    ("bottleneck", (5, 8, 3), (256, 512, 1024)): "wide-scatresnet50-2",
}


def from_pyscatlight(state: State) -> tuple[State, Options]:
    """The same tensors with scatlight's names, and the options of the network that they make."""
    renamed = complete({_rename(name): tensor for name, tensor in state.items()})
    _, maps, kernel, _ = shape_of(renamed, "conv1.weight", 4)
    if kernel != 3:
        raise ConvertError(
            f"its first convolution is {kernel} x {kernel}; only the variant with 3 x 3 is supported"
        )
    scales, rest = divmod(maps - 3, 3 * ANGLES)
    if rest != 0 or scales < 1:
        raise ConvertError(f"its first convolution reads {maps} maps; three colours have 3 (1 + 8 J)")
    groups = read_groups(renamed)
    kind = (groups["block"], tuple(groups["depths"]), tuple(groups["widths"]))
    options = {
        "family": "scatresnet",
        "name": NAMES.get(kind, "scatresnet"),
        "height": SIZE,
        "width": SIZE,
        "scales": scales,
        "angles": ANGLES,
        "max_order": 1,
        "input_norm": False,
        "first_stride": 1,
    } | groups
    check(renamed, options)
    return renamed, options


def _rename(name: str) -> str:
    return re.sub(r"^layers\.(\d{1,4})\.", lambda match: f"layer{int(match[1]) + 1}.", name)
