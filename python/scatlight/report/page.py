"""The page: sections by their templates, in one file that needs nothing else."""

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from scatlight import __version__
from scatlight._files import replacement
from scatlight.report import words
from scatlight.report.command_line import flags_as_words
from scatlight.report.fields import ReportError
from scatlight.report.load import Run
from scatlight.report.sections import SECTIONS


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("scatlight.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=words.count,
        decibel=words.decibel,
        digits=words.digits,
        duration=words.duration,
        flags_as_words=flags_as_words,
        memory=words.memory,
        percent=words.percent,
    )
    return environment


def make_page(runs: Sequence[Run], title: str) -> str:
    """The HTML of the sections that have something to show."""
    environment = _environment()
    sections = []
    for make_section in SECTIONS:
        section = make_section(runs)
        if section is not None:
            html = environment.get_template(section.template).render(section.content)
            sections.append((section.name, section.title, html))
    made = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return environment.get_template("page.html.j2").render(
        title=title, sections=sections, version=__version__, made=made
    )


def write_page(file: Path, html: str) -> None:
    """Leaves the old page or the new one, whole."""
    try:
        with replacement(file) as temporary:
            temporary.write_text(html, encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot write {file}: {error.strerror}") from error
