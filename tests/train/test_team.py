"""Several processes that train one network together, on the CPU."""

import json
import os
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import SMALL, run, run_whole, train_arguments, wait_for
from safetensors.numpy import load_file
from scatlight.__main__ import StartError, check_torch, main
from team import (
    MODULE,
    TIMEOUT,
    expect_close_weights,
    expect_equal_tensors,
    finish,
    free_port,
    kill_a_worker,
    last_line,
    lines_of,
    log_of,
    run_members,
    start_members,
    step_of,
    torchrun,
    train_lines,
)


@pytest.fixture(scope="module")
def one_picture(data, tmp_path_factory):
    """The same picture in all files, and files that are none: so the statistics of a batch norm do not depend
    on which images a member has, and the gradients on the labels alone."""
    folder = tmp_path_factory.mktemp("one_picture")
    picture = (data / "val" / "discs" / "00000.jpg").read_bytes()
    for number in range(46):
        name = folder / ("good" if number < 30 else "bad") / ("a" if number % 3 else "b") / f"{number}.jpg"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_bytes(picture if number < 30 else b"no picture")
    shutil.copytree(folder / "good", folder / "mixed")
    shutil.copytree(folder / "bad", folder / "mixed", dirs_exist_ok=True)
    return folder


NETWORK = SMALL[: SMALL.index("--batch")]
LINEAR = ["--network", "linear", "--scales", 2, "--size", 48, "--epochs", 3, "--lr", 0.001, "--no-augment"]
LINEAR += ["--label-smoothing", 0.1, "--threads", 1]


# ---- the door ----


def test_both_doors_write_the_same_files(data, tmp_path):
    arguments = ["train", data / "train", "--val", data / "val", *SMALL, "--epochs", 1, "--run"]
    run(*arguments, tmp_path / "executable")
    subprocess.run(
        [*MODULE, *map(str, [*arguments, tmp_path / "python"])],
        check=True,
        capture_output=True,
        timeout=TIMEOUT,
    )
    one, other = tmp_path / "executable", tmp_path / "python"
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    expect_equal_tensors(one / "checkpoint.safetensors", other / "checkpoint.safetensors")
    assert log_of(one) == log_of(other)
    facts = [json.loads((folder / "run.json").read_text()) for folder in (one, other)]
    assert facts[0] | {"started": ""} == facts[1] | {"started": ""}


def test_another_torch_is_refused():
    check_torch("2.11.0", "2.11.0+cu130")
    with pytest.raises(
        StartError, match=r"built with torch 2.11.0, and this Python has 2.12.0\+cpu: install"
    ):
        check_torch("2.11.0", "2.12.0+cpu")


def test_what_cannot_begin_is_one_line(monkeypatch, capsys):
    """None of these comes as far as the other processes."""
    place = {"WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
    cases = [
        (
            ["study"],
            {},
            2,
            "train-detector, eval, predict, transform, not study:",
        ),
        (["--"], {}, 2, "and none was given"),
        (["train"], {"WORLD_SIZE": "two"}, 1, "WORLD_SIZE is 'two': start several processes with torchrun"),
        (["train"], {"SCATLIGHT_TEAM_SECONDS": "soon"}, 1, "SCATLIGHT_TEAM_SECONDS=soon is not accepted"),
    ]
    monkeypatch.setenv("RANK", "0")
    for arguments, environment, status, words in cases:
        for name, value in (place | environment).items():
            monkeypatch.setenv(name, value)
        assert main(arguments) == status
        complaint = capsys.readouterr().err
        assert complaint.startswith("scatlight: ")
        assert complaint.count("\n") == 1
        assert words in complaint


def test_ctrl_c_ends_a_process_that_waits_for_the_others(tmp_path):
    port = free_port()
    place = {"RANK": "0", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "2"}
    place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    member = subprocess.Popen(
        # What runs in a shell's background ignores the signal.
        ["env", "--default-signal=INT", *MODULE, "train", "data", "--run", tmp_path / "run"],
        env=os.environ | place,
    )

    def is_waiting() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(is_waiting)
    member.send_signal(signal.SIGINT)
    try:
        assert member.wait(timeout=20) == -signal.SIGINT
    finally:
        member.kill()


# ---- training ----


def test_two_processes_make_the_steps_of_one(one_picture, tmp_path):
    arguments = ["train", one_picture / "good", *LINEAR, "--batch", 7, "--run"]
    run(*arguments, tmp_path / "one")
    first, second = run_members(2, *arguments, tmp_path / "two", "--micro-batch", 2)
    expect_close_weights(tmp_path / "one" / "model.safetensors", tmp_path / "two" / "model.safetensors")
    assert "3 epochs, 15 steps" in first.stdout
    assert second.stdout + second.stderr == "", "one process speaks"
    for one, two in train_lines(tmp_path / "one", tmp_path / "two"):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-6)
        assert two["images"] == one["images"]
        assert two["processes"] == len(two["waited_for_images"]) == 2
    states = load_file(tmp_path / "two" / "checkpoint.safetensors")
    assert (states["generator"] != states["generator.1"]).any(), "each draws numbers of its own"


def test_two_processes_weigh_classes_as_one(one_picture, tmp_path):
    arguments = ["train", one_picture / "good", *LINEAR, "--batch", 7, "--class-weights", "balanced", "--run"]
    run(*arguments, tmp_path / "one")
    run_members(2, *arguments, tmp_path / "two", "--micro-batch", 2)
    expect_close_weights(tmp_path / "one" / "model.safetensors", tmp_path / "two" / "model.safetensors")
    lines = [pair for pair in train_lines(tmp_path / "one", tmp_path / "two") if pair[0]["epoch"] == 1]
    assert len(lines) == 5
    for one, two in lines:  # later losses also have the rounding of all steps before
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-6)


def test_a_member_without_an_image_adds_nothing(one_picture, tmp_path):
    arguments = ["train", one_picture / "mixed", *LINEAR, "--batch", 8, "--skip-bad", "--run"]
    one = run_whole(*arguments, tmp_path / "one")
    three, *_ = run_members(3, *arguments, tmp_path / "three")
    expect_close_weights(tmp_path / "one" / "model.safetensors", tmp_path / "three" / "model.safetensors")
    assert "16 training files were left out" in one.stdout
    assert "16 training files were left out" in three.stdout
    named = [
        {line for line in done.stderr.splitlines() if line.startswith("left out")} for done in (one, three)
    ]
    assert named[0] == named[1]
    assert len(named[0]) == 16
    images = [line["images"] for line in lines_of(tmp_path / "three") if line["kind"] == "train"]
    assert images[-1] == 3 * 30


@pytest.mark.parametrize("images", ["good", "mixed"])  # in the latter, members without an image in a step
def test_processes_learn_filters_as_one(images, one_picture, tmp_path):
    learned = ["--learn-filters", "per-channel", "--filter-rate", 1, "--skip-bad"]
    arguments = ["train", one_picture / images, *LINEAR, "--batch", 8, *learned, "--run"]
    run(*arguments, tmp_path / "one")
    run_members(3, *arguments, tmp_path / "three")
    expect_close_weights(tmp_path / "one" / "model.safetensors", tmp_path / "three" / "model.safetensors")
    wavelets = load_file(tmp_path / "three" / "model.safetensors")["scattering.wavelets"]
    assert wavelets.shape == (3, 2, 8, 4)
    assert (wavelets[0] != wavelets[1]).any(), "each colour has learned its own"


def test_each_machine_has_its_data_in_a_place_of_its_own(one_picture, tmp_path):
    """Also the files that are left out, each of which is met in other passes by another process."""
    there = shutil.copytree(one_picture / "mixed", tmp_path / "there")
    arguments = ["train", *LINEAR, "--batch", 8, "--skip-bad", "--run", tmp_path / "run"]
    first, _ = run_members(2, *arguments, each=[[one_picture / "mixed"], [there]])
    assert "16 training files were left out" in first.stdout
    reasons = [line for line in first.stderr.splitlines() if line.startswith("left out")]
    assert len(reasons) == 16
    for folder in (one_picture / "mixed", there):
        assert any(f"cannot decode {folder}" in reason for reason in reasons), folder


def test_killed_stopped_and_resumed_is_bit_equal(data, tmp_path):
    arguments = ["train", data / "train", "--val", data / "val", *NETWORK, "--batch", 24, "--threads", 1]
    arguments += ["--epochs", 10, "--checkpoint-every", 0, "--eval-every", 5, "--run"]
    straight, hurt = tmp_path / "straight", tmp_path / "hurt"
    run_members(3, *arguments, straight)

    job = torchrun(3, *arguments, hurt, restarts=1)
    wait_for(lambda: step_of(hurt) >= 8)
    kill_a_worker(job)
    killed_at = step_of(hurt)
    wait_for(lambda: step_of(hurt) > killed_at + 8)
    job.send_signal(signal.SIGTERM)
    _, errors = job.communicate(timeout=TIMEOUT)
    assert job.returncode != 0
    assert errors.count("stopped by a signal after step") == 1

    shutil.copytree(hurt, tmp_path / "fewer")
    run_members(3, "train", "--resume-or-new", "--run", hurt)
    expect_equal_tensors(straight / "checkpoint.safetensors", hurt / "checkpoint.safetensors")
    assert log_of(hurt) == log_of(straight)
    assert (hurt / "best.safetensors").read_bytes() == (straight / "best.safetensors").read_bytes()

    run("train", "--resume", "--run", tmp_path / "fewer")
    assert lines_of(tmp_path / "fewer")[-3]["images"] == 10 * 120, "no image twice, none left out"
    run_members(2, "train", "--resume", "--run", tmp_path / "fewer")


def test_a_restart_does_not_take_another_run_for_its_own(trained, data, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    job = torchrun(1, *train_arguments(data, folder, "--epochs", 1), restarts=1)
    _, errors = job.communicate(timeout=TIMEOUT)
    assert job.returncode != 0
    assert errors.count(f"scatlight: {folder} has a run already") == 2, "also the second time"
    for file in trained.iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_restart_goes_on_with_what_it_overwrote(trained, data, tmp_path):
    """Without an id of torchrun's own."""
    folder = shutil.copytree(trained, tmp_path / "run")
    arguments = train_arguments(data, folder, "--epochs", 1000, "--checkpoint-every", 0, "--overwrite")
    job = torchrun(1, *arguments, restarts=1, meeting=f"--master-port={free_port()}")
    before = (trained / "run.json").read_bytes()
    wait_for(lambda: (folder / "run.json").read_bytes() != before and step_of(folder) >= 3)
    begun = (folder / "run.json").read_bytes()
    kill_a_worker(job)
    killed_at = step_of(folder)
    wait_for(lambda: step_of(folder) > killed_at + 3)
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=TIMEOUT)
    assert (folder / "run.json").read_bytes() == begun, "the same run"


def test_resume_or_new(data, tmp_path):
    arguments = train_arguments(data, tmp_path / "run", "--epochs", 1, "--resume-or-new")
    run(*arguments)
    model = (tmp_path / "run" / "model.safetensors").read_bytes()
    run(*arguments)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == model
    assert "--lr 0.7 was given" in run(*arguments, "--lr", 0.7, status=1)
    assert "--resume" in run(*arguments, "--overwrite", status=2)


# ---- what goes wrong ----


def test_a_bad_file_is_named_by_its_process(data, tmp_path):
    folder = shutil.copytree(data, tmp_path / "data")
    bad = folder / "train" / "discs" / "00000.jpg"
    bad.write_bytes(b"no picture")
    job = torchrun(2, *train_arguments(folder, tmp_path / "run"))
    output, errors = job.communicate(timeout=TIMEOUT)
    assert job.returncode == 1
    complaints = [line for line in errors.splitlines() if line.startswith(("scatlight:", "[process"))]
    assert len([line for line in complaints if str(bad) in line]) == 1
    assert [
        line for line in complaints if str(bad) not in line and "another process of the team" not in line
    ] == []
    assert f"RuntimeError: cannot decode {bad}: it is neither" in errors.split("FAILED")[-1], "in its summary"
    assert output == ""
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


@pytest.fixture(scope="module")
def machines(data, tmp_path_factory):
    """Two working folders with data/train and data/val; in the second one picture is another."""
    folders = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    for folder in folders:
        shutil.copytree(data, folder / "data")
    picture = folders[1] / "data" / "train" / "discs" / "00000.jpg"
    picture.write_bytes((data / "val" / "discs" / "00000.jpg").read_bytes() + b"\0" * 100)
    return folders


def test_other_data_on_another_machine(machines, tmp_path):
    arguments = ["train", "data/train", *SMALL, "--run", tmp_path / "run"]
    first, second = run_members(2, *arguments, folders=machines, status=1)
    assert "scatlight: data/train: process 0 of the team sees 120 images of 3 classes" in last_line(first)
    assert ", process 1 120 images" in last_line(first)
    assert second.stderr == "", "said once"
    assert not (tmp_path / "run").exists()


def test_no_data_on_another_machine(machines, tmp_path):
    folders = [machines[0], tmp_path]
    first, second = run_members(2, "train", "data/train", *SMALL, "--run", "run", folders=folders, status=1)
    assert last_line(second).startswith("[process 1 of 2] scatlight: ")
    assert "data/train" in last_line(second)
    assert last_line(first) == "scatlight: another process of the team ended"
    assert not (machines[0] / "run").exists()


def test_a_process_that_hangs_is_waited_for_only_so_long(data, tmp_path):
    arguments = train_arguments(data, tmp_path / "run", "--epochs", 1000)
    members = start_members(2, *arguments, SCATLIGHT_TEAM_SECONDS="3")
    wait_for(lambda: step_of(tmp_path / "run") > 0)
    members[1].send_signal(signal.SIGSTOP)
    assert members[0].wait(timeout=TIMEOUT) == 1
    members[1].kill()
    first, _ = finish(members)
    assert "scatlight: waited 3 s for the other processes of the team: one of them hangs" in last_line(first)


def test_what_all_refuse_is_printed_once(data, tmp_path):
    train = ["train", data / "train", "--run", tmp_path / "run", *NETWORK]
    nowhere = tmp_path / "nowhere"
    wrong = [
        ([*train, "--device", "cuda:1"], 2, "--device cuda:1 is not accepted under torchrun: give cuda"),
        ([*train, "--batch", 3], 1, "2 processes share steps of 3 images: each needs at least 2"),
        ([*train, "--val", nowhere], 1, f"{nowhere}"),
        ([*train, "--weights", nowhere], 1, f"{nowhere}"),
        (["eval", nowhere, data / "val"], 1, f"{nowhere}"),
        (["transform", nowhere, "--out", tmp_path / "f.npy"], 1, f"{nowhere}"),
    ]
    for arguments, status, words in wrong:
        first, second = run_members(2, *arguments, status=status)
        assert words in last_line(first), arguments
        assert second.stderr == "", arguments
    assert list(tmp_path.iterdir()) == []


def test_processes_that_were_called_in_other_ways(data, tmp_path):
    run_folder = ["--run", tmp_path / "run"]
    train = ["train", data / "train", *run_folder]
    cases = [
        (
            [train, ["eval", tmp_path, data / "val"]],
            "the command: process 0 of the team sees train, process 1 eval",
        ),
        (
            [[*train, "--lr", 0.1], [*train, "--lr", 0.2]],
            "process 0 of the team has --lr 0.1, process 1 --lr 0.2",
        ),
        ([[*train, "--val", "v"], train], "process 0 of the team has --val, process 1 no --val"),
        (
            [["train-detector", "d", *run_folder, *more] for more in (["--resume"], ["--overwrite"])],
            "process 0 of the team has no --overwrite, process 1 --overwrite",
        ),
        (
            [["predict", "m", name, "--top", 3] for name in ("a.jpg", "b.jpg")],
            'process 0 of the team has IMAGE ["a.jpg"], process 1 IMAGE ["b.jpg"]',
        ),
    ]
    for each, words in cases:
        first, second = run_members(2, each=each, status=1)
        assert last_line(first) == f"scatlight: {words}: all need the same"
        assert second.stderr == ""
    assert list(tmp_path.iterdir()) == []
