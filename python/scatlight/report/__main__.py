"""python -m scatlight.report FOLDER [FOLDER...] [--out report.html] [--title TITLE]"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scatlight import __version__
from scatlight.report.fields import ReportError
from scatlight.report.load import load_runs
from scatlight.report.page import make_page, write_page

DESCRIPTION = """Make one self-contained HTML page of what folders of runs, transforms, reconstructions,
studies of the transform and of trainings, and measurements of speed hold: curves, accuracy, found objects,
confusion matrices, predictions, scattering maps, reconstructed images, what the transform keeps and loses,
speed and memory of networks. Several folders are compared in the same pictures."""


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scatlight.report", description=DESCRIPTION)
    parser.add_argument(
        "runs",
        metavar="FOLDER",
        nargs="+",
        type=Path,
        help="what `scatlight train`, `train-detector`, `eval`, `predict`, `transform`, `reconstruct`, "
        "`study` or `bench` wrote, or `python -m scatlight.study`",
    )
    parser.add_argument("--out", type=Path, help="file to write (default: report.html in the first FOLDER)")
    parser.add_argument(
        "--title", default="scatlight report", help="heading of the page (default: %(default)s)"
    )
    parser.add_argument("--version", action="version", version=f"scatlight {__version__}")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    arguments = parse_arguments(words)
    out: Path = arguments.out or arguments.runs[0] / "report.html"
    try:
        write_page(out, make_page(load_runs(arguments.runs), arguments.title))
    except ReportError as error:
        print(f"scatlight.report: {error}", file=sys.stderr)
        return 1
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
