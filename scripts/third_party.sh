#!/usr/bin/env bash
# third_party.sh SOURCES: puts the libraries of others into SOURCES/third_party, for an sdist: headers from Debian's packages,
# which setup.sh installed, and sources as Debian patched them. README there says which versions, licenses/ on which terms.
set -euo pipefail
new=$(cd "$1" && pwd)/third_party
cd "$(dirname "$0")/.."
. scripts/wheel/private_apt.sh
work=$PWD/build-wheel/apt
private_apt "$work"
mkdir -p "$work/sources" "$new/licenses"
# APT's own sources, of which it may read the source packages.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  case $list in
    *.list) [ -f "$list" ] && sed -n 's/^deb /deb-src /p' "$list" >"$work/lists_of_sources/$(basename "$list")" ;;
    *.sources) sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/lists_of_sources/$(basename "$list")" ;;
  esac
done
export APT_CONFIG=$work/apt.conf
# A list that has no source packages is a warning.
apt-get update -qq 2>"$work/apt.log" || true
(cd "$work/sources" && apt-get source -qq --only-source libjpeg-turbo libspng libwebp zlib pugixml >/dev/null 2>"../apt.log") || {
  tail -3 "$work/apt.log" >&2
  exit 1
}

note() {  # NAME COPYRIGHT_FILE ORIGIN
  cp "$2" "$new/licenses/$1"
  echo "$1: $3" >>"$new/README"
}

sources_of() {  # NAME SOURCE_PACKAGE PATTERN... : files of a source package
  local name=$1 folder
  folder=$(echo "$work/sources/$2"-*/)
  mkdir "$new/$name"
  shift 2
  # shellcheck disable=SC2068  # patterns of that folder
  (cd "$folder" && cp -r $@ "$new/$name")
  note "$name" "$folder/debian/copyright" "source package $(cd "$folder" && dpkg-parsechangelog | sed -n 's/^Source: //p; s/^Version: //p' | paste -sd ' ')"
}

headers_of() {  # NAME BINARY_PACKAGE HEADER... : installed headers
  local name=$1 package=$2
  mkdir "$new/$name"
  shift 2
  (cd /usr/include && cp -rL "$@" "$new/$name")
  note "$name" "/usr/share/doc/$package/copyright" "headers of $package $(dpkg-query -W -f '${Version}' "$package")"
}

echo "What scatlight needs of others, as Debian has it:" >"$new/README"
sources_of jpeg libjpeg-turbo '*.c' '*.h' '*.in' CMakeLists.txt LICENSE.md README.ijg cmakescripts md5 release sharedlib simd
sources_of spng libspng 'spng/*'
sources_of webp libwebp CMakeLists.txt configure.ac COPYING PATENTS AUTHORS cmake src sharpyuv
sources_of zlib zlib '*.c' '*.h'
sources_of pugixml pugixml 'src/*'
headers_of highway libhwy-dev hwy
headers_of fmt libfmt-dev fmt
headers_of nlohmann-json nlohmann-json3-dev nlohmann
headers_of cli11 libcli11-dev CLI
headers_of tomlplusplus libtomlplusplus-dev toml++
headers_of xxhash libxxhash-dev xxhash.h xxh3.h
# Of what a wheel has besides: pip brings nanobind's sources, the compiler libstdc++.
cp "$(python -c "import importlib.metadata as m; print(next(f.locate() for f in m.files('nanobind') if f.name == 'LICENSE'))")" \
  "$new/licenses/nanobind"
cp /usr/share/doc/gcc-12-base/copyright "$new/licenses/libstdc++"
