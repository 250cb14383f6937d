# make demo   draws a data set, trains two networks on it, and writes an HTML report
# make test   runs every test
# Both do all their own set-up on a fresh Debian 12 machine.

BUILD := build
PATH := $(CURDIR)/.venv/bin:$(PATH)
export PATH

.PHONY: demo test build setup lint format sanitize clean

demo: build
	scripts/demo.sh

test: build
	scripts/test.sh $(BUILD)

build: setup
	@[ -f $(BUILD)/build.ninja ] || cmake --preset release \
	  $$(command -v ccache >/dev/null && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache) >/dev/null
	ninja -C $(BUILD) --quiet

setup:
	@scripts/setup.sh

# Formatting, static analysis, types and the direction of includes. Needs the compile commands of a build.
lint: build
	@scripts/setup.sh lint
	scripts/lint.sh $(BUILD)

format: setup
	@scripts/setup.sh lint
	git ls-files '*.h' '*.cpp' | xargs clang-format -i
	ruff format python scripts tests figures
	ruff check --fix python scripts tests figures

# The tests that need no torch, under address, undefined-behaviour and thread sanitizers.
sanitize: setup
	cmake --preset asan-ubsan >/dev/null && ninja -C build-asan-ubsan --quiet && scripts/test.sh build-asan-ubsan
	cmake --preset tsan >/dev/null && ninja -C build-tsan --quiet && scripts/test.sh build-tsan

clean:
	rm -rf build build-*
