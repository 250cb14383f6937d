"""Exported networks compute in onnxruntime what they compute in scatlight."""

import errno
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.numpy import load_file, save_file

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("scatlight._core")

from scatlight.export import network  # noqa: E402
from scatlight.export.__main__ import main  # noqa: E402
from scatlight.export.graph import Graph  # noqa: E402
from scatlight.export.model import Network, Weights, take_wavelets  # noqa: E402
from scatlight.numpy import Scattering2D  # noqa: E402

PROGRAM = os.environ["SCATLIGHT"]
RUN_NETWORK = os.environ["SCATLIGHT_RUN_NETWORK"]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"
SIZE = 64
CLASSES = ["Öl", 'a "b"', "c", "d", "e", "f", "g"]
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

PLAIN = {"scales": 3, "angles": 8, "max_order": 1, "input_norm": False, "first_stride": 1}
PLAIN |= {"family": "scatresnet", "block": "basic", "stem": 8, "expansion": 1}
BOTTLENECK = PLAIN | {"block": "bottleneck", "expansion": 4}
PIXELS = {"family": "resnet"}
WIDE = {"family": "wideresnet", "stem": 4, "depths": [2, 2, 2]}
# The catalogue's, with few channels.
NETWORKS: dict[str, dict[str, Any]] = {
    "scatresnet10": PLAIN | {"depths": [2, 2], "widths": [8, 16]},
    "scatresnet10-order2": PLAIN | {"max_order": 2, "depths": [2, 2], "widths": [8, 16]},
    "scatresnet50": BOTTLENECK | {"depths": [5, 8, 3], "widths": [4, 8, 16]},
    "wide-scatresnet50-2": BOTTLENECK | {"stem": 16, "depths": [5, 8, 3], "widths": [8, 16, 32]},
    "resnet50": BOTTLENECK | PIXELS | {"depths": [3, 4, 6, 3], "widths": [4, 8, 16, 32]},
    "resnet101": BOTTLENECK | PIXELS | {"depths": [3, 4, 23, 3], "widths": [4, 4, 8, 8]},
    "resnet152": BOTTLENECK | PIXELS | {"depths": [3, 8, 36, 3], "widths": [4, 4, 8, 8]},
    "wide-resnet50-2": BOTTLENECK
    | PIXELS
    | {"expansion": 2, "depths": [3, 4, 6, 3], "widths": [8, 16, 16, 16]},
    "scatresnet-small": PLAIN | {"input_norm": True, "depths": [2, 2], "widths": [8, 16]},
    "resnet-small": PLAIN | PIXELS | {"first_stride": 2, "depths": [2, 2], "widths": [8, 16]},
    "scatdet-small": PLAIN | {"input_norm": True, "depths": [2, 2, 2], "widths": [8, 16, 16]},
    "det-small": PLAIN | PIXELS | {"first_stride": 2, "depths": [2, 2, 2], "widths": [8, 16, 16]},
    "wrn-16-8": PLAIN | WIDE | {"widths": [8, 16, 32]},
    "wrn-16-4": PLAIN | WIDE | {"widths": [4, 8, 16]},
    "wrn-16-2": PLAIN | WIDE | {"widths": [4, 4, 8]},
    "linear": PLAIN | {"family": "linear", "depths": [], "widths": []},
}
# What the command line can change.
OTHERS = {
    "odd size, angles and depths": (
        75,
        PLAIN | {"scales": 2, "angles": 5, "depths": [1, 3], "widths": [6, 10]},
    ),
    "one scale": (33, PLAIN | {"scales": 1, "angles": 1, "depths": [1], "widths": [8]}),
    "hardly larger than 2^J": (35, PLAIN | {"scales": 5, "angles": 3, "depths": [1], "widths": [8]}),
    "order 2, four scales": (
        50,
        PLAIN | {"scales": 4, "angles": 3, "max_order": 2, "input_norm": True, "depths": [1], "widths": [8]},
    ),
    "learned filters": (40, PLAIN | {"learned_filters": "shared", "depths": [1], "widths": [8]}),
    "learned filters of each colour, order 2": (
        43,
        PLAIN
        | {"learned_filters": "per-channel", "scales": 2, "angles": 4, "max_order": 2}
        | {"depths": [1], "widths": [8]},
    ),
    "some paths": (48, PLAIN | {"input": "scattering", "paths": [0, 3, 24], "depths": [1], "widths": [8]}),
    "dct": (
        45,
        PLAIN
        | {"input": "dct", "dct_channels": 24, "image_mean": MEAN, "image_deviation": DEVIATION}
        | {"standardize": True, "depths": [1], "widths": [8]},
    ),
    "all of the dct": (32, PLAIN | {"input": "dct", "scales": 2, "depths": [1], "widths": [8]}),
    "space to depth": (45, PLAIN | {"input": "space-to-depth", "depths": [1], "widths": [8]}),
    "patchify": (45, PLAIN | {"input": "patchify", "depths": [1], "widths": [8]}),
    "pooled": (45, PLAIN | {"input": "pooled", "input_norm": True, "depths": [1], "widths": [8]}),
    "wide, on scattering": (
        45,
        PLAIN | WIDE | {"input": "scattering", "scales": 2, "input_norm": True, "widths": [4, 8, 8]},
    ),
    "linear on pixels": (16, PLAIN | {"family": "linear", "input": "pixels", "depths": [], "widths": []}),
    "pixels, normalised": (41, PLAIN | PIXELS | {"input_norm": True, "depths": [1, 1], "widths": [8, 8]}),
}


class Drawn(Weights):
    """Random tensors, of the names and shapes that are asked for."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.tensors: dict[str, np.ndarray] = {}

    def _take(self, name: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
        if kind == "F64":  # wavelets that were learned
            *_, scales, angles, _ = shape
            first = Scattering2D(scales, (2**scales, 2**scales), angles).wavelet_shapes()
            tensor = first * (1 + 0.1 * self.random.standard_normal(shape).clip(-1, 1))
        elif kind == "I64":
            tensor = np.zeros(shape, np.int64)
        elif len(shape) > 1:
            fan_in = int(np.prod(shape[1:]))
            tensor = self.random.standard_normal(shape, np.float32) * np.float32((2 / fan_in) ** 0.5)
        elif name.endswith(("running_var", ".weight", ".deviation")):
            tensor = self.random.random(shape, np.float32) * np.float32(0.8) + np.float32(0.4)
        else:
            tensor = self.random.random(shape, np.float32) * np.float32(0.4) - np.float32(0.2)
        self.tensors[name] = tensor
        return tensor


def save_model(folder: Path, name: str, options: dict[str, Any], size: int = SIZE) -> Path:
    """A model of random weights, as `scatlight train` writes it: scatlight refuses others."""
    options = options | {"name": name, "classes": len(CLASSES), "height": size, "width": size}
    weights = Drawn()
    network.add_network(Graph(), "x", Network(**options), weights)
    take_wavelets(weights, Network(**options))
    recipe = {"size": size, "resize": size + 9, "mean": MEAN, "deviation": DEVIATION}
    metadata = {"network": options, "classes": CLASSES, "recipe": recipe}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.safetensors"
    save_file(weights.tensors, file, {key: json.dumps(value) for key, value in metadata.items()})
    return file


def export(*arguments: object) -> int:
    """In this process: another would take a second to import all."""
    return main([str(argument) for argument in arguments])


def open_session(file: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def draw_images(count: int, size: int) -> np.ndarray:
    """(count, 3, size, size), 0 ... 1, with structure at all scales."""
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[:size, :size]
    waves = [np.sin(rows / (2 + i) + columns / (5 - i)) for i in range(3)]
    noise = random.random((count, 3, size, size))
    return (0.25 + 0.2 * np.stack(waves) + 0.5 * noise).clip(0, 1).astype(np.float32)


def normalized(images: np.ndarray) -> np.ndarray:
    mean, deviation = (np.array(values, np.float32).reshape(3, 1, 1) for values in (MEAN, DEVIATION))
    return (images - mean) / deviation


def logits_of_scatlight(model: Path, images: np.ndarray) -> np.ndarray:
    folder = model.parent
    np.save(folder / "images.npy", normalized(images))
    command = [RUN_NETWORK, "-", "-", images.shape[-1], model, folder / "images.npy", folder / "logits.npy"]
    command += [folder / "saved.safetensors", "fold"]
    subprocess.run([str(part) for part in command], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return np.load(folder / "logits.npy")


def check_logits(given: np.ndarray, expected: np.ndarray) -> None:
    error = np.abs(given - expected).max() / np.abs(expected).max()
    print(f"error {error:.2e} of the largest logit")
    assert error < 1e-5


# ---- all networks ----


def test_catalogue_is_complete() -> None:
    listed = subprocess.run([PROGRAM, "models", "--json"], capture_output=True, text=True, check=True).stdout
    assert {entry["name"] for entry in json.loads(listed)} == {*NETWORKS, "vgg16"}


CASES = {name: (SIZE, options) for name, options in NETWORKS.items()} | OTHERS


@pytest.mark.parametrize("name", CASES)
def test_same_outputs(tmp_path: Path, name: str) -> None:
    size, options = CASES[name]
    model = save_model(tmp_path, name, options, size)
    out = tmp_path / "out.onnx"
    assert export(model, out, "--logits") == 0
    images = draw_images(2, size)
    (logits,) = open_session(out).run(["logits"], {"images": images})
    check_logits(logits, logits_of_scatlight(model, images))


@pytest.mark.parametrize("size", [32, 75, 224, 288])
def test_vgg(tmp_path: Path, monkeypatch, size: int) -> None:
    """The whole VGG-16 has half a gigabyte: here with few channels, beside torch."""
    groups, hidden = ((4, 2), (4, 2), (4, 3), (8, 3), (8, 3)), 32
    monkeypatch.setattr(network, "VGG16_GROUPS", groups)
    monkeypatch.setattr(network, "VGG16_HIDDEN", hidden)
    model = save_model(tmp_path, "vgg16", PLAIN | {"family": "vgg", "depths": [], "widths": []}, size)
    out = tmp_path / "out.onnx"
    assert export(model, out, "--logits") == 0

    layers: list[torch.nn.Module] = []
    channels = 3
    for width, depth in groups:
        for _ in range(depth):
            layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU()]
            channels = width
        layers.append(torch.nn.MaxPool2d(2))
    widths = [49 * channels, hidden, hidden, len(CLASSES)]
    affine = [torch.nn.Linear(*pair) for pair in itertools.pairwise(widths)]
    relu, dropout = torch.nn.ReLU(), torch.nn.Dropout()
    parts = {
        "features": torch.nn.Sequential(*layers),
        "pool": torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(7), torch.nn.Flatten()),
        "classifier": torch.nn.Sequential(affine[0], relu, dropout, affine[1], relu, dropout, affine[2]),
    }
    vgg = torch.nn.Sequential(OrderedDict(parts)).eval()
    vgg.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in load_file(model).items()})
    images = draw_images(2, size)
    (logits,) = open_session(out).run(["logits"], {"images": images})
    with torch.no_grad():
        check_logits(logits, vgg(torch.from_numpy(normalized(images))).numpy())


def test_shape_of_vgg() -> None:
    """Names and shapes of the whole network are those that scatlight and torchvision have."""
    with torch.device("meta"):
        state = torchvision.models.vgg16(num_classes=len(CLASSES)).state_dict()
    options = PLAIN | {"name": "vgg16", "family": "vgg", "depths": [], "widths": [], "classes": len(CLASSES)}
    asked: dict[str, tuple[int, ...]] = {}

    class Asked(Weights):
        def __init__(self) -> None: ...

        def _take(self, name: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
            asked[name] = shape
            return np.zeros(1, np.float32)

    network.add_network(Graph(), "x", Network(**options, height=224, width=224), Asked())
    assert asked == {name: tuple(tensor.shape) for name, tensor in state.items()}


# ---- the file ----

SMALL = ("small", PLAIN | {"depths": [1], "widths": [8]})


def test_maps_as_input(tmp_path: Path) -> None:
    model = save_model(tmp_path, *SMALL)
    whole, rest = tmp_path / "whole.onnx", tmp_path / "rest.onnx"
    assert export(model, whole, "--logits") == 0
    assert export(model, rest, "--logits", "--maps") == 0
    assert rest.stat().st_size < whole.stat().st_size
    images = draw_images(3, SIZE)
    scattering = Scattering2D(J=3, shape=(SIZE, SIZE), L=8, max_order=1)
    maps = scattering(normalized(images)).reshape(3, 75, 8, 8)
    (logits,) = open_session(rest).run(None, {"maps": maps})
    (expected,) = open_session(whole).run(None, {"images": images})
    check_logits(logits, expected)


def test_what_the_file_says(tmp_path: Path, capsys) -> None:
    model = save_model(tmp_path / "run", *SMALL)
    out = tmp_path / "out.onnx"
    assert export(tmp_path / "run", out) == 0
    assert capsys.readouterr().out.startswith(f"{out}: small, 7 classes, from images to probabilities: ")
    session = open_session(out)
    properties = {key: json.loads(text) for key, text in session.get_modelmeta().custom_metadata_map.items()}
    assert properties["classes"] == CLASSES
    assert properties["recipe"] == {"size": SIZE, "resize": SIZE + 9, "mean": MEAN, "deviation": DEVIATION}
    assert properties["network"]["widths"] == [8]
    (given,), (result,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape) == ("images", ["N", 3, SIZE, SIZE])
    assert (result.name, result.shape) == ("probabilities", ["N", 7])
    images = draw_images(3, SIZE)
    (probabilities,) = session.run(None, {"images": images})
    logits = logits_of_scatlight(model, images).astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    # Images of a batch do not mix.
    for image, row in zip(images, probabilities, strict=True):
        np.testing.assert_allclose(session.run(None, {"images": image[None]})[0][0], row, atol=1e-6)


def test_opsets(tmp_path: Path) -> None:
    model = save_model(tmp_path, *SMALL)
    results = []
    images = draw_images(1, SIZE)
    for opset in (13, 17, 21):
        out = tmp_path / f"{opset}.onnx"
        assert export(model, out, "--opset", opset) == 0
        assert [entry.version for entry in onnx.load(out).opset_import] == [opset]
        results.append(open_session(out).run(None, {"images": images})[0])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
    np.testing.assert_allclose(results[0], results[2], rtol=1e-6)
    newest = onnx.defs.onnx_opset_version()
    assert export(model, tmp_path / "newest.onnx", "--opset", newest) == 0


# ---- bad input ----


OPTIONS = SMALL[1] | {"name": "small", "classes": len(CLASSES), "height": SIZE, "width": SIZE}
RECIPE = {"size": SIZE, "resize": SIZE, "mean": MEAN, "deviation": DEVIATION}


def with_network(**changed: Any) -> dict[str, Any]:
    return {"network": OPTIONS | changed}


def save_changed(file: Path, tensors: dict[str, np.ndarray], **changed: Any) -> None:
    """With other metadata than those of the small model; None leaves a key out, text stays text."""
    metadata = {"network": OPTIONS, "classes": CLASSES, "recipe": RECIPE} | changed
    texts = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in metadata.items()
        if value is not None
    }
    save_file(tensors, file, texts)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"network": None}, "no 'network': it is not a model that scatlight train wrote"),
        ({"classes": None}, "no 'classes'"),
        ({"recipe": "{"}, "'recipe' in its metadata is damaged"),
        ({"network": "[" * 100_000}, "'network' in its metadata is damaged"),
        ({"classes": ["a", 3]}, "'classes' in its metadata is damaged"),
        ({"classes": ["a"]}, "names 1 classes, its network has 7"),
        ({"recipe": RECIPE | {"size": 32}}, "images of 32 x 32, its network for 64 x 64"),
        ({"recipe": RECIPE | {"mean": [0.5]}}, "those of three colours"),
        ({"recipe": RECIPE | {"mean": [0.5, float("nan"), 0]}}, "the mean in its metadata must be finite"),
        ({"recipe": RECIPE | {"deviation": [1, 0, 1]}}, "the deviation above 0"),
        (with_network(family="transformer"), "'transformer'"),
        (with_network(scales=True), "'scales' is missing or wrong"),
        (with_network(scales=99), "'scales' is 99"),
        (with_network(scales=7), "too small for small, which needs 128 x 128"),
        (with_network(max_order=3), "'max_order' is 3"),
        (with_network(depths=[1, 1]), "depths [1, 1] and the widths [8]"),
        (with_network(depths=[0]), "depths [0]"),
        (with_network(name="a\nb"), "'name' is 'a\\nb'"),
        (with_network(depths=[2]), "no tensor 'layer1.1.conv1.weight', which small needs"),
        (
            with_network(widths=[9]),
            "'layer1.0.conv1.weight' is F32 [8, 8, 3, 3]; small needs F32 [9, 8, 3, 3]",
        ),
        (with_network(family="linear"), "no tensor 'norm0.running_mean'"),
        (with_network(angles=5), "'conv1.weight' is F32 [8, 75, 3, 3]; small needs F32 [8, 48, 3, 3]"),
        (with_network(input="fft"), "its 'input' is 'fft'"),
        (with_network(family="resnet", input="dct"), "its 'input' is 'dct'"),
        (with_network(paths=[3, 1]), "its 'paths' is [3, 1]"),
        (with_network(input="dct", dct_channels=193), "its 'dct_channels' is 193"),
        (with_network(input="dct"), "[8, 75, 3, 3]; small needs F32 [8, 192, 3, 3]"),
        (with_network(standardize=True), "no tensor 'standardize.mean'"),
        ({"task": "detect"}, "it is a detector"),
        ({"scatlight.checkpoint": "{}"}, "it is a checkpoint"),
    ],
)
def test_bad_metadata(tmp_path: Path, capsys, changed: dict[str, Any], text: str) -> None:
    file = tmp_path / "changed.safetensors"
    save_changed(file, load_file(save_model(tmp_path, *SMALL)), **changed)
    complains(capsys, [file, tmp_path / "out.onnx"], str(file), text)


def complains(capsys, arguments: list[object], *texts: str) -> None:
    assert export(*arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("scatlight.export: ")
    assert len(printed.err.splitlines()) == 1
    for text in texts:
        assert text in printed.err


def test_bad_input(tmp_path: Path, capsys) -> None:
    model = save_model(tmp_path / "run", *SMALL)
    pixels = save_model(tmp_path / "pixels", "resnet-small", NETWORKS["resnet-small"])
    tensors = load_file(model)
    tensors["fc.bias"][2] = np.nan
    bad, more = tmp_path / "bad.safetensors", tmp_path / "more.safetensors"
    save_changed(bad, tensors)
    save_changed(more, load_file(model) | {"extra": np.zeros(3, np.float32)})
    text = tmp_path / "text.safetensors"
    text.write_text("no model")
    short = tmp_path / "short.safetensors"
    short.write_bytes(model.read_bytes()[:-100])
    (tmp_path / "folder.onnx").mkdir()
    before = sorted(tmp_path.rglob("*"))
    bytes_before = model.read_bytes()

    out = tmp_path / "out.onnx"
    complains(capsys, [tmp_path / "absent", out], "cannot read", "absent: No such file or directory")
    complains(capsys, [tmp_path, out], "cannot read", "model.safetensors: No such file or directory")
    complains(capsys, [text, out], "text.safetensors: it is no safetensors file")
    complains(capsys, [short, out], "short.safetensors: it is no safetensors file")
    complains(capsys, [bad, out], "'fc.bias' has numbers that are not finite")
    complains(capsys, [more, out], "it has a tensor 'extra', which small does not have")
    complains(capsys, [pixels, out, "--maps"], "--maps: resnet-small reads pixels")
    complains(capsys, [model, out, "--opset", 12], "--opset 12: 13 to ")
    complains(capsys, [model, out, "--opset", 10**30], "--opset")
    complains(capsys, [model, tmp_path / "absent" / "out.onnx"], "cannot write", "No such file or directory")
    complains(capsys, [model, tmp_path / "folder.onnx"], "cannot write", "it is a folder")
    complains(capsys, [model, "/dev/full"], "cannot write /dev/full: it is not a regular file")
    complains(capsys, [model, text / "out.onnx"], "cannot write")
    complains(capsys, [model, tmp_path / ("o" * 300)], "cannot write", "File name too long")
    complains(capsys, [tmp_path / "run", model], "it is the model itself")
    assert sorted(tmp_path.rglob("*")) == before
    assert model.read_bytes() == bytes_before


def test_the_old_file_stays_or_goes_as_a_whole(tmp_path: Path, monkeypatch) -> None:
    model = save_model(tmp_path / "run", *SMALL)
    old, link = tmp_path / "old.onnx", tmp_path / "link.onnx"
    old.write_text("old")
    link.symlink_to(old)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "disk full")))
        assert export(model, link) == 1
    assert old.read_text() == "old"
    assert export(model, link) == 0
    assert link.is_symlink()
    assert onnx.load(old).producer_name == "scatlight"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link.onnx", "old.onnx", "run"]


def test_program() -> None:
    command = [sys.executable, "-m", "scatlight.export", "absent", "out.onnx"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "scatlight.export: cannot read absent: No such file or directory\n"


# ---- the document ----


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)


def test_programs_of_the_document(tmp_path: Path, monkeypatch, capsys) -> None:
    """They say what `scatlight predict` says."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "runs" / "photos", "scatresnet-small", NETWORKS["scatresnet-small"])
    pixels = draw_images(1, 130)[0, :, :95].transpose(1, 2, 0)
    Image.fromarray((pixels * 255).astype(np.uint8)).save("photo.jpg", quality=95)
    start = "python -m scatlight.export "
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith(start)]
    assert len(commands) == 2
    for command in commands:
        assert export(*shlex.split(command.removeprefix(start))) == 0
    capsys.readouterr()
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(block, names)
    np.testing.assert_allclose(names["from_maps"], names["probabilities"], atol=1e-6)

    lines = capsys.readouterr().out.splitlines()
    predict = [PROGRAM, "predict", "runs/photos", "photo.jpg", "--json", "--threads", "1"]
    told = json.loads(subprocess.run(predict, capture_output=True, text=True, check=True).stdout)
    expected = told["images"][0]["predictions"]
    assert len(lines) == len(expected) == 5
    for line, guess in zip(lines, expected, strict=True):
        probability, name = line.split("  ")
        assert name == guess["class"]
        # Pillow has a libjpeg of its own.
        assert float(probability) == pytest.approx(guess["probability"], abs=1e-3)
