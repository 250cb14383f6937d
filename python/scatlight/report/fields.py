"""Typed access to JSON that others wrote: what is missing or of another type is a ReportError of one line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LARGEST = 1e100  # number whose square and logarithm can be computed with


class ReportError(Exception):
    """A file that a page cannot be made from; the text is one line that names it."""


def read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ReportError(f"{file}: it is not UTF-8 text") from error


def parse(text: str, where: str) -> "Fields":
    try:
        value = json.loads(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        return Fields(value, where)
    except UnicodeEncodeError as error:
        raise ReportError(f"{where}: it holds half of a surrogate pair, which is no text") from error
    except json.JSONDecodeError as error:
        raise ReportError(f"{where}: it is not JSON: {error.msg} (line {error.lineno})") from error
    except ValueError as error:  # a number of thousands of digits
        raise ReportError(f"{where}: it is not JSON that anything here writes: {error}") from error
    except RecursionError as error:
        raise ReportError(f"{where}: it is not JSON that anything here writes: nested too deeply") from error


def _is_number(value: Any) -> bool:
    """Not infinity and the like, which Python's JSON knows, and nothing that is too large to compute with."""
    return type(value) in (int, float) and abs(value) < LARGEST


class Fields:
    """One JSON object. Names with dots reach into nested objects."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ReportError(f"{where}: a JSON object is expected")
        self._values: dict[str, Any] = value
        self._where = where

    def _find(self, name: str) -> object:
        value: Any = self._values
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def _fail(self, name: str, expected: str) -> ReportError:
        value = self._find(name)
        found = "is missing" if value is None else f"is {json.dumps(value)[:60]}"
        return ReportError(f"{self._where}: '{name}' {found}; {expected} is expected")

    @property
    def where(self) -> str:
        """For messages: the file, and the place in it."""
        return self._where

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def text(self, name: str) -> str:
        value = self._find(name)
        if not isinstance(value, str):
            raise self._fail(name, "text")
        return value

    def expect(self, name: str, value: str) -> None:
        """Another's file under the same name is told apart by this."""
        if self._find(name) != value:
            raise self._fail(name, json.dumps(value))

    def within(self, name: str) -> "Fields":
        return Fields(self._find(name), f"{self._where}: {name}")

    def flag(self, name: str) -> bool:
        value = self._find(name)
        if not isinstance(value, bool):
            raise self._fail(name, "true or false")
        return value

    def number(self, name: str) -> float:
        value: Any = self._find(name)
        if not _is_number(value):
            raise self._fail(name, "a number")
        return float(value)

    def positive_number(self, name: str) -> float:
        value = self.number(name)
        if value <= 0:
            raise self._fail(name, "a number above 0")
        return value

    def integer(self, name: str) -> int:
        value = self._find(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._fail(name, "a whole number")
        return value

    def optional_number(self, name: str) -> float | None:
        return self.number(name) if self.has(name) else None

    def optional_integer(self, name: str) -> int | None:
        return self.integer(name) if self.has(name) else None

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if self.has(name) else None

    def items(self, name: str) -> dict[str, Any]:
        value = self._find(name)
        if not isinstance(value, dict):
            raise self._fail(name, "a JSON object")
        return value

    def texts(self, name: str) -> list[str]:
        value = self._find(name)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self._fail(name, "a list of text")
        return value

    def integers(self, name: str) -> list[int]:
        value = self._find(name)
        if not isinstance(value, list) or not all(type(entry) is int for entry in value):
            raise self._fail(name, "a list of whole numbers")
        return value

    def positive(self, name: str) -> int:
        value = self.integer(name)
        if value < 1:
            raise self._fail(name, "a whole number of at least 1")
        return value

    def index(self, name: str, count: int) -> int:
        value = self.integer(name)
        if not 0 <= value < count:
            raise self._fail(name, f"a whole number from 0 to below {count}")
        return value

    def one_of(self, name: str, *accepted: str) -> str:
        value = self.text(name)
        if value not in accepted:
            raise self._fail(name, f"one of {', '.join(accepted)}")
        return value

    def counts(self, name: str) -> dict[str, int]:
        """An object of whole numbers; the names of its fields may hold dots."""
        values = self.items(name)
        if not all(type(entry) is int for entry in values.values()):
            raise self._fail(name, "a JSON object of whole numbers")
        return values

    def named_numbers(self, name: str) -> dict[str, float]:
        """An object of numbers; the names of its fields may hold dots."""
        values = self.items(name)
        if not all(_is_number(entry) for entry in values.values()):
            raise self._fail(name, "a JSON object of numbers")
        return {key: float(entry) for key, entry in values.items()}

    def numbers(self, name: str, count: int | None = None) -> list[float]:
        value: Any = self._find(name)
        is_list = isinstance(value, list) and (count is None or len(value) == count)
        if not is_list or not all(_is_number(entry) for entry in value):
            raise self._fail(name, f"a list of {f'{count} ' if count else ''}numbers")
        return [float(entry) for entry in value]

    def rows(self, name: str, width: int) -> list[list[float]]:
        """Lists of this many numbers each; an absent list has none."""
        value = self._find(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._fail(name, f"a list of lists of {width} numbers")
        for row in value:
            if not isinstance(row, list) or len(row) != width or not all(_is_number(entry) for entry in row):
                raise self._fail(name, f"a list of lists of {width} numbers")
        return [[float(entry) for entry in row] for row in value]

    def columns(self, *names: str) -> list[list[float]]:
        """Lists of numbers, of one length."""
        columns = [self.numbers(name) for name in names]
        for name, column in zip(names, columns, strict=True):
            if len(column) != len(columns[0]):
                raise ReportError(
                    f"{self._where}: '{name}' has {len(column)} numbers, '{names[0]}' {len(columns[0])}"
                )
        return columns

    def square(self, name: str, side: int) -> list[list[int]]:
        """A matrix of side x side whole numbers."""
        rows: Any = self._find(name)
        if not isinstance(rows, list) or len(rows) != side:
            raise self._fail(name, f"a matrix of {side} x {side} whole numbers")
        for row in rows:
            if not isinstance(row, list) or len(row) != side or not all(type(entry) is int for entry in row):
                raise self._fail(name, f"a matrix of {side} x {side} whole numbers")
        return rows

    def objects(self, name: str) -> Iterator["Fields"]:
        """The objects of a list; an absent list has none."""
        value = self._find(name)
        if value is None:
            return
        if not isinstance(value, list):
            raise self._fail(name, "a list of objects")
        for index, entry in enumerate(value):
            yield Fields(entry, f"{self._where}: {name}[{index}]")
