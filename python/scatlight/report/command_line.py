"""Flags of earlier calls as somebody would type them."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scatlight.report.training import Call

LISTS_OF_FILES = {"val"}  # a word each


def _text(value: object) -> str:
    """Of whole numbers without a point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _words(options: Mapping[str, Any]) -> Iterator[str]:
    """What was given or holds by default, but for the data to train on."""
    for flag, value in options.items():
        if value is None or value is False or flag == "data":
            continue
        if flag == "epochs" and options.get("minutes"):
            continue  # older files have both, of which the minutes count
        yield f"--{flag}"
        if isinstance(value, list):
            texts = [_text(entry) for entry in value]
            yield from texts if flag in LISTS_OF_FILES else [",".join(texts)]
        elif value is not True:
            yield _text(value)


def _program(call: Call) -> list[str]:
    """With which as many processes start again; one of these commands on each machine."""
    if not call.members:
        return ["scatlight"]
    machines = len({member.host for member in call.members})
    where = ["--standalone"] if machines == 1 else [f"--nnodes={machines}"]
    count = f"--nproc-per-node={len(call.members) // machines}"
    return ["torchrun", *where, count, "-m", "scatlight", "--"]


def command_again(command: str, call: Call, run: str) -> str:
    """Which trains the same network into another folder."""
    data = call.options.get("data", "DATA")
    files = [str(file) for file in data] if isinstance(data, list) else [str(data)]
    return shlex.join([*_program(call), command, *files, "--run", run, *_words(call.options)])


def chosen_flags(call: Call, flags: Sequence[str]) -> str:
    """Those of the flags that the call had."""
    return shlex.join(_words({flag: call.options.get(flag) for flag in flags}))


def flags_as_words(flags: Mapping[str, Any]) -> str:
    """All of them."""
    return shlex.join(_words(flags))
