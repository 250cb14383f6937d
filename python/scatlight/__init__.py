"""scatlight: the first-order scattering transform of images, and networks on it."""

from importlib import import_module, metadata
from pathlib import Path
from typing import Any

_FRONTENDS = ("numpy", "torch", "sklearn")


def _read_version() -> str:
    """Of a checkout from its one source, the C++ header; of an installed package from its metadata."""
    header = Path(__file__).resolve().parents[2] / "include/scatlight/version.h"
    if header.is_file():
        for line in header.read_text().splitlines():
            if line.startswith("#define SCATLIGHT_VERSION"):
                return line.split('"')[1]
    return metadata.version("scatlight")


__version__ = _read_version()


def Scattering2D(*arguments: Any, frontend: str = "numpy", **options: Any) -> Any:
    """The transform of scatlight.numpy, scatlight.torch or scatlight.sklearn, by name, as kymatio has it."""
    name = frontend.lower()
    if name not in _FRONTENDS:
        raise RuntimeError(f"The frontend {frontend!r} is not valid. Must be one of {', '.join(_FRONTENDS)}.")
    return import_module(f"scatlight.{name}").Scattering2D(*arguments, **options)
