"""The comparison with kymatio runs, whatever became of the names that it reaches into."""

import json
import subprocess
import sys
from pathlib import Path

COMPARISON = Path(__file__).resolve().parents[2] / "benchmarks" / "compare_kymatio.py"


def test_the_comparison_with_kymatio_runs(tmp_path: Path) -> None:
    out = tmp_path / "kymatio.json"
    case = "128 x 3 x 32 x 32, J=2, L=8, order 1"
    subprocess.run([sys.executable, COMPARISON, "--only", case, "--pairs", "1", "--out", out], check=True)
    (result,) = json.loads(out.read_text())["results"]
    assert result["error"] < 1e-5
    assert result["ratio"] > 0
    assert result["scatlight_plan_ms"] > result["scatlight_plan_again_ms"] > 0
