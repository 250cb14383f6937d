"""The page of a measurement of speed and memory, beside the paper's table 2."""

import json
import re

import pytest
from measurements import TABLE_2, measured_network, write_bench
from pages import change, html_of, report
from pages import text_of as text_of_section
from runs import write_log
from scatlight.report import load_run


def text_of(*folders) -> str:
    """Of the section, in which dashes are all alike."""
    return text_of_section("bench", *folders).replace("\N{EN DASH}", "-")


def test_table_2(tmp_path):
    write_bench(tmp_path)
    text = text_of(tmp_path)
    for words in (
        "Classifiers of 1000 classes, images of 224 x 224 pixels, batches of 64, float32, on a processor "
        "(A <fast> one) with 2 threads. Medians of 15 rounds",
        # transform, from the encoding, the paper's 0.072 s of 64 images, from the image, as trained
        "scatresnet50 4.09 G 2.50 37.50 1.12 40.00 49.38",
        "resnet50 4.09 G - 50.00 1.48 50.00 62.50",
        # images/s, kept and counted memory, largest batches
        "largest batch in 11 GB in the paper, 11 GB",
        "scatresnet50 6.67 6.56 52.6 52.1 204 175",
        "resnet101 2.5 2.5 126.9 125.6 85 70",
        # shares: 2.4 / 3.2, the paper's 0.072 / 0.095, 2.56 / 3.2, 9.76 / 12.8, memory, batches
        "resnet50 0.75 0.76 0.80 0.76 0.61 1.61 1.46",
        "resnet101 0.37 0.46 0.40 0.38 0.41 2.40 2.50",
        "resnet50 45.00 to 60.00",
        "scatlight 0.1.0, torch 2.11.0",
    ):
        assert words in text, words
    assert "busy" not in text
    html = html_of(tmp_path)
    assert html.count("<svg") == 3
    assert html.count("in the paper</text>") == 3, "bars"
    assert not re.search(r"#0[1-7]0[0-9a-f]0[0-9a-f]", html)


def test_the_paper_is_left_out_where_it_measured_something_else(tmp_path):
    write_bench(tmp_path / "small", size=128)
    text = text_of(tmp_path / "small")
    assert "in the paper" not in text
    assert "resnet50 0.75 0.80 0.76 0.61 1.61" in text
    write_bench(tmp_path / "other", [measured_network("vgg16", 1.0, 0, 1e8, 9), TABLE_2[1]])
    text = text_of(tmp_path / "other")
    assert "resnet50 0.31 - 0.31 0.31 1.16 0.07 -" in text
    write_bench(tmp_path / "memory", memory_bytes=2_500_000_000)
    html = html_of(tmp_path / "memory")
    assert "largest batch in 2.5 GB" in html
    assert "in the paper</text>" not in html


def test_bases_of_detectors(tmp_path):
    write_bench(tmp_path, features=True, size=800, batch=4, device="cuda:0", load=2.9)
    text = text_of(tmp_path)
    for words in (
        "Bases of detectors (the layers before the last group), images of 800 x 800 pixels, batches of 4",
        "on cuda:0.",
        "was busy with other work at the start: its load was 2.9",
        "scatresnet50 4.09 G 40.00 600.00 18.25 640.00",  # the paper's 0.073 s of 4 images
        "204 9",
        "paper's detectors have a head",
    ):
        assert words in text, words


@pytest.mark.parametrize("too_large", [103, None])
def test_one_network_and_a_search_that_ended_early(too_large, tmp_path):
    network = measured_network("resnet50", 3.2, 0, 85.9e6, 100)
    del network["memory"]["least_too_large"]
    if too_large:
        network["memory"]["least_too_large"] = too_large
    write_bench(tmp_path, [network])
    text = text_of(tmp_path)
    assert "at least 100" in text
    assert "share of the others" not in text


def test_several_measurements_stand_one_after_the_other(tmp_path):
    write_bench(tmp_path / "one")
    write_bench(tmp_path / "two", size=128)
    (tmp_path / "run").mkdir()
    write_log(tmp_path / "run")
    text = text_of(tmp_path / "one", tmp_path / "run", tmp_path / "two")
    assert text.index("one Classifiers") < text.index("two Classifiers")


def test_a_log_alone_has_no_such_section(tmp_path):
    write_log(tmp_path)
    assert load_run(tmp_path).bench is None
    assert 'id="bench"' not in html_of(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.write_text("{"), ["bench.json", "not JSON"]),
        (lambda file: change(file, conditions=None), ["bench.json", "conditions", "JSON object"]),
        (lambda file: change(file, networks=[{"name": 3}]), ["networks[0]", "JSON object"]),
        (
            lambda file: change(file, networks=[spoilt("training", "from_maps", "seconds", 0)]),
            ["'seconds' is 0"],
        ),
        (
            lambda file: change(file, networks=[spoilt("memory", "largest_batch", 0)]),
            ["'largest_batch' is 0", "at least 1"],
        ),
        (
            lambda file: change(file, networks=[spoilt("memory", "kept_bytes_per_image", 0)]),
            ["'kept_bytes_per_image' is 0"],
        ),
    ],
)
def test_broken_file(spoil, words, tmp_path):
    write_bench(tmp_path)
    spoil(tmp_path / "bench.json")
    result = report(tmp_path)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


def spoilt(*path) -> dict:
    """A network with another value at the end of a path of names."""
    network = json.loads(json.dumps(TABLE_2[0]))
    inner = network
    for name in path[:-2]:
        inner = inner[name]
    inner[path[-2]] = path[-1]
    return network
