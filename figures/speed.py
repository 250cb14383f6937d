"""The picture of the README: times of kymatio and scatlight, from what benchmarks/compare_kymatio.py wrote.

python figures/speed.py [FILE.json]     writes docs/images/speed.png
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from tools import ROOT, save

MEASURED = ROOT / "docs" / "measurements" / "kymatio.json"


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else MEASURED
    if file == MEASURED and not file.exists():
        print(f"no docs/images/speed.png: {MEASURED.relative_to(ROOT)} is absent (make bench measures it)")
        return
    measured = json.loads(file.read_text())
    results = measured["results"]
    machine = measured["machine"]
    figure, axis = plt.subplots(figsize=(9, 0.36 * len(results) + 1), layout="constrained")
    for row, result in enumerate(results):
        ours, theirs = result["scatlight_ms"], result["kymatio_ms"]
        axis.plot([ours, theirs], [row, row], color="0.75", zorder=1)
        axis.annotate(
            f"{result['ratio']:.0f} x", (theirs, row), (6, 0), textcoords="offset points", va="center"
        )
    rows = range(len(results))
    axis.scatter([r["kymatio_ms"] for r in results], rows, color="#b0552b", label="kymatio 0.3.0")
    axis.scatter([r["scatlight_ms"] for r in results], rows, color="#2b6cb0", label="scatlight")
    axis.set_yticks(rows, [r["name"] for r in results], fontsize=8)
    axis.invert_yaxis()
    axis.set_xscale("log")
    where = f"{machine['threads_used']} thread of {machine['processor']} ({machine['engine']})"
    axis.set_xlabel(f"milliseconds per image, {where}")
    axis.margins(x=0.12)
    axis.set_axisbelow(True)
    axis.grid(axis="x", color="0.92")
    axis.legend(loc="upper right", fontsize=8)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    save(figure, "speed.png")


if __name__ == "__main__":
    main()
