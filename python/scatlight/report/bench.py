"""What `scatlight bench` wrote: speed and memory of networks."""

from dataclasses import dataclass

from scatlight.report.fields import Fields
from scatlight.report.training import Call, read_call


@dataclass(frozen=True)
class Times:
    """Of a batch, in seconds, over the rounds."""

    median: float
    least: float
    largest: float


@dataclass(frozen=True)
class BatchTimes:
    """With maps that are there, and with the transform before."""

    from_maps: Times
    from_images: Times
    transform: Times | None  # alone; None: it was not timed, or there is none


@dataclass(frozen=True)
class Measured:
    """One network."""

    name: str
    parameters: int
    multiply_adds: int
    as_trained: BatchTimes
    folded: BatchTimes
    training: BatchTimes
    kept_bytes: float  # by training, of an image
    counted_bytes: float  # the same, from the network's structure
    largest_batch: int
    is_exact: bool  # one image more was seen not to fit


@dataclass(frozen=True)
class Bench:
    call: Call
    device: str
    precision: str
    layout: str
    features: bool  # bases of detectors
    size: int
    batch: int
    memory_bytes: int
    rounds: int
    load: float  # of the machine before; negative where unknown
    networks: list[Measured]


def _read_times(fields: Fields) -> Times:
    return Times(fields.positive_number("seconds"), fields.number("least"), fields.number("largest"))


def _read_batch_times(fields: Fields) -> BatchTimes:
    return BatchTimes(
        from_maps=_read_times(fields.within("from_maps")),
        from_images=_read_times(fields.within("from_images")),
        transform=_read_times(fields.within("transform")) if fields.has("transform") else None,
    )


def _read_network(fields: Fields) -> Measured:
    inference, memory = fields.within("inference"), fields.within("memory")
    largest = memory.positive("largest_batch")
    return Measured(
        name=fields.text("name"),
        parameters=fields.integer("parameters"),
        multiply_adds=fields.integer("multiply_adds"),
        as_trained=_read_batch_times(inference.within("as_trained")),
        folded=_read_batch_times(inference.within("folded")),
        training=_read_batch_times(fields.within("training")),
        kept_bytes=memory.positive_number("kept_bytes_per_image"),
        counted_bytes=memory.number("counted_bytes_per_image"),
        largest_batch=largest,
        is_exact=memory.optional_integer("least_too_large") == largest + 1,
    )


def read_bench(fields: Fields) -> Bench:
    conditions = fields.within("conditions")
    return Bench(
        call=read_call(fields),
        device=conditions.text("device"),
        precision=conditions.text("precision"),
        layout=conditions.text("layout"),
        features=conditions.flag("features"),
        size=conditions.positive("size"),
        batch=conditions.positive("batch"),
        memory_bytes=conditions.positive("memory_bytes"),
        rounds=conditions.positive("rounds"),
        load=conditions.number("load"),
        networks=[_read_network(network) for network in fields.objects("networks")],
    )
