"""torchvision's ResNets and VGG-16, in both directions. Tensors have the same names on both sides; a file of
scatlight also says which network they make."""

from typing import Any

from scatlight.convert.layouts import (
    ConvertError,
    Options,
    State,
    check,
    complete,
    read_groups,
    shape_of,
)

STEM = 64
# Block, depths, widths of the 3 x 3 convolutions and expansion; torchvision's names have _ for -.
RESNETS = {
    "resnet18": ("basic", (2, 2, 2, 2), (64, 128, 256, 512), 1),
    "resnet34": ("basic", (3, 4, 6, 3), (64, 128, 256, 512), 1),
    "resnet50": ("bottleneck", (3, 4, 6, 3), (64, 128, 256, 512), 4),
    "resnet101": ("bottleneck", (3, 4, 23, 3), (64, 128, 256, 512), 4),
    "resnet152": ("bottleneck", (3, 8, 36, 3), (64, 128, 256, 512), 4),
    "wide-resnet50-2": ("bottleneck", (3, 4, 6, 3), (128, 256, 512, 1024), 2),
    "wide-resnet101-2": ("bottleneck", (3, 4, 23, 3), (128, 256, 512, 1024), 2),
}
VGG16 = "vgg16"
ACCEPTED = ", ".join([*RESNETS, VGG16])
# What networks on pixels do not use, at its default.
UNUSED = {"scales": 3, "angles": 8, "max_order": 1, "input_norm": False, "first_stride": 1}


def _name_of(options: Options) -> str:
    """The name of torchvision's network with these options."""
    if options["family"] == "vgg":
        return VGG16
    kind = (options["block"], tuple(options["depths"]), tuple(options["widths"]), options["expansion"])
    names = [name for name, resnet in RESNETS.items() if resnet == kind]
    plain = options["stem"] == STEM and options["first_stride"] == 1 and not options["input_norm"]
    if options["family"] != "resnet" or not names or not plain:
        raise ConvertError(f"torchvision has no such network; it has {ACCEPTED}")
    return names[0]


def _options_of(state: State) -> Options:
    if "features.0.weight" in state:
        classes, _ = shape_of(state, "classifier.6.weight", 2)
        body: dict[str, Any] = {"block": "basic", "stem": 256, "depths": [], "widths": [], "expansion": 1}
        return UNUSED | body | {"family": "vgg", "classes": classes}
    if "conv1.weight" not in state:
        raise ConvertError(
            f"the checkpoint has neither a 'conv1.weight' nor a 'features.0.weight'; {ACCEPTED} are accepted"
        )
    return UNUSED | read_groups(state) | {"family": "resnet"}


def from_torchvision(given: State, size: int) -> tuple[State, Options]:
    """The tensors, and the options of the network that they make, for images of size x size pixels."""
    state = complete(given)
    options = _options_of(state) | {"height": size, "width": size}
    options["name"] = _name_of(options)
    check(state, options)
    return state, options


def to_torchvision(state: State, options: Options) -> str:
    """The name of torchvision's network that takes the tensors as they are."""
    try:
        name = _name_of(options)
        check(state, options)
    except (KeyError, TypeError) as error:
        raise ConvertError("the network in its metadata is damaged") from error
    return name.replace("-", "_")
