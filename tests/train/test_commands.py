"""train, eval and predict as a user meets them: the command line, signals, bad input."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import PROGRAM, SMALL, run, run_whole, train_arguments, wait_for


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "trained"
    run(*train_arguments(data, folder, "--epochs", 3))
    return folder


def test_run_folder(trained):
    facts = json.loads((trained / "run.json").read_text())
    assert facts["command"] == "train"
    assert facts["options"]["widths"] == [16, 32]
    assert facts["options"]["epochs"] == 3
    assert facts["options"]["device"] == "cpu"
    assert facts["network"]["name"] == "scatresnet10"
    assert facts["network"]["input"] == [3, 48, 48]
    assert facts["network"]["maps"] == [51, 12, 12]
    assert facts["network"]["multiply_adds"] > 0
    assert len(facts["classes"]) == 3
    assert facts["data"]["train"]["images"] == 120
    assert facts["data"]["val"]["images"] == 30
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    train_lines = [line for line in lines if line["kind"] == "train"]
    assert train_lines[-1]["epoch"] == 3
    assert train_lines[-1]["images"] == 3 * 120, "no image is left out of a pass"
    assert [line["epoch"] for line in lines if line["kind"] == "eval"] == [1, 2, 3]
    assert lines[-1]["kind"] == "end"
    assert lines[-1]["peak_memory_bytes"] > 0
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)


def test_eval_needs_the_model_file_alone(trained, data, tmp_path):
    model = shutil.copy(trained / "model.safetensors", tmp_path / "m.safetensors")
    text = run("eval", model, data / "val", "--out", tmp_path / "eval.json")
    assert text.startswith("top-1 ")
    result = json.loads((tmp_path / "eval.json").read_text())
    of_training = json.loads((trained / "eval.json").read_text())
    assert result["loss"] == pytest.approx(of_training["loss"], abs=1e-4)
    assert sum(map(sum, result["confusion"])) == result["images"] == 30
    assert [row["correct"] for row in result["per_class"]] == [result["confusion"][i][i] for i in range(3)]
    assert result["skipped"] == []


def test_eval_of_some_classes(trained, data, tmp_path):
    one = data / "val" / "stripes"
    shutil.copytree(one, tmp_path / "some" / "stripes")
    run("eval", trained / "model.safetensors", tmp_path / "some", "--out", tmp_path / "eval.json")
    result = json.loads((tmp_path / "eval.json").read_text())
    assert [row["images"] for row in result["per_class"]] == [0, 10, 0]


def test_predict(trained, data, tmp_path):
    picture = data / "val" / "discs" / "00000.jpg"
    table = tmp_path / "table.csv"
    result = json.loads(run("predict", trained, picture, data / "val" / "stripes", "--json", "--csv", table))
    assert len(result["images"]) == 11
    assert result["images"][0]["file"] == str(picture)
    best = result["images"][0]["predictions"]
    assert len(best) == 3, "no more than there are classes"
    assert sum(p["probability"] for p in best) == pytest.approx(1)
    assert best == sorted(best, key=lambda p: -p["probability"])
    rows = list(csv.reader(table.read_text().splitlines()))
    assert rows[0] == ["file", "rank", "class", "probability"]
    assert len(rows) == 1 + 11 * 3
    for rank, (row, guess) in enumerate(zip(rows[1:4], best, strict=True), 1):
        assert row[:3] == [str(picture), str(rank), guess["class"]]
        assert float(row[3]) == pytest.approx(guess["probability"], abs=1e-6)
    text = run("predict", trained, picture, "--top", 1).splitlines()
    assert text[0] == str(picture)
    assert text[1].split()[-1] == best[0]["class"]
    assert len(text) == 2


def test_predict_leaves_out_and_names_bad_files(trained, data, tmp_path):
    shutil.copy(data / "val" / "discs" / "00000.jpg", tmp_path / "good.jpg")
    (tmp_path / "bad.jpg").write_text("no picture")
    assert "bad.jpg" in run("predict", trained, tmp_path, status=1)
    result = json.loads(run("predict", trained, tmp_path, "--json", "--skip-bad"))
    assert [Path(image["file"]).name for image in result["images"]] == ["good.jpg"]
    assert [Path(skipped["file"]).name for skipped in result["skipped"]] == ["bad.jpg"]


def test_killed_at_any_moment_and_resumed_is_bit_equal(trained, data, tmp_path):
    """kill -9 again and again, a little later each time; every checkpoint in between must be good."""
    folder = tmp_path / "run"
    start = list(map(str, [PROGRAM, *train_arguments(data, folder, "--epochs", 3, "--checkpoint-every", 0)]))
    resume = [PROGRAM, "train", "--resume", "--run", str(folder)]
    checkpoint = folder / "checkpoint.safetensors"
    kills = 0
    while kills < 6:
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        process = subprocess.Popen(
            resume if before else start, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

        def moved_on(before=before, process=process):
            return process.poll() is not None or (
                checkpoint.exists() and checkpoint.stat().st_mtime_ns != before
            )

        wait_for(moved_on)
        time.sleep(0.013 * kills)
        process.kill()
        if process.wait() == 0:
            break
        kills += 1
    assert kills >= 3
    run("train", "--resume", "--run", folder)
    assert (folder / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    kinds = [json.loads(line)["kind"] for line in (folder / "log.jsonl").read_text().splitlines()]
    of_whole = [json.loads(line)["kind"] for line in (trained / "log.jsonl").read_text().splitlines()]
    assert kinds == of_whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_with_a_checkpoint(trained, data, tmp_path, number):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        list(map(str, [PROGRAM, *train_arguments(data, folder, "--epochs", 500)])),
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for((folder / "checkpoint.safetensors").exists)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -number, "the signal ends it, so that a shell's loop ends too"
    assert "stopped by a signal after step" in errors.splitlines()[-1]
    assert run("eval", folder, data / "val").startswith("top-1 "), "the model of the stop is there"


BAD_FLAGS = {
    "--epochs 0": "--epochs 0 is not accepted",
    "--epochs 2 --minutes 1": "--minutes",
    "--batch 0": "--batch 0 is not accepted",
    "--batch 16 --micro-batch 17": "micro-batch 17: 0 to the batch (16) is accepted",
    "--lr 0": "--lr 0 is not accepted",
    "--lr fast": "--lr fast is not accepted",
    "--lr nan": "--lr nan is not accepted",
    "--momentum nan": "--momentum nan is not accepted: give a number from 0 to 0.9999",
    "--weight-decay NaN": "--weight-decay NaN is not accepted",
    "--minutes nan": "--minutes nan is not accepted",
    "--checkpoint-every nan": "--checkpoint-every nan is not accepted",
    "--seed 9223372036854775808": "--seed 9223372036854775808 is not accepted: give a whole number from 0",
    "--seed -1": "--seed -1 is not accepted",
    "--recipe imagenet": "--recipe imagenet is not accepted: give one of auto, paper",
    "--data-changed": "--resume",
    "--warmup 1": "--warmup 1 is not accepted",
    "--label-smoothing 1": "--label-smoothing 1 is not accepted",
    "--schedule linear": "--schedule linear is not accepted: give one of step, cosine",
    "--network scatresnet10 --widths 16": "1 widths and 2 depths",
    "--network resnet": "--network resnet is not accepted",
    "--size 48 --scales 6": "6",
    "--size 4": "--size 4 is not accepted",
    "--resize 20": "short side 20",
    "--min-crop-area 2": "--min-crop-area 2 is not accepted",
    "--threads -1": "--threads -1 is not accepted",
    "--overwrite --resume": "--resume",
    "--val-share 1": "--val-share 1 is not accepted",
    "--val-share 0.2 --val x": "--val-share",
    "--patience 2": "--patience 2 has no effect without data for evaluation",
    "--class-weights rare": "--class-weights rare is not accepted: give balanced, or a number for each class",
    "--class-weights 1,-1": "class weight -1: at least 0 is accepted",
    "--frozen 1": "--frozen 1 needs --weights",
    "--learning-rate 1": "unknown flag --learning-rate",
}


@pytest.mark.parametrize("flags", BAD_FLAGS)
def test_bad_flags_are_usage_errors_of_one_line(data, tmp_path, flags):
    assert BAD_FLAGS[flags] in run(
        "train", data / "train", "--run", tmp_path / "run", *flags.split(), status=2
    )
    assert not (tmp_path / "run").exists()


def test_missing_arguments(tmp_path):
    assert "DATA" in run("train", "--run", tmp_path / "run", status=2)
    assert "--run" in run("train", tmp_path, status=2)


def test_bad_run_folders(trained, data, tmp_path):
    assert "has a run already" in run(*train_arguments(data, trained), status=1)
    (tmp_path / "file").write_text("")
    assert "is a file" in run(*train_arguments(data, tmp_path / "file"), status=1)
    assert "has no checkpoint" in run("train", "--resume", "--run", tmp_path, status=1)
    assert "cannot make" in run(*train_arguments(data, "/proc/run"), status=1)


def test_resume_refuses_other_flags(trained, data):
    complaint = run("train", data / "train", "--run", trained, "--resume", "--lr", 0.7, status=1)
    assert "has --lr 0.05, and --lr 0.7 was given" in complaint
    complaint = run("train", data / "train", "--run", trained, "--resume", "--no-flip", status=1)
    assert "--no-flip" in complaint


def test_resume_may_change_the_device(trained):
    before = (trained / "log.jsonl").read_bytes()
    complaint = run("train", "--run", trained, "--resume", "--device", "cuda:99", status=1)
    assert "no CUDA" in complaint
    assert (trained / "log.jsonl").read_bytes() == before


def test_resume_refuses_damaged_checkpoints(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    good = (folder / "checkpoint.safetensors").read_bytes()
    for bad in (
        b"",
        good[: len(good) // 2],
        b"\xff" * 8 + good[8:],
        (trained / "model.safetensors").read_bytes(),
    ):
        (folder / "checkpoint.safetensors").write_bytes(bad)
        assert "checkpoint.safetensors" in run("train", "--resume", "--run", folder, status=1)
    assert (folder / "log.jsonl").read_bytes() == (trained / "log.jsonl").read_bytes(), "nothing was changed"


def test_divergence(data, tmp_path):
    arguments = train_arguments(data, tmp_path / "run", "--lr", 100000, "--momentum", 0.999, "--no-augment")
    complaint = run(*arguments, "--weight-decay", 1, status=1)
    assert "diverged" in complaint
    assert "--lr" in complaint or "learning rate" in complaint


def test_bad_models_and_data(trained, data, tmp_path):
    model = trained / "model.safetensors"
    assert "does not exist" in run("eval", tmp_path / "absent", data / "val", status=1)
    assert "no model.safetensors" in run("eval", tmp_path, data / "val", status=1)
    (tmp_path / "cut.safetensors").write_bytes(model.read_bytes()[:-100])
    assert "cut.safetensors" in run("eval", tmp_path / "cut.safetensors", data / "val", status=1)
    complaint = run("eval", trained / "checkpoint.safetensors", data / "val", status=1)
    assert "it is a checkpoint" in complaint
    assert "model.safetensors" in complaint
    shutil.copytree(data / "val" / "discs", tmp_path / "other" / "lions")
    assert "'lions' is not among the 3 known classes" in run("eval", model, tmp_path / "other", status=1)
    loose = run("eval", model, data / "val" / "discs", status=1)
    assert "no class folder in it (10 files left out: 10 images in no class folder" in loose
    assert loose.endswith("tar archives; `scatlight predict` names the classes of such images")
    (tmp_path / "holes" / "discs").mkdir(parents=True)
    assert "hold no image" in run("eval", model, tmp_path / "holes", status=1)
    assert "absent" in run("predict", model, tmp_path / "absent.jpg", status=1)
    good = data / "val" / "discs" / "00000.jpg"
    assert "/full" in run("predict", model, good, "--out", "/dev/full", status=1)
    assert "JSON" in run("predict", model, good, "--out", tmp_path / "p.csv", status=2)
    assert not (tmp_path / "p.csv").exists()


def test_eval_knows_before_the_work_where_its_result_can_go(trained, data, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    (folder / "eval.json").unlink()
    (folder / "eval.json").mkdir()
    done = run_whole("eval", folder, data / "val")
    assert done.returncode == 0
    assert done.stdout.startswith("top-1 "), "the result is printed in any case"
    assert done.stderr.startswith("cannot write ")
    assert "--out names another file" in done.stderr
    named = run_whole("eval", folder, data / "val", "--out", folder / "eval.json")
    assert named.returncode == 1
    assert named.stdout == "", "nothing was measured"


def test_streams_that_the_caller_closed_are_not_taken_by_files(data, tmp_path):
    arguments = [PROGRAM, *train_arguments(data, tmp_path / "run", "--epochs", 12)]
    command = " ".join(map(str, arguments)) + " <&- 2>&-"
    subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL)
    for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines():
        assert json.loads(line)["kind"] in {"train", "eval", "end"}
    closed = subprocess.run(
        ["sh", "-c", f"{PROGRAM} models >&-"], capture_output=True, text=True, check=False
    )
    assert closed.returncode == 1
    assert closed.stderr == "scatlight: cannot write to standard output\n"


def test_a_pipe_as_the_log_is_refused(data, tmp_path):
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / "log.jsonl")
    assert "not a regular file" in run(*train_arguments(data, tmp_path / "run"), status=1)


def test_steps_are_chosen_for_the_number_of_images(data, tmp_path):
    small = [*SMALL[: SMALL.index("--batch")], "--threads", 2]
    text = run_whole("train", data / "train", "--run", tmp_path / "run", *small, "--minutes", 0.02)
    assert "training: 120 images of 3 classes (discs, stripes, triangles)\n" in text.stderr
    assert (
        "steps of 32 images, rate 0.05, cosine schedule after a warm-up of 5 %: suits 120 images"
        in text.stderr
    )
    options = json.loads((tmp_path / "run" / "run.json").read_text())["options"]
    assert (options["batch"], options["lr"], options["schedule"], options["warmup"]) == (
        32,
        0.05,
        "cosine",
        0.05,
    )
    assert "epochs" not in options, "the minutes count"
    text = run_whole(
        "train",
        data / "train",
        "--run",
        tmp_path / "paper",
        *small,
        "--epochs",
        1,
        "--recipe",
        "paper",
        "--lr",
        0.01,
    )
    assert "steps of 256 images, rate 0.01, step schedule: the paper's recipe" in text.stderr
    options = json.loads((tmp_path / "paper" / "run.json").read_text())["options"]
    assert (options["batch"], options["lr"], options["schedule"], options["epochs"]) == (256, 0.01, "step", 1)


def test_a_share_is_held_out_and_the_run_is_trained_on(data, tmp_path):
    folder = tmp_path / "run"
    flags = ["--val-share", 0.25, "--class-weights", "balanced", "--patience", 9, "--epochs", 2]
    text = run_whole("train", data / "train", "--run", folder, *SMALL, *flags)
    assert "training: 90 images of 3 classes (discs, stripes, triangles)\n" in text.stderr
    assert "evaluation, 25 % held out: 30 images of 3 classes" in text.stderr
    assert f"{data / 'train'}, held out: top-1 " in text.stdout
    evaluation = json.loads((folder / "eval.json").read_text())
    assert evaluation["held_out"] == 0.25
    assert [row["images"] for row in evaluation["per_class"]] == [10, 10, 10]
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-2])
    assert f"{folder / 'best.safetensors'}: top-1 " in text.stdout
    assert f"the best, after {last['best_epoch']} epoch" in text.stdout
    assert run("eval", folder / "best.safetensors", data / "val").startswith("top-1 ")

    resume = ["train", "--resume", "--run", folder]
    assert "has been trained for 2 epochs already" in run(*resume, "--epochs", 1, status=1)
    assert "holds out 25 % of its data (--val-share)" in run(*resume, "--val", data / "val", status=2)
    assert "3 epochs, " in run(*resume, "--epochs", 3)
    facts = json.loads((folder / "run.json").read_text())
    assert facts["data"]["val"]["held_out"] == 0.25
    given = {"epochs": 3, "patience": 9, "val-share": 0.25, "class-weights": ["balanced"]}
    assert {key: facts["options"][key] for key in given} == given
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if line["kind"] == "end"] == [2, 3]
    assert {line["images"] for line in lines if line["kind"] == "eval"} == {30}
    model = (folder / "model.safetensors").read_bytes()
    run(*resume)
    assert (folder / "model.safetensors").read_bytes() == model
    again = run("train", data / "train", "--run", folder, "--resume-or-new", "--epochs", 9, status=1)
    assert "has --epochs 3, and --epochs 9 was given" in again


def test_training_nothing_is_an_error(data, tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / "bad" / name).mkdir(parents=True)
        (tmp_path / "bad" / name / "page.jpg").write_text("<html>")
    arguments = ["train", tmp_path / "bad", "--run", tmp_path / "run", *SMALL, "--skip-bad", "--epochs", 1]
    assert "no image of the class 'cats' could be read" in run(*arguments, status=1)
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_resume_of_other_images_must_be_wanted(data, tmp_path):
    images = shutil.copytree(data / "train", tmp_path / "train")
    arguments = ["train", images, "--run", tmp_path / "run", *SMALL]
    run(*arguments, "--epochs", 1)
    shutil.copy(images / "discs" / "00000.jpg", images / "discs" / "more.jpg")
    assert "--data-changed resumes with them" in run("train", "--resume", "--run", tmp_path / "run", status=1)
    run("train", "--resume", "--run", tmp_path / "run", "--data-changed")


BAD_PICTURES = {"empty": b"", "text": b"hello", "cut": None}


@pytest.mark.parametrize("kind", BAD_PICTURES)
def test_bad_pictures(trained, data, tmp_path, kind):
    folder = shutil.copytree(data / "val", tmp_path / "val")
    picture = folder / "discs" / "00000.jpg"
    picture.write_bytes(BAD_PICTURES[kind] if BAD_PICTURES[kind] is not None else picture.read_bytes()[:500])
    model = trained / "model.safetensors"
    assert str(picture) in run("eval", model, folder, "--out", tmp_path / "eval.json", status=1)
    assert not (tmp_path / "eval.json").exists()
    assert "1 files were left out" in run(
        "eval", model, folder, "--out", tmp_path / "eval.json", "--skip-bad"
    )
    result = json.loads((tmp_path / "eval.json").read_text())
    assert result["images"] == 29
    assert result["skipped"][0]["file"] == str(picture)


def test_config_file(data, tmp_path):
    config = tmp_path / "recipe.toml"
    config.write_text(
        'epochs = 1\nlr = 0.05\nschedule = "cosine"\nwidths = [8, 8]\ndepths = [1, 1]\nno-flip = true\n'
    )
    arguments = [
        "train",
        data / "train",
        "--run",
        tmp_path / "run",
        "--config",
        config,
        "--size",
        32,
        "--scales",
        2,
    ]
    run(*arguments, "--network", "scatresnet10", "--stem", 8, "--batch", 16)
    options = json.loads((tmp_path / "run" / "run.json").read_text())["options"]
    assert options["lr"] == 0.05
    assert options["widths"] == [8, 8]
    assert options["no-flip"] is True
    config.write_text("epoch = 1\n")
    assert "did you mean epochs?" in run(*arguments, status=2)


def test_threads_that_cannot_be_made():
    """torch's pool would wait for them for ever. The limit does not bind root."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")

    def become_somebody_with_one_process():
        os.setgroups([])
        os.setgid(54321)
        os.setuid(54321)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

    command = [PROGRAM, "predict", "absent", "absent.jpg", "--threads", "3"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=become_somebody_with_one_process,
        )
    except PermissionError:
        pytest.skip("another user may not run this build")
    if "cannot open shared object" in done.stderr or "No such file" in done.stderr:
        pytest.skip("another user may not read this build")
    assert done.returncode == 1
    assert "3 threads cannot be made, only 0" in done.stderr
