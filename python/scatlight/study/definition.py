"""What a file of studies/ says."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from scatlight.study.errors import StudyError
from scatlight.study.tables import Flag, Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    try:
        import tomli as tomllib
    except ImportError as error:
        raise SystemExit("scatlight.study: Python 3.10 needs the package tomli: pip install tomli") from error

NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")

# Flags of `scatlight train` that the study gives from elsewhere.
RESERVED = (
    "config", "data", "data-changed", "epochs", "help", "minutes", "overwrite", "resume", "resume-or-new",
    "run", "seed", "threads", "val", "val-share",
)  # fmt: skip

KEYS = ("title", "question", "train", "val", "note", "keep-weights", "skip", "flags", "variants", "subsets",
        "published")  # fmt: skip
KEYS_OF_VARIANT = ("name", "title", "flags", "without")
KEYS_OF_SUBSET = ("images", "seeds", "epochs", "minutes", "flags", "variants")
KEYS_OF_PUBLISHED = ("name", "top1", "deviation", "source")
ALL_IMAGES = "all"
IMAGES = re.compile(f"[1-9][0-9]*|{ALL_IMAGES}")
BY_IMAGES = f'a table of numbers by images per class, or by "{ALL_IMAGES}",'


@dataclass(frozen=True)
class Variant:
    """One way to train."""

    name: str
    title: str  # on pages
    flags: dict[str, Flag]
    without: list[str]  # flags of the study and its subsets that it does not take


@dataclass(frozen=True)
class Subset:
    """How many images are trained on, how often, and for how long."""

    images: int | None  # of each class; None: all
    seeds: list[int]
    epochs: int | None  # of one set of runs
    minutes: float | None  # and of another
    flags: dict[str, Flag]
    variants: list[str]  # those that are trained


@dataclass(frozen=True)
class Published:
    """Accuracies of others to compare with."""

    name: str
    top1: dict[str, float]  # percent, by images of each class
    deviation: dict[str, float]  # over seeds; where it is known
    source: str


@dataclass(frozen=True)
class Study:
    file: str
    title: str
    question: str
    train: str  # folders, relative to that of all data
    val: str
    note: str  # on the data, to stand beside all accuracies
    keep_weights: bool
    flags: dict[str, Flag]
    variants: list[Variant]
    subsets: list[Subset]
    published: list[Published]


def _read_variant(table: Table) -> Variant:
    name = table.text("name")
    if not NAME.fullmatch(name):
        raise table.fail("name", "a name of small letters, digits, dots and dashes")
    return Variant(
        name=name,
        title=table.text("title", name),
        flags=table.flags("flags", RESERVED),
        without=table.texts("without"),
    )


def _read_subset(table: Table, names: list[str], skipped: list[str]) -> Subset:
    chosen = table.texts("variants") or names
    for name in chosen:
        if name not in names:
            raise StudyError(f"{table.fail('variants', 'a list of names of variants')}: there is no '{name}'")
    if not table.is_word("images", ALL_IMAGES) and not table.is_whole("images", 1):
        raise table.fail("images", f'a number of images per class, or "{ALL_IMAGES}",')
    return Subset(
        images=None if table.is_word("images", ALL_IMAGES) else table.whole("images", 1),
        seeds=table.wholes("seeds"),
        epochs=table.whole("epochs", 1) if table.has("epochs") else None,
        minutes=table.positive("minutes") if table.has("minutes") else None,
        flags=table.flags("flags", RESERVED),
        variants=[name for name in names if name in chosen and name not in skipped],
    )


def _read_published(table: Table) -> Published:
    return Published(
        name=table.text("name"),
        top1=table.numbers("top1", IMAGES, BY_IMAGES),
        deviation=table.numbers("deviation", IMAGES, BY_IMAGES) if table.has("deviation") else {},
        source=table.text("source"),
    )


def _check_names(where: str, names: list[str], skipped: list[str]) -> None:
    if not names:
        raise StudyError(f"{where}: it has no [[variants]]: give at least one")
    for name in names:
        if names.count(name) > 1:
            raise StudyError(f"{where}: two variants are named '{name}'")
    for name in skipped:
        if name not in names:
            raise StudyError(f"{where}: 'skip' names '{name}', but the variants are {', '.join(names)}")


def _check_without(where: str, study: Study) -> None:
    common = {*study.flags, *(name for subset in study.subsets for name in subset.flags)}
    for variant in study.variants:
        for name in variant.without:
            if name not in common:
                raise StudyError(
                    f"{where}: variant '{variant.name}' is without '{name}', which no common flag is"
                )


def parse_study(text: str, where: str) -> Study:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{where}: it is not TOML: {error}") from error
    table = Table(values, where, KEYS)
    variants = [_read_variant(one) for one in table.tables("variants", KEYS_OF_VARIANT)]
    names = [variant.name for variant in variants]
    skipped = table.texts("skip")
    _check_names(where, names, skipped)
    study = Study(
        file=Path(where).name,
        title=table.text("title"),
        question=table.text("question", ""),
        train=table.text("train"),
        val=table.text("val"),
        note=table.text("note", ""),
        keep_weights=table.truth("keep-weights", False),
        flags=table.flags("flags", RESERVED),
        variants=[variant for variant in variants if variant.name not in skipped],
        subsets=[_read_subset(one, names, skipped) for one in table.tables("subsets", KEYS_OF_SUBSET)],
        published=[_read_published(one) for one in table.tables("published", KEYS_OF_PUBLISHED)],
    )
    if not study.subsets:
        raise StudyError(f"{where}: it has no [[subsets]]: give at least one")
    _check_without(where, study)
    return study


def read_study(file: Path) -> Study:
    """Throws StudyError."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise StudyError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{file}: it is not UTF-8 text") from error
    return parse_study(text, str(file))
