"""The Python of the documents runs as it stands there."""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run(document: str) -> dict[str, Any]:
    code = (ROOT / document).read_text().split("```python\n", 1)[1].split("```", 1)[0]
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def test_python_of_the_readme() -> None:
    assert run("README.md")["features"].shape == (8, 3, 25, 28, 28)


def test_python_of_the_page_on_kymatio() -> None:
    assert run("docs/kymatio.md")["accuracy"] > 0.9
