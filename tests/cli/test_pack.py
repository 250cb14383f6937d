"""pack, and how data sets in archives are read: against Python's tarfile and the library webdataset."""

import io
import os
import resource
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PROGRAM, fail, run, succeed
from PIL import Image

LONG = "a folder with a long name/" * 6  # beyond the 100 and the 155 bytes that a header has room for
NAMES = ["0.jpg", "b/1.jpg", "ünï cödé 2.jpg", "n" * 90 + "/" + "m" * 60 + ".jpg", LONG + "x" * 120 + ".jpg"]
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def jpeg(seed: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (24 + seed, 20), (seed * 9 % 256, 80, 200)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def write_tar(file: Path, members: dict[str, bytes], form: str = "gnu") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w", format=FORMATS[form]) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = 1700000000.25 if form == "pax" else 1700000000
            archive.addfile(info, io.BytesIO(content))


def read_shards(folder: Path) -> tuple[list[str], list[tuple[int, bytes]]]:
    """The classes, and the samples in the order of their keys."""
    members: dict[str, bytes] = {}
    for file in sorted(folder.glob("shard-*.tar")):
        with tarfile.open(file) as archive:
            for info in archive:
                content = archive.extractfile(info)
                assert content is not None
                members[info.name] = content.read()
    keys = sorted({name.split(".")[0] for name in members})
    samples = [(int(members[key + ".cls"]), members[key + ".jpg"]) for key in keys]
    assert len(members) == 2 * len(samples)
    return (folder / "classes.txt").read_text().splitlines(), samples


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Eleven pictures of two classes."""
    for i in range(11):
        file = tmp_path / "in" / ("cat" if i < 4 else "dog") / f"{i:02}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(jpeg(i))
    return tmp_path / "in"


def samples_of(folders: Path) -> list[tuple[int, bytes]]:
    return [(i >= 4, file.read_bytes()) for i, file in enumerate(sorted(folders.rglob("*.jpg")))]


@pytest.mark.parametrize("form", FORMATS)
def test_archives_of_classes_that_tarfile_wrote(form, tmp_path):
    names = [name for name in NAMES if form != "ustar" or len(name) < 200]
    flat = {f"./{name.rsplit('/', 1)[-1]}": jpeg(i) for i, name in enumerate(names)}
    deep = {f"deep/{name}": jpeg(10 + i) for i, name in enumerate(names)}
    write_tar(tmp_path / "in" / "deep.tar", deep, form)
    write_tar(tmp_path / "in" / "flat.tar", flat, form)
    succeed("pack", tmp_path / "in", tmp_path / "out")
    classes, samples = read_shards(tmp_path / "out")
    assert classes == ["deep", "flat"]
    expected = [(label, members[name]) for label, members in enumerate((deep, flat))
                for name in sorted(members, key=str.encode)]  # fmt: skip
    assert samples == expected


@pytest.mark.parametrize("form", FORMATS)
def test_shards_that_tarfile_wrote(form, tmp_path):
    keys = [name.removesuffix(".jpg") for name in NAMES if form != "ustar" or len(name) < 200]
    members = {}
    for i, key in enumerate(keys):
        members |= {key + ".jpg": jpeg(i), key + ".cls": f"{i % 2}\n".encode(), key + ".json": b"{}"}
    write_tar(tmp_path / "in" / "0.tar", members, form)
    result = run("pack", tmp_path / "in", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert f"{len(keys)} others ({len(keys)} .json)" in result.stderr
    classes, samples = read_shards(tmp_path / "out")
    assert classes == ["0", "1"]
    order = sorted(range(len(keys)), key=lambda i: (i % 2, (keys[i] + ".jpg").encode()))
    assert samples == [(i % 2, jpeg(i)) for i in order]


def test_packed_again_it_is_the_same(folders, tmp_path):
    assert succeed("pack", folders, tmp_path / "out", "--shard-images", 4) == (
        f"{tmp_path / 'out'}: 11 images in 3 shards\n"
    )
    assert read_shards(tmp_path / "out") == (["cat", "dog"], samples_of(folders))
    succeed("pack", tmp_path / "out", tmp_path / "again", "--shard-images", 4, "--threads", 1)
    for file in sorted(os.listdir(tmp_path / "out")):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "out" / file).read_bytes()


def test_the_library_webdataset_reads_them(folders, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    succeed("pack", folders, tmp_path / "out", "--shard-images", 4)
    shards = sorted(str(file) for file in (tmp_path / "out").glob("*.tar"))
    samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8").to_tuple("jpg", "cls"))
    assert sorted(label for _, label in samples) == [0] * 4 + [1] * 7
    raw = list(webdataset.WebDataset(shards, shardshuffle=False))
    by_key = sorted((sample["__key__"], int(sample["cls"]), sample["jpg"]) for sample in raw)
    assert [(label, content) for _, label, content in by_key] == samples_of(folders)


def test_shards_of_the_library_webdataset_are_read(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    (tmp_path / "in").mkdir()
    with webdataset.ShardWriter(str(tmp_path / "in" / "set-%04d.tar"), maxcount=4, verbose=0) as writer:
        for i in range(10):
            writer.write({"__key__": f"sample{i:03}", "jpg": jpeg(i), "cls": i % 3})
    succeed("pack", tmp_path / "in", tmp_path / "out")
    classes, samples = read_shards(tmp_path / "out")
    assert classes == ["0", "1", "2"]
    assert samples == [(i % 3, jpeg(i)) for i in sorted(range(10), key=lambda i: (i % 3, i))]


BAD_SHARDS = {
    "no-class": ({"0.jpg": jpeg(0), "1.jpg": jpeg(1), "1.cls": b"0"}, ["0.jpg", "no 0.cls"]),
    "no-number": ({"0.jpg": jpeg(0), "0.cls": b"cat"}, ["0.cls", "'cat'"]),
    "beyond": ({"0.jpg": jpeg(0), "0.cls": b"2"}, ["0.jpg", "classes.txt names 2 classes"]),
    "empty": ({}, ["no image"]),
    "leads-out": ({"../0.jpg": jpeg(0), "../0.cls": b"0"}, ["../0.jpg", "leads out"]),
    "no-picture": ({"0.jpg": b"words", "0.cls": b"1"}, ["0.jpg", "neither a JPEG"]),
}


@pytest.mark.parametrize("bad", BAD_SHARDS)
def test_bad_shards_are_named_with_the_member(bad, tmp_path):
    members, words = BAD_SHARDS[bad]
    write_tar(tmp_path / "in" / "a.tar", {"a.jpg": jpeg(0), "a.cls": b"0", "b.jpg": jpeg(1), "b.cls": b"1"})
    (tmp_path / "in" / "classes.txt").write_text("cat\ndog\n")
    write_tar(tmp_path / "in" / "b.tar", members)
    line = fail(1, words, "pack", tmp_path / "in", tmp_path / "out")
    assert "b.tar:" in line
    assert os.listdir(tmp_path) == ["in"]


def test_compressed_archives_are_refused(tmp_path):
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "cat.tar", "w:gz"):
        pass
    fail(1, ["cat.tar", "compressed"], "pack", tmp_path / "in", tmp_path / "out")


def test_a_folder_that_is_there_is_kept(folders, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    fail(1, [str(tmp_path / "out"), "not empty"], "pack", folders, tmp_path / "out")
    fail(1, [str(folders), "not empty"], "pack", folders, folders)
    assert os.listdir(tmp_path / "out") == ["thesis.txt"]


def test_wrong_flags(folders, tmp_path):
    for flags in (["--quality", 80], ["--short-side", 0], ["--shard-images", 0], ["--seed", -1]):
        fail(2, [str(flags[0])], "pack", folders, tmp_path / "out", *flags)
    assert os.listdir(tmp_path) == ["in"]


def test_many_archives_need_many_open_files(tmp_path):
    for i in range(40):
        write_tar(tmp_path / "in" / f"{i:02}.tar", {"0.jpg": jpeg(i)})

    def limit_to(soft: int, hard: int) -> Callable[[], None]:
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    # The limit that a process may raise by itself.
    succeed("pack", tmp_path / "in", tmp_path / "out", preexec_fn=limit_to(30, 200))
    words = ["too many files are open", "ulimit -n"]
    fail(1, words, "pack", tmp_path / "in", tmp_path / "more", preexec_fn=limit_to(30, 30))


def test_full_disk(folders, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        fail(1, ["shard-000000.tar", "No space left"], "pack", folders, disk / "out")
        assert os.listdir(disk) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_disk_that_fills_up(folders, tmp_path):
    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    # Python leaves SIGXFSZ ignored for the program, which then sees an error, as on a full disk.
    fail(1, ["shard-000000.tar", "File too large"], "pack", folders, tmp_path / "out", preexec_fn=limit_files,
         restore_signals=False)  # fmt: skip
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_in_the_middle_leaves_no_half_of_it(number, folders, tmp_path):
    for i in range(8000):
        (folders / "cat" / f"link{i}.jpg").symlink_to("00.jpg")
    command = [PROGRAM, "pack", str(folders), str(tmp_path / "out"), "--shard-images", "100"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(".out.partial/shard-000002.tar")):
        assert process.poll() is None, "it ended before the signal"
        time.sleep(0.002)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -number
    assert not (tmp_path / "out").exists()
    if number == signal.SIGTERM:
        assert errors.splitlines()[-1].startswith("scatlight: stopped by a signal: ")
        assert os.listdir(tmp_path) == ["in"]
    for link in (folders / "cat").glob("link*"):
        link.unlink()
    succeed("pack", folders, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["in", "out"], "what a kill left is taken away"
