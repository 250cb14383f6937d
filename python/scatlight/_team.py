"""How processes that torchrun started become a team: torch.distributed's group, by torchrun's variables."""

import datetime
import math
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import distributed
from torch._C._distributed_c10d import PrefixStore, Store
from torch.distributed.elastic.multiprocessing.errors import get_error_handler
from torch.distributed.rendezvous import rendezvous

TIMEOUT = "SCATLIGHT_TEAM_SECONDS"


class TeamError(Exception):
    """Why the processes are no team; the text is one line."""


@dataclass(frozen=True)
class Place:
    """Of this process in its team; what scatlight._program is told."""

    rank: int
    size: int
    local_rank: int  # among the processes of this machine
    local_size: int
    restarts: int  # how often torchrun has started all of them anew
    run_id: str = ""  # of this start of torchrun and its restarts, for the first process; empty: unknown


def _number(name: str, usual: str | None = None) -> int:
    text = os.environ.get(name, usual)
    if text is None or not text.isdecimal():
        found = "is not set" if text is None else f"is {text!r}"
        raise TeamError(f"RANK is set, but {name} {found}: start several processes with torchrun")
    return int(text)


def _seconds_to_wait() -> float:
    text = os.environ.get(TIMEOUT, "600")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 1e6:
        raise TeamError(f"{TIMEOUT}={text} is not accepted: give a number of seconds above 0, to 1e6")
    return seconds


def find_place() -> Place:
    return Place(
        rank=_number("RANK"),
        size=_number("WORLD_SIZE"),
        local_rank=_number("LOCAL_RANK"),
        local_size=_number("LOCAL_WORLD_SIZE"),
        restarts=_number("TORCHELASTIC_RESTART_COUNT", "0"),
    )


def _run_id(store: Store, place: Place) -> str:
    """torchrun's own id may be none, or the same every day. Its store outlives restarts, unless each has one
    of its own: then nobody knows."""
    key = "scatlight/run_id"
    if place.rank > 0:
        return ""
    if place.restarts == 0:
        store.set(key, uuid.uuid4().hex)
    return store.get(key).decode() if store.check([key]) else ""


def _join(place: Place) -> tuple[str, Place]:
    """Joins the process group; returns its name, and the place with its run_id."""
    timeout = datetime.timedelta(seconds=_seconds_to_wait())
    try:
        store, rank, size = next(rendezvous("env://"))
        place = replace(place, run_id=_run_id(store, place))
        # torchrun's store outlives a restart, and with it the addresses of processes that are gone.
        store = PrefixStore(f"scatlight/{place.restarts}/{size}", store)
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=timeout)
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise TeamError(f"the processes of the team do not find each other: {reason}") from error
    return str(distributed.distributed_c10d._get_default_group().group_name), place


def _tell_torchrun(complaint: str) -> None:
    """For its summary of what failed."""
    try:
        raise RuntimeError(complaint)  # the summary takes the text from the exception that is being handled
    except RuntimeError as error:
        get_error_handler().record_exception(error)


def run_in_team(run: Callable[..., tuple[int, str]], arguments: list[str]) -> int:
    """run(), of scatlight._program, as a member of the team."""
    group, place = _join(find_place())
    status, complaint = run(arguments, group=group, **vars(place))
    if status == 0:
        distributed.destroy_process_group()
    else:  # the others may be gone, and the group with them
        _tell_torchrun(complaint)
    return status
