"""Typed access to a TOML table: a missing, unknown or mistaken key is a StudyError of one line."""

import difflib
import json
import math
import re
from collections.abc import Sequence
from typing import Any

from scatlight.study.errors import StudyError

Flag = bool | int | float | str | list[int] | list[float] | list[str]


def _show(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:60]


def _is_flag(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return bool(value) and all(type(entry) in (int, float, str) and _is_flag(entry) for entry in value)
    return isinstance(value, (bool, int, str))


class Table:
    """One table. `known`: the keys that it may have."""

    def __init__(self, values: object, where: str, known: Sequence[str]) -> None:
        if not isinstance(values, dict):
            raise StudyError(f"{where}: a table is expected, not {_show(values)}")
        self._values: dict[str, Any] = values
        self._where = where
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                advice = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
                raise StudyError(f"{where}: there is no key '{key}'; {advice}")

    def fail(self, key: str, expected: str) -> StudyError:
        if key not in self._values:
            return StudyError(f"{self._where}: '{key}' is missing; {expected} is expected")
        return StudyError(f"{self._where}: '{key}' is {_show(self._values[key])}; {expected} is expected")

    def has(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, default: str | None = None) -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.fail(key, "text")
        return value

    def truth(self, key: str, default: bool) -> bool:
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, "true or false")
        return value

    def is_whole(self, key: str, least: int) -> bool:
        value = self._values.get(key)
        return type(value) is int and value >= least

    def whole(self, key: str, least: int) -> int:
        if not self.is_whole(key, least):
            raise self.fail(key, f"a whole number of at least {least}")
        return int(self._values[key])

    def is_word(self, key: str, word: str) -> bool:
        return bool(self._values.get(key) == word)

    def positive(self, key: str) -> float:
        value: Any = self._values.get(key)
        if type(value) not in (int, float) or not 0 < value < math.inf:
            raise self.fail(key, "a number above 0")
        return float(value)

    def texts(self, key: str) -> list[str]:
        """None where the key is absent."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self.fail(key, "a list of text")
        return value

    def wholes(self, key: str) -> list[int]:
        """At least one, all different."""
        value = self._values.get(key)
        if not isinstance(value, list) or not value or not all(type(v) is int and v >= 0 for v in value):
            raise self.fail(key, "a list of whole numbers")
        if len(set(value)) < len(value):
            raise self.fail(key, "a list of different numbers")
        return value

    def numbers(self, key: str, names: re.Pattern[str], expected: str) -> dict[str, float]:
        """A table of numbers; `expected` describes them and their names."""
        value = self._values.get(key)
        if not isinstance(value, dict) or not all(names.fullmatch(name) for name in value):
            raise self.fail(key, expected)
        if not all(type(number) in (int, float) and math.isfinite(number) for number in value.values()):
            raise self.fail(key, expected)
        return {name: float(number) for name, number in value.items()}

    def flags(self, key: str, reserved: Sequence[str]) -> dict[str, Flag]:
        """Flags of a command line by their names, without dashes. `reserved` ones are given elsewhere."""
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, "a table of flags of `scatlight train`")
        for name, flag in value.items():
            if name in reserved:
                raise StudyError(f"{self._where}: '{name}' is no flag for '{key}': the study itself gives it")
            if not _is_flag(flag):
                raise StudyError(
                    f"{self._where}: {key}.{name} is {_show(flag)}; "
                    "a number, text, true, false or a list is expected"
                )
        return value

    def tables(self, key: str, known: Sequence[str]) -> "list[Table]":
        """Of [[key]]; none where it is absent."""
        value = self._values.get(key, [])
        if not isinstance(value, list):
            raise self.fail(key, f"[[{key}]]")
        return [
            Table(entry, f"{self._where}: {key}, number {number}", known)
            for number, entry in enumerate(value, start=1)
        ]
