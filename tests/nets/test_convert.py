"""Checkpoints of the authors' code and of torchvision become weights that scatlight runs with the same
outputs, and its weights become torchvision's."""

import io
import json
import os
import shlex
import subprocess
import sys
from collections import OrderedDict
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from kymatio.torch import Scattering2D
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scatlight.convert import ConvertError, from_pyscatlight, from_torchvision, to_torchvision
from scatlight.convert.__main__ import main, parse_arguments
from test_torchvision import with_used_statistics
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


@dataclass
class Result:
    returncode: int
    stdout: str
    stderr: str


def convert(*arguments) -> Result:
    """In this process: another would take a second to import torch."""
    with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
        returncode = main([str(argument) for argument in arguments])
    return Result(returncode, stdout.getvalue(), stderr.getvalue())


def save_checkpoint(state: State, file: Path, zipped: bool = True) -> None:
    checkpoint = {
        "epoch": 90,
        "arch": "scat50",
        "state_dict": state,
        "best_prec1": torch.tensor(74.5),
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "momentum": 0.9}]},
    }
    torch.save(checkpoint, file, _use_new_zipfile_serialization=zipped)


def run_converted(folder: Path, images: torch.Tensor) -> np.ndarray:
    """The logits of folder/model.safetensors, which scatlight then saves as saved.safetensors."""
    np.save(folder / "images.npy", images.numpy())
    # "-": the network is the one that the file names.
    command = [RUN_NETWORK, "-", "-", SIZE, folder / "model.safetensors", folder / "images.npy"]
    command += [folder / "logits.npy", folder / "saved.safetensors"]
    subprocess.run([str(part) for part in command], check=True)
    return np.load(folder / "logits.npy")


def error_of(logits: np.ndarray, expected: np.ndarray) -> float:
    error = np.abs(logits - expected).max() / np.abs(expected).max()
    print(f"error {error:.2e} of the largest logit")
    return error


# ---- the authors' code ----


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
    files = [tmp_path / "model.pth.tar", tmp_path / "model.safetensors"]
    result = convert("from-pyscatlight", *files, "--classes", tmp_path / "classes.txt")
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
    expected = run_authors_network(state, images, depths)
    assert error_of(run_converted(tmp_path, images), expected) < 1e-5


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
        from_pyscatlight({name.removeprefix("module."): tensor for name, tensor in state.items()})
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
    torch.save([torch.zeros(1)], tmp_path / "list.pth.tar")
    torch.save({"state_dict": {"a": 3}}, tmp_path / "number.pth.tar")
    (tmp_path / "empty.pth.tar").write_bytes(b"")
    (tmp_path / "text.pth.tar").write_text("no checkpoint")
    (tmp_path / "text.safetensors").write_text("no checkpoint")
    (tmp_path / "truncated.pth.tar").write_bytes(good.read_bytes()[:-3000])
    (tmp_path / "classes.txt").write_text("a\nb\n")
    save_file({"a": torch.zeros(1)}, tmp_path / "ours.safetensors", {"network": "{}"})
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out.safetensors"
    bad = ["code", "list", "number", "empty", "text", "truncated", "absent"]
    runs = [["from-pyscatlight", tmp_path / f"{name}.pth.tar", out] for name in bad]
    runs.append(["from-pyscatlight", good, out, "--classes", tmp_path / "classes.txt"])
    runs.append(["from-pyscatlight", good, tmp_path / "absent" / "out.safetensors"])
    runs.append(["from-torchvision", good, out])
    runs.append(["from-torchvision", good, out, "--size", "224", "--resize", "200"])
    runs += [
        ["from-torchvision", tmp_path / f"{name}.safetensors", out] for name in ("text", "ours", "absent")
    ]
    runs += [
        ["to-torchvision", tmp_path / name, out]
        for name in ("text.safetensors", "ours.safetensors", "absent")
    ]
    for run in runs:
        result = convert(*run)
        assert result.returncode == 1, run
        assert result.stderr.startswith("scatlight.convert: ")
        assert len(result.stderr.splitlines()) == 1, result.stderr
    assert sorted(tmp_path.iterdir()) == before


# ---- torchvision ----


def make_model(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return with_used_statistics(torchvision.models.get_model(name, num_classes=CLASSES)).eval()


def test_to_scatlight_and_back(tmp_path: Path) -> None:
    model = make_model("resnet18")
    # Without counts, as in torchvision's first files.
    state = {key: tensor for key, tensor in model.state_dict().items() if "num_batches" not in key}
    save_file(state, tmp_path / "theirs.safetensors")
    classes = [f"class {index}" for index in range(CLASSES)]
    (tmp_path / "classes.txt").write_text("\n".join(classes) + "\n")
    out = tmp_path / "model.safetensors"
    flags = ["--size", SIZE, "--resize", 70, "--classes", tmp_path / "classes.txt"]
    result = convert("from-torchvision", tmp_path / "theirs.safetensors", out, *flags)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"resnet18, {CLASSES} classes" in result.stdout
    with safe_open(out, "np") as file:
        metadata = {key: json.loads(text) for key, text in file.metadata().items()}
    assert metadata["classes"] == classes
    assert (metadata["recipe"]["size"], metadata["recipe"]["resize"]) == (SIZE, 70)
    images = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        expected = model(images).numpy()
    assert error_of(run_converted(tmp_path, images), expected) < 1e-5

    # The checkpoints of torchvision's and of torch's examples hold the same.
    ours = load_file(out)
    for checkpoint in ({"model": state, "epoch": 90}, {"state_dict": state}, state):
        torch.save(checkpoint, tmp_path / "theirs.pth")
        assert (
            convert("from-torchvision", tmp_path / "theirs.pth", tmp_path / "again", *flags).returncode == 0
        )
        again = load_file(tmp_path / "again")
        assert again.keys() == ours.keys()
        assert all(torch.equal(again[name], tensor) for name, tensor in ours.items())

    result = convert("to-torchvision", tmp_path / "saved.safetensors", tmp_path / "back.pth")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"torchvision.models.resnet18(num_classes={CLASSES})" in result.stdout
    back = torchvision.models.get_model("resnet18", num_classes=CLASSES)
    back.load_state_dict(torch.load(tmp_path / "back.pth", weights_only=True), strict=True)
    with torch.no_grad():
        assert error_of(back.eval()(images).numpy(), expected) == 0


def test_run_folders_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    save_file({"a": torch.zeros(1)}, folder / "model.safetensors", {"network": "{}"})
    assert "metadata is damaged" in convert("to-torchvision", folder, tmp_path / "out.pth").stderr


def test_commands_of_the_document() -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "weights.md"
    start = "python -m scatlight.convert "
    commands = [line for line in document.read_text().splitlines() if line.startswith(start)]
    shown = {parse_arguments(shlex.split(line.removeprefix(start))).run for line in commands}
    assert len(shown) == 3


def test_program() -> None:
    command = [sys.executable, "-m", "scatlight.convert", "from-torchvision", "absent.pth", "out"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "scatlight.convert: cannot read absent.pth: No such file or directory\n"


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet152",
        "wide_resnet50_2",
        "wide_resnet101_2",
        "vgg16",
    ],
)
def test_networks_of_torchvision(name: str) -> None:
    with torch.device("meta"):
        model = torchvision.models.get_model(name, num_classes=CLASSES)
    state, options = from_torchvision(dict(model.state_dict()), 224)
    assert options["name"] == name.replace("_", "-")
    assert options["classes"] == CLASSES
    assert set(state) == set(model.state_dict())
    assert to_torchvision(state, options) == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("resnext50_32x4d", "'layer1.0.conv2.weight' is torch.float32 [128, 4, 3, 3]"),
        ("vgg16_bn", "lacks the tensor 'features.2.weight' of vgg16"),
        ("vgg11", "lacks the tensor 'features.2.weight' of vgg16"),
        ("mobilenet_v3_small", "resnet18, resnet34"),
        ("vit_b_16", "resnet18, resnet34"),
    ],
)
def test_other_networks_of_torchvision_are_refused(name: str, text: str) -> None:
    with torch.device("meta"):
        state = torchvision.models.get_model(name).state_dict()
    with pytest.raises(ConvertError) as caught:
        from_torchvision(dict(state), 224)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_networks_that_torchvision_lacks_are_refused() -> None:
    state = {name.removeprefix("module."): tensor for name, tensor in make_state(*SMALL).items()}
    state, options = from_pyscatlight(state)
    with pytest.raises(ConvertError, match="torchvision has no such network; it has resnet18"):
        to_torchvision(state, options)
