"""A few images of each class, as a folder of links."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from scatlight.study.errors import StudyError

# As src/data/left_out.cpp has them.
IMAGES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp")


def _images_of(folder: Path) -> list[Path]:
    """Relative to the class's folder. Hidden ones, and all in hidden folders, are passed over."""
    found = (file.relative_to(folder) for file in folder.rglob("*") if file.suffix.lower() in IMAGES)
    return [file for file in found if not any(part.startswith(".") for part in file.parts)]


def list_classes(root: Path) -> dict[str, list[Path]]:
    """The images of each class, relative to ROOT/CLASS. Throws StudyError."""
    try:
        folders = sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))
        classes = {folder.name: _images_of(folder) for folder in folders}
    except OSError as error:
        raise StudyError(f"cannot read {error.filename}: {error.strerror}") from error
    if not classes:
        raise StudyError(f"{root}: it has no class folders, from which subsets are drawn")
    return classes


def check_sizes(root: Path, classes: dict[str, list[Path]], largest: int) -> None:
    """Throws StudyError where a subset has more images of a class than there are."""
    name = min(classes, key=lambda one: len(classes[one]))
    if len(classes[name]) < largest:
        raise StudyError(
            f"{root}: the class '{name}' has {len(classes[name])} images, but a subset takes "
            f"{largest} of each"
        )


def draw(images: Sequence[Path], name: str, count: int, seed: int) -> list[Path]:
    """Images of a class. Which ones depends on the seed and on the names alone: wherever the data lie, and a
    larger subset of the same seed holds the smaller ones."""

    def key(image: Path) -> str:
        return hashlib.sha256(f"{seed}\n{name}\n{image.as_posix()}".encode()).hexdigest()

    return sorted(sorted(images, key=key)[:count])


def _links_in(folder: Path) -> dict[Path, Path]:
    return {link.relative_to(folder): link.readlink() for link in folder.rglob("*") if link.is_symlink()}


def make_subset(root: Path, classes: dict[str, list[Path]], count: int, seed: int, folder: Path) -> None:
    """Makes FOLDER/CLASS/image link to ROOT/CLASS/image, unless it does. Throws StudyError."""
    links = {
        Path(name) / image: root.resolve() / name / image
        for name, images in classes.items()
        for image in draw(images, name, count, seed)
    }
    temporary = folder.parent / f".{folder.name}.tmp"
    try:
        if folder.is_dir() and _links_in(folder) == links:
            return
        for old in (temporary, folder):
            if old.exists():
                shutil.rmtree(old)
        for place, target in links.items():
            (temporary / place).parent.mkdir(parents=True, exist_ok=True)
            (temporary / place).symlink_to(target)
        temporary.rename(folder)
    except OSError as error:
        raise StudyError(f"cannot make {folder}: {error.strerror}") from error
