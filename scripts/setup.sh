#!/usr/bin/env bash
# Makes a fresh Debian 12 machine ready: apt packages, then .venv with the pinned packages of PyPI, which a wheel does without.
# Takes a second when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  g++ git ccache pkg-config python3-dev python3-venv
  libhwy-dev libfmt-dev libjpeg62-turbo-dev libspng-dev libwebp-dev zlib1g-dev libxxhash-dev
  libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libpugixml-dev libgtest-dev
)
case ${1:-} in
  bench) packages+=(libbenchmark-dev) ;;
  deb) packages+=(dpkg-dev) ;;
  wheel) packages+=(dpkg-dev nasm) ;;
  neon) packages+=(g++-aarch64-linux-gnu qemu-user-static) ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: these packages are missing; install them as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

[ "${1:-}" != wheel ] || exit 0
stamp=.venv/requirements.sha256
if ! sha256sum --status -c "$stamp" 2>/dev/null; then
  echo "setup: installing the packages of requirements.txt into .venv (torch alone is 5 GB with its libraries)"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/pip install -q --disable-pip-version-check -r requirements.txt
  sha256sum requirements.txt > "$stamp"
fi
# The Python of .venv finds the package in the checkout; the build puts its compiled part there.
echo "$PWD/python" > "$(echo .venv/lib/python3*/site-packages)/scatlight.pth"
