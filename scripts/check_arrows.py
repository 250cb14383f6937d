"""Checks the direction of dependencies: no include goes against the arrows of the design."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# room -> rooms whose headers it may include
KNOWS = {
    "core": set(),
    "cpu": {"core"},
    "cuda": {"core"},
    "": {"core", "cpu", "cuda"},  # src/scattering.cpp and src/cuda_scattering.cpp, the plans
    "io": set(),
    "data": {"core", "io"},  # of core, parallel_for
    "python": {"core", "data"},
    "torch": {"core"},  # parallel_for, the list of options
    "nets": {"torch", "io"},
    "train": {"nets", "torch", "data", "io", "core"},  # of core, parallel_for
    "detect": {"train", "nets", "torch", "data", "io"},
    "bench": {"train", "nets", "torch", "io"},
    "models": {"detect", "train", "torch", "data"},  # what the installed library shows of them
    "analysis": {"core", "cpu", "io"},  # io: what is measured; reconstruction is in the library
    "cli": {"analysis", "bench", "detect", "train", "nets", "torch", "data", "io", "core"},
    "program": {"cli"},
}
MAY_SEE_TORCH = {"torch", "nets", "train", "detect", "models", "bench", "cli"}
TORCH_HEADER = re.compile(r"(torch|ATen|c10)/")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def violations() -> list[str]:
    found = []
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in {".h", ".cpp", ".cu", ".cuh"}:
            continue
        parts = path.relative_to(ROOT / "src").parts
        room = parts[0] if len(parts) > 1 else ""
        if room not in KNOWS:
            found.append(f"{path}: the room '{room}' has no arrows in scripts/check_arrows.py")
            continue
        for include in INCLUDE.findall(path.read_text()):
            target = include.split("/")[0]
            own_torch = target == "torch" and (ROOT / "src" / include).exists()
            if (
                target in KNOWS
                and target != room
                and (target != "torch" or own_torch)
                and target not in KNOWS[room]
            ):
                found.append(
                    f"{path.relative_to(ROOT)} includes {include}: {room or 'src'} may not know {target}"
                )
            if TORCH_HEADER.match(include) and not own_torch and room not in MAY_SEE_TORCH:
                found.append(
                    f"{path.relative_to(ROOT)} includes {include}: {room or 'src'} may not see torch"
                )
    for path in sorted((ROOT / "include").rglob("*.h")):
        for include in INCLUDE.findall(path.read_text()):
            if "/" in include and not include.startswith("scatlight/"):
                found.append(
                    f"{path.relative_to(ROOT)} includes {include}: the public API includes nothing private"
                )
    return found


if __name__ == "__main__":
    problems = violations()
    print("\n".join(problems) or "arrows: every include follows the design")
    sys.exit(1 if problems else 0)
