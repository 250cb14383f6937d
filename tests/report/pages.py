"""Makes pages and reads them."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from html.parser import HTMLParser

from runs import write_json
from scatlight.report import make_page
from scatlight.report.__main__ import main
from scatlight.report.load import load_runs


@dataclass
class Result:
    returncode: int
    stdout: str
    stderr: str


def report(*arguments) -> Result:
    """In this process: another would take a second to import matplotlib."""
    with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
        try:
            returncode = main([str(argument) for argument in arguments])
        except SystemExit as left:  # of argparse
            returncode = int(left.code or 0)
    return Result(returncode, stdout.getvalue(), stderr.getvalue())


class Page(HTMLParser):
    """Checks that tags are balanced, and gathers what a page refers to and the text in it."""

    ALONE = frozenset({"meta", "img", "br", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.anchors: set[str] = set()
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.ALONE:
            self.open.append(tag)
        values = dict(attrs)
        self.references += [values[name] for name in ("src", "href", "xlink:href") if values.get(name)]
        if tag == "section":
            self.anchors.add(values["id"])

    def handle_startendtag(self, tag, attrs):
        self.references += [value for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def change(file, **values):
    """A record with other values; None takes one out."""
    record = json.loads(file.read_text())
    write_json(file, {key: value for key, value in (record | values).items() if value is not None})


def html_of(*folders) -> str:
    return make_page(load_runs(list(folders)), "title")


def cut_section(name: str, html: str) -> str:
    start = html.index(f'<section id="{name}"')
    return html[start : html.index("</section>", start)] + "</section>"


def section_of(name: str, *folders) -> str:
    return cut_section(name, html_of(*folders))


def words_in(section: str) -> str:
    """In which cells and words stand one space apart."""
    html = section.replace("</t", " </t").replace("</p>", " </p>").replace("</d", " </d")
    return " ".join(Page(html).text.split())


def text_of(name: str, *folders) -> str:
    return words_in(section_of(name, *folders))
