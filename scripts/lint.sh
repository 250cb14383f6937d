#!/usr/bin/env bash
# Every linter; stops at the first that complains.
set -euo pipefail
build=$1
git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format --dry-run -Werror
python3 scripts/check_arrows.py
ruff format --check benchmarks figures python scripts tests
ruff check benchmarks figures python scripts tests
mypy
# clang-tidy reads the compile commands of the build; headers are checked through the files that include them.
left_out=src/cpu/target_kernels.cpp
# Without nvcc this has no compile command, and no headers of CUDA.
grep -q src/cuda/round_trip.cpp "$build/compile_commands.json" || left_out+='|src/cuda/round_trip.cpp'
git ls-files 'src/*.cpp' | grep -vE "^($left_out)$" | xargs -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet --warnings-as-errors='*'
