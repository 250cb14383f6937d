"""Times of a detector and its steps here and in torchvision, in one process, in turn.

Each case runs torchvision, scatlight, torchvision, scatlight ...; the ratio is the median of the pairs'
ratios, so that a machine that slows down slows both. Both get their features in the memory format that they
are fastest in. The networks' bases are compared with ResNet-50's in the same way, without the transform, and
what training keeps of a picture is added up as autograd saves it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torchvision
import torchvision_detector
from PIL import Image
from safetensors.torch import save_file

BUILD = Path(__file__).resolve().parent.parent / "build"


@dataclass(frozen=True)
class Result:
    name: str
    torchvision_ms: float
    scatlight_ms: float
    ratio: float
    error: float | None  # the largest, as a share of the largest value; None: they need not be equal


@dataclass(frozen=True)
class Base:
    """What comes before the regions, of one picture of 800 x 1216."""

    network: str
    milliseconds: float
    ratio: float  # to ResNet-50
    kept_mib: float  # by training, with the paper's frozen layers
    predicted_mib: float  # by `scatlight models --detectors`


Run = Callable[[], torch.Tensor | None]

HEIGHT, WIDTH = 800, 1216
BASES = ("resnet50", "scatresnet50", "resnet101")
MIB = 2**20


def random_boxes(count: int, width: float, height: float, most: float) -> torch.Tensor:
    """Boxes within a picture, with sides of 16 pixels to `most`."""
    generator = torch.Generator().manual_seed(0)
    sides = 16 + torch.rand(count, 2, generator=generator) * (most - 16)
    room = torch.tensor([width, height]) - sides
    corner = torch.rand(count, 2, generator=generator) * room
    return torch.cat([corner, corner + sides], 1)


def crowded_boxes(count: int, places: int, width: float, height: float) -> torch.Tensor:
    """Boxes around a few places, as of a trained network."""
    generator = torch.Generator().manual_seed(1)
    centres = random_boxes(places, width, height, 400)
    boxes = centres[torch.randint(places, (count,), generator=generator)]
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + 0.05 * sides * torch.randn(count, 4, generator=generator)


def nms_case(name: str, boxes: torch.Tensor, most: int) -> tuple[str, Run, Run]:
    scores = torch.arange(len(boxes), 0, -1.0)
    limit = float(torch.tensor(0.7))

    def theirs() -> torch.Tensor:
        return torchvision.ops.nms(boxes, scores, limit)[:most]

    def ours() -> torch.Tensor:
        return torch.ops.scatlight_boxes.nms(boxes, limit, most)

    return f"NMS, {len(boxes)} {name} boxes to {len(theirs())}", theirs, ours


def roi_align_cases() -> list[tuple[str, Run, Run]]:
    features = torch.randn(1, 1024, 50, 75, generator=torch.Generator().manual_seed(0))
    rois = torch.cat([torch.zeros(128, 1), random_boxes(128, 1200, 800, 600)], 1)
    weights = torch.randn(128, 1024, 7, 7, generator=torch.Generator().manual_seed(1))
    last = torch.channels_last
    their_leaf = features.clone().requires_grad_()
    our_leaf = features.clone().contiguous(memory_format=last).requires_grad_()
    our_weights = weights.contiguous(memory_format=last)

    def theirs(leaf: torch.Tensor) -> torch.Tensor:
        return torchvision.ops.roi_align(leaf, rois, 7, 1 / 16, 2, aligned=False)

    def ours(leaf: torch.Tensor) -> torch.Tensor:
        return torch.ops.scatlight.roi_align(leaf, rois, 1 / 16, 7, 2)

    their_pooled, our_pooled = theirs(their_leaf), ours(our_leaf)
    size = "128 RoIs, 1024 x 50 x 75"
    return [
        (f"RoI align, {size}, forward", lambda: theirs(their_leaf.detach()), lambda: ours(our_leaf.detach())),
        (
            f"RoI align, {size}, backward",
            lambda: torch.autograd.grad(their_pooled, their_leaf, weights, retain_graph=True)[0],
            lambda: torch.autograd.grad(our_pooled, our_leaf, our_weights, retain_graph=True)[0],
        ),
    ]


def whole_cases(folder: Path) -> list[tuple[str, Run, Run]]:
    """ResNet-50's detector with the paper's numbers of regions, on one picture with five objects."""
    sizes, classes = (128, 256, 512), 20
    model = torchvision_detector.make_model(
        sizes,
        classes,
        min_size=HEIGHT,
        max_size=WIDTH,
        rpn_pre_nms_top_n_train=12000,
        rpn_post_nms_top_n_train=2000,
        rpn_pre_nms_top_n_test=6000,
        rpn_post_nms_top_n_test=300,
        box_batch_size_per_image=128,
        box_score_thresh=0.05,
        box_nms_thresh=0.3,
    )
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    picture = Image.fromarray(pixels).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    picture.save(folder / "picture.png")
    image = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1) / 255
    torchvision_detector.spread_scores(model, image)
    boxes = random_boxes(5, WIDTH, HEIGHT, 600)
    labels = torch.arange(1, 6)
    sides = boxes[:, 2:] - boxes[:, :2]
    annotations = [
        {"id": i, "image_id": 1, "category_id": i, "bbox": [*corner, *side], "area": side[0] * side[1]}
        for i, corner, side in zip(labels.tolist(), boxes[:, :2].tolist(), sides.tolist(), strict=True)
    ]
    categories = [{"id": i, "name": f"class {i}"} for i in range(1, classes + 1)]
    images = [{"id": 1, "file_name": "picture.png", "width": WIDTH, "height": HEIGHT}]
    objects = {"images": images, "categories": categories, "annotations": annotations}
    (folder / "objects.json").write_text(json.dumps(objects))
    weights = {torchvision_detector.our_name(name): tensor for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "weights.safetensors", {"task": "detect"})
    for module in (model.backbone.conv1, model.backbone.layer1):
        module.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.requires_grad_(False)
    files = [str(folder / name) for name in ("weights.safetensors", "objects.json")]
    detector = torch.classes.scatlight_detectors.Detector("resnet50", classes, files[0])
    training = torch.classes.scatlight_detectors.Training("resnet50", *files, str(folder))

    def detect() -> torch.Tensor:
        model.eval()
        with torch.no_grad():
            found = model([image])[0]
        columns = [found["labels"][:, None] - 1, found["scores"][:, None], found["boxes"]]
        return torch.cat(columns, 1)

    def step() -> None:  # each side draws its own anchors and regions
        model.train()
        torchvision_detector.freeze_norms(model)
        model.zero_grad(set_to_none=True)
        sum(model([image], [{"boxes": boxes, "labels": labels}]).values()).backward()

    return [
        (f"ResNet-50's detections of {HEIGHT} x {WIDTH}", detect, lambda: detector.detect(image)),
        ("a training step of it, without the update", step, training.backward),
    ]


def kept_bytes(network: str, pictures: int) -> int:
    """Of the tensors that autograd saves, each memory counted once."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        images = torch.rand(pictures, 3, HEIGHT, WIDTH)
        torch.ops.scatlight_detectors.propose_in_training(network, images)
    return sum(kept.values())


def compare_bases(pairs: int) -> list[Base]:
    detectors = [torch.classes.scatlight_detectors.Detector(name, 20, "") for name in BASES]
    image = torch.rand(1, 3, HEIGHT, WIDTH)
    maps = [detector.maps(image) for detector in detectors]
    rounds = []
    for _ in range(pairs + 1):
        runs = zip(detectors, maps, strict=True)
        rounds.append([seconds(partial(detector.features, of_image)) for detector, of_image in runs])
    del detectors
    bases = []
    for name, times in zip(BASES, zip(*rounds[1:], strict=True), strict=True):
        ratio = statistics.median(
            time / reference[0] for time, reference in zip(times, rounds[1:], strict=True)
        )
        kept = kept_bytes(name, 2) - kept_bytes(name, 1)
        predicted = torch.ops.scatlight_detectors.picture_bytes(name, HEIGHT, WIDTH)
        bases.append(Base(name, 1e3 * statistics.median(times), ratio, kept / MIB, predicted / MIB))
    return bases


def seconds(run: Run) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def compare(name: str, theirs: Run, ours: Run, pairs: int) -> Result:
    expected, actual = theirs(), ours()
    error = None
    if expected is not None and actual is not None:
        if expected.shape != actual.shape:
            raise SystemExit(
                f"{name}: torchvision gives {tuple(expected.shape)}, scatlight {tuple(actual.shape)}"
            )
        error = float((actual.double() - expected.double()).abs().max() / expected.double().abs().max())
    times = [(seconds(theirs), seconds(ours)) for _ in range(pairs)]
    their_time, our_time = (statistics.median(column) for column in zip(*times, strict=True))
    return Result(
        name=name,
        torchvision_ms=1e3 * their_time,
        scatlight_ms=1e3 * our_time,
        ratio=statistics.median(a / b for a, b in times),
        error=error,
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1, help="of both (default 1)")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each case (default 5)")
    parser.add_argument("--build", type=Path, default=BUILD, metavar="DIR", help="build folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")
    arguments = parser.parse_args()
    torch.classes.load_library(str(arguments.build / "benchmarks" / "detector_operators.so"))
    torch.set_num_threads(arguments.threads)
    results = []
    print(f"{'torchvision ms':>14} {'scatlight ms':>13} {'ratio':>6} {'error':>9}   case")
    with tempfile.TemporaryDirectory() as folder:
        cases = [
            *roi_align_cases(),
            nms_case("random", random_boxes(12000, 1200, 800, 600), 2000),
            nms_case("crowded", crowded_boxes(12000, 60, 1200, 800), 2000),
            *whole_cases(Path(folder)),
        ]
        for case in cases:
            result = compare(*case, arguments.pairs)
            results.append(result)
            print(
                f"{result.torchvision_ms:14.1f} {result.scatlight_ms:13.2f} {result.ratio:6.1f}"
                f" {'' if result.error is None else format(result.error, '.1e'):>9}   {result.name}",
                flush=True,
            )
    print(f"{'base ms':>14} {'ratio':>13} {'kept MiB':>10} {'predicted':>9}   network")
    bases = compare_bases(arguments.pairs)
    for base in bases:
        print(
            f"{base.milliseconds:14.0f} {base.ratio:13.2f} {base.kept_mib:10.1f}"
            f" {base.predicted_mib:9.1f}   {base.network}"
        )
    if arguments.out:
        program = arguments.build / "bin" / "scatlight"
        info = subprocess.run([program, "info", "--json"], capture_output=True, check=True, text=True)
        facts = {"threads_used": arguments.threads, "torchvision": torchvision.__version__}
        text = json.dumps(
            {
                "machine": facts | json.loads(info.stdout),
                "results": [asdict(result) for result in results],
                "bases": [asdict(base) for base in bases],
            },
            indent=1,
        )
        arguments.out.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
