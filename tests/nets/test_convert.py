"""Checkpoints in the layout of the authors' code become weights that scatlight runs with the same outputs."""

import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from kymatio.torch import Scattering2D
from safetensors import safe_open
from scatlight.convert import ConvertError, convert_pyscatlight
from torch.nn import functional

RUN_NETWORK = os.environ["SCATLIGHT_RUN_NETWORK"]
CLASSES = 11
SIZE = 64

State = dict[str, torch.Tensor]


def add_conv(state: State, conv: str, norm: str, shape: tuple[int, ...]) -> None:
    fan_in = shape[1] * shape[2] * shape[3]
    state[f"{conv}.weight"] = torch.randn(shape) * (2 / fan_in) ** 0.5
    state[f"{norm}.weight"] = torch.rand(shape[0]) * 0.7 + 0.5
    state[f"{norm}.bias"] = torch.rand(shape[0]) * 0.4 - 0.2
    state[f"{norm}.running_mean"] = torch.rand(shape[0]) * 0.6 - 0.3
    state[f"{norm}.running_var"] = torch.rand(shape[0]) + 0.6


def make_state(bottleneck: bool, widths: list[int], depths: list[int]) -> State:
    """Random tensors with the authors' names; batch norms without counts, as torch had it in 2018."""
    torch.manual_seed(0)
    state: State = OrderedDict()
    add_conv(state, "module.conv1", "module.bn1", (widths[0], 75, 3, 3))
    channels = widths[0]
    for group, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        out = 4 * width if bottleneck else width
        for index in range(depth):
            block = f"module.layers.{group}.{index}"
            kernels = [(channels, width, 1), (width, width, 3), (width, out, 1)]
            if not bottleneck:
                kernels = [(channels, width, 3), (width, width, 3)]
            for number, (inputs, outputs, kernel) in enumerate(kernels, start=1):
                add_conv(
                    state, f"{block}.conv{number}", f"{block}.bn{number}", (outputs, inputs, kernel, kernel)
                )
            if index == 0 and (group > 0 or channels != out):
                add_conv(state, f"{block}.downsample.0", f"{block}.downsample.1", (out, channels, 1, 1))
            channels = out
    state["module.fc.weight"] = torch.randn(CLASSES, channels) * channels**-0.5
    state["module.fc.bias"] = torch.randn(CLASSES)
    return state


def conv_and_norm(state: State, x: torch.Tensor, conv: str, norm: str, stride: int = 1) -> torch.Tensor:
    weight = state[f"{conv}.weight"]
    x = functional.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)
    parts = [state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    return functional.batch_norm(x, *parts)


def run_block(state: State, x: torch.Tensor, block: str, stride: int) -> torch.Tensor:
    last = 3 if f"{block}.conv3.weight" in state else 2
    strided = last - 1  # the 3x3 of a bottleneck, the first of a basic block
    out = x
    for number in range(1, last + 1):
        out = conv_and_norm(
            state, out, f"{block}.conv{number}", f"{block}.bn{number}", stride if number == strided else 1
        )
        out = out if number == last else out.relu()
    if f"{block}.downsample.0.weight" in state:
        x = conv_and_norm(state, x, f"{block}.downsample.0", f"{block}.downsample.1", stride)
    return (out + x).relu()


def run_authors_network(state: State, images: torch.Tensor, depths: list[int]) -> np.ndarray:
    maps = Scattering2D(J=3, shape=(SIZE, SIZE), L=8, max_order=1)(images).flatten(1, 2)
    x = conv_and_norm(state, maps, "module.conv1", "module.bn1").relu()
    for group, depth in enumerate(depths):
        for index in range(depth):
            x = run_block(state, x, f"module.layers.{group}.{index}", 2 if group > 0 and index == 0 else 1)
    return functional.linear(x.mean((2, 3)), state["module.fc.weight"], state["module.fc.bias"]).numpy()


def convert(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "scatlight.convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def save_checkpoint(state: State, file: Path, zipped: bool = True) -> None:
    checkpoint = {
        "epoch": 90,
        "arch": "scat50",
        "state_dict": state,
        "best_prec1": torch.tensor(74.5),
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "momentum": 0.9}]},
    }
    torch.save(checkpoint, file, _use_new_zipfile_serialization=zipped)


@pytest.mark.parametrize(
    ("name", "bottleneck", "widths", "depths", "zipped"),
    [
        ("scatresnet50", True, [128, 256, 512], [5, 8, 3], False),
        ("scatresnet10", False, [256, 512], [2, 2], True),
        ("scatresnet", True, [16, 32], [1, 2], False),
    ],
)
def test_same_outputs(tmp_path: Path, name, bottleneck, widths, depths, zipped) -> None:
    state = make_state(bottleneck, widths, depths)
    save_checkpoint(state, tmp_path / "model.pth.tar", zipped)
    classes = [f"n{index:08}" for index in range(CLASSES)]
    (tmp_path / "classes.txt").write_text("\n".join(classes) + "\n")
    result = convert(
        tmp_path / "model.pth.tar", tmp_path / "model.safetensors", "--classes", tmp_path / "classes.txt"
    )
    assert result.returncode == 0, result.stderr
    assert name in result.stdout
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "classes.txt",
        "model.pth.tar",
        "model.safetensors",
    ]
    with safe_open(tmp_path / "model.safetensors", "np") as file:
        assert file.metadata()["classes"] == str(classes).replace("'", '"')

    images = torch.randn(2, 3, SIZE, SIZE)
    np.save(tmp_path / "images.npy", images.numpy())
    # "-": the network is the one that the file names.
    command = [RUN_NETWORK, "-", "-", SIZE, tmp_path / "model.safetensors", tmp_path / "images.npy"]
    command += [tmp_path / "logits.npy", tmp_path / "saved.safetensors"]
    subprocess.run([str(part) for part in command], check=True)
    expected = run_authors_network(state, images, depths)
    error = np.abs(np.load(tmp_path / "logits.npy") - expected).max() / np.abs(expected).max()
    print(f"{name}: error {error:.2e} of the largest logit")
    assert error < 1e-5


SMALL = (False, [8, 16], [1, 1])


def without(name: str) -> State:
    state = make_state(*SMALL)
    del state[name]
    return state


def with_tensor(name: str, tensor: torch.Tensor) -> State:
    return make_state(*SMALL) | {name: tensor}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (without("module.layers.1.0.bn2.running_var"), "lacks the tensor 'layer2.0.bn2.running_var'"),
        (without("module.conv1.weight"), "no tensor 'conv1.weight'"),
        (without("module.fc.weight"), "no tensor 'fc.weight'"),
        (with_tensor("module.extra", torch.zeros(1)), "'extra'"),
        (with_tensor("module.conv1block.0.conv1.weight", torch.zeros(1)), "'conv1block.0.conv1.weight'"),
        (with_tensor("module.conv1.weight", torch.zeros(8, 75, 1, 1)), "1 x 1"),
        (with_tensor("module.conv1.weight", torch.zeros(8, 74, 3, 3)), "74 maps"),
        (with_tensor("module.conv1.weight", torch.zeros(8)), "4 dimensions"),
        (with_tensor("module.bn1.bias", torch.zeros(9)), "'bn1.bias'"),
        (with_tensor("module.bn1.bias", torch.zeros(8, dtype=torch.float64)), "float64"),
        (with_tensor("module.layers.1.0.conv1.weight", torch.zeros(0, 8, 3, 3)), "widths [8, 0]"),
    ],
)
def test_other_layouts_are_refused(state: State, text: str) -> None:
    with pytest.raises(ConvertError) as caught:
        convert_pyscatlight(state)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


class RunsCode:
    """Unpickled carelessly, it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.folder,)


def test_bad_files_are_refused_in_one_line(tmp_path: Path) -> None:
    good = tmp_path / "good.pth.tar"
    save_checkpoint(make_state(*SMALL), good)
    torch.save({"state_dict": {"a": RunsCode(tmp_path / "harm")}}, tmp_path / "code.pth.tar")
    torch.save(make_state(*SMALL), tmp_path / "bare.pth.tar")
    torch.save({"state_dict": {"a": 3}}, tmp_path / "number.pth.tar")
    (tmp_path / "empty.pth.tar").write_bytes(b"")
    (tmp_path / "text.pth.tar").write_text("no checkpoint")
    (tmp_path / "truncated.pth.tar").write_bytes(good.read_bytes()[:-3000])
    (tmp_path / "classes.txt").write_text("a\nb\n")
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out.safetensors"
    bad = ["code", "bare", "number", "empty", "text", "truncated", "absent"]
    runs = [[tmp_path / f"{name}.pth.tar", out] for name in bad]
    runs.append([good, out, "--classes", tmp_path / "classes.txt"])
    runs.append([good, tmp_path / "absent" / "out.safetensors"])
    for run in runs:
        result = convert(*run)
        assert result.returncode == 1, run
        assert result.stderr.startswith("scatlight.convert: ")
        assert len(result.stderr.splitlines()) == 1, result.stderr
    assert sorted(tmp_path.iterdir()) == before
