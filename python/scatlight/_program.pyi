"""The command line, compiled; `import torch` comes before it. Not in every package: see docs/scale.md."""

torch_version: str  # that it was built with: "2.11.0"

def run(
    arguments: list[str],
    *,
    group: str = "",  # name of torch.distributed's process group; empty: the process is alone
    rank: int = 0,
    size: int = 1,
    local_rank: int = 0,
    local_size: int = 1,
    restarts: int = 0,
    run_id: str = "",
) -> tuple[int, str]:
    """The exit status and what went wrong, which was printed."""
