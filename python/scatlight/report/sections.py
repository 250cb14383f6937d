"""The sections of a page. Each function looks through the runs and returns a section, or None when they hold
nothing for it."""

import math
from collections.abc import Sequence
from pathlib import Path

from scatlight.report import words
from scatlight.report.baseline import baseline
from scatlight.report.bench_section import table_2
from scatlight.report.command_line import chosen_flags, command_again
from scatlight.report.detection_sections import DETECTION_SECTIONS
from scatlight.report.figures import LARGEST_LABELLED, LARGEST_NUMBERED, confusion_plot
from scatlight.report.images import Crop, Picture, find_file, photograph
from scatlight.report.load import Evaluation, Predictions, Run, RunFacts
from scatlight.report.maps import show_maps
from scatlight.report.mistakes import frequent_mistakes
from scatlight.report.reconstruction_section import reconstructions
from scatlight.report.section import Figure, MakeSection, Section
from scatlight.report.study_sections import STUDY_SECTIONS
from scatlight.report.training_sections import cost, curves
from scatlight.report.trainings_sections import TRAININGS_SECTIONS

LARGEST_CLASS_TABLE = 200
PICTURES_OF_DATA = 16
TRIES_FOR_A_PICTURE = 8  # files of a class
LARGEST_PREDICTIONS = 24
LARGEST_GUESSES = 5
# Of 20 classes, a quarter is among any five: from there on top-5 says something that top-1 does not.
CLASSES_FOR_TOP5 = 20
NUMBERED = " Classes are counted from 0 in the order of the table below."
USUAL_ENDINGS = {".jpg", ".jpeg", ".png"}


def _evaluated(runs: Sequence[Run]) -> list[tuple[int, Run, Evaluation]]:
    return [(index, run, run.evaluation) for index, run in enumerate(runs) if run.evaluation]


def results(runs: Sequence[Run]) -> Section | None:
    """One row per run, and what would be right without looking."""
    told = [(index, run) for index, run in enumerate(runs) if run.facts or run.evaluation or run.log]
    if not told:
        return None
    evaluations = [run.evaluation for _, run in told if run.evaluation]
    data = list(dict.fromkeys((evaluation.data, evaluation.images) for evaluation in evaluations))
    comparable = len(evaluations) > 1 and len(data) == 1
    known = [found for _, run in told if run.evaluation and (found := baseline(run))]
    content = {
        "runs": told,
        "best": max(evaluation.top1 for evaluation in evaluations) if comparable else None,
        "with_top5": any(len(evaluation.classes) > CLASSES_FOR_TOP5 for evaluation in evaluations),
        "baselines": list(dict.fromkeys(known)),
        "data": data,
    }
    return Section("results", "Results", "results.html.j2", content)


def _visible_files(folder: Path) -> list[Path]:
    """Those that the loader looks at: hidden ones and what is in hidden folders are not."""
    files = []
    for file in folder.rglob("*"):
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts):
            files.append(file)
    return sorted(files, key=lambda file: (file.suffix.lower() not in USUAL_ENDINGS, file))


def _picture_of(folder: Path) -> Picture:
    """The first file of a class that is a picture, whatever its name."""
    found = Picture(problem="there is no file")
    for file in _visible_files(folder)[:TRIES_FOR_A_PICTURE]:
        found = photograph(file)
        if found.uri:
            break
    return found


def pictures(runs: Sequence[Run]) -> Section | None:
    """A picture of each class, from the folder that an evaluation used."""
    evaluations = [evaluation for _, _, evaluation in _evaluated(runs)]
    if not evaluations:
        return None
    there = [evaluation for evaluation in evaluations if Path(evaluation.data).is_dir()]
    evaluation = (there or evaluations)[0]
    shown = [
        (name, _picture_of(Path(evaluation.data) / name))
        for name in (evaluation.classes[:PICTURES_OF_DATA] if there else [])
    ]
    content = {"pictures": shown, "folder": evaluation.data, "classes": len(evaluation.classes)}
    return Section("pictures", "The pictures", "pictures.html.j2", content)


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
            f"{run.name}: {words.percent(evaluation.top1)} of {evaluation.images} images are on the diagonal."
            + (NUMBERED if len(evaluation.classes) > LARGEST_LABELLED else ""),
        )
        for index, run, evaluation in evaluated
    ]
    scores = [{score.name: score for score in evaluation.per_class} for _, _, evaluation in evaluated]
    names = list(dict.fromkeys(name for of_run in scores for name in of_run))
    rows = [(name, [of_run.get(name) for of_run in scores]) for name in names]
    content = {
        "figures": figures,
        "runs": [(index, run.name) for index, run, _ in evaluated],
        "rows": rows[:LARGEST_CLASS_TABLE],
        "left_out": max(0, len(names) - LARGEST_CLASS_TABLE),
        # Where they were tested with other images, each run says how many.
        "same_images": all(len({score.images for score in found if score}) == 1 for _, found in rows),
        "mistakes": [
            (run.name, frequent_mistakes(evaluation.confusion, evaluation.classes))
            for _, run, evaluation in evaluated
            if len(evaluation.classes) > LARGEST_NUMBERED
        ],
        "skipped": [(run.name, evaluation.skipped) for _, run, evaluation in evaluated if evaluation.skipped],
    }
    return Section("confusion", "Which classes are confused", "confusion.html.j2", content)


def _crop(facts: RunFacts) -> Crop | None:
    size, resize = facts.call.options.get("size"), facts.call.options.get("resize")
    if not isinstance(size, int) or size < 1:
        return None
    return Crop(size, resize if isinstance(resize, int) and resize > 0 else round(size * 256 / 224))


def _guesses_of(run: Run, predictions: Predictions) -> str:
    """How many of the classes stand on the page."""
    shown = max((len(image.guesses[:LARGEST_GUESSES]) for image in predictions.images), default=0)
    in_all = predictions.classes or (len(run.facts.classes) if run.facts else None)
    if in_all is None:
        return f"top {shown}"
    return f"all {in_all} classes" if shown >= in_all else f"top {shown} of {in_all} classes"


def predictions(runs: Sequence[Run]) -> Section | None:
    """Pictures with what each run takes them for."""
    guessing = [(index, run, run.predictions) for index, run in enumerate(runs) if run.predictions]
    if not guessing:
        return None
    files = list(dict.fromkeys(image.file for _, _, found in guessing for image in found.images))
    classes = {name for _, run, _ in guessing if run.facts for name in run.facts.classes}
    crops = {_crop(run.facts) if run.facts else None for _, run, _ in guessing}
    crop = crops.pop() if len(crops) == 1 else None
    shown = []
    for file in files[:LARGEST_PREDICTIONS]:
        folder_name = Path(file).parent.name
        shown.append(
            {
                "file": file,
                "picture": photograph(find_file(file, guessing[0][1].folder), crop),
                "truth": folder_name if folder_name in classes else None,
                "guesses": [
                    (index, run.name, image.guesses[:LARGEST_GUESSES])
                    for index, run, found in guessing
                    for image in found.images
                    if image.file == file
                ],
            }
        )
    content = {
        "images": shown,
        "crop": crop,
        "with_truth": any(image["truth"] for image in shown),
        "told": [(run.name, _guesses_of(run, found)) for _, run, found in guessing],
        "left_out": max(0, len(files) - LARGEST_PREDICTIONS),
        "skipped": [(run.name, found.skipped) for _, run, found in guessing if found.skipped],
    }
    return Section("predictions", "Predictions", "predictions.html.j2", content)


def scattering(runs: Sequence[Run]) -> Section | None:
    """The maps that a transform made, as pictures."""
    shown = [
        (
            f"{run.name}: {features.file.name}" if len(runs) > 1 else features.file.name,
            show_maps(features, run.folder),
        )
        for run in runs
        for features in run.features
    ]
    return Section("scattering", "Scattering maps", "scattering.html.j2", {"shown": shown}) if shown else None


def facts(runs: Sequence[Run]) -> Section | None:
    """Machine, network, data and flags of each run, for whoever wants to repeat it."""
    known = [
        (run.name, run.facts, command_again("train", run.facts.call, f"{run.folder}-again"))
        for run in runs
        if run.facts
    ]
    return Section("facts", "How it was made", "facts.html.j2", {"runs": known}) if known else None


FLAGS_OF_A_NETWORK = (
    "network", "size", "widths", "depths", "stem", "scales", "angles", "max-order", "input-norm",
    "input", "paths", "dct-channels", "standardize",
)  # fmt: skip


def next_steps(runs: Sequence[Run]) -> Section | None:
    """What to type on other photographs, with the network of the best run."""
    trained = [run for run in runs if run.facts]
    if not trained:
        return None
    best = max(trained, key=lambda run: run.evaluation.top1 if run.evaluation else -math.inf)
    assert best.facts is not None
    content = {"flags": chosen_flags(best.facts.call, FLAGS_OF_A_NETWORK), "run": best.folder}
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
    *DETECTION_SECTIONS,
    reconstructions,
    *STUDY_SECTIONS,
    table_2,
    *TRAININGS_SECTIONS,
]
