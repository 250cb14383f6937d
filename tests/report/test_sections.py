"""What the sections on runs say, and what they leave out, by what the files say."""

import json
import shutil

import pytest
from pages import change, html_of, section_of, text_of
from runs import (
    CLASSES,
    draw_picture,
    log_lines,
    write_evaluation,
    write_facts,
    write_json,
    write_log,
    write_predictions,
    write_whole_run,
)

# ---- results ----


def with_classes(run, counts: list[int]) -> None:
    """An evaluation with so many images of each class, all of which are named right."""
    names = [f"class {index}" for index in range(len(counts))]
    write_evaluation(run)
    change(
        run / "eval.json",
        classes=names,
        images=sum(counts),
        confusion=[[count if i == j else 0 for j in range(len(counts))] for i, count in enumerate(counts)],
        per_class=[
            {"class": name, "images": count, "correct": count, "top1": 100.0}
            for name, count in zip(names, counts, strict=True)
        ],
    )


def test_top5_of_many_classes_only(tmp_path):
    for count, shown in ((6, False), (20, False), (21, True)):
        with_classes(tmp_path, [2] * count)
        assert ("top-5" in text_of("results", tmp_path)) == shown, count


def test_baseline_of_equal_classes_is_chance(tmp_path):
    with_classes(tmp_path, [2, 2, 2, 2])
    assert "chance, one of 4 classes 25.0 %" in text_of("results", tmp_path)
    write_log(tmp_path)
    assert "chance, one of 4 classes" in section_of("curves", tmp_path)


def test_baseline_of_unequal_classes_is_the_largest(tmp_path):
    with_classes(tmp_path, [2, 6, 2])
    assert "always the largest class, class 1 60.0 %" in text_of("results", tmp_path)
    write_log(tmp_path)
    assert "always the largest class, class 1" in section_of("curves", tmp_path)


def test_baseline_without_an_evaluation(tmp_path):
    write_log(tmp_path)
    assert "chance" not in section_of("curves", tmp_path)
    write_facts(tmp_path)
    assert "chance, one of 6 classes" in section_of("curves", tmp_path)


def test_runs_on_other_images_are_not_ranked(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_evaluation(tmp_path / name, "photos")
    both = (tmp_path / "a", tmp_path / "b")
    assert 'class="number best"' in section_of("results", *both)
    assert "Accuracy on the 60 images of photos." in text_of("results", *both)
    assert "blocks 10 70.0 % 70.0 %" in text_of("confusion", *both)
    evaluation = json.loads((tmp_path / "b" / "eval.json").read_text())
    per_class = [entry | {"images": 5} for entry in evaluation["per_class"]]
    change(tmp_path / "b" / "eval.json", data="others", images=30, per_class=per_class)
    assert 'class="number best"' not in section_of("results", *both)
    text = text_of("results", *both)
    assert "60 of photos" in text
    assert "30 of others" in text
    assert "Accuracy on" not in text
    assert "blocks 70.0 % of 10 70.0 % of 5" in text_of("confusion", *both)


def test_training_that_did_not_end(tmp_path):
    (tmp_path / "log.jsonl").write_text("".join(line + "\n" for line in log_lines()[:10]))
    assert "0:20, not finished" in text_of("results", tmp_path)


# ---- curves ----


def write_rates(run, rates: list[float]) -> None:
    lines = [json.loads(line) for line in log_lines()]
    trained = [line for line in lines if line["kind"] == "train"]
    for index, line in enumerate(trained):
        line["learning_rate"] = rates[index * len(rates) // len(trained)]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize(
    ("rates", "drops"),
    [
        ([0.1, 0.01, 0.001], True),
        ([0.1], False),
        ([0.1 * 0.4**step for step in range(120)], False),  # falls fast, but not at once
    ],
)
def test_drops_of_the_learning_rate_are_marked(rates, drops, tmp_path):
    write_rates(tmp_path, rates)
    section = section_of("curves", tmp_path)
    assert "Below, the learning rate" in section
    assert ("dotted lines mark its drops" in section) == drops
    lines = section.count("stroke-dasharray")
    write_rates(tmp_path, [0.1])
    assert (lines > section_of("curves", tmp_path).count("stroke-dasharray")) == drops


# ---- speed ----


def test_numbers_of_one_run_are_a_table(tmp_path):
    write_log(tmp_path)
    write_evaluation(tmp_path)
    change(tmp_path / "eval.json", cached_images=0)
    section = section_of("cost", tmp_path)
    assert "<svg" not in section
    text = text_of("cost", tmp_path)
    assert "training, decoding and augmentation included 16 images/s" in text
    assert "evaluation, decoding included 310 images/s" in text
    assert "peak memory of the training 572 MiB" in text


def test_bars_compare_runs(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_log(tmp_path / name)
    write_evaluation(tmp_path / "b")
    change(tmp_path / "b" / "eval.json", cached_images=0)
    section = section_of("cost", tmp_path / "a", tmp_path / "b")
    assert section.count("<svg") == 2
    assert "b: evaluation, decoding included 310 images/s" in text_of("cost", tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize(
    ("cached", "words"),
    [
        (0, "310 images/s"),
        (60, "is not shown: the training that made it had kept"),
        (None, "is not shown: its eval.json does not say"),
    ],
)
def test_speed_of_an_evaluation_without_cache_only(cached, words, tmp_path):
    write_evaluation(tmp_path)
    change(tmp_path / "eval.json", cached_images=cached)
    text = text_of("cost", tmp_path)
    assert words in text
    assert ("310" in text) == (cached == 0)


# ---- predictions ----


def test_how_many_classes_are_shown(tmp_path):
    write_predictions(tmp_path, ["a.jpg"])
    assert "The most probable classes of each image: top 5." in text_of("predictions", tmp_path)
    change(tmp_path / "predict.json", classes_in_all=200)
    assert "each image: top 5 of 200 classes." in text_of("predictions", tmp_path)
    images = json.loads((tmp_path / "predict.json").read_text())["images"]
    images[0]["predictions"] = images[0]["predictions"][:2]
    change(tmp_path / "predict.json", classes_in_all=2, images=images)
    assert "each image: all 2 classes." in text_of("predictions", tmp_path)


def test_runs_that_tell_other_classes_apart(tmp_path):
    for name, count in (("a", 6), ("b", 200)):
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name, ["a.jpg"])
        change(tmp_path / name / "predict.json", classes_in_all=count)
    text = text_of("predictions", tmp_path / "a", tmp_path / "b")
    assert "a: top 5 of 6 classes; b: top 5 of 200 classes." in text


def test_predicted_files_are_cut_or_told_apart(tmp_path):
    draw_picture(tmp_path / "wide.png")
    (tmp_path / "broken.jpg").write_bytes(b"GIF89a")
    write_predictions(tmp_path, ["wide.png", "broken.jpg", "gone.jpg"])
    change(tmp_path / "predict.json", skipped=[{"file": "bad.jpg", "reason": "it is empty"}])
    text = text_of("predictions", tmp_path)
    assert "broken.jpg: it is neither a JPEG nor a PNG" in text
    assert "the picture gone.jpg is no longer there" in text
    assert "bad.jpg: it is empty" in text
    assert 'width="64" height="64"' in section_of("predictions", tmp_path)
    assert "as the network sees them" not in text
    write_facts(tmp_path)
    change(tmp_path / "run.json", options={"size": 32})
    assert 'width="32" height="32"' in section_of("predictions", tmp_path)
    assert "as the network sees them: the centre, 32 x 32 pixels" in text_of("predictions", tmp_path)


# ---- pictures of the data ----


def test_pictures_are_known_by_their_content(tmp_path):
    data = tmp_path / "val"
    draw_picture(data / "blocks" / "deep" / "photo.png")
    (data / "blocks" / "deep" / "photo.png").rename(data / "blocks" / "deep" / "photo.jfif")
    (data / "blocks" / "a.txt").write_text("no picture")
    draw_picture(data / "discs" / ".hidden" / "0.png")
    (data / "discs" / "0.jpg").write_bytes(b"GIF89a")
    draw_picture(data / "rings" / ".0.png")
    (tmp_path / "run").mkdir()
    write_evaluation(tmp_path / "run", data)
    text = text_of("pictures", tmp_path / "run")
    assert section_of("pictures", tmp_path / "run").count("data:image/") == 1
    assert f"cannot decode {data}/discs/0.jpg: it is neither a JPEG nor a PNG nor a WebP discs" in text
    assert "there is no file rings" in text


def test_folder_of_pictures_that_is_gone(tmp_path):
    write_evaluation(tmp_path, tmp_path / "gone")
    assert "is no longer there, so there are no pictures to show" in text_of("pictures", tmp_path)


# ---- confusion ----


def test_frequent_mistakes_of_many_classes(tmp_path):
    write_evaluation(tmp_path)
    assert "most frequent mistakes" not in text_of("confusion", tmp_path)
    with_classes(tmp_path, [9] * 45)
    assert "most frequent mistakes" not in text_of("confusion", tmp_path)  # there are none
    confusion = json.loads((tmp_path / "eval.json").read_text())["confusion"]
    confusion[7][3], confusion[2][1] = 2, 4
    change(tmp_path / "eval.json", confusion=confusion)
    text = text_of("confusion", tmp_path)
    assert "class 2 class 1 4 of 13 class 7 class 3 2 of 11" in text
    assert "counted from 0 in the order of the table" in text


# ---- facts ----


def test_command_that_repeats_a_run(tmp_path):
    write_facts(tmp_path)
    options = {
        "data": "my photos/train",
        "network": "scatresnet-small",
        "widths": [64, 128],
        "input-norm": True,
        "no-flip": False,
        "stem": None,
        "epochs": 90,
    }
    change(tmp_path / "run.json", options=options)
    command = f"scatlight train 'my photos/train' --run {tmp_path}-again --network scatresnet-small"
    assert f"{command} --widths 64,128 --input-norm --epochs 90 " in text_of("facts", tmp_path) + " "
    # Older files have both lengths, of which the minutes count; newer ones have one.
    change(tmp_path / "run.json", options=options | {"minutes": 2.5})
    assert f"{command} --widths 64,128 --input-norm --minutes 2.5 " in text_of("facts", tmp_path) + " "
    del options["epochs"]
    change(tmp_path / "run.json", options=options | {"minutes": 2.5})
    assert f"{command} --widths 64,128 --input-norm --minutes 2.5 " in text_of("facts", tmp_path) + " "


def test_a_run_of_several_processes(tmp_path):
    write_facts(tmp_path)
    members = [{"host": f"machine{rank // 2}", "device": f"cuda:{rank % 2}"} for rank in range(4)]
    change(tmp_path / "run.json", team={"call": "7", "members": members})
    write_log(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    for line in lines:
        if line["kind"] == "train":
            line |= {"processes": 4, "waited_for_images": [0.02, 0.5, 0, 0.01]}
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    facts = text_of("facts", tmp_path)
    assert "processes 4: machine0 cuda:0, machine0 cuda:1, machine1 cuda:0, machine1 cuda:1" in facts
    assert "torchrun --nnodes=2 --nproc-per-node=2 -m scatlight -- train" in facts
    cost = section_of("cost", tmp_path)
    assert "Waiting for images, as a share of the time of the training." in cost
    assert cost.index("process 1") < cost.index("process 0"), "the one that waited longest comes first"
    assert "25.0 %" in cost, "0.5 s of each line's 2 s"


def test_data_of_a_run(tmp_path):
    write_facts(tmp_path)
    assert "training images" not in text_of("facts", tmp_path)
    data = {"root": "photos/train", "images": 360, "classes": 6, "other_files": 1}
    change(tmp_path / "run.json", data={"train": data})
    text = text_of("facts", tmp_path)
    assert "training images 360 in 6 classes, in photos/train; 1 other file was left out" in text
    assert "test images" not in text
    change(
        tmp_path / "run.json", data={"train": data, "val": data | {"root": "photos/val", "other_files": 0}}
    )
    assert "test images 360 in 6 classes, in photos/val" in text_of("facts", tmp_path)


def test_page_of_a_moved_run(tmp_path):
    """Neither the data nor the predicted files are there; the rest of the page is."""
    draw_picture(tmp_path / "val" / CLASSES[0] / "0.png")
    write_whole_run(tmp_path / "run", tmp_path / "val")
    shutil.rmtree(tmp_path / "val")
    html = html_of(tmp_path / "run")
    assert html.count("is no longer there") == 4  # the folder, two predicted files and the transformed one
    write_json(tmp_path / "run" / "predict.json", {"images": [], "skipped": []})
    assert "most probable classes" in html_of(tmp_path / "run")
