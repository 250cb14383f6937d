"""What a study may say, and the one line for each mistake."""

from pathlib import Path

import pytest
from conftest import study_text
from scatlight.study import StudyError, read_study
from scatlight.study.definition import parse_study
from scatlight.study.plan import plan_runs, train_command, words_of

ROOT = Path(__file__).resolve().parents[2]

MISTAKES = {
    "a misspelt key": (study_text(top='titel = "x"'), "there is no key 'titel'; did you mean 'title'?"),
    "an unknown key": (
        study_text(subset="budget = 3"),
        "subsets, number 1: there is no key 'budget'; known are",
    ),
    "a missing key": (study_text().replace('title = "A study"', ""), "'title' is missing; text is expected"),
    "no TOML": ("title = ", "it is not TOML"),
    "no variants": ('title = "x"\ntrain = "x"\nval = "x"', "it has no [[variants]]"),
    "no subsets": (study_text().split("[[subsets]]")[0], "it has no [[subsets]]"),
    "a variant twice": (study_text().replace('"two"', '"one"'), "two variants are named 'one'"),
    "a name for no folder": (
        study_text().replace('"two"', '"../two"'),
        "'name' is \"../two\"; a name of small",
    ),
    "an unknown variant to skip": (study_text(top='skip = ["three"]'), "'skip' names 'three'"),
    "an unknown variant of a subset": (study_text(subset='variants = ["six"]'), "there is no 'six'"),
    "a flag without": (
        study_text(flags='without = ["lr"]'),
        "'one' is without 'lr', which no common flag is",
    ),
    "a flag of the study": (study_text(flags="flags = { seed = 3 }"), "'seed' is no flag for 'flags'"),
    "a flag that is a table": (study_text(flags="flags = { lr = {} }"), "flags.lr is {}; a number, text"),
    "a flag that is no number": (study_text(flags="flags = { lr = nan }"), "flags.lr is NaN"),
    "images of no number": (
        study_text().replace("images = 2", "images = 0"),
        "'images' is 0; a number of images",
    ),
    "a word for images": (study_text().replace("images = 2", 'images = "every"'), '"all", is expected'),
    "seeds of no list": (study_text().replace("[0, 1]", "3"), "'seeds' is 3; a list of whole numbers"),
    "a seed twice": (study_text().replace("[0, 1]", "[1, 1]"), "a list of different numbers is expected"),
    "no epochs": (study_text().replace("epochs = 3", "epochs = 0"), "'epochs' is 0"),
    "no minutes": (study_text(subset="minutes = 0"), "'minutes' is 0; a number above 0"),
    "published for no number of images": (
        study_text() + '[[published]]\nname = "x"\nsource = "y"\ntop1 = { 1O = 36 }',
        "'top1' is {\"1O\": 36}; a table of numbers by images per class",
    ),
    "a published number": (
        study_text() + '[[published]]\nname = "x"\nsource = "y"\ntop1 = { 10 = "z" }',
        "published, number 1: 'top1'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake):
    text, words = MISTAKES[mistake]
    with pytest.raises(StudyError) as caught:
        parse_study(text, "x.toml")
    assert str(caught.value).startswith("x.toml: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_length():
    with pytest.raises(StudyError, match=r"has neither epochs nor minutes, which 'one' needs"):
        plan_runs(parse_study(study_text().replace("epochs = 3", ""), "x.toml"))


def test_the_same_run_twice():
    text = study_text() + "[[subsets]]\nimages = 2\nseeds = [1]\nepochs = 3"
    with pytest.raises(StudyError, match=r"two subsets ask for the run one/2-per-class/3-epochs/seed-1"):
        plan_runs(parse_study(text, "x.toml"))


def test_files(tmp_path):
    with pytest.raises(StudyError, match=r"cannot read .*: No such file or directory"):
        read_study(tmp_path / "absent.toml")
    (tmp_path / "x.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(StudyError, match="it is not UTF-8 text"):
        read_study(tmp_path / "x.toml")


def test_plan():
    text = study_text(
        top='skip = ["three"]',
        flags='flags = { ridge = 300 }\nwithout = ["batch", "eval-every"]',
        subset="minutes = 0.5\nflags = { eval-every = 2 }",
    )
    text += '[[variants]]\nname = "three"\n'
    runs = plan_runs(parse_study(text, "x.toml"))
    assert [run.name for run in runs] == [
        f"{kind}/seed-{seed}"
        for seed in (0, 1)
        for kind in ("one/2-per-class/solved", "two/2-per-class/3-epochs", "two/2-per-class/0.5-minutes")
    ]
    assert runs[0].flags == {"ridge": 300}
    assert runs[1].flags == {"batch": 8, "eval-every": 2}
    words = train_command(runs[2], Path("a"), Path("b"), Path("c"), 2)
    assert " ".join(words) == (
        "train a --val b --run c --batch 8 --eval-every 2 --minutes 0.5 --seed 0 --threads 2"
    )


def test_words_of_flags():
    flags = {"nesterov": True, "no-flip": False, "widths": [16, 32], "lr": 0.05, "policy": "trivialaugment"}
    assert words_of(flags) == [
        "--nesterov",
        "--widths",
        "16,32",
        "--lr",
        "0.05",
        "--policy",
        "trivialaugment",
    ]


@pytest.mark.parametrize("file", sorted(ROOT.glob("studies/*.toml")), ids=lambda file: file.name)
def test_the_studies_of_the_project(file):
    study = read_study(file)
    assert len(plan_runs(study)) > 5
    assert all(published.source for published in study.published)
