"""The report reads what the program writes, and says rightly which map answers to which edges."""

import math

import pytest
from conftest import succeed
from PIL import Image
from scatlight.report.features import find_features
from scatlight.report.maps import edge_direction, show_maps


def striped(file, along: float) -> None:
    """Stripes whose lines run along this angle: 0 across the page, then counter-clockwise."""
    image = Image.new("L", (64, 64))
    for y in range(64):
        for x in range(64):
            distance = x * math.sin(along) + y * math.cos(along)
            image.putpixel((x, y), round(127 + 100 * math.sin(distance * 3 * math.pi / 4)))
    image.save(file)


@pytest.mark.parametrize("angle", range(8))
@pytest.mark.parametrize("name", ["maps.safetensors", "maps.npy"])
def test_strongest_map_is_that_of_the_stripes(angle, name, tmp_path):
    along = angle * math.pi / 8
    striped(tmp_path / "a.png", along)
    index = ["--index"] if name.endswith(".npy") else []
    succeed("transform", tmp_path / "a.png", "--out", tmp_path / name, *index)
    features = find_features(tmp_path)[0]
    strength = [
        features.maps[:, i].mean() if p.order == 1 and p.scale1 == 0 else 0
        for i, p in enumerate(features.paths)
    ]
    path = features.paths[strength.index(max(strength))]
    stripe = edge_direction(features.theta[path.angle1])
    # Directions, so up to a sign; y points down in a picture.
    assert abs(stripe.x * math.cos(along) - stripe.y * math.sin(along)) > math.cos(math.pi / 16)


def test_crop_is_shown_as_it_was_transformed(tmp_path):
    striped(tmp_path / "a.png", 0)
    succeed(
        "transform",
        tmp_path / "a.png",
        "--size",
        32,
        "--max-order",
        2,
        "--out",
        tmp_path / "maps.safetensors",
    )
    features = find_features(tmp_path)[0]
    assert (features.size, features.resize) == (32, 37)
    maps = show_maps(features, tmp_path)
    assert maps.photograph
    assert [scale for scale, _ in maps.first] == [0, 1, 2]
    assert [len(pictures) for _, pictures in maps.first] == [8, 8, 8]
    assert [(a, b) for a, b, _ in maps.second] == [(0, 1), (0, 2), (1, 2)]
