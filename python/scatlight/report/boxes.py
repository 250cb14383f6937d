"""What a detector of objects writes, as typed records: run.json, log.jsonl, eval.json and predict.json whose
task is "detect". Boxes are in pixels of the upright picture; shares count from 0 to 1."""

from collections.abc import Callable
from dataclasses import dataclass

from scatlight.report.fields import Fields
from scatlight.report.training import Call, Log, Skipped, read_call, read_skipped

TASK = "detect"
LOSSES = ("objectness", "rpn_box", "class", "box")
POSITIVES = ("positive_anchors", "positive_rois")
STAGES = ("waiting", "maps", "base", "proposals", "head")
COUNTS = {
    "empty": "pictures without objects",
    "difficult": "difficult objects",
    "crowd": "crowds",
    "trimmed": "boxes trimmed at the edge",
    "dropped": "boxes dropped beyond the edge",
    "turned": "pictures turned with their boxes",
    "skipped": "pictures left out",
}


@dataclass(frozen=True)
class MarkedBox:
    label: int  # index into the classes; 0 where the file has only the name
    name: str
    left: float
    top: float
    right: float
    bottom: float
    kind: str = ""  # found, missed or false, where it was compared with the annotations
    score: float | None = None


@dataclass(frozen=True)
class MarkedPicture:
    file: str
    width: int
    height: int
    boxes: list[MarkedBox]


@dataclass(frozen=True)
class BoxData:
    """A data set as it was listed."""

    roots: list[str]
    images: int
    objects: dict[str, int]  # by class
    counts: dict[str, int]  # COUNTS; of older files, those that it has

    @property
    def told(self) -> list[str]:
        """The counts that are not 0, in words."""
        return [f"{COUNTS[name]}: {count}" for name, count in self.counts.items() if count]


@dataclass(frozen=True)
class Place:
    """Where an object lies, and how large it is."""

    x: float  # of its centre, as a share of the picture's width
    y: float
    width: float  # pixels of the network's images
    height: float


@dataclass(frozen=True)
class DetectorFacts:
    """run.json"""

    call: Call
    network: str
    parameters: int
    anchor_sizes: list[float]  # pixels of the network's images; empty: an older file does not say
    anchor_ratios: list[float]
    sides: tuple[int, int] | None  # the short one of the network's images, and the longest
    classes: list[str]
    data: dict[str, BoxData]  # by what it was for: train, val
    pictures: list[MarkedPicture]  # some of the training
    places: list[Place]  # of objects of the training, at most some thousand


@dataclass(frozen=True)
class DetectorPoint:
    """An evaluation during the training."""

    seconds: float
    ap: float | None  # shares; None: nothing to count
    ap50: float | None


@dataclass(frozen=True)
class CurvePoint:
    recall: float
    precision: float
    score: float


@dataclass(frozen=True)
class ClassResult:
    name: str
    images: int
    objects: int
    ap: float | None
    ap50: float | None
    ap07: float | None
    curve: list[CurvePoint]  # at an overlap of 0.5, up to the largest recall


@dataclass(frozen=True)
class DetectorEvaluation:
    """eval.json"""

    data: str
    images: int
    classes: list[str]
    ap: float | None  # the mean over overlaps from 0.5 to 0.95
    ap50: float | None
    ap75: float | None
    ap07: float | None  # VOC 2007's mean of 11 precisions
    per_class: list[ClassResult]
    confusion: list[list[int]]  # [true class][class that was found]; the last of both is the background
    shown: list[MarkedPicture]
    seconds: dict[str, float]  # STAGES and "all"; of older files, those that it has
    images_per_second: float
    peak_memory_bytes: float | None
    skipped: list[Skipped]


@dataclass(frozen=True)
class DetectorPredictions:
    """predict.json"""

    images: list[MarkedPicture]
    skipped: list[Skipped]


@dataclass(frozen=True)
class Detector:
    """What a folder holds of a detector. Every file is optional."""

    facts: DetectorFacts | None = None
    log: Log[DetectorPoint] | None = None
    evaluation: DetectorEvaluation | None = None
    predictions: DetectorPredictions | None = None

    @property
    def passes(self) -> float | None:
        """Over the training pictures."""
        data = self.facts.data.get("train") if self.facts else None
        if data is None or data.images < 1 or self.log is None or not self.log.train:
            return None
        return self.log.train[-1].images / data.images


# ---- pictures ----


def _read_box(
    fields: Fields, name_of: Callable[[Fields], tuple[int, str]], kind: str, score: float | None
) -> MarkedBox:
    label, name = name_of(fields)
    left, top, right, bottom = fields.numbers("box", 4)
    return MarkedBox(label, name, left, top, right, bottom, kind, score)


def _read_picture(fields: Fields, boxes: list[MarkedBox]) -> MarkedPicture:
    return MarkedPicture(fields.text("file"), fields.positive("width"), fields.positive("height"), boxes)


def _by_index(classes: list[str]) -> Callable[[Fields], tuple[int, str]]:
    def name_of(fields: Fields) -> tuple[int, str]:
        label = fields.index("class", len(classes))
        return label, classes[label]

    return name_of


def _by_name(fields: Fields) -> tuple[int, str]:
    return 0, fields.text("class")


# ---- files ----


def _read_data(fields: Fields) -> BoxData:
    return BoxData(
        roots=fields.texts("roots"),
        images=fields.integer("images"),
        objects=fields.counts("objects"),
        counts={name: fields.integer(name) for name in COUNTS if fields.has(name)},
    )


def read_detector_facts(fields: Fields) -> DetectorFacts:
    classes = fields.texts("classes")
    name_of = _by_index(classes)
    has_sides = fields.has("detector.short_side") and fields.has("detector.long_side")
    return DetectorFacts(
        call=read_call(fields),
        network=fields.text("network.name"),
        parameters=fields.integer("network.parameters"),
        anchor_sizes=fields.numbers("detector.anchor_sizes") if fields.has("detector.anchor_sizes") else [],
        anchor_ratios=fields.numbers("detector.anchor_ratios")
        if fields.has("detector.anchor_ratios")
        else [],
        sides=(fields.integer("detector.short_side"), fields.integer("detector.long_side"))
        if has_sides
        else None,
        classes=classes,
        data={
            part: _read_data(fields.within("data").within(part))
            for part in ("train", "val")
            if fields.has(f"data.{part}")
        },
        pictures=[
            _read_picture(picture, [_read_box(box, name_of, "", None) for box in picture.objects("boxes")])
            for picture in fields.objects("pictures")
        ],
        places=[Place(*row) for row in fields.rows("objects", 4)],
    )


def _share(fields: Fields, name: str) -> float | None:
    """The metrics say with -1 that there is nothing to count."""
    value = fields.number(name)
    return value if value >= 0 else None


def read_detector_point(fields: Fields) -> DetectorPoint:
    return DetectorPoint(fields.number("seconds"), _share(fields, "ap"), _share(fields, "ap50"))


def _read_class(fields: Fields) -> ClassResult:
    return ClassResult(
        name=fields.text("class"),
        images=fields.integer("images"),
        objects=fields.integer("objects"),
        ap=_share(fields, "ap"),
        ap50=_share(fields, "ap50"),
        ap07=_share(fields, "ap07"),
        curve=[CurvePoint(*row) for row in fields.rows("curve", 3)],
    )


def read_detector_evaluation(fields: Fields) -> DetectorEvaluation:
    classes = fields.texts("classes")
    name_of = _by_index(classes)
    return DetectorEvaluation(
        data=fields.text("data"),
        images=fields.integer("images"),
        classes=classes,
        ap=_share(fields, "ap"),
        ap50=_share(fields, "ap50"),
        ap75=_share(fields, "ap75"),
        ap07=_share(fields, "map07"),
        per_class=[_read_class(entry) for entry in fields.objects("per_class")],
        confusion=fields.square("confusion", len(classes) + 1),
        shown=[
            _read_picture(
                picture,
                [
                    _read_box(
                        box,
                        name_of,
                        box.one_of("kind", "found", "missed", "false"),
                        box.optional_number("score"),
                    )
                    for box in picture.objects("boxes")
                ],
            )
            for picture in fields.objects("shown")
        ],
        seconds={
            stage: fields.number(f"seconds.{stage}")
            for stage in (*STAGES, "all")
            if fields.has(f"seconds.{stage}")
        },
        images_per_second=fields.number("images_per_second"),
        peak_memory_bytes=fields.optional_number("peak_memory_bytes"),
        skipped=read_skipped(fields),
    )


def read_detector_predictions(fields: Fields) -> DetectorPredictions:
    images = [
        _read_picture(
            picture,
            [_read_box(box, _by_name, "", box.number("score")) for box in picture.objects("detections")],
        )
        for picture in fields.objects("images")
    ]
    return DetectorPredictions(images, read_skipped(fields))
