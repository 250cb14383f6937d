"""The page says what the files say, leaves out what they lack, and complains of a broken file in one line."""

import json
import re

import numpy as np
import pytest
import scatlight
from pages import Page, change, report
from runs import (
    CLASSES,
    draw_picture,
    log_lines,
    write_evaluation,
    write_facts,
    write_features,
    write_json,
    write_log,
    write_predictions,
    write_whole_run,
)
from safetensors.numpy import save_file
from scatlight.report import ReportError, load_run, make_page
from scatlight.report.figures import smooth
from scatlight.report.load import load_runs
from scatlight.report.words import count, duration, memory


@pytest.fixture
def data(tmp_path):
    for name in CLASSES:
        draw_picture(tmp_path / "val" / name / "0.png")
    return tmp_path / "val"


def test_two_runs_on_one_page(data, tmp_path):
    write_whole_run(tmp_path / "scattering", data)
    write_whole_run(tmp_path / "pixels", data, "resnet-small", speed=0.5, right=6)
    out = tmp_path / "page.html"
    result = report(tmp_path / "scattering", tmp_path / "pixels", "--out", out, "--title", "A & B")
    assert (result.returncode, result.stderr, result.stdout) == (0, "", f"{out}\n")
    html = out.read_text()
    page = Page(html)
    assert page.anchors == {
        "results", "pictures", "scattering", "curves", "confusion", "predictions", "cost", "facts", "next"
    }  # fmt: skip
    for words in ("A & B", "scattering", "pixels", "80.0 %", "60.0 %", "1.23 M", "572 MiB", "4:00",
                  "A <fast> one", "drops & co", "it ends too early", "gone.jpg is no longer there",
                  "--network scatresnet-small --size 128 --widths 64,128 --input-norm"):  # fmt: skip
        assert words in page.text, words
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)
    assert "<script" not in html
    assert "prefers-color-scheme: dark" in html
    # The plots take their colours from the page.
    assert not re.search(r"#0[1-7]0[0-9a-f]0[0-9a-f]", html)
    assert not (tmp_path / ".page.html.tmp").exists()


def test_ids_inside_the_plots_differ(data, tmp_path):
    write_whole_run(tmp_path / "run", data)
    html = make_page([load_run(tmp_path / "run")], "title")
    used = set(re.findall(r"url\(#([^)]+)\)", html)) | set(re.findall(r'href="#(\w+)"', html))
    for name in used:
        assert html.count(f'id="{name}"') == 1, name


@pytest.mark.parametrize(
    ("write", "anchors"),
    [
        (write_facts, {"results", "facts", "next"}),
        (write_log, {"results", "curves", "cost"}),
        (write_evaluation, {"results", "pictures", "confusion", "cost"}),
        (lambda run: write_predictions(run, ["gone.jpg"]), {"predictions"}),
        (lambda run: write_features(run, "gone.jpg"), {"scattering"}),
        (lambda run: write_features(run, "gone.jpg", 1, as_npy=True), {"scattering"}),
    ],
)
def test_each_file_alone_gives_its_sections(write, anchors, tmp_path):
    write(tmp_path)
    page = Page(make_page([load_run(tmp_path)], "title"))
    assert page.anchors == anchors


def test_default_output_is_in_the_first_run(tmp_path):
    write_log(tmp_path)
    assert report(tmp_path).stdout == f"{tmp_path / 'report.html'}\n"


def test_runs_of_one_name_are_told_apart(tmp_path):
    for parent in ("a", "b"):
        (tmp_path / parent / "run").mkdir(parents=True)
        write_log(tmp_path / parent / "run")
    names = [run.name for run in load_runs([tmp_path / "a/run", tmp_path / "b/run"])]
    assert names == [str(tmp_path / "a/run"), str(tmp_path / "b/run")]


def test_log_of_a_killed_run(tmp_path):
    lines = log_lines()[:10]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + '\n{"kind": "tra')
    log = load_run(tmp_path).log
    assert log is not None
    assert len(log.train) == 10
    assert log.seconds is None
    make_page([load_run(tmp_path)], "title")


def test_log_of_a_run_that_was_trained_on(tmp_path):
    """An end in its middle; once there is training behind it, the run is not over."""
    lines = [json.loads(line) for line in log_lines()]
    first, (last_eval, _), more = lines[:62], lines[-2:], lines[62:-2]
    end = {"kind": "end", "epoch": 2, "seconds": 120.0, "peak_memory_bytes": 5}
    for behind, seconds in (
        ([], 120.0),
        (more, None),
        ([*more, last_eval, {**end, "seconds": 240.0}], 240.0),
    ):
        written = [*first, end, *behind]
        for line in written:
            if line["kind"] == "eval":
                line["best_epoch"] = 1
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in written))
        run = load_run(tmp_path)
        assert run.log is not None
        assert run.log.seconds == seconds
        assert run.log.best_epoch == 1
    assert len(run.log.train) == 120
    text = Page(make_page([run], "title")).text
    assert "The best one, of best.safetensors, came after epoch 1." in text


def test_many_classes(tmp_path):
    classes = [f"class {i}" for i in range(60)]
    write_evaluation(tmp_path)
    evaluation = json.loads((tmp_path / "eval.json").read_text())
    evaluation["classes"] = classes
    evaluation["confusion"] = [[3 * (i == j) for j in range(60)] for i in range(60)]
    evaluation["per_class"] = [{"class": name, "images": 0, "correct": 0, "top1": None} for name in classes]
    write_json(tmp_path / "eval.json", evaluation)
    assert "class 59" in Page(make_page([load_run(tmp_path)], "title")).text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda run: (run / "eval.json").write_text("{"), ["eval.json", "not JSON", "line 1"]),
        (lambda run: (run / "eval.json").write_text("[]"), ["eval.json", "JSON object"]),
        (lambda run: (run / "eval.json").write_text("[" * 100_000), ["eval.json"]),
        (lambda run: (run / "eval.json").write_bytes(b"\xff\xfe"), ["eval.json", "UTF-8"]),
        (lambda run: change(run / "eval.json", data="\ud83d"), ["eval.json", "surrogate"]),
        (lambda run: change(run / "eval.json", top1=None), ["eval.json", "'top1' is missing", "number"]),
        (lambda run: change(run / "eval.json", top1=float("nan")), ["'top1' is NaN", "number"]),
        (lambda run: change(run / "eval.json", top1="high"), ["'top1' is \"high\"", "number"]),
        (lambda run: change(run / "eval.json", confusion=[[1]]), ["'confusion'", "6 x 6"]),
        (lambda run: change(run / "run.json", network={}), ["run.json", "'network.name' is missing"]),
        (lambda run: change(run / "predict.json", images=[{"file": 3}]), ["images[0]", "'file' is 3"]),
        (lambda run: (run / "log.jsonl").write_text('{"kind":"eval"}\n'), ["log.jsonl:1", "'seconds' is"]),
        (lambda run: (run / "log.jsonl").write_text("\n\n"), ["log.jsonl:1"]),
        (lambda run: (run / "maps.safetensors").write_bytes(b"junk"), ["maps.safetensors"]),
    ],
)  # fmt: skip
def test_broken_file(spoil, words, data, tmp_path):
    run = tmp_path / "run"
    write_whole_run(run, data)
    spoil(run)
    result = report(run)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("scatlight.report: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr
    assert not (run / "report.html").exists()


def test_folder_without_anything(tmp_path):
    with pytest.raises(ReportError, match="nothing to report"):
        load_run(tmp_path)
    with pytest.raises(ReportError, match="no such folder"):
        load_run(tmp_path / "absent")


def test_output_that_cannot_be_written(tmp_path):
    write_log(tmp_path)
    result = report(tmp_path, "--out", tmp_path / "absent/page.html")
    assert result.returncode == 1
    assert (
        result.stderr
        == f"scatlight.report: cannot write {tmp_path}/absent/page.html: No such file or directory\n"
    )


def test_wrong_usage():
    assert report().returncode == 2


def test_weights_are_no_features(tmp_path):
    write_log(tmp_path)
    save_file(
        {"conv1.weight": np.zeros((4, 4, 3, 3))},
        tmp_path / "model.safetensors",
        {"network": "scatresnet-small"},
    )
    assert load_run(tmp_path).features == []


def test_words():
    assert [count(value) for value in (7, 1500, 11441384, 2.5e9)] == ["7", "1.5 k", "11.4 M", "2.5 G"]
    assert [duration(value) for value in (59.6, 75, 3675)] == ["1:00", "1:15", "1:01:15"]
    assert [memory(value) for value in (5 << 20, 3 << 29)] == ["5 MiB", "1.5 GiB"]


def test_smooth_is_a_mean_of_the_last_values():
    assert smooth([1, 2, 3, 4], 1) == [1, 2, 3, 4]
    assert smooth([1, 2, 3, 4], 2) == [1, 1.5, 2.5, 3.5]


def test_version_has_one_source():
    assert re.fullmatch(r"\d+\.\d+\.\d+", scatlight.__version__)
    assert scatlight.__version__ in report("--version").stdout
