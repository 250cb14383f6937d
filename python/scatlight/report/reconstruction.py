"""What `scatlight reconstruct` wrote."""

from dataclasses import dataclass

from scatlight.report.fields import Fields
from scatlight.report.filters import Filters, read_filters


@dataclass(frozen=True)
class ReconstructedImage:
    file: str  # as it was given
    picture: str  # in the folder: original, reconstruction, difference, side by side
    height: int
    width: int
    psnr: float | None  # dB; None where all pixels are equal
    relative_error: float  # ||S y - S x|| / ||S x||
    iterations: int
    seconds: float
    errors: list[float]  # relative_error of each iteration


@dataclass(frozen=True)
class Reconstruction:
    """reconstruction.json"""

    version: str
    solver: str
    filters: Filters
    max_order: int
    threads: int
    complete: bool
    images: list[ReconstructedImage]


def read_reconstruction(fields: Fields) -> Reconstruction:
    fields.expect("kind", "reconstruction")
    return Reconstruction(
        version=fields.text("scatlight"),
        solver=fields.text("solver"),
        filters=read_filters(fields),
        max_order=fields.integer("max_order"),
        threads=fields.integer("threads"),
        complete=fields.flag("complete"),
        images=[
            ReconstructedImage(
                file=image.text("file"),
                picture=image.text("picture"),
                height=image.integer("height"),
                width=image.integer("width"),
                psnr=image.optional_number("psnr_db"),
                relative_error=image.number("relative_error"),
                iterations=image.integer("iterations"),
                seconds=image.number("seconds"),
                errors=image.numbers("errors"),
            )
            for image in fields.objects("images")
        ],
    )
