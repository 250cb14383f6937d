"""train, eval and predict on a GPU: the numbers of the CPU, and runs that go on on another device."""

import json
import subprocess

import pytest
from conftest import PROGRAM, run, train_arguments, wait_for

RECIPE = ["--lr", 0.02, "--epochs", 3]
FACTS = json.loads(run("info", "--json"))
pytestmark = pytest.mark.skipif(
    FACTS["gpus"] == 0,
    reason="skipped: no GPU" if FACTS["cuda"] else "skipped: this build has no CUDA engine",
)


@pytest.fixture(autouse=True)
def _no_tf32(monkeypatch):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")  # so that rounding is all that differs


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """The same training on both devices."""
    folders = {device: tmp_path_factory.mktemp("runs") / device for device in ("cpu", "cuda")}
    for device, folder in folders.items():
        run(*train_arguments(data, folder, *RECIPE, "--device", device))
    return folders


def losses(folder):
    """Of training and of evaluations, in their order."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def test_loss_curves(runs):
    """21 steps; rounding grows with each."""
    expected = losses(runs["cpu"])
    assert losses(runs["cuda"]) == pytest.approx(expected, rel=0.02)
    assert losses(runs["cuda"])[0] == pytest.approx(expected[0], rel=1e-4)


@pytest.mark.parametrize("model", ["cpu", "cuda"])
def test_scores(model, runs, data, tmp_path):
    """Either model gives the same scores on both devices."""
    results = {}
    for device in ("cpu", "cuda"):
        out = tmp_path / f"{device}.json"
        run("eval", runs[model], data / "val", "--batch", 7, "--out", out, "--device", device)
        scores = json.loads(run("predict", runs[model], data / "val", "--json", "--device", device))
        probabilities = [
            sorted((p["class"], p["probability"]) for p in image["predictions"]) for image in scores["images"]
        ]
        results[device] = json.loads(out.read_text())["loss"], probabilities
    assert results["cuda"][0] == pytest.approx(results["cpu"][0], rel=1e-4)
    for ours, theirs in zip(results["cuda"][1], results["cpu"][1], strict=True):
        assert [name for name, _ in ours] == [name for name, _ in theirs]
        assert [p for _, p in ours] == pytest.approx([p for _, p in theirs], abs=1e-4)


@pytest.mark.parametrize(("first", "then"), [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_a_resume_on_another_device_goes_on(first, then, runs, data, tmp_path):
    folder = tmp_path / "run"
    arguments = [PROGRAM, *train_arguments(data, folder, *RECIPE, "--device", first, "--checkpoint-every", 0)]
    process = subprocess.Popen(list(map(str, arguments)), stderr=subprocess.DEVNULL)
    wait_for((folder / "checkpoint.safetensors").exists)
    process.terminate()
    assert process.wait() == 1, "it was stopped before its end"
    run("train", "--resume", "--run", folder, "--device", then)
    assert losses(folder) == pytest.approx(losses(runs[first]), rel=0.02)
