"""The command line in Python's process: `python -m scatlight COMMAND ...`, as the executable does it.

Under torchrun the processes train, or measure, one network together:

    torchrun --standalone --nproc-per-node=8 -m scatlight -- train DATA --run RUN ...
"""

import datetime
import math
import os
import sys
from typing import Any

COMMANDS_OF_A_TEAM = ("train", "train-detector", "eval")
TEAM_SECONDS = "SCATLIGHT_TEAM_SECONDS"
WRONG_USAGE = 2


class StartError(Exception):
    """Why the program cannot begin; the text is one line."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


def check_torch(ours: str, imported: str) -> None:
    """The compiled part fits the torch that it was built with, up to the kind of its build ("2.11.0+cu130")."""
    if imported.split("+")[0] != ours:
        raise StartError(
            f"the compiled program was built with torch {ours}, this Python has {imported}: build scatlight "
            f"again, or install torch=={ours}"
        )


def load_program() -> Any:
    """The module scatlight._program, whose libraries come with torch."""
    if "OMP_WAIT_POLICY" not in os.environ:  # as the executable: OpenMP's threads do not spin while they wait
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        import torch
    except ImportError as error:
        raise StartError(f"the command line in Python needs torch: {error}") from error
    try:
        from scatlight import _program
    except ImportError as error:
        raise StartError(
            f"this package has no command line that works with torch {torch.__version__}; docs/scale.md "
            f"tells how it is built ({error})"
        ) from error
    check_torch(_program.torch_version, torch.__version__)
    return _program


def number_in(name: str) -> int:
    try:
        return int(os.environ[name])
    except (KeyError, ValueError):
        raise StartError(
            f"RANK is set, but {name} is {os.environ.get(name, 'not')!r}: several processes are started by torchrun"
        ) from None


def seconds_to_wait() -> float:
    text = os.environ.get(TEAM_SECONDS, "600")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not (0 < seconds <= 1e6 and math.isfinite(seconds)):
        raise StartError(
            f"{TEAM_SECONDS}={text} is not accepted: give a number of seconds above 0", WRONG_USAGE
        )
    return seconds


def check_command(arguments: list[str]) -> None:
    if arguments and arguments[0] in COMMANDS_OF_A_TEAM:
        return
    given = f"not {arguments[0]}" if arguments else "none was given"
    raise StartError(
        f"under torchrun there are the commands {', '.join(COMMANDS_OF_A_TEAM)}; {given} (torchrun ... -m scatlight "
        "-- COMMAND ...)",
        WRONG_USAGE,
    )


def join_group(restarts: int) -> str:
    """Joins the process group of the team; returns its name."""
    import torch
    from torch import distributed

    store, rank, size = next(distributed.rendezvous("env://"))  # type: ignore[no-untyped-call]
    # torchrun's store outlives a restart, and with it the addresses of processes that are gone.
    prefix = f"scatlight/{restarts}/{size}"
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        store=distributed.PrefixStore(prefix, store),
        rank=rank,
        world_size=size,
        timeout=datetime.timedelta(seconds=seconds_to_wait()),
    )
    return str(distributed.group.WORLD.group_name)  # type: ignore[union-attr]


def tell_torchrun(complaint: str) -> None:
    """Puts the complaint into torchrun's summary of what failed."""
    from torch.distributed.elastic.multiprocessing.errors import get_error_handler

    try:
        raise RuntimeError(complaint)  # the summary takes the text from the exception that is being handled
    except RuntimeError as error:
        get_error_handler().record_exception(error)


def run_in_team(arguments: list[str]) -> int:
    check_command(arguments)
    program = load_program()
    from torch import distributed

    restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    try:
        group = join_group(restarts)
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise StartError(f"the processes cannot find each other: {reason}") from error
    status, complaint = program.run(
        arguments,
        group=group,
        rank=number_in("RANK"),
        size=number_in("WORLD_SIZE"),
        local_rank=number_in("LOCAL_RANK"),
        local_size=number_in("LOCAL_WORLD_SIZE"),
        restarts=restarts,
        run_id=os.environ.get("TORCHELASTIC_RUN_ID", ""),
    )
    if status == 0:
        distributed.destroy_process_group()
    else:
        tell_torchrun(complaint)
    return int(status)


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == ["--"]:  # which some versions of torchrun pass on
        del arguments[0]
    in_team = "RANK" in os.environ
    try:
        if in_team:
            return run_in_team(arguments)
        status, _ = load_program().run(arguments)
        return int(status)
    except StartError as error:
        if not in_team or os.environ.get("LOCAL_RANK") == "0":  # the others say the same
            print(f"scatlight: {error}", file=sys.stderr)
        return error.status


if __name__ == "__main__":
    exit_status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if exit_status != 0:
        os._exit(exit_status)  # threads of torch may wait for processes that are gone
