#!/usr/bin/env bash
# Every linter; stops at the first that complains.
set -euo pipefail
build=$1
git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format --dry-run -Werror
python3 scripts/check_arrows.py
ruff format --check benchmarks figures python scripts tests
ruff check benchmarks figures python scripts tests
mypy
# clang-tidy reads the compile commands of the build; headers are checked through the files that include them. What is not
# built here, as the GPU part without nvcc, has none.
git ls-files 'src/*.cpp' | grep -v '^src/cpu/target_kernels.cpp$' |
  while read -r file; do
    if grep -q "/$file\"" "$build/compile_commands.json"; then echo "$file"; fi
  done |
  xargs -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet --warnings-as-errors='*'
