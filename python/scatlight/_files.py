"""Files that a kill leaves whole."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacement(file: Path) -> Iterator[Path]:
    """Where to write what takes a file's place. It does so at the end, whole; after an exception nothing is
    left of it. A symbolic link is followed; what is no regular file is an OSError."""
    target = Path(os.path.realpath(file))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "it is a folder" if target.is_dir() else "it is not a regular file")
    temporary = target.parent / f".{target.name}.tmp"
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
