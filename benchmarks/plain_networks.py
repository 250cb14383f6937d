"""The networks on scattering maps as they are written in plain PyTorch, of torchvision's blocks."""

import torch
from torchvision.models.resnet import BasicBlock, Bottleneck


def _group(block: type, channels: int, width: int, depth: int, stride: int) -> torch.nn.Sequential:
    out = width * block.expansion
    layers = []
    for index in range(depth):
        first = index == 0
        downsample = None
        if first and (stride != 1 or channels != out):
            convolution = torch.nn.Conv2d(channels, out, 1, stride, bias=False)
            downsample = torch.nn.Sequential(convolution, torch.nn.BatchNorm2d(out))
        layers.append(block(channels if first else out, width, stride if first else 1, downsample))
    return torch.nn.Sequential(*layers)


def _scatresnet(
    block: type, stem: int, depths: list[int], widths: list[int], classes: int, input_norm: bool
) -> torch.nn.Sequential:
    """(N, 75, h, w) maps of J = 3, L = 8, order 1 to (N, classes) scores."""
    maps = 75
    layers = [torch.nn.BatchNorm2d(maps, affine=False)] if input_norm else []
    layers += [torch.nn.Conv2d(maps, stem, 3, padding=1, bias=False), torch.nn.BatchNorm2d(stem)]
    layers.append(torch.nn.ReLU(inplace=True))
    channels = stem
    for index, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        layers.append(_group(block, channels, width, depth, 1 if index == 0 else 2))
        channels = width * block.expansion
    layers += [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(channels, classes)]
    return torch.nn.Sequential(*layers)


def make_network(name: str, classes: int) -> torch.nn.Sequential:
    """Those of `scatlight models` that a comparison needs."""
    if name == "scatresnet50":
        return _scatresnet(Bottleneck, 128, [5, 8, 3], [128, 256, 512], classes, input_norm=False)
    if name == "scatresnet10":
        return _scatresnet(BasicBlock, 256, [2, 2], [256, 512], classes, input_norm=False)
    if name == "scatresnet-small":
        return _scatresnet(BasicBlock, 64, [2, 2], [64, 128], classes, input_norm=True)
    raise SystemExit(f"{name}: scatresnet50, scatresnet10 and scatresnet-small are written in plain PyTorch")
