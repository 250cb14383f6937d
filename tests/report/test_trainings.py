"""The page of a study of trainings."""

import copy
import re

import pytest
from pages import cut_section, html_of, report, text_of, words_in
from scatlight.report import load_run
from scatlight.report.trainings_groups import comparisons, spread
from trainings import diverged, made_up_run, made_up_runs, made_up_study, write_trainings


def with_hyphens(text: str) -> str:
    return text.replace("\N{EN DASH}", "-")


def accuracy_text(folder) -> str:
    return with_hyphens(text_of("trainings", folder))


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The page of a study that is over."""
    folder = tmp_path_factory.mktemp("studies") / "whole"
    write_trainings(folder)
    return html_of(folder)


def test_spread():
    assert spread([]) is None
    one = spread([3.0])
    assert one is not None
    assert (one.mean, one.deviation, one.count) == (3, None, 1)
    some = spread([2.0, 4.0, 9.0])
    assert some is not None
    assert some.mean == 5
    assert some.deviation == pytest.approx(13**0.5)


def test_accuracy(html):
    section = cut_section("trainings", html)
    text = with_hyphens(words_in(section))
    for words in (
        "Which input? What should the first layer read? The images are lossy.",
        "At equal epochs",
        "At equal time",
        "10 per class 20 epochs 3 seeds",
        "100 per class 5 minutes 3 seeds",
        "all images 20 epochs 1 seed",
        # 100 (1 - 0.9 / 10^(1/4)) and the deviation of -1, 0, 1; one seed has none
        "scattering 49.4 ± 1.0 71.5 ± 1.0 82.8",
        "scattering + ridge 34.6 ± 1.0 50.1 ± 1.0 57.6",
        "others' <network> 36.0 ± 0.5 53.3 -",
        "others' <network>: A paper, table 1.",
        "on 3925 images of set/val at the end",
    ):
        assert words in text, words
    assert len(re.findall(r'"number best">82\.8', section)) == 2, "in both tables"
    assert "lost" not in text.replace("lost are", "")


def test_a_run_that_diverged(tmp_path):
    runs = made_up_runs()
    runs[0] = diverged(runs[0])
    write_trainings(tmp_path, made_up_study(runs))
    page = html_of(tmp_path)
    assert "scattering 49.9 ± 0.7 (2), 1 lost 71.5 ± 1.0" in words_in(cut_section("trainings", page))
    listed = words_in(cut_section("trainings-runs", page))
    assert "1 diverged or failed" in listed
    assert "scattering/10/20/0 diverged training diverged: the loss of step 6 (epoch 1) is nan" in listed


def test_figures(html):
    section = cut_section("trainings-curves", html)
    # of each kind: by images, and of three subsets by time
    assert section.count("<svg") == 8
    assert "At equal time: accuracy against images of each class." in section
    assert "All images, 5 minutes: accuracy against the time of training." in section
    assert ">minutes of training<" in section
    assert cut_section("trainings-cost", html).count("<svg") == 4
    assert not re.search(r"#0[1-7]0[0-9a-f]0[0-9a-f]", html)


def test_costs(html):
    text = with_hyphens(words_in(cut_section("trainings-cost", html)))
    assert "images/s 20 epochs images/s 5 minutes peak memory" in text
    assert "scattering 300 k 60 M 25 M 1.40 MB 200 200 600 MiB" in text
    assert "scattering + ridge 190 k 190 k 25 M - 140 140 600 MiB" in text


def test_runs(tmp_path):
    runs = made_up_runs()
    runs.append(runs[0] | {"name": "old", "in_study": False})
    study = made_up_study(runs)
    study["planned"] = 60
    study["runs"][3] |= {"state": "interrupted"}
    write_trainings(tmp_path, study)
    text = text_of("trainings-runs", tmp_path)
    of_all = len(runs) - 1
    assert f"60 runs are asked for in made-up.toml; {of_all - 1} finished, 1 are not over" in text
    assert f"{60 - of_all} have not begun. 1 more are of an earlier state of the study" in text
    assert "A <fast> one; 2 runs at once, each with 1 thread; scatlight 0.1.0, torch 2.11.0" in text
    assert "--size 128 --batch 32" in text
    assert "--input ridge: linear on scattering with J = 3, L = 8, order 1" in text


def test_a_study_that_has_begun(tmp_path):
    """Whatever is there already makes a page."""
    write_trainings(tmp_path / "none", made_up_study([]))
    assert "No run has begun." in accuracy_text(tmp_path / "none")
    first = made_up_run("scattering", 10, 0, epochs=20)
    bare = {name: first[name] for name in first if name not in ("network", "result", "program", "conditions")}
    write_trainings(tmp_path / "running", made_up_study([bare | {"state": "running", "evaluations": []}]))
    assert "1 are not over" in text_of("trainings-runs", tmp_path / "running")
    write_trainings(tmp_path / "one", made_up_study([first]))
    assert "scattering 48.4 pixels" in accuracy_text(tmp_path / "one")
    write_trainings(tmp_path / "solved", made_up_study([made_up_run("ridge", 10, 0)]))
    assert "Solved top-1, % 10 per class solved 1 seed" in accuracy_text(tmp_path / "solved")


def test_two_studies_on_a_page(tmp_path):
    for name in ("first", "second"):
        write_trainings(tmp_path / name)
    html = html_of(tmp_path / "first", tmp_path / "second")
    assert "<h3>first</h3>" in html
    assert "<h3>second</h3>" in html


def test_lengths_of_a_subset_stand_side_by_side(tmp_path):
    runs = [made_up_run("scattering", 10, 0, epochs=epochs) for epochs in (20, 40)]
    write_trainings(tmp_path, made_up_study(runs))
    (compared,) = comparisons(load_run(tmp_path).trainings)
    assert [column.label for column in compared.columns] == [
        "10 per class, 20 epochs",
        "10 per class, 40 epochs",
    ]


def broken(change) -> dict:
    study = copy.deepcopy(made_up_study(made_up_runs()[:3]))
    change(study)
    return study


BROKEN = {
    "another version": (
        lambda study: study.update(trainings=2),
        "it is of another version of scatlight.study",
    ),
    "a state": (
        lambda study: study["runs"][1].update(state="lost"),
        "runs[1]: 'state' is \"lost\"; one of finished",
    ),
    "a variant": (lambda study: study["runs"][1].update(variant="six"), "is of no variant of the study"),
    "no accuracy": (
        lambda study: study["runs"][1]["result"].pop("top1"),
        "it is finished, but has no accuracy",
    ),
    "no result": (lambda study: study["runs"][1].pop("result"), "it is finished, but has no accuracy"),
    "a cost": (
        lambda study: study["runs"][0]["network"].update(parameters="x"),
        "'parameters' is \"x\"; a whole",
    ),
    "no title": (lambda study: study["study"].pop("title"), "study: 'title' is missing; text is expected"),
    "no classes": (
        lambda study: study["runs"][0].update(classes=0),
        "'classes' is 0; a whole number of at least 1",
    ),
    "published text": (
        lambda study: study["study"]["published"][0].update(top1={"10": "x"}),
        "a JSON object of numbers is expected",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(tmp_path, name):
    change, words = BROKEN[name]
    write_trainings(tmp_path, broken(change))
    result = report(tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith(f"scatlight.report: {tmp_path / 'trainings.json'}: ")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
