"""What networks most often take for something else."""

from collections.abc import Sequence

LARGEST_MISTAKES = 12


def frequent_mistakes(
    confusion: Sequence[Sequence[int]], classes: Sequence[str]
) -> list[tuple[str, str, int, int]]:
    """True class, class that it was taken for, how often, of how many. Rows and columns beyond the classes
    count, but are not told."""
    count = len(classes)
    found = [
        (times, row, column)
        for row, counts in enumerate(confusion[:count])
        for column, times in enumerate(counts[:count])
        if times > 0 and row != column
    ]
    return [
        (classes[row], classes[column], times, sum(confusion[row]))
        for times, row, column in sorted(found, key=lambda entry: -entry[0])[:LARGEST_MISTAKES]
    ]
