#!/usr/bin/env bash
# Compiles the transform for 64-bit ARM and tests its NEON kernels in an emulator.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build-neon
mkdir -p "$out/include" "$out/objects"
# /usr/include itself would hide the cross compiler's own headers.
ln -sfn /usr/include/hwy "$out/include/hwy"
ln -sfn /usr/include/fmt "$out/include/fmt"
gtest=/usr/src/googletest/googletest

compile() {
  local source=$1 flags=(-Wall -Wextra -Werror)
  case $source in
    */gtest*) flags=(-I"$gtest") ;;
    */target_kernels.cpp) flags+=('-DSCATLIGHT_TARGETS=HWY_SCALAR|HWY_EMU128|HWY_NEON') ;;
  esac
  $(command -v ccache || true) aarch64-linux-gnu-g++ -march=armv8-a+crypto -std=c++20 -O2 -DNDEBUG -DFMT_HEADER_ONLY -Iinclude -Isrc -Itests \
    -isystem "$out/include" -isystem "$gtest/include" "${flags[@]}" -c "$source" -o "$out/objects/$(basename "${source%.*}").o"
}
export -f compile
export out gtest
ls src/core/*.cpp src/cpu/*.cpp src/scattering.cpp tests/cpu/engines_test.cpp tests/cpu/gradients_test.cpp \
  "$gtest/src/gtest-all.cc" "$gtest/src/gtest_main.cc" | xargs -P "$(nproc)" -I {} bash -c 'set -e; compile {}'
aarch64-linux-gnu-g++ -static "$out"/objects/* -o "$out/transform_test" -pthread
# The tests dealt to as many emulators as there are processors.
shards=$(nproc)
seq 0 $((shards - 1)) | GTEST_TOTAL_SHARDS=$shards xargs -P "$shards" -I {} env GTEST_SHARD_INDEX={} \
  SCATLIGHT_TEST_ENGINE=neon qemu-aarch64-static "$out/transform_test" --gtest_brief=1 --gtest_filter="${1:-*Every*}"
