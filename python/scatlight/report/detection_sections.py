"""The sections on detectors: what they reach, how they were made, and what to type next."""

import math
from collections.abc import Sequence
from dataclasses import replace

from scatlight.report import words
from scatlight.report.boxes import Detector, DetectorEvaluation
from scatlight.report.command_line import chosen_flags, command_again
from scatlight.report.detection_accuracy import confusion, precision, predictions, shown
from scatlight.report.detection_data import data
from scatlight.report.detection_training import cost, curves
from scatlight.report.load import Run
from scatlight.report.section import MakeSection, Section

FLAGS_OF_A_DETECTOR = (
    "network", "widths", "depths", "stem", "scales", "angles", "max-order", "input-norm",
    "input", "paths", "dct-channels", "standardize", "short-side",
    "long-side", "anchors", "ratios", "rpn-channels", "rois", "proposals", "nms", "score",
)  # fmt: skip

Evaluated = tuple[Run, Detector, DetectorEvaluation]


def _difference(evaluated: Sequence[Evaluated]) -> str | None:
    """Of two detectors on the same pictures, in words."""
    if len(evaluated) != 2:
        return None
    (first, _, a), (second, _, b) = evaluated
    if a.ap50 is None or b.ap50 is None:
        return None
    points = 100 * (a.ap50 - b.ap50)
    if abs(points) < 0.05:
        return f"{first.name} and {second.name} find the same share: their AP50 are equal"
    better, worse = (evaluated[0], evaluated[1]) if points > 0 else (evaluated[1], evaluated[0])
    told = f"The AP50 of {better[0].name} is {abs(points):.1f} points above that of {worse[0].name}"
    passes = [words.digits(detector.passes) for _, detector, _ in (better, worse) if detector.passes]
    if len(set(passes)) == 2:
        told += f", after {passes[0]} against {passes[1]} passes over the training pictures"
    return told


def results(runs: Sequence[Run]) -> Section | None:
    """One row per detector."""
    told = [
        (index, run, run.detector)
        for index, run in enumerate(runs)
        if run.detector and (run.detector.facts or run.detector.log or run.detector.evaluation)
    ]
    if not told:
        return None
    evaluated = [
        (run, detector, detector.evaluation) for _, run, detector in told if detector.evaluation is not None
    ]
    tested = list(dict.fromkeys((evaluation.data, evaluation.images) for _, _, evaluation in evaluated))
    comparable = len(evaluated) > 1 and len(tested) == 1
    known = [evaluation.ap50 for _, _, evaluation in evaluated if evaluation.ap50 is not None]
    content = {
        "runs": told,
        "best": max(known) if comparable and known else None,
        "tested": tested,
        "difference": _difference(evaluated) if comparable else None,
    }
    return Section("boxes-results", "Results", "boxes_results.html.j2", content)


def facts(runs: Sequence[Run]) -> Section | None:
    """Machine, network, data and flags of each detector, for whoever wants to repeat it."""
    known = [
        (run.name, found, command_again("train-detector", found.call, f"{run.folder}-again"))
        for run in runs
        if run.detector and (found := run.detector.facts)
    ]
    if not known:
        return None
    return Section("boxes-facts", "How it was made", "boxes_facts.html.j2", {"runs": known})


def _ap50(run: Run) -> float:
    evaluation = run.detector.evaluation if run.detector else None
    return -math.inf if evaluation is None or evaluation.ap50 is None else evaluation.ap50


def next_steps(runs: Sequence[Run]) -> Section | None:
    """What to type on other photographs, with the network of the best detector."""
    trained = [run for run in runs if run.detector and run.detector.facts]
    if not trained:
        return None
    best = max(trained, key=_ap50)
    assert best.detector is not None
    assert best.detector.facts is not None
    content = {"flags": chosen_flags(best.detector.facts.call, FLAGS_OF_A_DETECTOR), "run": best.folder}
    return Section("boxes-next", "Your own photographs", "boxes_next.html.j2", content)


def _beside_classifiers(make_section: MakeSection) -> MakeSection:
    """Says in the title that it is of detectors, on a page that has something else, too."""

    def made(runs: Sequence[Run]) -> Section | None:
        section = make_section(runs)
        if section is None or all(run.detector for run in runs):
            return section
        return replace(section, title=f"Detection: {section.title[0].lower()}{section.title[1:]}")

    return made


DETECTION_SECTIONS: list[MakeSection] = [
    _beside_classifiers(make_section)
    for make_section in (
        results,
        data,
        curves,
        precision,
        shown,
        confusion,
        predictions,
        cost,
        facts,
        next_steps,
    )
]
