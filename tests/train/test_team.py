"""Several processes that train and measure one network together, on the CPU."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL, run, run_whole, train_arguments, wait_for
from safetensors.numpy import load_file
from scatlight.__main__ import StartError, check_torch, main

MODULE = [sys.executable, "-m", "scatlight"]
TIMEOUT = 120
# Weights after a few steps, of several processes against one: gradients are added in another order.
ROUNDING = 1e-5
MEASURED = {"seconds", "images_per_second", "peak_memory_bytes", "waited_for_images"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_members(
    size: int, *arguments: object, each=(), folders=(), **environment: str
) -> list[subprocess.Popen]:
    """Processes as torchrun would start them, with further arguments for `each`, and each in a working folder
    of its own where `folders` are given, as on several machines. Quicker than torchrun, which also ends them
    all once one has failed."""
    variables = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    members = []
    for rank in range(size):
        local_rank, local_size = (0, 1) if folders else (rank, size)
        place = {"RANK": str(rank), "LOCAL_RANK": str(local_rank), "LOCAL_WORLD_SIZE": str(local_size)}
        members.append(
            subprocess.Popen(
                [*MODULE, *map(str, [*arguments, *(each[rank] if each else ())])],
                env=os.environ | variables | place | environment,
                cwd=folders[rank] if folders else None,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return members


def finish(members: list[subprocess.Popen]) -> list[subprocess.CompletedProcess[str]]:
    try:
        streams = [member.communicate(timeout=TIMEOUT) for member in members]
    finally:
        for member in members:
            member.kill()
    return [
        subprocess.CompletedProcess(member.args, member.returncode, *texts)
        for member, texts in zip(members, streams, strict=True)
    ]


def run_members(size: int, *arguments: object, status: int = 0, **how):
    """Runs a team, all of whose processes end with this status."""
    done = finish(start_members(size, *arguments, **how))
    assert [member.returncode for member in done] == [status] * size, [member.stderr for member in done]
    return done


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1] if done.stderr else ""


def torchrun(size: int, *arguments: object, restarts: int = 0, meeting="--standalone") -> subprocess.Popen:
    start = [sys.executable, "-m", "torch.distributed.run", meeting, f"--nproc-per-node={size}"]
    start += [f"--max-restarts={restarts}", "-m", "scatlight", "--"]
    return subprocess.Popen(
        [*start, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kill_a_worker(job: subprocess.Popen) -> None:
    workers = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
    os.kill(int(workers[-1]), signal.SIGKILL)


def lines_of(folder: Path) -> list[dict]:
    """Of the log, the whole ones."""
    try:
        text = (folder / "log.jsonl").read_text()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.split("\n")[:-1]]


def train_lines(one: Path, other: Path) -> list[tuple[dict, dict]]:
    """Of the logs of two trainings, those of the same steps."""
    lines = [[line for line in lines_of(folder) if line["kind"] == "train"] for folder in (one, other)]
    assert lines[0]
    return list(zip(*lines, strict=True))


def log_of(folder: Path) -> list[dict]:
    """Without what a clock measured."""
    return [{key: line[key] for key in line.keys() - MEASURED} for line in lines_of(folder)]


def step_of(folder: Path) -> int:
    return max((line.get("step", 0) for line in lines_of(folder)), default=0)


def expect_equal_tensors(one: Path, other: Path) -> None:
    expected, found = load_file(one), load_file(other)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, name)


def expect_close_weights(one: Path, other: Path) -> None:
    """Statistics of batch norms are of micro-batches."""
    expected, found = load_file(one), load_file(other)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        if name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            continue
        np.testing.assert_allclose(
            found[name], values, rtol=0, atol=ROUNDING * abs(values).max(), err_msg=name
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


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "trained"
    run(*train_arguments(data, folder, "--epochs", 1))
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


# ---- evaluation ----


def test_every_image_is_counted_once(trained, data, tmp_path):
    images = shutil.copytree(data / "val", tmp_path / "val")
    bad = images / "discs" / "00003.jpg"
    bad.write_bytes(b"no picture")
    arguments = ["eval", trained, images, "--skip-bad", "--batch", 5, "--out"]
    alone = run(*arguments, tmp_path / "one.json")
    first, *others = run_members(3, *arguments, tmp_path / "three.json")
    assert [line.split(",")[0] for line in first.stdout.splitlines()] == [
        line.split(",")[0] for line in alone.splitlines()
    ]
    assert [done.stdout for done in others] == ["", ""]
    one, three = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "three"))
    assert three["images"] == 29
    assert three["loss"] == pytest.approx(one["loss"], rel=1e-6)
    for key in ("confusion", "per_class", "top5", "skipped"):
        assert three[key] == one[key]


def test_every_picture_is_predicted_once(trained, data, tmp_path):
    pictures = shutil.copytree(data / "val" / "discs", tmp_path / "pictures")
    (pictures / "00003.jpg").write_bytes(b"no picture")
    arguments = ["predict", trained, pictures, "--skip-bad", "--json", "--out"]
    alone = json.loads(run(*arguments, tmp_path / "one.json"))
    first, second = run_members(2, *arguments, tmp_path / "two.json")
    assert (tmp_path / "two.json").read_text() == first.stdout
    assert second.stdout == ""
    two = json.loads(first.stdout)
    assert [image["file"] for image in two["images"]] == [image["file"] for image in alone["images"]]
    for image, expected in zip(two["images"], alone["images"], strict=True):
        found, guesses = (
            {guess["class"]: guess["probability"] for guess in one["predictions"]}
            for one in (image, expected)
        )
        assert found == pytest.approx(guesses, rel=1e-4)
    assert two["skipped"] == alone["skipped"]


def test_each_process_writes_a_part_of_a_transform(data, tmp_path):
    pictures = data / "val" / "discs"
    flags = ["--size", 32, "--scales", 2, "--out"]
    run("transform", pictures, *flags, tmp_path / "all.npy")
    done = run_members(3, "transform", pictures, *flags, tmp_path / "f.npy")
    parts = [tmp_path / f"f-{part:05}-of-00003.npy" for part in range(3)]
    assert [member.stdout.split(":")[0] for member in done] == list(map(str, parts))
    joined = np.concatenate([np.load(part) for part in parts])
    np.testing.assert_array_equal(joined, np.load(tmp_path / "all.npy"))

    bad = shutil.copytree(pictures, tmp_path / "bad")
    (bad / "00009.jpg").write_bytes(b"no picture")
    first, second = run_members(2, "transform", bad, *flags, tmp_path / "b.npy", status=1)
    assert "[process 1 of 2] scatlight: " in last_line(second)
    assert "00009.jpg" in last_line(second)
    assert last_line(first) == "scatlight: another process of the team ended"
    assert list(tmp_path.glob("*b-*")) == [], "nothing is written"

    two = [bad / "00001.jpg", bad / "00009.jpg"]
    _, second = run_members(2, "transform", *two, *flags, tmp_path / "b.npy", "--skip-bad", status=1)
    assert "no image of the part of process 1 is left" in last_line(second)
    assert last_line(second).endswith("fewer processes have larger parts")
    assert list(tmp_path.glob("*b-*")) == []


# ---- detectors ----


def test_two_processes_train_and_measure_a_detector_as_one(tmp_path):
    drawn = tmp_path / "data"
    run("draw", drawn, "--boxes", "--classes", 2, "--train", 9, "--val", 5, "--size", 64)
    small = ["--network", "scatdet-small", "--stem", 8, "--widths", "8,8,8", "--depths", "1,1,1"]
    small += [
        "--rpn-channels",
        8,
        "--short-side",
        64,
        "--long-side",
        128,
        "--anchors",
        "16,32",
        "--ratios",
        1,
    ]
    small += ["--proposals", 50, "--rois", 16, "--threads", 1, "--batch", 4]
    run("train-detector", drawn, "--run", tmp_path / "first", *small, "--epochs", 2)
    # From weights, batch norms are constants: they do not see which images a member has.
    arguments = ["train-detector", "--val-split", "val", *small, "--epochs", 2, "--lr", 0.01]
    arguments += ["--weights", tmp_path / "first" / "model.safetensors", "--clip", 10, "--run"]
    run(*arguments, tmp_path / "one", drawn)
    there = shutil.copytree(drawn, tmp_path / "there")
    run_members(2, *arguments, tmp_path / "two", each=[[drawn], [there]])
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=0, atol=1e-4 * abs(values).max(), err_msg=name)
    for line, of_two in train_lines(tmp_path / "one", tmp_path / "two"):
        for key in ("loss", "objectness", "rpn_box", "class", "box", "positive_anchors", "positive_rois"):
            assert of_two[key] == pytest.approx(line[key], rel=1e-3), key

    measure = ["eval", tmp_path / "one", drawn, "--split", "val", "--score", 0.01, "--results"]
    run(*measure, tmp_path / "one.json", "--out", tmp_path / "e1.json")
    run_members(2, *measure, tmp_path / "two.json", "--out", tmp_path / "e2.json")
    assert (tmp_path / "two.json").read_text() == (tmp_path / "one.json").read_text()
    written = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("e1", "e2")]
    for evaluation in written:
        for key in ("seconds", "images_per_second", "peak_memory_bytes"):
            del evaluation[key]
    assert written[0] == written[1]
