"""The whole detector against torchvision's Faster R-CNN, with the same weights, on one picture."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision_detector
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision_detector import our_name

RUN_DETECTOR = os.environ["SCATLIGHT_RUN_DETECTOR"]
SIZES = (16, 32, 64)
CLASSES = ["cat", "dog", "owl"]
WIDTH, HEIGHT = 150, 120  # on a canvas of 160 x 128
# left, top, width, height, class
OBJECTS = [(10, 20, 50, 40, 1), (70.5, 30.25, 60, 80, 3), (3, 90, 12, 20, 2), (60, 5, 33, 17, 2)]


def make_model() -> FasterRCNN:
    return torchvision_detector.make_model(
        SIZES,
        len(CLASSES),
        min_size=HEIGHT,
        max_size=WIDTH,
        rpn_pre_nms_top_n_train=300,
        rpn_post_nms_top_n_train=60,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_test=40,
        rpn_batch_size_per_image=100_000,
        box_score_thresh=0.05,
        box_nms_thresh=0.5,
        box_detections_per_img=30,
        box_batch_size_per_image=10_000,
        box_positive_fraction=1.0,
    )


class Case:
    """Both sides' numbers of one picture."""

    def __init__(self, folder: Path) -> None:
        model = make_model()
        pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "picture.png")
        annotations = [
            {"id": i + 1, "image_id": 1, "category_id": label, "bbox": box, "area": box[2] * box[3]}
            for i, (*box, label) in enumerate(OBJECTS)
        ]
        (folder / "objects.json").write_text(
            json.dumps(
                {
                    "images": [{"id": 1, "file_name": "picture.png", "width": WIDTH, "height": HEIGHT}],
                    "categories": [{"id": i + 1, "name": name} for i, name in enumerate(CLASSES)],
                    "annotations": annotations,
                }
            )
        )
        image = torch.from_numpy(pixels).permute(2, 0, 1) / 255
        torchvision_detector.spread_scores(model, image)
        weights = {our_name(name): tensor for name, tensor in model.state_dict().items()}
        save_file(weights, folder / "weights.safetensors", {"task": "detect"})
        command = [RUN_DETECTOR, folder / "weights.safetensors", folder / "objects.json", folder]
        subprocess.run([*command, folder / "ours.safetensors"], check=True)
        self.ours = load_file(folder / "ours.safetensors")
        self.theirs: dict[str, torch.Tensor] = {}
        self.detect(model, image)
        self.train(model, image)

    def detect(self, model: FasterRCNN, image: torch.Tensor) -> None:
        def keep(*names: str):
            def hook(_module: nn.Module, _arguments: object, output: object) -> None:
                outputs = output if isinstance(output, tuple | list) else (output,)
                for name, tensor in zip(names, outputs, strict=True):
                    self.theirs[name] = tensor[0] if isinstance(tensor, list) else tensor

            return hook

        hooks = [
            model.backbone.register_forward_hook(keep("features")),
            model.rpn.head.register_forward_hook(keep("objectness", "deltas")),
            model.rpn.register_forward_hook(keep("proposals", "losses")),
            model.roi_heads.box_predictor.register_forward_hook(keep("logits", "box_deltas")),
        ]
        model.eval()
        with torch.no_grad():
            found = model([image])[0]
        for hook in hooks:
            hook.remove()
        self.theirs["objectness"] = self.theirs["objectness"].permute(0, 2, 3, 1).flatten(1)
        self.theirs["deltas"] = self.theirs["deltas"].permute(0, 2, 3, 1).reshape(1, -1, 4)
        self.theirs["box_deltas"] = self.theirs["box_deltas"].unflatten(1, (-1, 4))
        columns = [found["labels"][:, None] - 1, found["scores"][:, None], found["boxes"]]
        self.theirs["detections"] = torch.cat(columns, 1)

    def train(self, model: FasterRCNN, image: torch.Tensor) -> None:
        model.train()
        torchvision_detector.freeze_norms(model)
        boxes = torch.tensor([box for *box, _ in OBJECTS])
        boxes[:, 2:] += boxes[:, :2]
        labels = torch.tensor([label for *_, label in OBJECTS])
        losses = model([image], [{"boxes": boxes, "labels": labels}])
        sum(losses.values()).backward()
        names = {
            "objectness": "loss_objectness",
            "rpn_box": "loss_rpn_box_reg",
            "class": "loss_classifier",
            "box": "loss_box_reg",
        }
        for ours, theirs in names.items():
            self.theirs[f"loss.{ours}"] = losses[theirs].detach()
        for name, parameter in model.named_parameters():
            self.theirs[f"gradient.{our_name(name)}"] = parameter.grad

    def error(self, name: str) -> float:
        """Of the largest magnitude."""
        ours, theirs = self.ours[name], self.theirs[name]
        assert ours.shape == theirs.shape
        error = float((ours - theirs).abs().max() / theirs.abs().max())
        print(f"{name} {tuple(ours.shape)}: error {error:.2e} of scale")
        return error


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("detector"))


@pytest.mark.parametrize("name", ["features", "objectness", "deltas", "proposals", "logits", "box_deltas"])
def test_stages(case: Case, name: str) -> None:
    assert len(case.theirs["proposals"]) == 40
    assert case.error(name) < 1e-4


def test_detections(case: Case) -> None:
    found = case.theirs["detections"]
    assert len(set(found[:, 0].tolist())) > 1, "several classes"
    assert len(found) > 10
    assert torch.equal(case.ours["detections"][:, 0], found[:, 0])
    assert case.error("detections") < 1e-4


@pytest.mark.parametrize("name", ["objectness", "rpn_box", "class", "box"])
def test_losses(case: Case, name: str) -> None:
    assert case.theirs[f"loss.{name}"] > 0
    assert case.error(f"loss.{name}") < 1e-4


def test_gradients(case: Case) -> None:
    """Of all that is trained: batch norms are not."""
    names = [name for name in case.ours if name.startswith("gradient.")]
    assert len(names) == 53 + 10  # convolutions; weights and biases of the layers of boxes and classes
    for name in names:
        assert case.error(name) < 1e-3
