"""What a classifier gets right without looking: what an accuracy has to be compared with."""

from dataclasses import dataclass

from scatlight.report.load import Run


@dataclass(frozen=True)
class Baseline:
    accuracy: float  # percent
    words: str


def baseline(run: Run) -> Baseline | None:
    """Always naming the largest class of the run's test images; where all classes are as large, a guess."""
    if run.evaluation and run.evaluation.images > 0:
        counts = [sum(row) for row in run.evaluation.confusion]
        largest = max(counts)
        accuracy = 100 * largest / sum(counts)
        if min(counts) < largest:
            return Baseline(
                accuracy, f"always the largest class, {run.evaluation.classes[counts.index(largest)]}"
            )
        return Baseline(accuracy, f"chance, one of {len(counts)} classes")
    if run.facts and run.facts.classes:
        count = len(run.facts.classes)
        return Baseline(100 / count, f"chance, one of {count} classes")
    return None
