#!/usr/bin/env bash
# Every linter; stops at the first that complains.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format --dry-run -Werror
python3 scripts/check_arrows.py
ruff format --check benchmarks figures python scripts tests
ruff check benchmarks figures python scripts tests
mypy
# clang-tidy reads one file per target, which includes the target's sources: the headers of torch are read ten times and
# not sixty. So two sources of a folder cannot have the same name in their unnamed namespaces.
cmake --preset lint "$@" >/dev/null
python3 - <<'PYTHON' | xargs -P "$(nproc)" -n 1 clang-tidy -p build-lint --quiet --warnings-as-errors='*'
import json

with open("build-lint/compile_commands.json") as commands:
    files = [command["file"] for command in json.load(commands) if command["file"].endswith((".cpp", ".cxx"))]
# The kernels are one file of templates for each instruction set.
print(*(file for file in reversed(files) if "scatlight_cpu_" not in file and "nanobind" not in file), sep="\n")
PYTHON
