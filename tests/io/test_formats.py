"""The project's .npy and safetensors files against numpy and the safetensors package, both ways."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

COPY = os.environ["SCATLIGHT_COPY_ARRAYS"]


def copy(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COPY, source, target], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (2, 3, 5, 7), (0, 3)])
def test_npy(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).uniform(0, 255, shape).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    assert copy(tmp_path / "a.npy", tmp_path / "b.npy").returncode == 0
    again = np.load(tmp_path / "b.npy")
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert np.array_equal(again, array)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_versions(tmp_path: Path, version: tuple[int, int]) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version=version)
    assert copy(tmp_path / "a.npy", tmp_path / "b.npy").returncode == 0
    assert np.array_equal(np.load(tmp_path / "b.npy"), array)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((2, 3), dtype=">f4"), "'>f4'"),
        (np.zeros((2, 3), dtype=np.int64), "'<i8'"),
        (np.zeros((2, 3), dtype=np.float16), "'<f2'"),
        (np.zeros((2, 3), dtype=np.complex64), "'<c8'"),
        (np.asfortranarray(np.zeros((2, 3), dtype=np.float32)), "Fortran order"),
        (np.zeros(3, dtype=[("x", "<f4"), ("y", "<f4")]), "records"),
        (np.array([{}, []], dtype=object), "'|O'"),
    ],
)
def test_npy_refusals(tmp_path: Path, array: np.ndarray, reason: str) -> None:
    np.save(tmp_path / "a.npy", array)
    result = copy(tmp_path / "a.npy", tmp_path / "b.npy")
    assert result.returncode == 1
    assert reason in result.stderr
    assert not (tmp_path / "b.npy").exists()


def example_tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "conv1.weight": torch.randn(4, 3, 3, 3, generator=generator),
        "double": torch.randn(5, generator=generator, dtype=torch.float64),
        "half": torch.randn(7, generator=generator).half(),
        "brain": torch.randn(3, 1, generator=generator).bfloat16(),
        "steps": torch.tensor(12345678901234),
        "int": torch.arange(5, dtype=torch.int32),
        "bytes": torch.arange(3, dtype=torch.uint8),
        "flags": torch.tensor([True, False, True]),
        "empty": torch.zeros(0, 4),
        'odd "name" \n ü': torch.ones(1),
    }


def test_safetensors(tmp_path: Path) -> None:
    tensors = example_tensors()
    metadata = {"network": "scatresnet10", "classes": '["a", "ü"]'}
    save_file(tensors, tmp_path / "a.safetensors", metadata)
    assert copy(tmp_path / "a.safetensors", tmp_path / "b.safetensors").returncode == 0
    again = load_file(tmp_path / "b.safetensors")
    assert again.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert again[name].dtype == tensor.dtype
        assert torch.equal(again[name], tensor), name
    with safe_open(tmp_path / "b.safetensors", "pt") as file:
        assert file.metadata() == metadata


def test_safetensors_without_tensors(tmp_path: Path) -> None:
    save_file({}, tmp_path / "a.safetensors")
    assert copy(tmp_path / "a.safetensors", tmp_path / "b.safetensors").returncode == 0
    assert load_file(tmp_path / "b.safetensors") == {}


def test_safetensors_refuses_unknown_types(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(2, dtype=torch.float8_e4m3fn)}, tmp_path / "a.safetensors")
    result = copy(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert result.returncode == 1
    assert "the type 'F8_E4M3'" in result.stderr


@pytest.mark.parametrize("kept", [0, 7, 8, 100, -1])
def test_safetensors_refuses_truncated_files(tmp_path: Path, kept: int) -> None:
    save_file(example_tensors(), tmp_path / "a.safetensors")
    path = tmp_path / "a.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    result = copy(path, tmp_path / "b.safetensors")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "b.safetensors").exists()
