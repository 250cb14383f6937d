"""Trainings on archives and shards: as on folders, resumed bit by bit, and stopped by data that change."""

import json
import os
import shutil
import signal
import subprocess
import tarfile

import pytest
from conftest import PROGRAM, SMALL, run, run_whole, train_arguments, wait_for


@pytest.fixture(scope="module")
def forms(data, tmp_path_factory):
    """The drawn data set in all three forms."""
    root = tmp_path_factory.mktemp("forms")
    shutil.copytree(data, root / "folders")
    for part in ("train", "val"):
        run("pack", data / part, root / "shards" / part, "--shard-images", 30)
        (root / "archives" / part).mkdir(parents=True)
        for folder in (data / part).iterdir():
            with tarfile.open(root / "archives" / part / f"{folder.name}.tar", "w") as archive:
                archive.add(folder, ".")
    return root


def train(data, folder, *more: object) -> None:
    run(*train_arguments(data, folder, "--epochs", 2, *more))


@pytest.fixture(scope="module")
def trained(forms, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for form in ("folders", "archives", "shards"):
        train(forms / form, folder / form)
    return folder


def log_of(folder) -> list[dict]:
    """Without what depends on the machine."""
    machine = {"seconds", "images_per_second", "peak_memory_bytes"}
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in machine} for line in lines]


@pytest.mark.parametrize("form", ["archives", "shards"])
def test_trains_as_on_folders(form, trained):
    assert log_of(trained / form) == log_of(trained / "folders")
    model = (trained / form / "model.safetensors").read_bytes()
    assert model == (trained / "folders" / "model.safetensors").read_bytes()


def test_stopped_and_resumed_from_shards_it_is_bit_equal(forms, trained, tmp_path):
    folder = tmp_path / "run"
    arguments = train_arguments(forms / "shards", folder, "--epochs", 2, "--checkpoint-every", 0)
    process = subprocess.Popen(list(map(str, [PROGRAM, *arguments])), stderr=subprocess.DEVNULL)
    wait_for((folder / "checkpoint.safetensors").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM
    run("train", "--resume", "--run", folder)
    model = (folder / "model.safetensors").read_bytes()
    assert model == (trained / "shards" / "model.safetensors").read_bytes()


def test_resume_notices_other_shards(forms, tmp_path):
    shards = shutil.copytree(forms / "shards" / "train", tmp_path / "train")
    run("train", shards, "--run", tmp_path / "run", *SMALL, "--epochs", 1)
    shutil.rmtree(shards)
    run("pack", forms / "folders" / "train", shards, "--shard-images", 60)
    complaint = run("train", "--resume", "--run", tmp_path / "run", status=1)
    assert "--data-changed resumes with them" in complaint
    run("train", "--resume", "--run", tmp_path / "run", "--data-changed")


def test_eval_takes_any_form(forms, trained):
    results = []
    for form in ("folders", "archives", "shards"):
        run("eval", trained / "folders", forms / form / "val", "--out", trained / "eval.json")
        result = json.loads((trained / "eval.json").read_text())
        results.append((result["loss"], result["confusion"], result["images"]))
    assert results == [results[0]] * 3


def test_eval_names_a_bad_member(forms, trained, tmp_path):
    folder = shutil.copytree(forms / "shards" / "val", tmp_path / "val")
    shard = folder / "shard-000000.tar"
    bytes_of_shard = bytearray(shard.read_bytes())
    name = bytes_of_shard[: bytes_of_shard.index(0)].decode()
    bytes_of_shard[512:1024] = bytes(512)
    shard.write_bytes(bytes_of_shard)
    out = tmp_path / "eval.json"
    assert f"{shard}:{name}: " in run("eval", trained / "folders", folder, "--out", out, status=1)
    assert not out.exists()
    run("eval", trained / "folders", folder, "--out", out, "--skip-bad")
    result = json.loads(out.read_text())
    assert result["images"] == 29
    assert [skipped["file"] for skipped in result["skipped"]] == [f"{shard}:{name}"]


CHANGES = {
    "deleted": lambda shard: shard.unlink(),
    "cut": lambda shard: os.truncate(shard, 700),
    "touched": os.utime,
    "replaced": lambda shard: shutil.copy(shard, f"{shard}.new") and os.replace(f"{shard}.new", shard),
}


@pytest.mark.parametrize(
    ("change", "flags"),
    [*((change, []) for change in CHANGES), ("cut", ["--skip-bad"]), ("touched", ["--skip-bad"])],
)
def test_a_shard_that_changes_ends_the_training(change, flags, forms, tmp_path):
    data = shutil.copytree(forms / "shards" / "train", tmp_path / "train")
    folder = tmp_path / "run"
    arguments = ["train", data, "--run", folder, *SMALL, "--epochs", 1000, "--checkpoint-every", 0]
    arguments += flags
    process = subprocess.Popen(list(map(str, [PROGRAM, *arguments])), stderr=subprocess.PIPE, text=True)
    wait_for((folder / "checkpoint.safetensors").exists)
    CHANGES[change](data / "shard-000001.tar")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    complaint = errors.splitlines()[-1]
    assert complaint.startswith(f"scatlight: {data / 'shard-000001.tar'}:0"), complaint
    assert ".jpg: cannot read" in complaint
    assert (folder / "checkpoint.safetensors").exists()


def test_what_takes_single_images_says_so_of_archives(forms, trained):
    archive = forms / "archives" / "val" / "discs.tar"
    assert "is an archive" in run("predict", trained / "folders", archive, status=1)
    done = run_whole("predict", trained / "folders", archive.parent)
    assert done.returncode == 1
    assert "3 others (3 .tar)" in done.stderr
