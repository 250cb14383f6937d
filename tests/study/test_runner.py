"""Studies from their start to their end, and through kills."""

import json
import os
import signal
import subprocess

import pytest
from conftest import Place, interrupt, is_alive, study_text, wait_for

FOUR = [f"{name}/2-per-class/3-epochs/seed-{seed}" for seed in (0, 1) for name in ("one", "two")]


def finished(place: Place) -> None:
    assert place.states() == dict.fromkeys(FOUR, "finished")


def test_all_runs(place):
    place.file.write_text(study_text())
    called = place.call("--threads", 3)
    assert called.status == 0, called.complaint
    finished(place)
    assert place.calls() == [f"{name} begins" for name in FOUR]
    assert "A study: 4 runs, 0 of them done; 1 at once, each with 3 threads" in called.lines
    (last,) = (line for line in called.lines if line.startswith("[4/4]"))
    assert "two/2-per-class/3-epochs/seed-1: top-1 41.00 %" in last
    assert "nothing is left" in last
    run = place.runs()[FOUR[3]]
    assert run["result"]["top1"] == 41
    assert run["result"]["best_top1"] == 43
    assert run["result"]["best_epoch"] == 1
    assert run["result"]["steps"] == 5
    assert run["result"]["epochs"] == 2
    assert run["result"]["images_per_second"] == 20
    assert [one["top1"] for one in run["evaluations"]] == [43, 41]
    assert run["network"]["saved_bytes"] == 4000
    assert run["program"]["processor"] == "A fast one"
    assert run["conditions"] == {"threads": 3, "at_once": 1}
    assert (run["classes"], run["train_images"], run["val_images"]) == (2, 4, 7)
    assert not list(place.out.rglob("*.safetensors")), "weights would fill the disk"


def test_what_is_done_is_not_done_again(place):
    place.file.write_text(study_text())
    place.call()
    called = place.call()
    assert called.status == 0
    assert "A study: 4 runs, 4 of them done" in called.lines[0]
    assert len(place.calls()) == 4
    finished(place)


def test_weights_can_stay(place):
    place.file.write_text(study_text(top="keep-weights = true"))
    place.call("--only", "one")
    assert len(list(place.out.rglob("model.safetensors"))) == 2


def test_some_variants(place):
    place.file.write_text(study_text())
    place.call("--only", "two")
    assert {run["variant"] for run in place.record()["runs"]} == {"two"}
    assert place.record()["planned"] == 4
    place.call()
    finished(place)
    assert len(place.calls()) == 4
    called = place.call("--only", "three")
    assert called.complaint == "--only three is not accepted: the variants are one, two"


def test_list(place):
    place.file.write_text(study_text())
    place.call("--only", "two")
    called = place.call("--list")
    assert called.lines[:2] == [f"{FOUR[0]}: not begun", f"{FOUR[1]}: finished"]


def test_a_run_that_diverges_is_a_result(place):
    place.file.write_text(study_text(flags="flags = { lr = 1000 }"))
    called = place.call()
    assert called.status == 0
    assert list(place.states().values()) == ["diverged", "finished"] * 2
    run = place.runs()[FOUR[0]]
    assert run["reason"].startswith("training diverged: the loss of step 6")
    assert run["result"]["steps"] == 5
    assert "top1" not in run["result"]
    place.call()
    assert len(place.calls()) == 4, "it would diverge again"


def test_a_run_that_fails_is_tried_again(place):
    place.file.write_text(study_text(flags="flags = { warmup = 0.5 }"))
    called = place.call()
    assert called.status == 1
    assert called.complaint == "2 runs failed; the same command tries them again"
    assert list(place.states().values()) == ["failed", "finished"] * 2
    assert place.runs()[FOUR[0]]["reason"].endswith("a.jpg: cannot decode it: it ends too early")
    place.call()
    assert len(place.calls()) == 6


def test_ctrl_c(place):
    place.file.write_text(study_text(flags="flags = { momentum = 0.5 }"))
    process = place.start("--at-once", 2)
    wait_for(lambda: len(place.calls()) == 4 and place.states().get(FOUR[3]) == "finished")
    status, complaint = interrupt(process)
    assert status == 130
    assert complaint == "scatlight.study: stopped by a signal; the same command goes on"
    assert place.states()[FOUR[0]] == "interrupted"
    assert place.call().status == 0
    finished(place)
    assert f"{FOUR[0]} goes on" in place.calls()
    assert place.calls().count(f"{FOUR[1]} begins") == 1


def test_kill(place):
    """The study's own end without a word ends its trainings, too."""
    place.file.write_text(study_text(flags="flags = { momentum = 0.5 }"))
    process = place.start()
    wait_for(lambda: len(list(place.out.rglob("checkpoint.safetensors"))) > 0)
    found = subprocess.run(
        ["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True, check=True
    )
    child = int(found.stdout)
    process.kill()
    process.communicate()
    wait_for(lambda: not is_alive(child))
    assert place.states() == {FOUR[0]: "running"}
    assert place.call().status == 0
    finished(place)
    assert place.calls().count(f"{FOUR[0]} goes on") == 1


def test_a_changed_definition(place):
    place.file.write_text(study_text())
    place.call()
    place.file.write_text(study_text(flags="flags = { batch = 9 }"))
    called = place.call()
    assert called.status == 1
    assert f"the run {FOUR[0]} had another definition: batch was 8, now 9" in called.complaint
    assert "--rerun-changed" in called.complaint
    assert len(place.calls()) == 4
    assert place.call("--rerun-changed").status == 0
    assert place.calls()[4:] == [f"{FOUR[0]} begins", f"{FOUR[2]} begins"]
    assert place.runs()[FOUR[0]]["definition"]["flags"] == {"batch": 9}


def test_runs_that_the_study_has_no_longer(place):
    place.file.write_text(study_text())
    place.call()
    place.file.write_text(study_text().replace("epochs = 3", "epochs = 4"))
    place.call("--only", "one")
    assert {name: run["in_study"] for name, run in place.runs().items()} == {
        **dict.fromkeys(FOUR, False),
        "one/2-per-class/4-epochs/seed-0": True,
        "one/2-per-class/4-epochs/seed-1": True,
    }


BAD_STUDIES = {
    "a flag": (
        study_text(flags="flags = { speed = 3 }"),
        "variant 'one' with 2-per-class: The following argument",
    ),
    "training images": (
        study_text().replace("set/train", "set/trane"),
        "there is no such folder, which study.toml",
    ),
    "test images": (study_text().replace("set/val", "set/vall"), "names as 'val'"),
    "a subset": (
        study_text().replace("images = 2", "images = 7"),
        "the class 'cat' has 6 images, but a subset",
    ),
}


@pytest.mark.parametrize("bad", BAD_STUDIES)
def test_bad_studies(place, bad):
    text, words = BAD_STUDIES[bad]
    assert words in place.refusal(text)


def test_no_program(place):
    place.file.write_text(study_text())
    called = place.call("--program", "no-such-program")
    assert called.complaint.startswith("--program no-such-program: there is no such program: build it")


def test_one_study_in_a_folder(place):
    place.file.write_text(study_text(flags="flags = { momentum = 0.5 }"))
    process = place.start()
    wait_for(lambda: len(place.calls()) > 0)
    assert place.call().complaint == f"another study is at work in {place.out}"
    interrupt(process)


@pytest.mark.parametrize("content", ["{", "[]", '{"trainings": 99}', '{"trainings": 1, "runs": [{}]}'])
def test_another_file_in_its_place(place, content):
    place.out.mkdir()
    (place.out / "trainings.json").write_text(content)
    assert "it is no file that this version of scatlight.study wrote" in place.refusal(study_text())
    assert (place.out / "trainings.json").read_text() == content


def test_bad_numbers(place):
    place.file.write_text(study_text())
    for flag in ("--at-once", "--threads"):
        with pytest.raises(SystemExit) as left:
            place.call(flag, 0)
        assert left.value.code == 2


def test_a_disk_that_is_full(place):
    """trainings.json stays whole where it cannot be written."""
    place.file.write_text(study_text())
    place.call("--only", "one")
    before = json.loads((place.out / "trainings.json").read_text())
    (place.out / ".trainings.json.tmp").mkdir()
    called = place.call()
    assert called.status == 1
    assert "cannot write" in called.complaint
    assert json.loads((place.out / "trainings.json").read_text()) == before


def test_termination(place):
    place.file.write_text(study_text(flags="flags = { momentum = 0.5 }"))
    process = place.start()
    wait_for(lambda: len(list(place.out.rglob("checkpoint.safetensors"))) > 0)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert place.states()[FOUR[0]] == "interrupted"
