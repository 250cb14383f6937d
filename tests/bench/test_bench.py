"""`scatlight bench` on small networks at a small size; the variable SCATLIGHT names the program."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

PROGRAM = os.environ["SCATLIGHT"]
SMALL = ["scatresnet-small", "resnet-small", "--size", 32, "--batch", 4, "--memory", 0.02]
SMALL += ["--rounds", 2, "--round-seconds", 0.001, "--threads", 2]


def bench(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)


def fail(status: int, words: list[str], *arguments: object, **options) -> None:
    result = bench(*arguments, **options)
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    complaint = result.stderr.splitlines()[-1]
    assert complaint.startswith("scatlight: ")
    for word in words:
        assert word in complaint


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[dict, str]:
    """The file, and what was printed."""
    folder = tmp_path_factory.mktemp("bench")
    result = bench(*SMALL, "--out", "out", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert os.listdir(folder) == ["out"]
    assert os.listdir(folder / "out") == ["bench.json"]
    return json.loads((folder / "out/bench.json").read_text()), result.stdout


def test_conditions_are_told(written):
    record, _ = written
    assert record["command"] == "bench"
    assert record["machine"]["threads"] == 2
    assert record["machine"]["torch"].startswith("2.")
    options = record["options"]
    assert (options["size"], options["batch"], options["memory"]) == (32, 4, 0.02)
    conditions = record["conditions"]
    for name, value in {
        "device": "cpu",
        "precision": "float32",
        "tf32": False,
        "cudnn_benchmark": False,
        "layout": "channels_last",
        "features": False,
        "size": 32,
        "batch": 4,
        "memory_bytes": 20_000_000,
        "rounds": 2,
        "round_seconds": 0.001,
        "seed": 0,
    }.items():
        assert conditions[name] == value, name


def test_numbers_of_each_network(written):
    record, _ = written
    assert [network["name"] for network in record["networks"]] == ["scatresnet-small", "resnet-small"]
    for network, maps in zip(record["networks"], ([75, 4, 4], [3, 32, 32]), strict=True):
        assert network["maps"] == maps
        ways = [network["training"], *network["inference"].values()]
        for times in [times for way in ways for times in way.values()]:
            assert 0 < times["least"] <= times["seconds"] <= times["largest"]
            assert times["images_per_second"] == pytest.approx(4 / times["seconds"])
        assert ("transform" in network["inference"]["folded"]) == (maps[0] == 75)
        memory = network["memory"]
        assert memory["kept_bytes_per_image"] == pytest.approx(
            memory["counted_bytes_per_image"] + 4008, abs=8
        )
        assert memory["least_too_large"] == memory["largest_batch"] + 1
        fitting = [step["images"] for step in memory["steps"] if step["peak_bytes"] <= 20_000_000]
        assert max(fitting) == memory["largest_batch"]


def test_text(written):
    record, text = written
    assert "classifiers, batches of 4 images of 32 x 32 pixels, float32" in text
    assert "largest in 0.02 GB" in text
    assert text.endswith("out/bench.json\n")
    for network in record["networks"]:
        lines = [line.split() for line in text.splitlines() if line.startswith(f"{network['name']} ")]
        assert len(lines) == 2, "inference and training"
        assert lines[1][-1] == str(network["memory"]["largest_batch"])


def test_json_of_bases(tmp_path):
    flags = [
        "--features",
        "--size",
        64,
        "--batch",
        1,
        "--memory",
        0.02,
        "--rounds",
        1,
        "--round-seconds",
        0.001,
    ]
    result = bench("scatdet-small", *flags, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["conditions"]["features"] is True
    assert record["conditions"]["layout"] == "channels_last"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "words", "arguments"),
    [
        (2, ["resnet51", "resnet50"], ["resnet51"]),
        (2, ["--batch 0", "1 to 65536"], ["--batch", 0]),
        (2, ["--memory nan"], ["--memory", "nan"]),
        (2, ["--device: gpu"], ["--device", "gpu"]),
        (1, ["resnet50 is given twice"], ["resnet50", "resnet50"]),
        (1, ["scatresnet50", "images of 4 x 4", "2^J = 8"], ["--size", 4]),
        (1, ["vgg16", "16 x 16", "32 x 32"], ["vgg16", "--size", 16]),
        (1, ["0.4 GB holds no batch of resnet101", "224 x 224"], ["--memory", 0.4]),
        (1, ["9999 GB", "are free", "--memory"], ["--memory", 9999]),
        (1, ["linear", "detector needs"], ["linear", "--features"]),
    ],
)
def test_bad_input(status, words, arguments, tmp_path):
    fail(status, words, *arguments, "--out", "out", cwd=tmp_path)
    assert os.listdir(tmp_path) == []


def test_precision_counts_before_any_work():
    """So no convolution is computed."""

    def needed(*flags: str) -> float:
        result = bench("resnet-small", "--size", 224, "--memory", 0.001, *flags)
        assert result.returncode == 1
        return float(re.search(r"need more than ([\d.]+) GB", result.stderr)[1])

    assert needed("--precision", "bfloat16") < 0.7 * needed()


def test_folder_that_exists(tmp_path: Path):
    file = tmp_path / "out" / "bench.json"
    file.parent.mkdir()
    file.write_text("mine")
    fail(1, ["out exists", "--out"], *SMALL, "--out", "out", cwd=tmp_path)
    fail(1, ["bench.json exists"], *SMALL, "--out", file)
    assert file.read_text() == "mine"
    assert os.listdir(tmp_path) == ["out"]
