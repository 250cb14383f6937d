# make demo   draws a data set, trains two networks on it, and writes an HTML report
# make demo-boxes   draws pictures with boxes, trains two detectors on them, and writes an HTML report
# make test   runs every test
# make bench  times the transform, against kymatio too
# make install PREFIX=/usr/local   installs the program, the library and its headers
# make deb    packs them for Debian
# make wheel  packs the transform for PyPI: wheels that need no compiler, and the sdist
# make figures   draws the pictures of docs/images again
# All do all their own set-up on a fresh Debian 12 machine. CMAKE_FLAGS=-D... go to the first configuration.

BUILD := build
CMAKE_FLAGS :=
PATH := $(CURDIR)/.venv/bin:$(PATH)
export PATH

.PHONY: demo demo-boxes test bench figures install deb wheel program build configure setup lint format neon sanitize fuzz clean

demo: program
	scripts/demo.sh

demo-boxes: program
	scripts/demo_boxes.sh

test: build
	scripts/test.sh $(BUILD)

# Times of this machine into build/*.json: its limits, the transform, the loader, the networks, training beside other
# work, the transform against kymatio, training against plain PyTorch, the steps of a detector against torchvision, and
# exported networks in onnxruntime.
bench: build
	@scripts/setup.sh bench
	cmake --preset release -DSCATLIGHT_BUILD_BENCHMARKS=ON >/dev/null
	ninja -C $(BUILD) --quiet
	$(BUILD)/bin/machine_benchmark --benchmark_out=$(BUILD)/machine.json
	$(BUILD)/bin/scattering_benchmark --benchmark_out=$(BUILD)/scattering.json
	$(BUILD)/bin/scatlight draw $(BUILD)/shapes --train 25 --val 0 --size 448 --overwrite
	$(BUILD)/bin/loader_benchmark $(BUILD)/shapes/train --benchmark_out=$(BUILD)/loader.json
	$(BUILD)/bin/network_benchmark --benchmark_out=$(BUILD)/networks.json
	python benchmarks/shared_machine.py --out $(BUILD)/shared_machine.json
	python benchmarks/compare_kymatio.py --out $(BUILD)/kymatio.json
	python benchmarks/compare_training.py --build $(BUILD) --out $(BUILD)/training.json
	python benchmarks/compare_detectors.py --build $(BUILD) --out $(BUILD)/detectors.json
	python benchmarks/compare_onnx.py --build $(BUILD) --out $(BUILD)/onnx.json

# Every picture of docs/images, of images that the project draws itself. `make figures SCATLIGHT=...` takes another
# program instead of building one.
figures: $(if $(SCATLIGHT),setup,program)
	@for figure in overview reconstruction study speed; do \
	  SCATLIGHT=$(SCATLIGHT) python figures/$$figure.py || exit 1; done

# The program, the library and its headers into PREFIX. DESTDIR is honoured.
PREFIX := /usr/local
install: configure
	ninja -C $(BUILD) installed
	cmake --install $(BUILD) --prefix $(PREFIX)

# Debian packages of the program and the library. Debian has no torch that they could depend on: they are the transform's.
deb: setup
	@scripts/setup.sh deb
	cmake --preset deb >/dev/null
	ninja -C build-deb installed
	cd build-deb && cpack

# The Python package without torch into dist/, for this Python; PYTHONS="python3.11 python3.13" for these.
wheel:
	scripts/wheel.sh $(PYTHONS)

# The program and the Python package, without the tests.
program: configure
	ninja -C $(BUILD) scatlight_cli scatlight_package

build: configure
	ninja -C $(BUILD)

configure: setup
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release $(CMAKE_FLAGS) \
	  $$(command -v ccache >/dev/null && echo -DCMAKE_CXX_COMPILER_LAUNCHER="env;CCACHE_SLOPPINESS=pch_defines,time_macros;ccache" -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache) >/dev/null

setup:
	@scripts/setup.sh

# Formatting, static analysis, types and the direction of includes. Compiles nothing.
lint: setup
	scripts/lint.sh $(CMAKE_FLAGS)

format: setup
	git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format -i
	ruff format benchmarks figures python scripts tests
	ruff check --fix benchmarks figures python scripts tests

# The transform compiled for 64-bit ARM, and its engines tested in an emulator.
neon:
	@scripts/setup.sh neon
	scripts/test_neon.sh

# The tests that need no torch, under address, undefined-behaviour and thread sanitizers.
sanitize: setup
	cmake --preset asan-ubsan >/dev/null && ninja -C build-asan-ubsan --quiet && scripts/test.sh build-asan-ubsan
	cmake --preset tsan >/dev/null && ninja -C build-tsan --quiet && scripts/test.sh build-tsan

# Random options and samples for three minutes, through C++ and through Python, under the sanitizers.
fuzz: setup
	cmake --preset asan-ubsan >/dev/null && ninja -C build-asan-ubsan --quiet plan_fuzz
	build-asan-ubsan/tests/plan_fuzz 180
	pip install -q --disable-pip-version-check --no-build-isolation --no-deps --upgrade --target build-fuzz/python . \
	  --config-settings=build-dir=build-fuzz --config-settings=cmake.build-type=RelWithDebInfo \
	  --config-settings=install.strip=false --config-settings=cmake.define.SCATLIGHT_CUDA=OFF --config-settings=cmake.define.CMAKE_CXX_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
	SCATLIGHT_FUZZ_SECONDS=180 PYTHONPATH=build-fuzz/python ASAN_OPTIONS=detect_leaks=0 \
	  LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libubsan.so)" \
	  python -m pytest -q tests/python/test_fuzz.py

clean:
	rm -rf build build-* dist
