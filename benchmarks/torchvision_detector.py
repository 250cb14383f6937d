"""torchvision's Faster R-CNN in scatlight's form: the last group of a ResNet-50 is the head, the rest the base."""

import torch
import torchvision
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FasterRCNN, FastRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign

RATIOS, STRIDE = (0.5, 1.0, 2.0), 16


class Base(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"):
            setattr(self, name, getattr(network, name))
        self.out_channels = 1024

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer3(self.layer2(self.layer1(x)))


class Head(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.layer4 = network.layer4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer4(x).mean((2, 3))


def cell_anchors(sizes: tuple[int, ...]) -> torch.Tensor:
    """The original Faster R-CNN's, around the middle of a cell."""
    rows = []
    for ratio in RATIOS:
        width = round((STRIDE * STRIDE / ratio) ** 0.5)
        height = round(width * ratio)
        for size in sizes:
            half = torch.tensor([width, height]) * size / STRIDE / 2
            rows.append(torch.cat([STRIDE / 2 - half, STRIDE / 2 + half]))
    return torch.stack(rows)


def make_model(sizes: tuple[int, ...], classes: int, **options: object) -> FasterRCNN:
    """With weights as after training; `sizes` are the anchors', `options` those of FasterRCNN."""
    torch.manual_seed(0)
    network = torchvision.models.resnet50()
    anchors = AnchorGenerator(sizes=(sizes,), aspect_ratios=(RATIOS,))
    anchors.cell_anchors = [cell_anchors(sizes)]
    model = FasterRCNN(
        Base(network),
        image_mean=[0.0] * 3,
        image_std=[1.0] * 3,
        rpn_anchor_generator=anchors,
        box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2),
        box_head=Head(network),
        box_predictor=FastRCNNPredictor(2048, classes + 1),
        **options,
    )
    generator = torch.Generator().manual_seed(1)

    def draw(tensor: torch.Tensor, low: float, high: float) -> None:
        tensor.data.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            draw(module.running_mean, -0.3, 0.3)
            draw(module.running_var, 0.6, 1.5)
            draw(module.weight, 0.3, 0.8)
            draw(module.bias, -0.2, 0.2)
    for layer, spread in [
        (model.rpn.head.cls_logits, 0.05),
        (model.rpn.head.bbox_pred, 0.02),
        (model.roi_heads.box_predictor.cls_score, 0.1),
        (model.roi_heads.box_predictor.bbox_pred, 0.05),
    ]:
        draw(layer.weight, -spread, spread)
        draw(layer.bias, -spread, spread)
    return model


def freeze_norms(model: FasterRCNN) -> None:
    """In training mode, batch norms stay as they are."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def spread_scores(model: FasterRCNN, image: torch.Tensor) -> None:
    """Gives the classes of a picture's proposals logits of mean 0 and deviation 1.5."""
    seen = []
    layer = model.roi_heads.box_predictor.cls_score
    hook = layer.register_forward_pre_hook(lambda _layer, arguments: seen.append(arguments[0]))
    model.eval()
    with torch.no_grad():
        model([image])
        hook.remove()
        layer.weight *= 1.5 / (seen[0] @ layer.weight.T).std(0)[:, None]
        layer.bias.copy_(-(seen[0] @ layer.weight.T).mean(0))


def our_name(name: str) -> str:
    """scatlight's name of a parameter."""
    return name.removeprefix("backbone.").removeprefix("roi_heads.box_head.")
