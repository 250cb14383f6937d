"""python -m scatlight.study STUDY.toml --data DIR --out OUT"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from scatlight import __version__
from scatlight.study import record
from scatlight.study.definition import read_study
from scatlight.study.errors import StudyError
from scatlight.study.plan import choose, plan_runs
from scatlight.study.program import find_program
from scatlight.study.record import Record, held
from scatlight.study.runner import Call, Runner, Tally, say

DESCRIPTION = """Train the runs that a study defines: variants of a network and its input, on subsets of
the data, with several seeds. A call goes on where the last one ended, also after a kill; what is done is
never done again. OUT/trainings.json has the results, and `python -m scatlight.report OUT` makes a page."""

MOST_AT_ONCE = 64


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value}: {least} to {most} is accepted")
        return value

    parse.__name__ = "whole number"
    return parse


def parse_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scatlight.study", description=DESCRIPTION)
    parser.add_argument("study", metavar="STUDY.toml", type=Path, help="the definition; studies/ has some")
    parser.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="where the folders lie that the study names"
    )
    parser.add_argument(
        "--out", metavar="OUT", type=Path, required=True, help="folder for the runs and trainings.json"
    )
    parser.add_argument(
        "--at-once", metavar="N", type=_whole(1, MOST_AT_ONCE), default=1,
        help="runs at once (default: %(default)s); those of equal time share the machine alike",
    )  # fmt: skip
    parser.add_argument(
        "--threads", metavar="N", type=_whole(1, 256),
        help="of each run (default: the cores of the machine, divided by the runs at once)",
    )  # fmt: skip
    parser.add_argument("--only", metavar="NAME", nargs="+", default=[], help="train these variants alone")
    parser.add_argument(
        "--rerun-changed", action="store_true", help="train runs anew whose definition has changed since"
    )
    parser.add_argument(
        "--list", action="store_true", help="print the runs, and what is known of them, and train none"
    )
    parser.add_argument("--program", metavar="FILE", help="the program scatlight (default: that of the PATH)")
    parser.add_argument("--version", action="version", version=f"scatlight {__version__}")
    return parser.parse_args(words)


def _run(arguments: argparse.Namespace) -> Tally | None:
    study = read_study(arguments.study)
    planned = plan_runs(study)
    runs = choose(planned, arguments.only)
    if arguments.list:
        known = Record(arguments.out, study, planned)
        for run in runs:
            say(f"{run.name}: {known.state(run) or 'not begun'}")
        return None
    call = Call(
        program=find_program(arguments.program),
        data=arguments.data,
        out=arguments.out,
        at_once=arguments.at_once,
        threads=arguments.threads or max(1, (os.cpu_count() or 1) // arguments.at_once),
    )
    with held(arguments.out):
        runner = Runner(study, runs, Record(arguments.out, study, planned), call)
        runner.check(arguments.rerun_changed)
        return runner.train()


def main(words: Sequence[str] | None = None) -> int:
    """0: all runs are over; 1: some failed, or the study cannot be; 130: stopped by a signal."""
    arguments = parse_arguments(words)
    try:
        tally = _run(arguments)
    except StudyError as error:
        print(f"scatlight.study: {error}", file=sys.stderr)
        return 1
    if tally is None:
        return 0
    if tally.stopped:
        print("scatlight.study: stopped by a signal; the same command goes on", file=sys.stderr)
        return 128 + signal.SIGINT
    failed = tally.count(record.FAILED)
    if failed:
        print(f"scatlight.study: {failed} runs failed; the same command tries them again", file=sys.stderr)
        return 1
    say(f"{arguments.out / record.FILE}: python -m scatlight.report {arguments.out} makes a page of it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
