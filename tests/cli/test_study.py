"""`scatlight study`: what it measures, its pictures, and bad input."""

import json
import math
import os

import pytest
from conftest import fail, succeed
from PIL import Image

PICTURES = [
    "energy.png",
    "frame.png",
    "filters_space.png",
    "filters_frequency.png",
    "blobs.png",
    "blobs_reconstructed.png",
]


def study(tmp_path, *arguments, **options) -> dict:
    succeed("study", *arguments, "--out", tmp_path / "out", **options)
    return json.loads((tmp_path / "out/study.json").read_text())


def check_pictures(folder, names) -> None:
    assert sorted(os.listdir(folder)) == sorted([*names, "study.json"])
    for name in names:
        with Image.open(folder / name) as picture:
            picture.load()
            if name != "blobs_reconstructed.png":  # as large as its blobs are
                assert picture.width == 1000
                assert picture.height > 100
            assert len(picture.getcolors(1 << 24)) > 5


@pytest.fixture(scope="module")
def of_photo(tmp_path_factory) -> dict:
    """The study of one small picture, on a small grid."""
    folder = tmp_path_factory.mktemp("study")
    file = folder / "a.png"
    Image.radial_gradient("L").resize((90, 70)).convert("RGB").save(file)
    found = study(folder, file, "--size", 128, "--max-scales", 4, "--wavelet", "gabor")
    check_pictures(folder / "out", PICTURES)
    assert found["images"] == [str(file)]
    return found


def test_options_are_told(of_photo):
    options = of_photo["options"]
    assert options["wavelet"] == "gabor"
    assert (options["scales"], options["angles"], options["slant"]) == (3, 8, 0.5)
    assert (options["size"], options["max_scales"], options["search"]) == (128, 4, False)


def test_frame_bounds(of_photo):
    bounds = of_photo["frame_bounds"]
    for name in ("symmetrised_sum", "symmetrised_sum_at_best_gain", "printed_one_sided_sum"):
        part = bounds[name]
        assert 0 <= part["lower"] < part["upper"]
        assert part["epsilon_0"] == max(1 - part["lower"], part["upper"] - 1)
    assert bounds["symmetrised_sum_at_best_gain"]["epsilon_0"] <= bounds["symmetrised_sum"]["epsilon_0"]
    by_scales = bounds["symmetrised_sum_by_scales"]
    assert [row["scales"] for row in by_scales] == [1, 2, 3, 4]
    assert by_scales[2]["epsilon_0"] == bounds["symmetrised_sum"]["epsilon_0"]
    curve = bounds["symmetrised_sum_by_radius"]
    assert min(curve["lowest"]) == bounds["symmetrised_sum"]["lower"]
    assert len({len(values) for values in curve.values()}) == 1


def test_proposition_1_holds(of_photo):
    signals = of_photo["proposition_1"]["signals"]
    assert [signal["signal"] for signal in signals] == ["worst of all signals", "dirac", *of_photo["images"]]
    for signal in signals:
        assert len(signal["table"]) == 3 * 6
        for row in signal["table"]:
            assert 0 < row["ratio"] <= 1
            assert row["left"] == pytest.approx(row["ratio"] * row["right"])
        assert signal["tightest"]["ratio"] == max(row["ratio"] for row in signal["table"])
    orders = of_photo["proposition_1"]["dirac_order_in_shift_gabor"]
    assert orders["of_norm"] == pytest.approx(1, abs=0.05)
    assert orders["at_its_sample"] == pytest.approx(2, abs=0.05)


def test_blobs_are_found_again(of_photo):
    found = of_photo["reconstruction"]
    assert {row["scales"] for row in found} == {of_photo["options"]["scales"] + i for i in (0, 1)}
    assert len(found) == 2 * len(of_photo["proposition_2"]["blobs"])
    assert min(row["psnr_db"] for row in found) > 35


def test_proposition_2_has_the_constant(of_photo):
    blobs = of_photo["proposition_2"]["blobs"]
    assert {blob["length"] == blob["thickness"] for blob in blobs} == {True, False}
    for blob in blobs:
        assert blob["order_0_error"] < 1e-8
        for scale in blob["order_1"]:
            assert scale["error_with_unsampled_wavelets"] < 1e-5
            assert scale["error"] < 0.1
            assert scale["error_of_constant"] < 1e-8
            assert scale["residual_of_proportionality"] < 1e-5
            assert 0.1 < scale["smallest_constant"] <= scale["largest_constant"] < 1


def test_curves_against_scales(of_photo):
    conditions = of_photo["conditioning"]
    assert [row["scales"] for row in conditions] == [1, 2, 3, 4]
    for row in conditions:
        assert row["coefficients_per_pixel"] == (1 + 8 * row["scales"]) / 4 ** row["scales"]
        assert 0 < row["share_seen_after_subsampling"] <= min(1, row["coefficients_per_pixel"])
    (energy,) = of_photo["energy_kept"]
    for row in energy["by_scales"]:
        for kept in (row["of_energy"], row["of_variance"]):
            assert kept["sum"] == pytest.approx(kept["order_0"] + kept["order_1"] + kept["order_2"])
            assert 0 < kept["order_0"] < 1.01
            assert kept["order_1"] > 0
    table = {(row["scales"], row["angles"]): row for row in of_photo["coefficients_per_pixel"]}
    assert table[3, 8]["order_1"] == 25 / 64
    assert table[3, 8]["orders_1_and_2"] == 217 / 64


def test_draws_its_own_and_searches(tmp_path):
    flags = ["--size", 32, "--scales", 2, "--max-scales", 2, "--angles", 4, "--search"]
    found = study(tmp_path, *flags)
    check_pictures(tmp_path / "out", [*PICTURES, "frame_found.png"])
    assert [name.split()[0] for name in found["images"]] == ["drawn"] * 3
    for image in found["energy_kept"]:
        for row in image["by_scales"]:
            assert row["of_energy"]["sum"] < 1.02
            assert row["of_variance"]["sum"] < 1.1
    usual = found["frame_bounds"]["symmetrised_sum"]["epsilon_0"]
    best = found["search"]["symmetrised_sum"]
    assert best["epsilon_0"] < usual
    assert best["gain_of_psi"] == 1
    # The flags that it names give what it says; a second run replaces the first.
    named = [flag for key in ("sigma", "center_frequency", "slant")
             for flag in (f"--{key.replace('_', '-')}", repr(best[key]))]  # fmt: skip
    again = study(tmp_path, *flags[:-1], *named)
    assert again["frame_bounds"]["symmetrised_sum"]["epsilon_0"] == pytest.approx(
        best["epsilon_0"], abs=1e-12
    )
    assert not math.isclose(usual, best["epsilon_0"])


def test_flat_picture_has_no_variance(tmp_path):
    Image.new("RGB", (40, 40), (90, 90, 90)).save(tmp_path / "flat.png")
    found = study(tmp_path, tmp_path / "flat.png", "--size", 32, "--scales", 2, "--max-scales", 2)
    for row in found["energy_kept"][0]["by_scales"]:
        assert row["of_energy"]["order_0"] == pytest.approx(1, rel=1e-3)
        assert row["of_variance"] is None


def test_bad_input(photo, tmp_path):
    out = ["--out", tmp_path / "out"]
    small = tmp_path / "small.png"
    Image.new("RGB", (100, 7)).save(small)
    (tmp_path / "words.png").write_text("These are words, not pixels.")
    fail(1, ["small.png", "100 x 7", "at least 8"], "study", small, *out)
    fail(1, ["words.png"], "study", tmp_path / "words.png", *out)
    fail(1, ["absent.png", "no such file"], "study", tmp_path / "absent.png", *out)
    fail(2, ["--size is 100", "32", "--max-scales 5"], "study", "--size", 100, *out)
    fail(2, ["--size is 224", "64", "--scales 6"], "study", "--scales", 6, *out)
    fail(2, ["--max-scales"], "study", "--max-scales", 0, *out)
    fail(2, ["--wavelet", "morlet"], "study", "--wavelet", "haar", *out)
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("not a folder")
    fail(1, [str(tmp_path / "file")], "study", "--out", tmp_path / "file")
    fail(1, ["/proc/study"], "study", "--out", "/proc/study")
