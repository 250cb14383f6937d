"""The parameters of a transform, as several commands write them."""

from dataclasses import dataclass

from scatlight.report.fields import Fields


@dataclass(frozen=True)
class Filters:
    scales: int  # J
    angles: int  # L
    wavelet: str
    normalization: str
    sigma: float
    center_frequency: float
    slant: float

    def describe(self) -> str:
        """All but J, over which things are compared."""
        normalised = "exactly" if self.normalization == "exact" else f"as in {self.normalization}"
        return (
            f"{self.wavelet.capitalize()} wavelets at L = {self.angles} angles, normalised {normalised}; the"
            f" finest has the width sigma = {self.sigma:.4g} pixels, the centre frequency"
            f" {self.center_frequency:.4g} radians per pixel and the slant {self.slant:.4g}, the ratio of its"
            " two widths"
        )


def read_filters(fields: Fields) -> Filters:
    return Filters(
        scales=fields.integer("scales"),
        angles=fields.integer("angles"),
        wavelet=fields.text("wavelet"),
        normalization=fields.text("normalization"),
        sigma=fields.number("sigma"),
        center_frequency=fields.number("center_frequency"),
        slant=fields.number("slant"),
    )
