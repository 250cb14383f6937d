#!/usr/bin/env bash
# The whole path on a drawn data set, about five minutes on two cores: draw it, train a small network on scattering
# and the same network on pixels, evaluate both, predict some images, and write one HTML page. Both networks see the
# images equally often, so that the comparison does not depend on what else the machine does.
# Everything goes into demo/. The last line is the page's path.
#   scripts/demo.sh [--epochs N]     of training, for each network; 20 by default
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/build/bin:$PWD/.venv/bin:$PATH

epochs=20
while [ $# -gt 0 ]; do
  case $1 in
    --epochs) epochs=${2:?"--epochs needs a number"}; shift 2 ;;
    *) echo "demo: unknown argument $1; --epochs N is accepted" >&2; exit 2 ;;
  esac
done
if ! scatlight train --help >/dev/null 2>&1; then
  echo "demo: build/bin/scatlight is not there or was built without torch: \`make build\` makes it" >&2
  exit 1
fi

step() { printf '\n== %s\n' "$*"; }

step "drawing 8 classes of textures and shapes into demo/shapes"
scatlight draw demo/shapes --overwrite

images=()
for folder in demo/shapes/val/*/; do
  files=("$folder"*.jpg)
  images+=("${files[@]:0:2}")
done

train() {  # RUN NETWORK
  local run=$1 network=$2
  step "training $network for $epochs epochs into $run"
  scatlight train demo/shapes/train --val demo/shapes/val --run "$run" --overwrite --network "$network" --size 128 \
    --epochs "$epochs"
  step "evaluating $run"
  scatlight eval "$run" demo/shapes/val
  scatlight predict "$run" "${images[@]}" --out "$run/predict.json" >/dev/null
}
train demo/scattering scatresnet-small
train demo/pixels resnet-small

step "the scattering maps of one image"
scatlight transform "${images[0]}" --out demo/scattering/maps.safetensors

step "the page"
python -m scatlight.report demo/scattering demo/pixels --title "scatlight: scattering against pixels" \
  --out demo/report.html >/dev/null
echo "$PWD/demo/report.html"
