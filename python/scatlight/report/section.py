"""What every section is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from scatlight.report.load import Run


@dataclass(frozen=True)
class Section:
    name: str  # its anchor on the page
    title: str
    template: str
    content: dict[str, Any]


MakeSection = Callable[[Sequence[Run]], Section | None]


@dataclass(frozen=True)
class Figure:
    svg: Markup
    caption: str
