"""The installed library of trained networks, in a program of somebody else, against `scatlight predict`."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["SCATLIGHT_BUILD"])
PROGRAM = os.environ["SCATLIGHT"]
DOCUMENT = ROOT / "docs" / "deployment.md"


def run(*command: object, status: int = 0) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr + done.stdout
    return done.stdout if status == 0 else done.stderr


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def prefix(work: Path) -> Path:
    for component in ("scatlight", "models"):
        run("cmake", "--install", BUILD, "--prefix", work / "prefix", "--component", component)
    return work / "prefix"


def block(language: str) -> str:
    """The first of the document's blocks of code in a language."""
    found = re.search(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def programs(work: Path, prefix: Path) -> Path:
    """The folder of `names`, which is the document's, and of `objects`."""
    project = work / "project"
    project.mkdir()
    (project / "names.cpp").write_text(block("cpp"))
    (project / "objects.cpp").write_text((ROOT / "tests" / "consume" / "objects.cpp").read_text())
    (project / "CMakeLists.txt").write_text(
        block("cmake")
        + "add_executable(objects objects.cpp)\n"
        + "target_link_libraries(objects PRIVATE scatlight::models)\n"
    )
    run("cmake", "-G", "Ninja", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", project / "build")
    return project / "build"


@pytest.fixture(scope="module")
def drawn(work: Path) -> Path:
    run(PROGRAM, "draw", work / "drawn", "--classes", 3, "--train", 8, "--val", 1, "--size", 64)
    return work / "drawn"


def picture_of(folder: Path) -> Path:
    return next(iter(sorted(folder.rglob("*.jpg"))))


def test_classifier(programs: Path, drawn: Path, work: Path) -> None:
    small = ["--network", "scatresnet-small", "--stem", 8, "--widths", "8,8", "--depths", "1,1", "--size", 48]
    run(PROGRAM, "train", drawn / "train", "--run", work / "run", *small, "--epochs", 1, "--threads", 2)
    model, picture = work / "run" / "model.safetensors", picture_of(drawn / "val")
    said = [line.rsplit(" ", 1) for line in run(programs / "names", model, picture).splitlines()]
    predicted = json.loads(run(PROGRAM, "predict", model, picture, "--json"))["images"][0]["predictions"]
    assert [name for name, _ in said] == [one["class"] for one in predicted]
    assert [float(p) for _, p in said] == pytest.approx([one["probability"] for one in predicted], abs=6e-5)


def test_detector(programs: Path, work: Path) -> None:
    data, model = work / "boxes", work / "boxes-run" / "model.safetensors"
    run(PROGRAM, "draw", data, "--boxes", "--classes", 2, "--train", 6, "--val", 1, "--size", 96)
    small = [
        "--network",
        "scatdet-small",
        "--short-side",
        96,
        "--long-side",
        192,
        "--epochs",
        2,
        "--threads",
        2,
    ]
    run(PROGRAM, "train-detector", data, "--run", model.parent, *small)
    picture = picture_of(data)
    image = json.loads(run(PROGRAM, "predict", model, picture, "--score", 0, "--json"))["images"][0]
    found = [object_ for object_ in image["detections"] if object_["score"] > 0.5]
    said = [line.rsplit(" ", 5) for line in run(programs / "objects", model, picture).splitlines()]
    assert len(said) == len(found)
    for (name, score, *box), expected in zip(said, found, strict=True):
        assert name == expected["class"]
        assert float(score) == pytest.approx(expected["score"], abs=2e-6)
        assert [float(x) for x in box] == pytest.approx(expected["box"], abs=0.02)


def test_bad_input(programs: Path, drawn: Path, tmp_path: Path) -> None:
    picture = picture_of(drawn)
    damaged = tmp_path / "model.safetensors"
    damaged.write_bytes(b"no")
    said = run(programs / "names", damaged, picture, status=1)
    assert said.startswith(f"{damaged}: ")
    assert said.count("\n") == 1


def test_pkg_config_names_what_a_program_needs(prefix: Path, work: Path) -> None:
    environment = os.environ | {"PKG_CONFIG_PATH": str(next(prefix.rglob("scatlight.pc")).parent)}
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "scatlight"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout.split()
    source = work / "plan.cpp"
    source.write_text(
        "#include <scatlight/scattering.h>\n"
        "int main() {\n"
        "  const scatlight::Scattering plan({.height = 32, .width = 32});\n"
        "  return plan.paths().size() == 25 ? 0 : 1;\n"
        "}\n"
    )
    run("g++", "-std=c++20", source, *flags, "-o", work / "plan")
    run(work / "plan")
