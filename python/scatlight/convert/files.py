"""Weights in files of torch and of scatlight."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from scatlight._files import first_line, replacement
from scatlight.convert.layouts import ConvertError, Options, State

# Under which keys programs keep the tensors: torch's examples and pyscatlight, torchvision's.
KEYS = ("state_dict", "model")


def _read_safetensors(file: Path) -> tuple[State, dict[str, str]]:
    """The tensors and the metadata."""
    try:
        with safe_open(file, "pt") as tensors:
            return {name: tensors.get_tensor(name) for name in tensors.keys()}, tensors.metadata() or {}  # noqa: SIM118
    except OSError as error:
        raise ConvertError(f"cannot read {file}: {error.strerror or first_line(error)}") from error
    except SafetensorError as error:
        raise ConvertError(f"{file}: it is no safetensors file: {first_line(error)}") from error


def _read_pickle(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConvertError(f"cannot read {file}: {error.strerror}") from error
    except Exception as error:  # a broken pickle may raise anything
        raise ConvertError(
            f"{file}: it is not a checkpoint of torch with tensors alone: {first_line(error)}"
        ) from error


def read_checkpoint(file: Path) -> State:
    """A state_dict, alone or in a checkpoint, as safetensors or in any of torch's formats."""
    if file.suffix == ".safetensors":
        state, metadata = _read_safetensors(file)
        if "network" in metadata:
            raise ConvertError(f"{file}: scatlight wrote it, and reads it as it is")
    else:
        checkpoint = _read_pickle(file)
        held = checkpoint if isinstance(checkpoint, dict) else {}
        state = next((held[key] for key in KEYS if isinstance(held.get(key), dict)), held)
    if not state:
        raise ConvertError(f"{file}: it holds no tensors with names")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise ConvertError(f"{file}: its entry {name!r} is not a tensor with a name")
    # DataParallel adds a prefix.
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def read_weights(file: Path) -> tuple[State, Options]:
    """What scatlight wrote: a file, or model.safetensors of a run folder."""
    state, metadata = _read_safetensors(file / "model.safetensors" if file.is_dir() else file)
    try:
        options = json.loads(metadata["network"])
    except (KeyError, ValueError) as error:
        raise ConvertError(f"{file}: its metadata has no network: scatlight did not write it") from error
    return state, options


def read_classes(file: Path | None, count: int) -> list[str]:
    """The names in a file, one per line; without a file the numbers from 0 on."""
    if file is None:
        return [str(index) for index in range(count)]
    try:
        names = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConvertError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConvertError(f"{file}: it is not UTF-8 text") from error
    if len(names) != count or len(set(names)) != count or not all(names):
        raise ConvertError(
            f"{file}: {count} lines with different names are needed; it has {len(names)} lines"
        )
    return names


def _write(file: Path, save: Callable[[Path], None]) -> None:
    """Leaves the old file or the new one, whole."""
    try:
        with replacement(file) as temporary:
            save(temporary)
    except Exception as error:  # safetensors and torch have errors of their own for a full disk
        raise ConvertError(f"cannot write {file}: {first_line(error)}") from error


def _plain(state: State) -> State:
    return {
        name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()
    }


def write_weights(
    file: Path, state: State, options: Options, classes: list[str], recipe: dict[str, Any]
) -> None:
    """The metadata are those of `scatlight train`."""
    metadata = {
        "network": json.dumps(options),
        "classes": json.dumps(classes),
        "recipe": json.dumps(recipe),
    }
    _write(file, lambda path: save_file(_plain(state), path, metadata))


def write_checkpoint(file: Path, state: State) -> None:
    """For torch.load()."""
    _write(file, lambda path: torch.save(_plain(state), path))
