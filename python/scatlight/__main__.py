"""The command line in Python's process: `python -m scatlight COMMAND ...`, as the executable runs it.

Under torchrun the processes train or measure one network together:

    torchrun --standalone --nproc-per-node=8 -m scatlight -- train DATA --run RUN ...
"""

import os
import signal
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

COMMANDS_OF_A_TEAM = ("train", "train-detector", "eval", "predict", "transform")


class StartError(Exception):
    """Why the program cannot begin; the text is one line."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


def check_torch(built_with: str, imported: str) -> None:
    """Versions without the kind of the build are compared: 2.11.0 of "2.11.0+cu130"."""
    if imported.partition("+")[0] != built_with:
        raise StartError(
            f"the compiled program was built with torch {built_with}, and this Python has {imported}: "
            f"install torch=={built_with}, or build scatlight again"
        )


def load_program() -> Any:
    """The compiled program: with the networks, whose libraries come with torch, or without."""
    if find_spec("scatlight._program") is None and find_spec("scatlight._program_without_torch") is not None:
        return import_module("scatlight._program_without_torch")
    if "OMP_WAIT_POLICY" not in os.environ:  # as the executable: OpenMP's threads do not spin while they wait
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        torch = import_module("torch")
    except ImportError as error:
        raise StartError(f"the command line in Python needs torch: {error}") from error
    try:
        program = import_module("scatlight._program")
    except ImportError as error:
        raise StartError(
            f"there is no compiled program for torch {torch.__version__}: {error} "
            "(docs/scale.md says how it is built)"
        ) from error
    check_torch(program.torch_version, torch.__version__)
    return program


def check_command(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in COMMANDS_OF_A_TEAM:
        raise StartError(
            f"under torchrun the commands are {', '.join(COMMANDS_OF_A_TEAM)}, "
            f"{f'not {arguments[0]}' if arguments else 'and none was given'}: "
            "torchrun ... -m scatlight -- COMMAND ...",
            status=2,
        )


def run_in_team(arguments: list[str]) -> int:
    check_command(arguments)
    program = load_program()
    if not program.torch_version:
        raise StartError(
            "this scatlight was built without torch, which joins the processes (see docs/scale.md)"
        )
    team = import_module("scatlight._team")
    try:
        return int(team.run_in_team(program.run, arguments))
    except team.TeamError as error:
        raise StartError(str(error)) from error


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    if arguments[:1] == ["--"]:  # torchrun passes it on, or not, as its Python's version is
        arguments = arguments[1:]
    in_team = "RANK" in os.environ
    try:
        if in_team:
            return run_in_team(arguments)
        return int(load_program().run(arguments)[0])
    except StartError as error:
        if not in_team or os.environ.get("LOCAL_RANK", "0") == "0":  # the others would say the same
            print(f"scatlight: {error}", file=sys.stderr)
        return error.status


def run_and_exit() -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's handler would wait until the program is done
    exit_status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    if exit_status == 0:
        sys.exit(0)
    os._exit(exit_status)  # threads of torch may wait for processes that are gone


if __name__ == "__main__":
    run_and_exit()
