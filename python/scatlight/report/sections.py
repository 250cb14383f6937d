"""The sections of a page. Each function looks through the runs and returns a section, or None when they hold
nothing for it."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from scatlight.report import words
from scatlight.report.figures import Bar, Series, bar_plot, confusion_plot, line_plot, smooth
from scatlight.report.images import find_file, photograph
from scatlight.report.load import Evaluation, Run, RunFacts
from scatlight.report.maps import show_maps
from scatlight.report.reconstruction_section import reconstructions
from scatlight.report.section import Figure, MakeSection, Section
from scatlight.report.study_sections import STUDY_SECTIONS

LARGEST_CLASS_TABLE = 200
PICTURES_OF_DATA = 16
LARGEST_PREDICTIONS = 24
IMAGE_ENDINGS = {".jpg", ".jpeg", ".png"}


def _evaluated(runs: Sequence[Run]) -> list[tuple[int, Run, Evaluation]]:
    return [(index, run, run.evaluation) for index, run in enumerate(runs) if run.evaluation]


def results(runs: Sequence[Run]) -> Section | None:
    """One row a run."""
    told = [(index, run) for index, run in enumerate(runs) if run.facts or run.evaluation or run.log]
    if not told:
        return None
    evaluations = [run.evaluation for _, run in told if run.evaluation]
    best = max((evaluation.top1 for evaluation in evaluations), default=None)
    with_top5 = any(len(evaluation.classes) > 5 for evaluation in evaluations)
    content = {"runs": told, "best": best, "with_top5": with_top5}
    return Section("results", "Results", "results.html.j2", content)


def pictures(runs: Sequence[Run]) -> Section | None:
    """A picture of each class, from the folder that the first evaluation used."""
    for _, _, evaluation in _evaluated(runs):
        shown = []
        for name in evaluation.classes[:PICTURES_OF_DATA]:
            folder = Path(evaluation.data) / name
            files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_ENDINGS)
            uri = photograph(files[0]) if files else None
            if uri:
                shown.append((name, uri))
        if shown:
            content = {"pictures": shown, "folder": evaluation.data, "classes": len(evaluation.classes)}
            return Section("pictures", "The pictures", "pictures.html.j2", content)
    return None


def curves(runs: Sequence[Run]) -> Section | None:
    """Loss and accuracy against the seconds of training."""
    logged = [(index, run.name, run.log) for index, run in enumerate(runs) if run.log and run.log.train]
    if not logged:
        return None
    longest = max(log.train[-1].seconds for _, _, log in logged)
    unit, seconds = ("minutes", 60.0) if longest > 180 else ("seconds", 1.0)
    axis = f"{unit} of training"
    losses = []
    accuracies = []
    for index, name, log in logged:
        window = max(1, len(log.train) // 40)
        times = [point.seconds / seconds for point in log.train]
        smoothed = smooth([point.loss for point in log.train], window)
        losses.append(Series(name, times, smoothed, index, points=len(times) == 1))
        if log.evals:
            times = [point.seconds / seconds for point in log.evals]
            held_out = [point.loss for point in log.evals]
            losses.append(Series(f"{name}, held out", times, held_out, index, points=True, dashed=True))
            top1 = [point.top1 for point in log.evals]
            accuracies.append(Series(name, times, top1, index, points=True))
    figures = [
        Figure(line_plot(losses, axis, "loss", "loss curves"), "Loss on the training images, a moving mean.")
    ]
    if accuracies:
        svg = line_plot(accuracies, axis, "top-1, %", "accuracy curves")
        figures.append(Figure(svg, "Top-1 accuracy on held-out images."))
    return Section("curves", "Training", "figures.html.j2", {"figures": figures})


def confusion(runs: Sequence[Run]) -> Section | None:
    """Confusion matrices, and the accuracy of each class in every run."""
    evaluated = _evaluated(runs)
    if not evaluated:
        return None
    figures = [
        Figure(
            confusion_plot(
                evaluation.confusion, evaluation.classes, index, f"confusion matrix of {run.name}"
            ),
            f"{run.name}: {words.percent(evaluation.top1)} of {evaluation.images} images on the diagonal.",
        )
        for index, run, evaluation in evaluated
    ]
    scores = [{score.name: score for score in evaluation.per_class} for _, _, evaluation in evaluated]
    names = list(dict.fromkeys(name for of_run in scores for name in of_run))
    content = {
        "figures": figures,
        "runs": [(index, run.name) for index, run, _ in evaluated],
        "rows": [(name, [of_run.get(name) for of_run in scores]) for name in names[:LARGEST_CLASS_TABLE]],
        "left_out": max(0, len(names) - LARGEST_CLASS_TABLE),
        "skipped": [(run.name, evaluation.skipped) for _, run, evaluation in evaluated if evaluation.skipped],
    }
    return Section("confusion", "Which classes are confused", "confusion.html.j2", content)


def predictions(runs: Sequence[Run]) -> Section | None:
    """Pictures with what each run takes them for."""
    guessing = [(index, run) for index, run in enumerate(runs) if run.predictions]
    if not guessing:
        return None
    files = list(dict.fromkeys(prediction.file for _, run in guessing for prediction in run.predictions))
    classes = {name for _, run in guessing if run.facts for name in run.facts.classes}
    shown = []
    for file in files[:LARGEST_PREDICTIONS]:
        folder_name = Path(file).parent.name
        shown.append(
            {
                "file": file,
                "picture": photograph(find_file(file, guessing[0][1].folder)),
                "truth": folder_name if folder_name in classes else None,
                "guesses": [
                    (index, run.name, prediction.guesses[:3])
                    for index, run in guessing
                    for prediction in run.predictions
                    if prediction.file == file
                ],
            }
        )
    content = {
        "images": shown,
        "left_out": max(0, len(files) - LARGEST_PREDICTIONS),
        "many": len(guessing) > 1,
    }
    return Section("predictions", "Predictions", "predictions.html.j2", content)


def scattering(runs: Sequence[Run]) -> Section | None:
    """The maps that a transform made, as pictures."""
    shown = [show_maps(features, run.folder) for run in runs for features in run.features]
    return (
        Section("scattering", "What the network sees", "scattering.html.j2", {"shown": shown})
        if shown
        else None
    )


def _rate(value: float) -> str:
    return f"{value:.0f} images/s" if value >= 10 else f"{value:.1f} images/s"


def _bars(values: list[Bar], text: Callable[[float], str], caption: str) -> Figure | None:
    return Figure(bar_plot(values, text, caption), caption) if values else None


def cost(runs: Sequence[Run]) -> Section | None:
    """Throughput and memory."""
    logs = [(index, run.name, run.log) for index, run in enumerate(runs) if run.log and run.log.train]
    training = [
        Bar(name, sum(point.images_per_second for point in log.train) / len(log.train), index)
        for index, name, log in logs
    ]
    testing = [
        Bar(run.name, evaluation.images_per_second, index) for index, run, evaluation in _evaluated(runs)
    ]
    memory = [Bar(name, log.peak_memory_bytes, index) for index, name, log in logs if log.peak_memory_bytes]
    figures = [
        _bars(training, _rate, "Training, decoding and augmentation included."),
        _bars(testing, _rate, "Evaluation, decoding included."),
        _bars(memory, words.memory, "Peak memory of the training."),
    ]
    content = {"figures": [figure for figure in figures if figure]}
    return Section("cost", "Speed and memory", "figures.html.j2", content) if content["figures"] else None


def facts(runs: Sequence[Run]) -> Section | None:
    """Machine, network and flags of each run, for whoever wants to repeat it."""
    known = [(run.name, run.facts) for run in runs if run.facts]
    return Section("facts", "How it was made", "facts.html.j2", {"runs": known}) if known else None


def _network_flags(facts: RunFacts) -> str:
    """The flags that make the same network again."""
    words_ = []
    for flag in (
        "network",
        "size",
        "widths",
        "depths",
        "stem",
        "scales",
        "angles",
        "max-order",
        "input-norm",
    ):
        value = facts.options.get(flag)
        if value is True:
            words_.append(f"--{flag}")
        elif isinstance(value, list):
            words_.append(f"--{flag} {','.join(map(str, value))}")
        elif value is not None and value is not False:
            words_.append(f"--{flag} {value}")
    return " ".join(words_)


def next_steps(runs: Sequence[Run]) -> Section | None:
    """What to type on other photographs, with the network of the best run."""
    trained = [run for run in runs if run.facts]
    if not trained:
        return None
    best = max(trained, key=lambda run: run.evaluation.top1 if run.evaluation else -math.inf)
    assert best.facts is not None
    content = {"flags": _network_flags(best.facts), "run": best.folder}
    return Section("next", "Your own photographs", "next.html.j2", content)


SECTIONS: list[MakeSection] = [
    results,
    pictures,
    scattering,
    curves,
    confusion,
    predictions,
    cost,
    facts,
    next_steps,
    reconstructions,
    *STUDY_SECTIONS,
]
