"""The Python of the documents runs as it stands there."""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run(document: str) -> dict[str, Any]:
    _, *blocks = (ROOT / document).read_text().split("```python\n")
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block.split("```", 1)[0], names)
    return names


def test_python_of_the_readme() -> None:
    assert run("README.md")["features"].shape == (8, 3, 25, 28, 28)


def test_python_of_the_page_on_kymatio() -> None:
    names = run("docs/kymatio.md")
    assert names["accuracy"] > 0.9
    assert names["S"].wavelets.shape == (2, 8, 4)
