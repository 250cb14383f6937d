"""Weights go to and from torchvision, and the outputs are the same."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scatlight.convert import from_torchvision

RUN_NETWORK = os.environ["SCATLIGHT_RUN_NETWORK"]


def run(
    name: str, classes: int, size: int, weights: Path, images: Path, folder: Path, *more: str
) -> np.ndarray:
    logits = folder / "logits.npy"
    command = [
        RUN_NETWORK,
        name,
        str(classes),
        str(size),
        weights,
        images,
        logits,
        folder / "saved.safetensors",
        *more,
    ]
    subprocess.run([str(part) for part in command], check=True)
    return np.load(logits)


def with_used_statistics(model: torch.nn.Module) -> torch.nn.Module:
    """As after training: running statistics and affine parts of batch norm that are not 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low, high in [
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.6, 1.5),
                (module.weight.data, 0.5, 1.2),
                (module.bias.data, -0.2, 0.2),
            ]:
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)
    return model


@pytest.mark.parametrize(
    ("ours", "theirs", "size"),
    [
        ("resnet50", "resnet50", 224),
        ("resnet101", "resnet101", 96),
        ("resnet152", "resnet152", 64),
        ("wide-resnet50-2", "wide_resnet50_2", 97),
        ("vgg16", "vgg16", 96),
    ],
)
def test_exchange(tmp_path: Path, ours: str, theirs: str, size: int) -> None:
    torch.manual_seed(0)
    model = with_used_statistics(torchvision.models.get_model(theirs, num_classes=13)).eval()
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected = model(images).numpy()
    save_file(model.state_dict(), tmp_path / "theirs.safetensors")
    np.save(tmp_path / "images.npy", images.numpy())
    for more in ([], ["fold"]):
        logits = run(
            ours, 13, size, tmp_path / "theirs.safetensors", tmp_path / "images.npy", tmp_path, *more
        )
        error = np.abs(logits - expected).max() / np.abs(expected).max()
        print(f"{ours} {more}: error {error:.2e} of the largest logit")
        assert error < 1e-5

    with safe_open(tmp_path / "saved.safetensors", "pt") as file:
        network = json.loads(file.metadata()["network"])
    assert network == from_torchvision(dict(model.state_dict()), size)[1]
    saved = load_file(tmp_path / "saved.safetensors")
    back = torchvision.models.get_model(theirs, num_classes=13)
    back.load_state_dict(saved, strict=True)
    assert all(torch.equal(saved[name], tensor) for name, tensor in model.state_dict().items())


class WideBlock(torch.nn.Module):
    """As in Zagoruyko and Komodakis, "Wide residual networks": B(3, 3), batch norm and ReLU first."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = torch.nn.BatchNorm2d(inputs)
        self.conv1 = torch.nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(width)
        self.conv2 = torch.nn.Conv2d(width, width, 3, 1, 1, bias=False)
        if inputs != width or stride != 1:
            self.downsample = torch.nn.Conv2d(inputs, width, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        activated = torch.relu(self.bn1(x))
        shortcut = self.downsample(activated) if hasattr(self, "downsample") else x
        return shortcut + self.conv2(torch.relu(self.bn2(self.conv1(activated))))


class WideResNet(torch.nn.Module):
    def __init__(self, factor: int, classes: int) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        channels = 16
        for group, stride in ((1, 1), (2, 2), (3, 2)):
            width = 16 * factor * 2 ** (group - 1)
            blocks = [WideBlock(channels, width, stride), WideBlock(width, width, 1)]
            self.add_module(f"layer{group}", torch.nn.Sequential(*blocks))
            channels = width
        self.norm = torch.nn.BatchNorm2d(channels)
        self.fc = torch.nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(torch.relu(self.norm(x)).mean((2, 3)))


@pytest.mark.parametrize("more", [[], ["fold"]])
def test_wide_resnet(tmp_path: Path, more: list[str]) -> None:
    torch.manual_seed(0)
    model = with_used_statistics(WideResNet(4, 13)).eval()
    images = torch.randn(2, 3, 32, 32)
    save_file(model.state_dict(), tmp_path / "theirs.safetensors")
    np.save(tmp_path / "images.npy", images.numpy())
    with torch.no_grad():
        expected = model(images).numpy()
    logits = run(
        "wrn-16-4", 13, 32, tmp_path / "theirs.safetensors", tmp_path / "images.npy", tmp_path, *more
    )
    assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file(torchvision.models.resnet18(num_classes=13).state_dict(), tmp_path / "resnet18.safetensors")
    np.save(tmp_path / "images.npy", np.zeros((1, 3, 64, 64), np.float32))
    command = [
        RUN_NETWORK,
        "resnet50",
        "13",
        "64",
        tmp_path / "resnet18.safetensors",
        tmp_path / "images.npy",
    ]
    command += [tmp_path / "logits.npy", tmp_path / "saved.safetensors"]
    result = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert "resnet18.safetensors" in result.stderr
    assert "resnet50" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "logits.npy").exists()
