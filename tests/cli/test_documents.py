"""The program knows the commands that the documents show."""

import functools
import re
import shlex
from pathlib import Path

import pytest
from conftest import commands, run

ROOT = Path(__file__).resolve().parents[2]
USAGE = 2  # the status of a command line that is wrong
OF_TORCHRUN = "-m scatlight -- "

known = functools.cache(commands)


def shown_commands() -> list[str]:
    found = []
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines()
            found += [line for line in lines if line.startswith("scatlight ")]
            found += ["scatlight " + line.split(OF_TORCHRUN)[1] for line in lines if OF_TORCHRUN in line]
    return found


@pytest.mark.parametrize("command", shown_commands())
def test_command(command: str, tmp_path: Path) -> None:
    """In a folder with the recipes alone, so that most stop at the first data that they read."""
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    _, *words = shlex.split(command, comments=True)
    if words[0] not in known():
        pytest.skip(f"this build has no {words[0]}")
    result = run(*words, cwd=tmp_path)
    assert result.returncode != USAGE, result.stderr


def test_wrong_command_is_told_apart(tmp_path: Path) -> None:
    assert run("transform", "photo.jpg", "--no-such-flag", cwd=tmp_path).returncode == USAGE
    assert len(shown_commands()) > 5
