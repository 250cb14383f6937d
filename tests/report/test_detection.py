"""Pages of detectors: alone, several, and beside classifiers."""

import json
import re

import pytest
from detectors import (
    CELLS,
    box_of,
    class_result,
    picture,
    write_detector,
    write_detector_evaluation,
    write_detector_facts,
    write_detector_log,
    write_detector_predictions,
)
from pages import Page, change, cut_section, html_of, report, section_of, text_of, words_in
from runs import draw_picture, write_facts, write_json, write_log

DASH = "\N{EN DASH}"
SECTIONS = {
    f"boxes-{name}"
    for name in (
        "results",
        "data",
        "curves",
        "precision",
        "shown",
        "confusion",
        "predictions",
        "cost",
        "facts",
        "next",
    )
}


@pytest.fixture
def files(tmp_path):
    draw_picture(tmp_path / "cells" / "a.png")
    return [str(tmp_path / "cells" / "a.png"), "gone.png"]


def test_two_detectors_and_a_classifier_on_one_page(files, tmp_path):
    write_detector(tmp_path / "scattering", files)
    write_detector(tmp_path / "pixels", files, "det-small", ap50=0.75)
    (tmp_path / "classes").mkdir()
    write_facts(tmp_path / "classes")
    write_log(tmp_path / "classes")
    out = tmp_path / "page.html"
    result = report(tmp_path / "scattering", tmp_path / "pixels", tmp_path / "classes", "--out", out)
    assert (result.returncode, result.stderr, result.stdout) == (0, "", f"{out}\n")
    html = out.read_text()
    page = Page(html)
    assert page.anchors == SECTIONS | {"results", "curves", "cost", "facts", "next"}
    for words in ("70.0 %", "75.0 %", "The AP50 of pixels is 5.0 points above that of scattering", "1.48 M",
                  "858 MiB", "4:00", "A <fast> one", "red & white", "it ends too early"):  # fmt: skip
        assert words in page.text, words
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)
    assert "<script" not in html
    assert not re.search(r"#0[1-7]0[0-9a-f]0[0-9a-f]", html)
    assert text_of("results", tmp_path / "scattering", tmp_path / "classes").startswith(
        "Results run network top-1 parameters multiply-adds training memory classes scatresnet-small"
    )


def test_titles_say_detection_beside_others_only(tmp_path):
    (tmp_path / "boxes").mkdir()
    write_detector_log(tmp_path / "boxes")
    assert "<h2>Training</h2>" in section_of("boxes-curves", tmp_path / "boxes")
    (tmp_path / "classes").mkdir()
    write_log(tmp_path / "classes")
    both = html_of(tmp_path / "boxes", tmp_path / "classes")
    assert "<h2>Detection: training</h2>" in both
    assert "<h2>Training</h2>" in both


@pytest.mark.parametrize(
    ("write", "names"),
    [
        (write_detector_facts, ["results", "data", "facts", "next"]),
        (write_detector_log, ["results", "curves", "cost"]),
        (write_detector_evaluation, ["results", "precision", "shown", "confusion", "cost"]),
        (write_detector_predictions, ["predictions"]),
    ],
)
def test_each_file_alone_gives_its_sections(write, names, tmp_path):
    write(tmp_path)
    page = Page(html_of(tmp_path))
    assert page.anchors == {f"boxes-{name}" for name in names}


def test_boxes_lie_over_the_photograph(files, tmp_path):
    write_detector_evaluation(tmp_path, files)
    section = section_of("boxes-shown", tmp_path)
    assert section.count("data:image/jpeg") == 1
    assert 'viewBox="0 0 64 64"' in section
    assert (
        '<rect class="found" x="2.0" y="2.0" width="30.0" height="30.0">'
        "<title>red &amp; white 91 %, found</title></rect>" in section
    )
    assert "<title>platelets, missed</title>" in section
    assert "<title>platelets 31 %, false</title>" in section
    # A pointer reaches the small ones, as they lie above the large ones.
    assert (
        section.index('class="found"')
        < section.index('class="false"')
        < section.index('class="missed" x="40')
    )
    text = words_in(section)
    assert "1 found, 1 missed, 1 false" in text
    assert "the picture gone.png is no longer there" in text


def test_boxes_of_a_crowded_picture_are_limited(tmp_path):
    write_detector_evaluation(tmp_path)
    boxes = [box_of(0, 1, 1, kind="false", score=i / 1000) for i in range(400)]
    change(tmp_path / "eval.json", shown=[picture("gone.png", boxes)])
    section = section_of("boxes-shown", tmp_path)
    assert section.count('<rect class="false"') == 300
    assert "40 %, false" in section
    assert ">red &amp; white 5 %, false" not in section
    assert "400 false; 100 more boxes are not drawn" in words_in(section)


def test_data_of_detectors(files, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_detector_facts(tmp_path / name, files)
    text = text_of("boxes-data", tmp_path / "a", tmp_path / "b")
    assert "training cells 205 1730 pictures without objects: 1; boxes trimmed at the edge: 2" in text
    assert text.count("of the training pictures, with their boxes") == 1
    assert "dotted lines mark the sizes of the anchors" in text
    # Other anchors are another view of the same data.
    facts = json.loads((tmp_path / "b" / "run.json").read_text())
    change(tmp_path / "b" / "run.json", detector=facts["detector"] | {"anchor_sizes": [16.0]})
    assert text_of("boxes-data", tmp_path / "a", tmp_path / "b").count("with their boxes") == 2


def test_older_file_without_pictures_or_anchors(tmp_path):
    write_detector_facts(tmp_path)
    change(tmp_path / "run.json", pictures=None, objects=None, detector=None, data=None)
    html = html_of(tmp_path)
    assert "boxes-data" not in Page(html).anchors
    assert "height by width" not in html


def test_nothing_found_and_nothing_to_find(tmp_path):
    write_detector_evaluation(tmp_path)
    change(
        tmp_path / "eval.json",
        ap=-1, ap50=-1, ap75=-1, map07=-1,
        per_class=[class_result(name, 0) for name in CELLS],
        confusion=[[0] * 4] * 4,
        shown=[picture("gone.png", [])],
        seconds=None,
    )  # fmt: skip
    write_detector_predictions(tmp_path, ["gone.png"])
    change(tmp_path / "predict.json", images=[picture("gone.png", [], "detections")])
    html = html_of(tmp_path)
    assert " ".join(4 * [DASH]) in words_in(cut_section("boxes-results", html))
    assert "0 of 0 objects are found" in words_in(cut_section("boxes-confusion", html))
    assert "0 found, 0 missed, 0 false" in words_in(cut_section("boxes-shown", html))
    assert "nothing found" in words_in(cut_section("boxes-predictions", html))
    assert f"others 0 {DASH} {DASH} {DASH}" in words_in(cut_section("boxes-precision", html))


def test_hundreds_of_classes(tmp_path):
    count = 300
    names = [f"class {index}" for index in range(count)]
    confusion = [[0] * (count + 1) for _ in range(count + 1)]
    for label in range(count):
        confusion[label][label] = 1 + label % 7
        confusion[label][(label + 1) % count] = 1
    confusion[3][9] = 25
    write_detector_evaluation(tmp_path)
    change(
        tmp_path / "eval.json",
        classes=names,
        confusion=confusion,
        per_class=[class_result(name, label % 50, 0.5) for label, name in enumerate(names)],
    )
    html = html_of(tmp_path)
    assert len(html) < 1_000_000
    text = words_in(cut_section("boxes-confusion", html))
    assert "class 3 class 9 25 of 30" in text
    assert "The 39 classes with the most objects; 261 are left out" in text
    text = words_in(cut_section("boxes-precision", html))
    assert "The 12 classes with the most objects; 288 more" in text
    assert "100 more classes are in eval.json" in text


def test_detectors_on_other_pictures_are_not_ranked(tmp_path):
    for name, ap50 in (("a", 0.5), ("b", 0.6)):
        (tmp_path / name).mkdir()
        write_detector_evaluation(tmp_path / name, ap50=ap50)
    both = (tmp_path / "a", tmp_path / "b")
    section = section_of("boxes-results", *both)
    assert 'number best">60.0 %' in section
    assert "On the 87 pictures of cells." in words_in(section)
    change(tmp_path / "b" / "eval.json", data="others")
    section = section_of("boxes-results", *both)
    assert 'number best"' not in section
    assert "points above" not in section
    assert "87 of others" in words_in(section)


def test_unequal_trainings_are_told(tmp_path):
    for name, steps in (("a", 80), ("b", 40)):
        (tmp_path / name).mkdir()
        write_detector_facts(tmp_path / name)
        write_detector_log(tmp_path / name, steps)
        write_detector_evaluation(tmp_path / name, ap50=steps / 100)
    text = text_of("boxes-results", tmp_path / "a", tmp_path / "b")
    assert "The AP50 of a is 40.0 points above that of b, after 0.78 against 0.39 passes" in text
    write_detector_log(tmp_path / "b", 80)
    assert "against" not in text_of("boxes-results", tmp_path / "a", tmp_path / "b")


def test_runs_that_find_other_classes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_detector_evaluation(tmp_path / name)
    per_class = [class_result("platelets", 33, 0.25)]
    change(tmp_path / "b" / "eval.json", per_class=per_class)
    text = text_of("boxes-precision", tmp_path / "a", tmp_path / "b")
    assert "platelets 100 35.0 % 17.5 % 35.0 % 33 25.0 % 12.5 % 25.0 %" in text
    assert f"red & white 700 70.0 % 35.0 % 70.0 % {DASH} {DASH} {DASH} {DASH}" in text


def test_time_of_the_stages(tmp_path):
    write_detector_evaluation(tmp_path)
    section = section_of("boxes-cost", tmp_path)
    for stage in ("waiting", "maps", "base", "proposals", "head"):
        assert f">{stage}</text>" in section, stage
    assert "peak memory of the evaluation 668 MiB" in words_in(section)
    write_detector_log(tmp_path)  # the evaluation may be the training's, and so its memory
    text = text_of("boxes-cost", tmp_path)
    assert "peak memory of the training 858 MiB" in text
    assert "of the evaluation 668" not in text


def test_command_that_repeats_a_detector(tmp_path):
    write_detector_facts(tmp_path)
    command = (
        f"scatlight train-detector cells 'more cells' --run {tmp_path}-again --val-split val "
        "--network scatdet-small --anchors 32,64 --minutes 4"
    )
    html = html_of(tmp_path)
    assert command in words_in(cut_section("boxes-facts", html))
    assert "--network scatdet-small --anchors 32,64 scatlight eval" in words_in(
        cut_section("boxes-next", html)
    )
    options = json.loads((tmp_path / "run.json").read_text())["options"]
    change(tmp_path / "run.json", options=options | {"val": ["a.json", "b.json"]})
    assert "--val a.json b.json" in text_of("boxes-facts", tmp_path)


def test_training_that_did_not_end(tmp_path):
    write_detector_facts(tmp_path)
    write_detector_log(tmp_path, steps=10, ended=False)
    assert "0:30, not finished" in text_of("boxes-results", tmp_path)
    # Before its first line it is a detector's, too.
    (tmp_path / "log.jsonl").write_text('{"kind":"tr')
    assert "results" not in Page(html_of(tmp_path)).anchors


def test_names_with_signs_of_formulas(tmp_path):
    write_detector(tmp_path / "$a$ \\frac", ["gone.png"])
    names = ["$\\frac$", "a_{", "<b>"]
    facts = json.loads((tmp_path / "$a$ \\frac" / "run.json").read_text())
    facts["data"]["train"]["objects"] = dict.fromkeys(names, 7)
    change(tmp_path / "$a$ \\frac" / "run.json", classes=names, data=facts["data"])
    per_class = [class_result(name) for name in names]
    change(tmp_path / "$a$ \\frac" / "eval.json", classes=names, per_class=per_class)
    html = html_of(tmp_path / "$a$ \\frac")
    assert "$\\frac$" in Page(html).text


def shown(box):
    return {"shown": [picture("a", [box])]}


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("eval.json", {"task": "segment"}, ["eval.json", "'task' is \"segment\"", '"detect"']),
        ("eval.json", {"ap50": None}, ["'ap50' is missing", "number"]),
        ("eval.json", {"ap50": float("nan")}, ["'ap50' is NaN", "number"]),
        ("eval.json", {"ap50": 10**400}, ["'ap50' is 1000", "number"]),
        ("eval.json", {"confusion": [[1]]}, ["'confusion'", "4 x 4"]),
        ("eval.json", {"per_class": [{"class": 3}]}, ["per_class[0]", "'class' is 3"]),
        ("eval.json", {"per_class": [class_result("a") | {"curve": [[1]]}]}, ["'curve'", "3 numbers"]),
        ("eval.json", shown(box_of(7, 0, 0, kind="found")), ["shown[0]", "boxes[0]", "below 3"]),
        ("eval.json", shown(box_of(0, 0, 0, kind="odd")), ["'kind' is \"odd\"", "missed"]),
        ("eval.json", {"shown": [picture("a", []) | {"width": 0}]}, ["'width' is 0", "at least 1"]),
        ("eval.json", shown({"class": 0, "kind": "found", "box": [1, 2]}), ["'box' is [1, 2]", "4 numbers"]),
        ("run.json", {"objects": [[1, 2, 3]]}, ["'objects'", "4 numbers"]),
        ("run.json", {"data": {"train": {"roots": []}}}, ["data: train", "'images' is missing"]),
        ("predict.json", {"images": [picture("a", [{}], "detections")]}, ["detections[0]", "'score'"]),
    ],
)  # fmt: skip
def test_broken_file(file, values, words, tmp_path):
    write_detector(tmp_path / "run", ["gone.png"])
    change(tmp_path / "run" / file, **values)
    result = report(tmp_path / "run")
    assert result.returncode == 1
    assert result.stderr.startswith("scatlight.report: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


def test_number_of_too_many_digits(tmp_path):
    (tmp_path / "run.json").write_text('{"task": "detect", "scatlight": ' + "9" * 5000 + "}")
    result = report(tmp_path)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "run.json" in result.stderr


def test_log_that_lacks_a_part_of_the_loss(tmp_path):
    write_detector_log(tmp_path)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    line = json.loads(lines[4])
    del line["rpn_box"]
    lines[4] = json.dumps(line)
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    result = report(tmp_path)
    assert result.returncode == 1
    assert "log.jsonl:5: 'rpn_box' is missing" in result.stderr


def test_predicted_boxes_have_tags(files, tmp_path):
    write_detector_predictions(tmp_path, files)
    section = section_of("boxes-predictions", tmp_path)
    assert ">platelets 97 %</text>" in section
    assert 'class="class-0"' in section
    assert 'class="class-1"' in section
    text = words_in(section)
    assert "1 platelets 1 red & white" in text
    assert "nothing found" in text
    # Colours are those of the training pictures, where these are known.
    write_detector_facts(tmp_path)
    section = section_of("boxes-predictions", tmp_path)
    assert re.findall(r'class="(class-\d)"[^>]*><title>(\w+)', section) == [
        ("class-0", "red"),
        ("class-1", "platelets"),
    ]
    found = [box_of("platelets", 30, 30, score=0.9) for _ in range(7)]
    change(tmp_path / "predict.json", images=[picture(files[0], found, "detections")])
    assert "</text>" not in section_of("boxes-predictions", tmp_path)
    write_json(tmp_path / "predict.json", {"task": "detect", "images": [], "skipped": []})
    section_of("boxes-predictions", tmp_path)
