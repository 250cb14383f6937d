"""scatlight: the first-order scattering transform of images, and networks on it."""

from importlib import metadata
from pathlib import Path


def _read_version() -> str:
    """Of a checkout from its one source, the C++ header; of an installed package from its metadata."""
    header = Path(__file__).resolve().parents[2] / "include/scatlight/version.h"
    if header.is_file():
        for line in header.read_text().splitlines():
            if line.startswith("#define SCATLIGHT_VERSION"):
                return line.split('"')[1]
    return metadata.version("scatlight")


__version__ = _read_version()
