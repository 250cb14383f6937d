"""Folders as `scatlight reconstruct`, `study` and `bench` write them, made up for the tests."""

from pathlib import Path

from runs import MACHINE, draw_picture, write_json


def reconstructed_image(name: str, psnr: float | None, iterations: int = 300) -> dict:
    return {
        "file": f"photos/{name}.png",
        "picture": f"{name}.png",
        "height": 64,
        "width": 64,
        "channels": 3,
        "psnr_db": psnr,
        "relative_error": 0.00234,
        "iterations": iterations,
        "seconds": 2.5,
        "errors": [0.5 / (step + 1) for step in range(iterations - 1)] + [0.0],
    }


def write_reconstruction(
    folder: Path,
    psnr: dict[str, float | None],
    solver: str = "coarse-to-fine",
    scales: int = 3,
    complete: bool = True,
    with_pictures: bool = True,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(
        folder / "reconstruction.json",
        {
            "kind": "reconstruction",
            "scatlight": "0.1.0",
            "solver": solver,
            "scales": scales,
            "angles": 8,
            "wavelet": "morlet",
            "normalization": "kymatio",
            "sigma": 0.8,
            "center_frequency": 2.356,
            "slant": 0.5,
            "max_order": 1,
            "threads": 2,
            "complete": complete,
            "images": [reconstructed_image(name, value) for name, value in psnr.items()],
        },
    )
    if with_pictures:
        for name in psnr:
            draw_picture(folder / f"{name}.png")


def bounds(lower: float, upper: float) -> dict:
    return {"lower": lower, "upper": upper, "epsilon_0": max(1 - lower, upper - 1)}


def signal(name: str, largest: float) -> dict:
    rows = [
        {
            "scale": scale,
            "shift": shift,
            "left": largest * 1.5 * shift / 8,
            "right": 1.5,
            "ratio": largest * shift / 8 / (scale + 1),
            "eta_0": 1.0,
            "epsilon": 0.01,
            "angle": 0,
            "direction": 0.0,
        }
        for scale in range(3)
        for shift in (0.25, 1.0, 8.0)
    ]
    return {"signal": name, "tightest": rows[2], "table": rows}


def blob(length: float, thickness: float, direction: float) -> dict:
    order_1 = {
        "error": 0.0217,
        "error_with_unsampled_wavelets": 1.1e-9,
        "smallest_constant": 0.17,
        "largest_constant": 0.61,
        "error_of_constant": 1e-15,
        "residual_of_proportionality": 4.2e-9,
    }
    return {
        "length": length,
        "thickness": thickness,
        "direction": direction,
        "order_0_error": 7.4e-16,
        "order_1": [{"scale": scale} | order_1 for scale in range(3)],
    }


def shares(order0: float, order1: float, order2: float) -> dict:
    return {"order_0": order0, "order_1": order1, "order_2": order2, "sum": order0 + order1 + order2}


def energy(image: str, varied: bool) -> dict:
    rows = [
        {
            "scales": scales,
            "of_energy": shares(0.98, 0.01, 0.001),
            "of_variance": shares(1 - 0.1 * scales, 0.05 * scales, 0.004 * scales) if varied else None,
        }
        for scales in range(1, 6)
    ]
    return {"image": image, "by_scales": rows}


def found(sigma: float, gain: float, lower: float, upper: float) -> dict:
    parameters = {"sigma": sigma, "center_frequency": 2.998, "slant": 0.511, "gain_of_psi": gain}
    return parameters | bounds(lower, upper) | {"evaluations": 409}


PICTURES = ("frame", "filters_space", "filters_frequency", "blobs", "blobs_reconstructed", "energy")


def study(search: bool, largest_ratio: float) -> dict:
    radius = [0.1 * step for step in range(32)]
    record = {
        "scatlight": "0.1.0",
        "command": "study",
        "options": {
            "scales": 3,
            "angles": 8,
            "wavelet": "morlet",
            "normalization": "kymatio",
            "sigma": 0.8,
            "center_frequency": 2.356194490192345,
            "slant": 0.5,
            "size": 224,
            "max_scales": 5,
            "search": search,
        },
        "images": ["drawn discs", "grey & plain"],
        "frame_bounds": {
            "symmetrised_sum": bounds(0.3321, 1.0204),
            "symmetrised_sum_at_best_gain": {"gain_of_psi": 1.219} | bounds(0.4931, 1.5069),
            "printed_one_sided_sum": bounds(0.0015, 1.9794),
            "symmetrised_sum_by_radius": {
                "radius": radius,
                "lowest": [0.8 for _ in radius],
                "mean": [0.9 for _ in radius],
                "highest": [1.0 for _ in radius],
            },
            "symmetrised_sum_by_scales": [
                {"scales": scales} | bounds(0.3, 1 + 0.01 * scales) for scales in range(1, 6)
            ],
        },
        "proposition_1": {
            "left": "...",
            "right": "...",
            "signals": [signal("worst of all signals", largest_ratio), signal("dirac", 0.172)],
            "dirac_order_in_shift_gabor": {"of_norm": 0.998, "at_its_sample": 1.993},
        },
        "proposition_2": {
            "wavelet": "gabor",
            "error": "...",
            "constant": "...",
            "blobs": [blob(2, 2, 0), blob(16, 2, 0.7853981633974483)],
        },
        "reconstruction": [
            {
                "length": length,
                "thickness": 2.0,
                "direction": 0.0,
                "scales": scales,
                "psnr_db": 100.5 - 10 * scales if length > 2 else None,
                "relative_error": 0.00012,
            }
            for length in (2.0, 16.0)
            for scales in (3, 4)
        ],
        "conditioning": [
            {
                "scales": scales,
                "log10_condition_before_subsampling": 1.8 * 4 ** (scales - 1),
                "share_seen_after_subsampling": 4.0**-scales,
                "coefficients_per_pixel": (1 + 8 * scales) / 4**scales,
            }
            for scales in range(1, 6)
        ],
        "energy_kept": [energy("drawn discs", True), energy("grey & plain", False)],
        "coefficients_per_pixel": [
            {
                "scales": scales,
                "angles": angles,
                "order_1": (1 + angles * scales) / 4**scales,
                "orders_1_and_2": (1 + angles * scales + angles**2 * scales * (scales - 1) / 2) / 4**scales,
            }
            for scales in range(1, 6)
            for angles in (4, 8)
        ],
    }
    if search:
        record["search"] = {
            "symmetrised_sum": found(0.591, 1.0, 0.9157, 1.0851),
            "symmetrised_sum_with_gain": found(0.550, 0.896, 0.9319, 1.0684),
        }
    return record


def write_study(
    folder: Path, search: bool = True, largest_ratio: float = 0.965, with_pictures: bool = True
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "study.json", study(search, largest_ratio))
    if with_pictures:
        for name in (*PICTURES, *(["frame_found"] if search else [])):
            draw_picture(folder / f"{name}.png")


def times(seconds: float, batch: int = 64) -> dict:
    return {
        "seconds": seconds,
        "least": 0.9 * seconds,
        "largest": 1.2 * seconds,
        "images_per_second": batch / seconds,
    }


def batch_times(from_maps: float, transform: float) -> dict:
    return {"from_maps": times(from_maps), "from_images": times(from_maps + transform)}


def measured_network(name: str, seconds: float, transform: float, kept: float, largest: int) -> dict:
    """`seconds` of a batch of 64 from its maps, and of the transform; `kept` bytes of an image."""
    folded = batch_times(seconds, transform)
    if transform:
        folded["transform"] = times(transform)
    return {
        "name": name,
        "parameters": 25_557_032,
        "multiply_adds": 4_089_184_256,
        "maps": [75, 28, 28],
        "inference": {"as_trained": batch_times(1.25 * seconds, transform), "folded": folded},
        "training": batch_times(4 * seconds, transform),
        "memory": {
            "fixed_bytes": 200_000_000,
            "kept_bytes_per_image": kept,
            "counted_bytes_per_image": 0.99 * kept,
            "largest_batch": largest,
            "least_too_large": largest + 1,
            "steps": [{"images": 2, "held_bytes": 3, "peak_bytes": 4, "process_bytes": 5}],
        },
    }


TABLE_2 = [
    measured_network("scatresnet50", 2.4, 0.16, 52.6e6, 204),
    measured_network("resnet50", 3.2, 0, 85.9e6, 127),
    measured_network("resnet101", 6.4, 0, 126.9e6, 85),
]


def write_bench(folder: Path, networks: list[dict] | None = None, **conditions) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    usual = {
        "device": "cpu",
        "precision": "float32",
        "tf32": False,
        "cudnn_benchmark": False,
        "layout": "channels_last",
        "features": False,
        "size": 224,
        "batch": 64,
        "memory_bytes": 11_000_000_000,
        "rounds": 15,
        "round_seconds": 0.2,
        "seed": 0,
        "load": 0.1,
    }
    record = {
        "scatlight": "0.1.0",
        "command": "bench",
        "options": {},
        "machine": MACHINE,
        "started": "2024-05-31T12:00:00Z",
        "conditions": usual | conditions,
        "networks": TABLE_2 if networks is None else networks,
    }
    write_json(folder / "bench.json", record)
