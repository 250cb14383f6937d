#!/usr/bin/env bash
# Detection on a drawn data set, about seven minutes on two cores: draw pictures with boxes, train a small detector on
# scattering and the same on pixels for as many epochs, evaluate both, find objects in some pictures, and write one HTML
# page. The same again on blood cells where SCATLIGHT_DATA names a folder that holds them (bccd, as Pascal VOC).
# Everything goes into demo-boxes/. The last line is the page's path.
#   scripts/demo_boxes.sh [--epochs E]     of training, for each network; 6 by default
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/build/bin:$PWD/.venv/bin:$PATH

epochs=6
while [ $# -gt 0 ]; do
  case $1 in
    --epochs) epochs=${2:?"--epochs needs a number"}; shift 2 ;;
    *) echo "demo-boxes: unknown argument $1; --epochs E is accepted" >&2; exit 2 ;;
  esac
done
if ! scatlight train-detector --help >/dev/null 2>&1; then
  echo "demo-boxes: build/bin/scatlight is not there or was built without torch: \`make build\` makes it" >&2
  exit 1
fi

step() { printf '\n== %s\n' "$*"; }

detect() {  # OUT DATA TEST_SPLIT SHORT_SIDE
  local out=$1 data=$2 split=$3 side=$4 pictures=() run network
  for picture in $(head -n 6 "$data/ImageSets/Main/$split.txt"); do
    pictures+=("$data/JPEGImages/$picture.jpg")
  done
  for run in scattering pixels; do
    network=$([ $run = scattering ] && echo scatdet-small || echo det-small)
    run=$out/$run
    step "training $network for $epochs epochs into $run"
    scatlight train-detector "$data" --val-split val --run "$run" --overwrite --config recipes/cells.toml \
      --network "$network" --epochs "$epochs" --short-side "$side"
    step "evaluating $run"
    scatlight eval "$run" "$data" --split "$split"
    scatlight predict "$run" "${pictures[@]}" --score 0.5 --marked "$run/marked" --out "$run/predict.json" >/dev/null
  done
  step "the page"
  python -m scatlight.report "$out/scattering" "$out/pixels" --title "scatlight: detectors on scattering and on pixels" \
    --out "$out/report.html" >/dev/null
  echo "$PWD/$out/report.html"
}

if [ -n "${SCATLIGHT_DATA:-}" ] && [ -d "$SCATLIGHT_DATA/bccd" ]; then
  detect demo-boxes/cells "$SCATLIGHT_DATA/bccd" test 320
fi
step "drawing pictures with 3 classes of shapes into demo-boxes/shapes"
scatlight draw demo-boxes/shapes --boxes --classes 3 --overwrite
detect demo-boxes demo-boxes/shapes val 256
