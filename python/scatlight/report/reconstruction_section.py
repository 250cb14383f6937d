"""How well images come back from their scattering."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations
from pathlib import Path

from scatlight.report.figures import Series, dot_plot, line_plot
from scatlight.report.images import wide_picture
from scatlight.report.load import Run
from scatlight.report.reconstruction import ReconstructedImage, Reconstruction
from scatlight.report.section import Figure, Section

LARGEST_GALLERY = 24  # pictures
LARGEST_DOT_PLOT = 48  # images
POINTS_OF_A_CURVE = 200
FEW_CURVES = 8
COARSE_TO_FINE = "coarse-to-fine"

ImageKey = tuple[str, int, int]  # file, height, width


@dataclass(frozen=True)
class Reconstructed:
    """A folder of reconstructions."""

    index: int  # its colour
    name: str
    folder: Path
    found: Reconstruction

    @property
    def images(self) -> list[ReconstructedImage]:
        return self.found.images

    def mean(self, value: Callable[[ReconstructedImage], float]) -> float | None:
        return sum(map(value, self.images)) / len(self.images) if self.images else None

    @property
    def mean_psnr(self) -> float | None:
        """Over the images whose pixels are not all equal to the original's."""
        known = [image.psnr for image in self.images if image.psnr is not None]
        return sum(known) / len(known) if known else None

    @property
    def equal_images(self) -> int:
        return sum(image.psnr is None for image in self.images)


def _key(image: ReconstructedImage) -> ImageKey:
    return image.file, image.height, image.width


def _table(folders: Sequence[Reconstructed]) -> list[dict[str, object]]:
    return [
        {
            "folder": folder,
            "psnr": folder.mean_psnr,
            "error": folder.mean(lambda image: image.relative_error),
            "iterations": folder.mean(lambda image: image.iterations),
            "seconds": folder.mean(lambda image: image.seconds),
        }
        for folder in folders
    ]


def _describe(found: Reconstruction) -> str:
    orders = "orders 0 and 1" if found.max_order == 1 else f"orders 0 to {found.max_order}"
    return f"{found.filters.describe()}; {orders if found.max_order else 'order 0 alone'}"


def _settings(folders: Sequence[Reconstructed]) -> list[tuple[str, str]]:
    """Each transform with the names of its folders."""
    names: dict[str, list[str]] = {}
    for folder in folders:
        names.setdefault(_describe(folder.found), []).append(folder.name)
    return [(", ".join(of), text) for text, of in names.items()]


def _comparable(one: Reconstruction, other: Reconstruction) -> bool:
    """A difference means something only if at most one setting differs."""
    settings = [(*astuple(found.filters), found.solver, found.max_order) for found in (one, other)]
    differ: int = sum(a != b for a, b in zip(*settings, strict=True))
    return differ <= 1


def _difference(one: float | None, other: float | None) -> float | None:
    return other - one if one is not None and other is not None else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _compare(folders: Sequence[Reconstructed]) -> dict[str, object] | None:
    """PSNR of every image that at least two folders have, and the differences."""
    of_folder = [{_key(image): image for image in folder.images} for folder in folders]
    keys = dict.fromkeys(key for images in of_folder for key in images)
    shared = [key for key in keys if sum(key in images for images in of_folder) > 1]
    if not shared:
        return None
    pairs = [
        (a, b)
        for a, b in combinations(range(len(folders)), 2)
        if _comparable(folders[a].found, folders[b].found)
    ]
    psnr = [[images[key].psnr if key in images else None for images in of_folder] for key in shared]
    differences = [[_difference(row[a], row[b]) for a, b in pairs] for row in psnr]
    names = [Path(file).name for file, _, _ in shared]
    drawn = [
        (folder.name, folder.index, [row[place] for row in psnr[:LARGEST_DOT_PLOT]])
        for place, folder in enumerate(folders)
    ]
    svg = dot_plot(names[:LARGEST_DOT_PLOT], drawn, "PSNR, dB", "PSNR of each image by folder")
    not_drawn = len(shared) - LARGEST_DOT_PLOT
    left_out = f" The first {LARGEST_DOT_PLOT} of {len(shared)} images." if not_drawn > 0 else ""
    return {
        "figure": Figure(svg, f"PSNR of each image that several folders have; right is better.{left_out}"),
        "folders": folders,
        "pairs": [(folders[a], folders[b]) for a, b in pairs],
        "rows": [
            (name, [(key in images, value) for images, value in zip(of_folder, values, strict=True)], changes)
            for key, name, values, changes in zip(shared, names, psnr, differences, strict=True)
        ],
        "means": [_mean(column) for column in zip(*differences, strict=True)],
    }


def _gallery(folders: Sequence[Reconstructed]) -> dict[str, object]:
    """The pictures of one image in all folders stand together."""
    of_folder = [{_key(image): image for image in folder.images} for folder in folders]
    keys = list(dict.fromkeys(key for images in of_folder for key in images))
    largest = max(1, LARGEST_GALLERY // len(folders))
    shown = [
        {
            "file": key[0],
            "size": f"{key[2]} x {key[1]}",
            "results": [
                (folder, images[key], wide_picture(folder.folder / Path(images[key].picture).name))
                for folder, images in zip(folders, of_folder, strict=True)
                if key in images
            ],
        }
        for key in keys[:largest]
    ]
    return {"images": shown, "left_out": max(0, len(keys) - largest)}


def _curve(image: ReconstructedImage, name: str, color: int, thin: bool) -> Series | None:
    """Thinned out to what can be seen; errors of zero have no place on a logarithmic axis."""
    last = len(image.errors)
    step = max(1, last // POINTS_OF_A_CURVE)
    steps = [number for number in range(1, last + 1) if (number - 1) % step == 0 or number == last]
    known = [number for number in steps if image.errors[number - 1] > 0]
    errors = [image.errors[number - 1] for number in known]
    return Series(name, known, errors, color, points=len(known) == 1, thin=thin) if known else None


def _stages(found: Reconstruction) -> list[float]:
    """The steps after which the coarse-to-fine search lets the next finer scale join: equal shares of all.
    The file does not say how many steps were allowed, so none are known where a search ended early."""
    steps = {image.iterations for image in found.images}
    if found.solver != COARSE_TO_FINE or not found.complete or len(steps) != 1:
        return []
    (last,) = steps
    scales = found.filters.scales
    return [last * stage / scales for stage in range(1, scales)]


def _curves(folders: Sequence[Reconstructed]) -> Figure | None:
    thin = sum(len(folder.images) for folder in folders) > FEW_CURVES
    lines = []
    for folder in folders:
        name = folder.name if len(folders) > 1 else ""
        for image in folder.images:
            line = _curve(image, name, folder.index, thin)
            if line:
                lines.append(line)
                name = ""
    if not lines:
        return None
    stages = [_stages(folder.found) for folder in folders if folder.found.solver == COARSE_TO_FINE]
    events = stages[0] if stages and all(of_folder == stages[0] for of_folder in stages) else []
    svg = line_plot(lines, "steps", "relative error", "error curves", log="y", events=events)
    caption = "Relative error after each step of the search, one line per image."
    if events:
        caption += " Dotted lines: the next finer scale joins."
    return Figure(svg, caption)


def reconstructions(runs: Sequence[Run]) -> Section | None:
    folders = [
        Reconstructed(index, run.name, run.folder, run.reconstruction)
        for index, run in enumerate(runs)
        if run.reconstruction
    ]
    if not folders:
        return None
    content = {
        "table": _table(folders),
        "comparison": _compare(folders) if len(folders) > 1 else None,
        "gallery": _gallery(folders),
        "curves": _curves(folders),
        "settings": _settings(folders),
        "solvers": {folder.found.solver for folder in folders},
        "several": any(len(folder.images) > 1 for folder in folders),
    }
    return Section("reconstructions", "Reconstructions", "reconstruction.html.j2", content)
