"""Help, flags, config files, exit statuses, completion: the frame that all commands share."""

import json
import re
import subprocess

import pytest
import scatlight
from conftest import PROGRAM, commands, fail, run, succeed


def long_flags(command: str) -> list[str]:
    return re.findall(r"^  (?:-\w,)?--([a-z0-9-]+)", succeed(command, "--help"), re.MULTILINE)


@pytest.mark.parametrize("command", commands())
def test_help_fits_a_page_and_has_examples(command):
    page = succeed(command, "--help")
    assert f"Usage: scatlight {command}" in page
    assert "Examples:" in page
    assert "--config FILE" in page
    assert max(map(len, page.splitlines())) <= 100
    assert run(command, "-h").stdout == page


def test_main_help_lists_the_commands():
    page = succeed("--help")
    assert {"info", "transform", "draw", "completion"} <= set(commands())
    assert "COMMAND --help" in page


def test_one_version():
    assert succeed("--version").strip() == f"scatlight {scatlight.__version__}"
    assert json.loads(succeed("info", "--json"))["version"] == scatlight.__version__


def test_info_names_the_engine_that_the_environment_forces():
    facts = json.loads(succeed("info", "--json", engine="reference"))
    assert facts["engine"] == "reference"
    assert "reference" in facts["engines"]
    fail(1, ["SCATLIGHT_ENGINE", "warp", "reference"], "info", engine="warp")


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["no command", "transform"], []),
        (["unknown command transfrom", "transform?"], ["transfrom"]),
        (["unknown flag --szie", "--size?"], ["draw", "x", "--szie", "64"]),
        (["unknown flag --scale", "--scales?"], ["transform", "a.png", "--out", "a.npy", "--scale", "3"]),
        (["unknown flag --qqqqqqqq"], ["draw", "x", "--qqqqqqqq"]),
        (["--out", "required"], ["transform", "a.png"]),
        (["INPUT", "required"], ["transform", "--out", "a.npy"]),
        (["--size many", "whole number"], ["draw", "x", "--size", "many"]),
        (["--size 8", "16 to 4096"], ["draw", "x", "--size", "8"]),
        (["--format gif", "jpg, png"], ["draw", "x", "--format", "gif"]),
    ],
)
def test_wrong_usage(words, arguments):
    fail(2, [*words, "--help"], *arguments)


@pytest.fixture(scope="module")
def new_flags() -> dict[str, list[str]]:
    """A flag that several commands have is tried in the first of them."""
    tried = {"help", "config"}
    flags = {}
    for command in commands():
        flags[command] = [flag for flag in long_flags(command) if flag not in tried]
        tried.update(flags[command])
    return flags


@pytest.mark.parametrize("command", commands())
def test_config_keys_are_the_flags(command, new_flags, tmp_path):
    config = tmp_path / "config.toml"
    for flag in new_flags[command]:
        # No flag takes a table, so a known key is told apart from an unknown one by the complaint.
        config.write_text(f"# first line\n{flag} = {{}}\n")
        fail(2, [f"{config}:2:", f"{flag} = {{...}} is not accepted"], command, "--config", config)


def test_config_equals_flags_and_flags_win(tmp_path):
    config = tmp_path / "draw.toml"
    config.write_text('train = 2\nval = 1\nclasses = 2\nsize = 32\nseed = 5\nformat = "png"\n')
    succeed("draw", "by-config", "--config", config, cwd=tmp_path)
    flags = ["--train", 2, "--val", 1, "--classes", 2, "--size", 32, "--format", "png"]
    succeed("draw", "by-flags", *flags, "--seed", 5, cwd=tmp_path)
    succeed("draw", "both", "--config", config, "--seed", 6, cwd=tmp_path)
    succeed("draw", "other", *flags, "--seed", 6, cwd=tmp_path)

    def content(name):
        return {
            file.relative_to(tmp_path / name): file.read_bytes() for file in (tmp_path / name).rglob("*.png")
        }

    assert len(content("by-config")) == 6
    assert content("by-config") == content("by-flags")
    assert content("both") == content("other")
    assert content("both") != content("by-config")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("szie = 64", [":1:", "unknown key szie", "size?"]),
        ("size = 'big'", [":1:", "size = 'big'", "whole number from 16 to 4096"]),
        ("size = 64.5", [":1:", "size = 64.5"]),
        ("\nsize = 4", [":2:", "size = 4", "16 to 4096"]),
        ("overwrite = 1", ["overwrite = 1", "true or false"]),
        ("size = = 3", [":1:"]),
        ("[draw]\nsize = 64", ["unknown key draw"]),
        ("\x00", [":1:"]),
    ],
)
def test_wrong_config(text, words, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(text)
    fail(2, [str(config), *words], "draw", tmp_path / "out", "--config", config)
    assert not (tmp_path / "out").exists()


def test_absent_config(tmp_path):
    fail(2, ["absent.toml"], "draw", tmp_path / "out", "--config", tmp_path / "absent.toml")


def test_full_standard_output():
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [PROGRAM, "info"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 1
    assert result.stderr == "scatlight: cannot write to standard output\n"


def complete(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    script = f"""
        source <("{PROGRAM}" completion bash)
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)}); COMP_CWORD={len(words) - 1}
        _scatlight
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()


def test_completion_in_bash():
    assert set(commands()) <= set(complete("scatlight", ""))
    assert complete("scatlight", "trans") == ["transform"]
    if "train" in commands():
        assert complete("scatlight", "train") == ["train", "train-detector"]
        assert complete("scatlight", "train-detector", "x", "--anc") == ["--anchors"]
    assert complete("scatlight", "draw", "--cl") == ["--classes"]
    assert complete("scatlight", "draw", "x", "--format", "") == ["jpg", "png"]
    assert complete("scatlight", "transform", "--wavelet", "g") == ["gabor"]
    assert complete("scatlight", "transform", "--out", "--s") == []  # a value is due: files
    assert set(complete("scatlight", "completion", "")) >= {"bash", "zsh"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_every_flag(shell):
    result = run("completion", shell)
    if result.returncode != 0:
        assert "bash" in result.stderr
        pytest.skip(f"no completion for {shell}")
    assert "max-order" in result.stdout
    assert "overwrite" in result.stdout


def test_draws_pictures_with_boxes(tmp_path):
    succeed("draw", tmp_path / "out", "--boxes", "--train", 2, "--val", 1, "--size", 32, "--format", "png")
    coco = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    assert [category["name"] for category in coco["categories"]] == [
        "crescents",
        "crosses",
        "discs",
        "rings",
        "stars",
        "triangles",
    ]
    assert [image["file_name"] for image in coco["images"]] == ["train_00000.png", "train_00001.png"]
    assert (tmp_path / "out/JPEGImages/train_00001.png").exists()
    assert (tmp_path / "out/ImageSets/Main/val.txt").read_text() == "val_00000\n"
    fail(1, ["classes is 7", "1 to 6"], "draw", tmp_path / "other", "--boxes", "--classes", 7)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
