#!/usr/bin/env bash
# Tests the wheels of dist/ (make wheel) where there is nothing but Debian and its Python: no compiler, no network.
#   scripts/test_wheel.sh [TORCH...]    versions of torch besides none; each takes some GB: scripts/test_wheel.sh 2.5.1 2.11.0
# As root, on Debian 12. Debian 12 and 13 must pass, Debian 11 must refuse: its Python is 3.9.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq debootstrap >/dev/null; }
work=$PWD/build-wheel/test
pip=$PWD/build-wheel/tools/bin/pip  # of make wheel
mkdir -p "$work"
wheels=(dist/*.whl)
[ -e "${wheels[0]}" ] || { echo "test_wheel: no wheels in dist/; make wheel builds them" >&2; exit 1; }
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' | sed -n 's/^bookworm //p' | head -1)
packages=(--only-binary=:all: --platform any)
for glibc in $(seq 5 36); do packages+=(--platform "manylinux_2_${glibc}_x86_64"); done
for name in 1 2010 2014; do packages+=(--platform "manylinux${name}_x86_64"); done

in_system() {  # SUITE COMMAND...
  local root=$work/$1
  shift
  unshare --fork --pid --mount-proc="$root/proc" chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

prepare() {  # SUITE PYTHON_VERSION
  local root=$work/$1
  if [ ! -d "$root" ]; then
    rm -rf "$root.new"
    debootstrap --variant=minbase --include=python3,python3-venv "$1" "$root.new" "$mirror" >"$root.log"
    mv "$root.new" "$root"
  fi
  rm -rf "$root/test" "$root/clean"
  mkdir -p "$root/test/wheels" "$root/packages"
  cp "${wheels[@]}" "$root/test/wheels"
  cp tests/consume/installed.py tests/python/{conftest,test_decode,test_numpy}.py "$root/test"
  in_system "$1" python3 -m venv /clean
  "$pip" download -q --disable-pip-version-check -d "$root/packages" --python-version "$2" "${packages[@]}" numpy pytest
}

passes() {  # SUITE PYTHON_VERSION TORCH...
  local suite=$1 version=$2 torch
  prepare "$suite" "$version"
  shift 2
  in_system "$suite" /clean/bin/pip install -q --disable-pip-version-check --no-index --find-links /test/wheels --find-links /packages \
    scatlight pytest
  in_system "$suite" env --chdir /test /clean/bin/python -m pytest -q -p no:cacheprovider test_decode.py test_numpy.py
  in_system "$suite" env --chdir /test /clean/bin/python installed.py
  for torch in "$@"; do
    local folder=$work/$suite/torch-$torch
    [ -d "$folder" ] || "$pip" install -q --disable-pip-version-check --target "$folder" --python-version "$version" \
      "${packages[@]}" "torch==$torch" numpy
    in_system "$suite" env --chdir /test PYTHONPATH="/torch-$torch" /clean/bin/python installed.py
  done
}

refuses() {  # SUITE PYTHON_VERSION
  local said
  prepare "$1" "$2"
  for wheel in "${wheels[@]}"; do
    if said=$(in_system "$1" /clean/bin/pip install --disable-pip-version-check --no-index "/test/wheels/$(basename "$wheel")" 2>&1); then
      echo "test_wheel: $1 installed $wheel" >&2
      exit 1
    fi
    echo "$1: $said"
  done
}

passes bookworm 3.11 "$@"
passes trixie 3.13 ${1:+"${@: -1}"}  # the last version: old ones are not for its Python
refuses bullseye 3.9
echo "test_wheel: ${wheels[*]} passed"
