#!/usr/bin/env bash
# Builds, tests and times the GPU engine on a machine with a GPU that may have no network.
#   scripts/gpu.sh pack           on a Debian 12 machine with a network: collects into build-gpu/pack what the other lacks
#   scripts/gpu.sh run OUT_DIR    on the machine with the GPU, with build-gpu/pack beside the sources
# run needs python3 with torch 2.11 of CUDA 13, pytest and nanobind; nvcc 13, a C++20 compiler, CMake and ninja. It continues
# after a part that fails, writes OUT_DIR/gpu.json and one log per part, and fails at the end if a part did. SCATLIGHT_PYTHON
# names another Python, SCATLIGHT_CUDA_ARCHITECTURES other GPUs than the one found.
set -uo pipefail
cd "$(dirname "$0")/.."
pack=$PWD/build-gpu/pack

collect() {
  set -e
  rm -rf "$pack"
  mkdir -p "$pack/debs" "$pack/wheels" "$pack/root"
  (cd "$pack/debs" && apt-get download -qq libhwy-dev libhwy1 libfmt-dev libfmt9 libgtest-dev libgmock-dev googletest \
    nlohmann-json3-dev libxxhash-dev libtomlplusplus-dev libtomlplusplus3 libcli11-dev libjpeg62-turbo libjpeg62-turbo-dev \
    libspng0 libspng-dev libwebp7 libwebpdemux2 libwebp-dev zlib1g-dev pkgconf-bin libpkgconf3)
  for deb in "$pack"/debs/*.deb; do dpkg-deb -x "$deb" "$pack/root"; done
  mv "$pack/root/usr/include/$(gcc -print-multiarch)/jconfig.h" "$pack/root/usr/include"  # beside jpeglib.h, which includes it
  rm -rf "$pack/debs" "$pack"/root/usr/share/{doc,man,lintian}
  # kymatio, for the torch and the numpy of Python 3.12 that are there already.
  "${SCATLIGHT_PYTHON:-.venv/bin/python}" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.12 --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_28_x86_64 -d "$pack/wheels" 'kymatio==0.3.0' 'scipy>=1.15,<1.17' appdirs configparser packaging
  echo "pack: $(du -sm "$pack" | cut -f 1) MB in build-gpu/pack"
}

python=${SCATLIGHT_PYTHON:-python3}
build=$PWD/build-gpu/build
failed=()

# Runs a part; its output goes into OUT_DIR/NAME.log. A program is stopped after a number of seconds, a function of this
# script is not.
part() {
  local name=$1 limit=$2 started=$SECONDS status
  shift 2
  if declare -F "$1" >/dev/null; then
    ("$@") >"$out/$name.log" 2>&1
  else
    timeout -k 5 "$limit" "$@" >"$out/$name.log" 2>&1
  fi
  status=$?
  printf '%s\t%s\t%s\n' "$name" "$status" $((SECONDS - started)) >>"$out/parts.tsv"
  printf '%-18s status %d, %d s\n' "$name" "$status" $((SECONDS - started))
  [ "$status" -eq 0 ] || failed+=("$name")
  return "$status"
}

skipped() {  # NAME WHY
  printf '%s\tskipped: %s\t0\n' "$1" "$2" >>"$out/parts.tsv"
  echo "$1 skipped: $2"
}

configure() {  # BUILD_APPS
  rm -rf "$build"
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSCATLIGHT_CUDA=ON -DSCATLIGHT_PYTHON="$python" \
    -DSCATLIGHT_CUDA_BENCHMARK=ON -DSCATLIGHT_BUILD_APPS="$1" -DCMAKE_CUDA_ARCHITECTURES="$architectures" \
    -DCMAKE_PREFIX_PATH="$pack/root/usr"
}

facts() {
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit --format=csv
  nvcc --version | tail -2
  "$python" -c 'import platform, torch; print(platform.platform()); print("torch", torch.__version__, torch.version.cuda)'
  git rev-parse HEAD 2>/dev/null
  nproc
}

run() {
  out=$(mkdir -p "$1" && cd "$1" && pwd)
  rm -rf "$out"/*.log "$out"/*.json "$out"/*.jsonl "$out/parts.tsv" "$out/bench" "$out/bench_features"
  export LD_LIBRARY_PATH="$pack/root/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  export PKG_CONFIG_PATH="$pack/root/usr/lib/x86_64-linux-gnu/pkgconfig:$pack/root/usr/share/pkgconfig"
  export PKG_CONFIG_SYSROOT_DIR=$pack/root PYTHONDONTWRITEBYTECODE=1
  command -v pkg-config >/dev/null || export PKG_CONFIG="$pack/root/usr/bin/pkgconf"
  architectures=${SCATLIGHT_CUDA_ARCHITECTURES:-$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)-real}

  part facts 60 facts
  # The whole project, or the library and its Python package where the program's libraries are of no use.
  local apps=ON
  if ! part configure 60 configure ON; then
    apps=OFF
    part configure_library 60 configure OFF || { report; return 1; }
  fi
  local targets=(device_test device_wavelets_test scatlight_python cuda_benchmark)
  part build 330 ninja -C "$build" "${targets[@]}"
  [ $apps = OFF ] || part build_apps 200 ninja -C "$build" scatlight_cli scatlight_package device_op_test device_training_test || apps=OFF

  part device_test 120 "$build/tests/device_test"
  part device_wavelets_test 60 "$build/tests/device_wavelets_test"
  if [ $apps = ON ]; then
    part device_op_test 60 "$build/tests/device_op_test"
    part device_training_test 60 "$build/tests/device_training_test"
  fi
  "$python" -m pip install -q --disable-pip-version-check --no-index --no-deps --target "$build/site" "$pack"/wheels/*.whl \
    >"$out/pip.log" 2>&1
  export PYTHONPATH=$PWD/python:$build/site
  part python_test 120 "$python" -m pytest -q -rs -p no:cacheprovider tests/python/test_cuda.py
  if [ $apps = ON ]; then
    part command_line 60 command_line
    part commands_test 120 env SCATLIGHT="$build/bin/scatlight" \
      "$python" -m pytest -q -rs -p no:cacheprovider tests/train/test_device.py
    part training 90 training
    part team 120 team
    part bench 150 "$build/bin/scatlight" bench --device cuda --rounds 5 --out "$out/bench"
    part bench_features 150 "$build/bin/scatlight" bench --features --device cuda --rounds 5 --out "$out/bench_features"
  fi
  part cuda_benchmark 120 "$build/bin/cuda_benchmark" --out "$out/benchmark.json"
  part kymatio 90 "$python" benchmarks/compare_kymatio.py --device cuda --out "$out/kymatio.json"
  if command -v compute-sanitizer >/dev/null; then
    local few='*AGraph*:*Formats*:*Nan*'
    part memcheck 60 compute-sanitizer --tool memcheck --error-exitcode 9 "$build/tests/device_test" --gtest_filter="$few"
    part racecheck 60 compute-sanitizer --tool racecheck --error-exitcode 9 "$build/tests/device_test" --gtest_filter="$few"
    part memcheck_wavelets 60 compute-sanitizer --tool memcheck --error-exitcode 9 "$build/tests/device_wavelets_test" --gtest_filter='*AGraph*:*BitForBit*'
    part racecheck_wavelets 60 compute-sanitizer --tool racecheck --error-exitcode 9 "$build/tests/device_wavelets_test" --gtest_filter='*AGraph*'
  else
    skipped memcheck "no compute-sanitizer"
    skipped racecheck "no compute-sanitizer"
  fi
  report
}

# The program's own output on the GPU against that on the CPU.
command_line() {
  set -e
  "$build/bin/scatlight" info
  "$python" -c "import numpy; numpy.save('$build/images.npy', numpy.random.default_rng(0).random((2, 3, 96, 128), 'float32'))"
  "$build/bin/scatlight" transform "$build/images.npy" --out "$build/cpu.npy"
  "$build/bin/scatlight" transform "$build/images.npy" --out "$build/gpu.npy" --device cuda
  "$python" -c "
import numpy
cpu, gpu = numpy.load('$build/cpu.npy'), numpy.load('$build/gpu.npy')
numpy.testing.assert_allclose(gpu, cpu, 1e-5, 1e-6 * abs(cpu).max())"
}

# The speed of a training of the paper's network; it includes reading the images.
training() {
  set -e
  "$build/bin/scatlight" draw "$build/shapes" --classes 4 --train 256 --val 16 --size 256 --overwrite
  "$build/bin/scatlight" train "$build/shapes/train" --val "$build/shapes/val" --run "$build/run" --overwrite \
    --network scatresnet10 --batch 128 --epochs 6 --lr 0.02 --device cuda
  cp "$build/run/log.jsonl" "$out/training.jsonl"
}

# A training by one process with NCCL against one without, and by two where there are two GPUs.
team() {
  set -e
  "$build/bin/scatlight" draw "$build/few" --classes 3 --train 32 --val 16 --size 96 --overwrite
  local flags=(--network scatresnet10 --size 64 --scales 2 --batch 32 --epochs 2 --lr 0.001 --no-augment --device cuda --overwrite)
  local several=("$python" -m torch.distributed.run --standalone)
  "$build/bin/scatlight" train "$build/few/train" --val "$build/few/val" --run "$build/alone" "${flags[@]}"
  for processes in 1 2; do
    [ $processes -le "$(nvidia-smi --list-gpus | wc -l)" ] || { echo "2 processes skipped: one GPU"; continue; }
    "${several[@]}" --nproc-per-node=$processes -m scatlight -- train "$build/few/train" --val "$build/few/val" \
      --run "$build/team$processes" "${flags[@]}"
    "${several[@]}" --nproc-per-node=$processes -m scatlight -- eval "$build/team$processes" "$build/few/val" --device cuda
  done
  "$python" - "$build" <<'PYTHON'
import json
import sys
from pathlib import Path

losses = {}
for run in [*sorted(Path(sys.argv[1]).glob("team?")), Path(sys.argv[1]) / "alone"]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    losses[run.name] = [line["loss"] for line in lines if line["kind"] == "train"]
    print(run.name, losses[run.name])
for name, values in losses.items():  # statistics of batch norms are of each process's own images
    bound = 0.2 if name == "team2" else 1e-3
    worst = max(abs(a - b) / b for a, b in zip(values, losses["alone"], strict=True))
    print(f"{name}: losses differ by {worst:.2g}, {bound} is accepted")
    assert worst <= bound
PYTHON
}

report() {
  "$python" - "$out" <<'PYTHON'
import json
import re
import sys
from pathlib import Path

out = Path(sys.argv[1])
parts = {}
for line in (out / "parts.tsv").read_text().splitlines():
    name, status, seconds = line.split("\t")
    parts[name] = {"status": int(status) if status.isdigit() else status, "seconds": int(seconds)}
    log = out / f"{name}.log"
    if parts[name]["status"] not in (0, status):
        parts[name]["end_of_log"] = log.read_text(errors="replace")[-2000:]
    elif name.endswith("test"):
        found = re.findall(r"^.*(?:PASSED|SKIPPED|passed).*$", log.read_text(errors="replace"), re.MULTILINE)
        parts[name]["summary"] = [line for line in found if "tests" in line or "passed" in line or "test." in line]
result = {"facts": (out / "facts.log").read_text().splitlines(), "parts": parts}
for name in ("benchmark", "kymatio"):
    if (out / f"{name}.json").is_file():
        result[name] = json.loads((out / f"{name}.json").read_text())
for name in ("bench", "bench_features"):
    if (out / name / "bench.json").is_file():
        result[name] = json.loads((out / name / "bench.json").read_text())
if (out / "training.jsonl").is_file():
    result["training"] = [json.loads(line) for line in (out / "training.jsonl").read_text().splitlines()]
(out / "gpu.json").write_text(json.dumps(result, indent=1) + "\n")
PYTHON
  echo "$out/gpu.json"
  if [ ${#failed[@]} -gt 0 ]; then
    echo "gpu: failed: ${failed[*]}" >&2
    return 1
  fi
}

case ${1:-} in
  pack) collect ;;
  run) run "${2:?"gpu: run needs a folder to write into"}" ;;
  *) echo "gpu: pack, or run OUT_DIR, is accepted" >&2; exit 2 ;;
esac
