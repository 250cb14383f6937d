"""The Python of the README runs as it stands there."""

from pathlib import Path
from typing import Any

README = Path(__file__).resolve().parents[2] / "README.md"


def test_python_of_the_readme() -> None:
    code = README.read_text().split("```python\n", 1)[1].split("```", 1)[0]
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["features"].shape == (8, 3, 25, 28, 28)
