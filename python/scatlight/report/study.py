"""What `scatlight study` wrote: section 2 of the paper in numbers."""

from dataclasses import dataclass

from scatlight.report.fields import Fields
from scatlight.report.filters import Filters, read_filters


@dataclass(frozen=True)
class Bounds:
    """lower ||x||^2 <= ||W x||^2 <= upper ||x||^2, both within epsilon of 1."""

    lower: float
    upper: float
    epsilon: float


@dataclass(frozen=True)
class RadialCurve:
    """The Littlewood-Paley sum on circles around zero."""

    radius: list[float]  # radians per pixel
    lowest: list[float]
    mean: list[float]
    highest: list[float]


@dataclass(frozen=True)
class Frame:
    bounds: Bounds  # of the sum made symmetric, which counts for real images
    gain: float  # of all psi, with which the bounds are the best
    at_gain: Bounds
    printed: Bounds  # of the one-sided sum that the paper prints
    curve: RadialCurve
    by_scales: list[tuple[int, Bounds]]


@dataclass(frozen=True)
class FoundFrame:
    """Parameters of the wavelets that a search found."""

    sigma: float
    center_frequency: float
    slant: float
    gain: float
    bounds: Bounds


@dataclass(frozen=True)
class Shift:
    """Both sides of proposition 1 at the angle and direction where they are nearest."""

    scale: int
    shift: float  # |a|, pixels
    left: float
    right: float
    ratio: float


@dataclass(frozen=True)
class Signal:
    name: str
    table: list[Shift]


@dataclass(frozen=True)
class BlobScale:
    """Order 1 of a blob at a scale against the closed form, the worst angle; relative to a map's maximum."""

    scale: int
    error: float
    error_unsampled: float  # with wavelets whose spectra are exact Gaussians
    smallest_constant: float
    largest_constant: float
    residual: float  # of |x * psi| beside a multiple of x * |psi|


@dataclass(frozen=True)
class Blob:
    length: float  # standard deviations, pixels
    thickness: float
    direction: float  # radians
    order0_error: float
    scales: list[BlobScale]


@dataclass(frozen=True)
class FoundBlob:
    """A blob reconstructed from its scattering at some J: the paper's figure 2."""

    length: float
    thickness: float
    direction: float
    scales: int
    psnr: float | None  # dB, of the peak; None where all samples are equal
    relative_error: float


@dataclass(frozen=True)
class Condition:
    scales: int
    log10_condition: float | None  # None: infinite
    seen: float  # share of the dimensions that come through
    coefficients: float  # for each pixel


@dataclass(frozen=True)
class Energy:
    """Shares that orders 0, 1 and 2 keep."""

    orders: tuple[float, float, float]
    sum: float


@dataclass(frozen=True)
class ImageEnergy:
    image: str
    scales: int
    of_energy: Energy
    of_variance: Energy | None  # without the mean; None for a picture of one colour


@dataclass(frozen=True)
class Size:
    """Coefficients for each pixel."""

    scales: int
    angles: int
    order1: float
    orders12: float


@dataclass(frozen=True)
class Study:
    """study.json"""

    version: str
    filters: Filters
    size: int  # of the images, in pixels
    frame: Frame
    search: list[FoundFrame]  # without a gain, then with one; empty if there was no search
    signals: list[Signal]
    dirac_orders: tuple[float, float]  # in |a|: of the norm, and at the Dirac's own sample
    blobs: list[Blob]
    found_blobs: list[FoundBlob]
    conditioning: list[Condition]
    energy: list[ImageEnergy]
    sizes: list[Size]


def _read_bounds(fields: Fields) -> Bounds:
    return Bounds(fields.number("lower"), fields.number("upper"), fields.number("epsilon_0"))


def _read_frame(fields: Fields) -> Frame:
    at_gain = fields.within("symmetrised_sum_at_best_gain")
    curve = fields.within("symmetrised_sum_by_radius")
    return Frame(
        bounds=_read_bounds(fields.within("symmetrised_sum")),
        gain=at_gain.number("gain_of_psi"),
        at_gain=_read_bounds(at_gain),
        printed=_read_bounds(fields.within("printed_one_sided_sum")),
        curve=RadialCurve(*curve.columns("radius", "lowest", "mean", "highest")),
        by_scales=[
            (row.integer("scales"), _read_bounds(row)) for row in fields.objects("symmetrised_sum_by_scales")
        ],
    )


def _read_found(fields: Fields) -> FoundFrame:
    return FoundFrame(
        sigma=fields.number("sigma"),
        center_frequency=fields.number("center_frequency"),
        slant=fields.number("slant"),
        gain=fields.number("gain_of_psi"),
        bounds=_read_bounds(fields),
    )


def _read_shift(fields: Fields) -> Shift:
    return Shift(
        scale=fields.integer("scale"),
        shift=fields.number("shift"),
        left=fields.number("left"),
        right=fields.number("right"),
        ratio=fields.number("ratio"),
    )


def _read_blob(fields: Fields) -> Blob:
    return Blob(
        length=fields.number("length"),
        thickness=fields.number("thickness"),
        direction=fields.number("direction"),
        order0_error=fields.number("order_0_error"),
        scales=[
            BlobScale(
                scale=scale.integer("scale"),
                error=scale.number("error"),
                error_unsampled=scale.number("error_with_unsampled_wavelets"),
                smallest_constant=scale.number("smallest_constant"),
                largest_constant=scale.number("largest_constant"),
                residual=scale.number("residual_of_proportionality"),
            )
            for scale in fields.objects("order_1")
        ],
    )


def _read_found_blob(fields: Fields) -> FoundBlob:
    return FoundBlob(
        length=fields.number("length"),
        thickness=fields.number("thickness"),
        direction=fields.number("direction"),
        scales=fields.integer("scales"),
        psnr=fields.optional_number("psnr_db"),
        relative_error=fields.number("relative_error"),
    )


def _read_condition(fields: Fields) -> Condition:
    return Condition(
        scales=fields.integer("scales"),
        log10_condition=fields.optional_number("log10_condition_before_subsampling"),
        seen=fields.number("share_seen_after_subsampling"),
        coefficients=fields.number("coefficients_per_pixel"),
    )


def _read_shares(fields: Fields) -> Energy:
    orders = (fields.number("order_0"), fields.number("order_1"), fields.number("order_2"))
    return Energy(orders, fields.number("sum"))


def _read_energy(image: Fields) -> list[ImageEnergy]:
    return [
        ImageEnergy(
            image=image.text("image"),
            scales=row.integer("scales"),
            of_energy=_read_shares(row.within("of_energy")),
            of_variance=_read_shares(row.within("of_variance")) if row.has("of_variance") else None,
        )
        for row in image.objects("by_scales")
    ]


def _read_size(fields: Fields) -> Size:
    return Size(
        scales=fields.integer("scales"),
        angles=fields.integer("angles"),
        order1=fields.number("order_1"),
        orders12=fields.number("orders_1_and_2"),
    )


def read_study(fields: Fields) -> Study:
    fields.expect("command", "study")
    translation = fields.within("proposition_1")
    searches = ("search.symmetrised_sum", "search.symmetrised_sum_with_gain")
    return Study(
        version=fields.text("scatlight"),
        filters=read_filters(fields.within("options")),
        size=fields.integer("options.size"),
        frame=_read_frame(fields.within("frame_bounds")),
        search=[_read_found(fields.within(name)) for name in searches if fields.has("search")],
        signals=[
            Signal(signal.text("signal"), [_read_shift(row) for row in signal.objects("table")])
            for signal in translation.objects("signals")
        ],
        dirac_orders=(
            translation.number("dirac_order_in_shift_gabor.of_norm"),
            translation.number("dirac_order_in_shift_gabor.at_its_sample"),
        ),
        blobs=[_read_blob(blob) for blob in fields.within("proposition_2").objects("blobs")],
        found_blobs=[_read_found_blob(row) for row in fields.objects("reconstruction")],
        conditioning=[_read_condition(row) for row in fields.objects("conditioning")],
        energy=[row for image in fields.objects("energy_kept") for row in _read_energy(image)],
        sizes=[_read_size(row) for row in fields.objects("coefficients_per_pixel")],
    )
