"""Pages of reconstructions and of studies."""

import json
import re
import shutil

import pytest
from measurements import reconstructed_image, write_reconstruction, write_study
from pages import Page, change, report
from runs import draw_picture, write_json, write_whole_run
from scatlight.report import ReportError, load_run, make_page
from scatlight.report.load import load_runs
from scatlight.report.words import decibel, digits

STUDY_SECTIONS = {"frame", "filters", "translation", "blobs", "conditioning", "energy", "compression"}


def page_of(*folders) -> Page:
    html = make_page(load_runs(list(folders)), "title")
    return Page(html.replace("</td>", " </td>").replace("</th>", " </th>"))


def words_of(page: Page) -> str:
    """In which cells and words stand one space apart, and dashes are all alike."""
    return re.sub(r"\s+", " ", page.text.replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-"))


# ---- reconstructions ----


def test_one_reconstruction(tmp_path):
    write_reconstruction(tmp_path / "j3", {"door": 30.0, "cap & co": 24.5})
    result = report(tmp_path / "j3")
    out = tmp_path / "j3" / "report.html"
    assert (result.returncode, result.stderr, result.stdout) == (0, "", f"{out}\n")
    html = out.read_text()
    page = Page(html)
    assert page.anchors == {"reconstructions"}
    for words in ("coarse-to-fine", "27.25 dB", "30.00 dB", "24.50 dB", "0.00234", "cap & co.png", "64 x 64"):
        assert words in page.text, words
    assert "Image by image" not in page.text
    assert sum(reference.startswith("data:image/jpeg") for reference in page.references) == 2
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)
    assert 'aria-label="error curves"' in html
    assert not re.search(r"#0[1-7]0[0-9a-f]0[0-9a-f]", html)


def test_two_solvers_and_two_scales_are_compared(tmp_path):
    write_reconstruction(tmp_path / "paper-3", {"a": 22.0, "b": 20.0, "alone": 9.0}, "paper")
    write_reconstruction(tmp_path / "ours-3", {"a": 26.0, "b": 22.5})
    write_reconstruction(tmp_path / "ours-4", {"a": 23.0, "b": 20.25}, scales=4)
    page = page_of(tmp_path / "paper-3", tmp_path / "ours-3", tmp_path / "ours-4")
    text = words_of(page)
    # Differences are told where one setting differs: not of the paper's solver at 3 and the other at 4.
    assert "ours-3- paper-3" in text
    assert "ours-4- ours-3" in text
    assert "ours-4- paper-3" not in text
    for words in ("+4.00", "+2.50", "-3.00", "-2.25", "+3.25", "-2.62"):
        assert words in text, words
    assert "a.png 22.00 26.00 23.00 +4.00" in text
    assert "alone.png 9.00" not in text


def test_only_equal_pixels_to_compare(tmp_path):
    write_reconstruction(tmp_path / "a", {"plain": None})
    write_reconstruction(tmp_path / "b", {"plain": None}, scales=2)
    assert "plain.png equal equal -" in words_of(page_of(tmp_path / "a", tmp_path / "b"))


def test_other_images_are_not_compared(tmp_path):
    write_reconstruction(tmp_path / "a", {"one": 20.0})
    write_reconstruction(tmp_path / "b", {"two": 21.0})
    assert "Image by image" not in page_of(tmp_path / "a", tmp_path / "b").text


def test_pixels_that_are_all_equal(tmp_path):
    write_reconstruction(tmp_path / "a", {"plain": None, "door": 30.0})
    write_reconstruction(tmp_path / "b", {"plain": None, "door": 31.0}, scales=2)
    text = words_of(page_of(tmp_path / "a", tmp_path / "b"))
    assert "30.00 dB" in text
    assert "a: 1 of 2 images came back with every pixel equal" in text
    assert "plain.png equal equal -" in text


def test_search_and_its_cliffs_are_explained(tmp_path):
    write_reconstruction(tmp_path / "j3", {"door": 30.0, "cap": 24.5})
    text = words_of(page_of(tmp_path / "j3"))
    for words in (
        "It first fits the coarsest of the J scales alone",
        "Dotted lines: the next finer scale joins",
        "Morlet wavelets at L = 8 angles, normalised as in kymatio",
        "The difference is not amplified",
        "Compressing the Input for CNNs with the First-Order Scattering Transform",
    ):
        assert words in text, words
    assert "Adam" not in text
    # Where the scales joined is not known of searches that ended early, nor one thing of several J.
    write_reconstruction(tmp_path / "j4", {"door": 30.0}, scales=4)
    assert "Dotted lines" not in page_of(tmp_path / "j3", tmp_path / "j4").text
    write_reconstruction(tmp_path / "paper", {"door": 30.0}, "paper")
    text = words_of(page_of(tmp_path / "j3", tmp_path / "paper"))
    assert "Dotted lines" in text
    assert "Adam on all scales at once" in text
    write_reconstruction(tmp_path / "j3", {"door": 30.0, "cap": 24.5}, complete=False)
    assert "Dotted lines" not in page_of(tmp_path / "j3").text


def test_one_image_has_no_mean(tmp_path):
    write_reconstruction(tmp_path, {"door": 30.0})
    assert "mean PSNR" not in page_of(tmp_path).text
    write_reconstruction(tmp_path, {"door": 30.0, "cap": 24.5})
    assert "mean PSNR" in page_of(tmp_path).text


def test_other_filters_are_told(tmp_path):
    write_reconstruction(tmp_path / "a", {"door": 30.0})
    write_reconstruction(tmp_path / "b", {"door": 30.0})
    assert "a, b: Morlet" not in words_of(page_of(tmp_path / "a", tmp_path / "b"))
    change(tmp_path / "b" / "reconstruction.json", sigma=0.6)
    text = words_of(page_of(tmp_path / "a", tmp_path / "b"))
    assert "a: Morlet wavelets" in text
    assert "b: Morlet wavelets" in text
    assert "sigma = 0.6" in text


def test_search_that_was_stopped_at_once(tmp_path):
    write_reconstruction(tmp_path, {}, complete=False)
    assert "0, stopped early" in page_of(tmp_path).text


def test_pictures_that_are_gone(tmp_path):
    write_reconstruction(tmp_path, {"door": 30.0}, with_pictures=False)
    assert "the picture door.png is no longer there" in page_of(tmp_path).text


def test_gallery_has_an_end(tmp_path):
    write_reconstruction(tmp_path, {f"image{index}": 20.0 + index for index in range(30)})
    page = page_of(tmp_path)
    assert sum(reference.startswith("data:image/") for reference in page.references) == 24
    assert "6 more images are in the folders" in page.text


def test_pictures_come_from_the_folder_only(tmp_path):
    write_reconstruction(tmp_path / "run", {"door": 30.0})
    draw_picture(tmp_path / "private.png")
    image = reconstructed_image("door", 30.0) | {"picture": "../private.png"}
    change(tmp_path / "run" / "reconstruction.json", images=[image])
    page = page_of(tmp_path / "run")
    assert "the picture private.png is no longer there" in page.text
    assert not any(reference.startswith("data:image") for reference in page.references)


def test_names_with_dollars_are_no_formulas(tmp_path):
    for name in ("$a_{", "_b$"):
        write_reconstruction(tmp_path / name, {"x$": 20.0, "$\\frac": 21.0})
    assert "$a_{" in page_of(tmp_path / "$a_{", tmp_path / "_b$").text


# ---- studies ----


def test_study(tmp_path):
    write_study(tmp_path)
    page = page_of(tmp_path)
    text = words_of(page)
    assert page.anchors == STUDY_SECTIONS
    for words in (
        "J = 3; Morlet wavelets at L = 8 angles, normalised as in kymatio",
        "sigma = 0.8 pixels, the centre frequency 2.356 radians per pixel and the slant 0.5",
        "images of 224 x 224 pixels.",
        "these filters 1.000 0.3321 1.0204 0.6679",
        "their wavelets times the best gain 1.219 0.4931 1.5069 0.5069",
        "found: sigma 0.550, centre 2.998, slant 0.511 0.896 0.9319 1.0684 0.0684",
        "Other parameters bring ε₀ down to 0.068",
        "The bound holds everywhere: the largest ratio is 0.965",
        "worst of all signals 0.965 0 8",
        "|a|1.00; at the Dirac's own sample, |ψ(0) - e-iω₀·aψ(a)| grows as |a|1.99",
        "16 x 2 at 45° 7.4e-16 0.022 0.022 0.022 1.1e-9 0.17 to 0.61 4.2e-9",
        "has at most 4.2e-9 of its norm.",
        "16 x 2 at 0° 70.50 dB 0.00012 60.50 dB 0.00012",
        "2 x 2 equal 0.00012 equal 0.00012",
        "what its scattering gives back at J = 3 and J = 4.",
        "3 1028.8 1.6 % 0.391",
        "At J = 3 order 0 keeps 70.0 % of the variance, order 1 15.0 %, and order 2 would add 1.2 %",
        "grey & plain 1 one colour: no variance 99.1 %",
        "0.391 coefficients per pixel, 2.6 times fewer numbers",
    ):
        assert words in text, words
    assert "no longer there" not in text
    assert sum(reference.startswith("data:image/png") for reference in page.references) == 6


def test_study_without_search_and_pictures(tmp_path):
    write_study(tmp_path, search=False, with_pictures=False)
    text = page_of(tmp_path).text
    assert "found:" not in text
    for name in ("frame", "filters_space", "filters_frequency", "blobs"):
        assert f"the picture {name}.png is no longer there" in text
    assert "frame_found" not in text


def test_bound_that_does_not_hold(tmp_path):
    write_study(tmp_path, largest_ratio=1.25)
    assert "The bound is exceeded: the largest ratio is 1.250" in page_of(tmp_path).text


def test_condition_beyond_numbers(tmp_path):
    write_study(tmp_path)
    rows = json.loads((tmp_path / "study.json").read_text())["conditioning"]
    rows[-1]["log10_condition_before_subsampling"] = None
    change(tmp_path / "study.json", conditioning=rows)
    assert "infinite" in page_of(tmp_path).text


def test_study_before_blobs_were_sought_again(tmp_path):
    write_study(tmp_path)
    change(tmp_path / "study.json", reconstruction=None)
    text = page_of(tmp_path).text
    assert "Reconstructed" not in text
    assert "remainder" in text


def test_two_studies_stand_one_after_the_other(tmp_path):
    write_study(tmp_path / "morlet")
    write_study(tmp_path / "gabor", largest_ratio=0.5)
    text = words_of(page_of(tmp_path / "morlet", tmp_path / "gabor"))
    assert text.count("morlet J = 3; Morlet wavelets") == 1
    assert text.count("gabor J = 3; Morlet wavelets") == 1
    assert "the largest ratio is 0.965" in text
    assert "the largest ratio is 0.500" in text


@pytest.mark.parametrize(
    ("part", "anchor"),
    [
        ("conditioning", "conditioning"),
        ("energy_kept", "energy"),
        ("coefficients_per_pixel", "compression"),
    ],
)
def test_part_without_rows_is_left_out(part, anchor, tmp_path):
    write_study(tmp_path)
    change(tmp_path / "study.json", **{part: []})
    assert page_of(tmp_path).anchors == STUDY_SECTIONS - {anchor}


# ---- both, and beside runs ----


def test_everything_on_one_page(tmp_path):
    draw_picture(tmp_path / "val" / "blocks" / "0.png")
    write_whole_run(tmp_path / "run", tmp_path / "val")
    write_reconstruction(tmp_path / "both", {"door": 30.0})
    write_study(tmp_path / "study")
    shutil.copy(tmp_path / "study" / "study.json", tmp_path / "both")
    html = make_page(load_runs([tmp_path / "run", tmp_path / "both", tmp_path / "study"]), "title")
    page = Page(html)
    assert {"results", "curves", "reconstructions"} | STUDY_SECTIONS < page.anchors
    assert len(set(re.findall(r'<section id="(\w+)"', html))) == html.count("<section ")
    results = html[html.index('<section id="results"') : html.index('<section id="pictures"')]
    assert "both" not in results
    used = set(re.findall(r"url\(#([^)]+)\)", html)) | set(re.findall(r'xlink:href="#(\w+)"', html))
    for name in used:
        assert html.count(f'id="{name}"') == 1, name


def spoil_curve(folder):
    frame = json.loads((folder / "study.json").read_text())["frame_bounds"]
    frame["symmetrised_sum_by_radius"]["mean"].pop()
    change(folder / "study.json", frame_bounds=frame)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "study.json").write_text("{"), ["study.json", "not JSON"]),
        (lambda f: (f / "study.json").write_text("{}"), ["study.json", "'command' is missing", '"study"']),
        (lambda f: change(f / "study.json", command="train"), ["'command' is \"train\"", '"study"']),
        (lambda f: change(f / "study.json", frame_bounds=[]), ["study.json: frame_bounds", "JSON object"]),
        (lambda f: change(f / "study.json", options={"scales": [3]}), ["options: 'scales' is [3]", "whole"]),
        (spoil_curve, ["symmetrised_sum_by_radius", "'mean' has 31 numbers, 'radius' 32"]),
        (lambda f: change(f / "study.json", conditioning=[3]), ["conditioning[0]", "JSON object"]),
        (lambda f: change(f / "study.json", search={}), ["search.symmetrised_sum", "JSON object"]),
        (lambda f: (f / "reconstruction.json").write_bytes(b"\xff"), ["reconstruction.json", "UTF-8"]),
        (lambda f: write_json(f / "reconstruction.json", {"kind": "photo"}),
         ["reconstruction.json", "'kind' is \"photo\"", '"reconstruction"']),
        (lambda f: change(f / "reconstruction.json", complete="yes"), ["'complete' is \"yes\"", "true or"]),
        (lambda f: change(f / "reconstruction.json", images=[{"file": "a"}]), ["images[0]", "'picture'"]),
    ],
)  # fmt: skip
def test_broken_or_foreign_file(spoil, words, tmp_path):
    write_study(tmp_path)
    write_reconstruction(tmp_path, {"door": 30.0})
    spoil(tmp_path)
    result = report(tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("scatlight.report: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr
    assert not (tmp_path / "report.html").exists()


def test_folder_without_anything_names_what_it_could_hold(tmp_path):
    with pytest.raises(ReportError, match=r"reconstruction\.json, study\.json"):
        load_run(tmp_path)


def test_words():
    assert [decibel(value) for value in (26.0, 19.876, None)] == ["26.00 dB", "19.88 dB", "equal"]
    assert [digits(value) for value in (0.0036561, 1.2345e-6, 2.25, 0.0)] == [
        "0.00366",
        "1.23e-6",
        "2.25",
        "0",
    ]
