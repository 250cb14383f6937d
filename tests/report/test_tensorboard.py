"""The curves of a run in TensorBoard's files, as its own reader finds them; skipped without tensorboard."""

import json

import pytest
from runs import log_lines, write_facts, write_log
from scatlight import tensorboard as ours

START = 1717156800  # what write_facts() says


@pytest.fixture
def run(tmp_path):
    write_facts(tmp_path)
    write_log(tmp_path)
    return tmp_path


def scalars_in(folder) -> dict[str, list[tuple[float, int, float]]]:
    """By tag: wall time, step, value."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reader.EventAccumulator(str(folder)).Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(one.wall_time, one.step, one.value) for one in events.Scalars(tag)] for tag in tags}


def test_curves_by_step_and_time(run):
    pytest.importorskip("tensorboard")
    for _ in range(2):  # a second file would draw each curve twice
        assert ours.main([str(run)]) == 0
    assert len(list((run / "tensorboard").iterdir())) == 1
    found = scalars_in(run / "tensorboard")
    of_training = {"train/loss", "train/learning_rate", "train/images_per_second"}
    assert set(found) == of_training | {"eval/loss", "eval/top1", "eval/top5"}
    expected = [json.loads(line) for line in log_lines()]
    assert found["train/loss"] == [
        (START + line["seconds"], line["step"], pytest.approx(line["loss"]))
        for line in expected
        if line["kind"] == "train"
    ]
    assert found["eval/top1"] == [
        (START + line["seconds"], 30 * line["epoch"], pytest.approx(line["top1"]))
        for line in expected
        if line["kind"] == "eval"
    ]


def test_follows_a_training_to_its_end(run, monkeypatch):
    """Also over a kill and a resume, which cuts the log and writes the same lines again."""
    pytest.importorskip("tensorboard")
    lines = [line + "\n" for line in log_lines()]
    looks = iter([lines[:60], lines[:40], [*lines[:90], '{"kind": "tra'], lines])
    read_lines = ours.read_lines

    def look_again(log):
        log.write_text("".join(next(looks)))
        return read_lines(log)

    monkeypatch.setattr(ours, "read_lines", look_again)
    monkeypatch.setattr(ours, "SECONDS_BETWEEN_LOOKS", 0)
    assert ours.main([str(run), "--follow", "--out", str(run / "out")]) == 0
    assert next(looks, None) is None
    assert [step for _, step, _ in scalars_in(run / "out")["train/loss"]] == list(range(1, 121))


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "log.jsonl: No such file"), ("{}\n", "log.jsonl:1: it is no line of a training's log")],
)
def test_what_is_no_log_is_one_line(text, words, tmp_path, capsys):
    if text:
        (tmp_path / "log.jsonl").write_text(text)
    assert ours.main([str(tmp_path)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert words in complaint
    assert [file.name for file in tmp_path.iterdir()] == (["log.jsonl"] if text else [])
