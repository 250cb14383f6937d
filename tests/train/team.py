"""Teams of processes on the CPU: how they are started, and what of their runs is compared."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

MODULE = [sys.executable, "-m", "scatlight"]
TIMEOUT = 120
# Weights after a few steps, of several processes against one: gradients are added in another order.
ROUNDING = 1e-5
MEASURED = {"seconds", "images_per_second", "peak_memory_bytes", "waited_for_images"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_members(
    size: int, *arguments: object, each=(), folders=(), **environment: str
) -> list[subprocess.Popen]:
    """Processes as torchrun would start them, with further arguments for `each`, and each in a working folder
    of its own where `folders` are given, as on several machines. Quicker than torchrun, which also ends them
    all once one has failed."""
    variables = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    members = []
    for rank in range(size):
        local_rank, local_size = (0, 1) if folders else (rank, size)
        place = {"RANK": str(rank), "LOCAL_RANK": str(local_rank), "LOCAL_WORLD_SIZE": str(local_size)}
        members.append(
            subprocess.Popen(
                [*MODULE, *map(str, [*arguments, *(each[rank] if each else ())])],
                env=os.environ | variables | place | environment,
                cwd=folders[rank] if folders else None,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return members


def finish(members: list[subprocess.Popen]) -> list[subprocess.CompletedProcess[str]]:
    try:
        streams = [member.communicate(timeout=TIMEOUT) for member in members]
    finally:
        for member in members:
            member.kill()
    return [
        subprocess.CompletedProcess(member.args, member.returncode, *texts)
        for member, texts in zip(members, streams, strict=True)
    ]


def run_members(size: int, *arguments: object, status: int = 0, **how):
    """Runs a team, all of whose processes end with this status."""
    done = finish(start_members(size, *arguments, **how))
    assert [member.returncode for member in done] == [status] * size, [member.stderr for member in done]
    return done


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1] if done.stderr else ""


def torchrun(size: int, *arguments: object, restarts: int = 0, meeting="--standalone") -> subprocess.Popen:
    start = [sys.executable, "-m", "torch.distributed.run", meeting, f"--nproc-per-node={size}"]
    start += [f"--max-restarts={restarts}", "-m", "scatlight", "--"]
    return subprocess.Popen(
        [*start, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kill_a_worker(job: subprocess.Popen) -> None:
    workers = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
    os.kill(int(workers[-1]), signal.SIGKILL)


def lines_of(folder: Path) -> list[dict]:
    """Of the log, the whole ones."""
    try:
        text = (folder / "log.jsonl").read_text()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.split("\n")[:-1]]


def train_lines(one: Path, other: Path) -> list[tuple[dict, dict]]:
    """Of the logs of two trainings, those of the same steps."""
    lines = [[line for line in lines_of(folder) if line["kind"] == "train"] for folder in (one, other)]
    assert lines[0]
    return list(zip(*lines, strict=True))


def log_of(folder: Path) -> list[dict]:
    """Without what a clock measured."""
    return [{key: line[key] for key in line.keys() - MEASURED} for line in lines_of(folder)]


def step_of(folder: Path) -> int:
    return max((line.get("step", 0) for line in lines_of(folder)), default=0)


def expect_equal_tensors(one: Path, other: Path) -> None:
    expected, found = load_file(one), load_file(other)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, name)


def expect_close_weights(one: Path, other: Path) -> None:
    """Statistics of batch norms are of micro-batches."""
    expected, found = load_file(one), load_file(other)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        if name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            continue
        np.testing.assert_allclose(
            found[name], values, rtol=0, atol=ROUNDING * abs(values).max(), err_msg=name
        )
