"""Which images a subset has."""

import pytest
from scatlight.study import StudyError
from scatlight.study.subsets import check_sizes, list_classes, make_subset


@pytest.fixture
def root(tmp_path):
    for name in ("cat", "dog"):
        for number in range(20):
            image = tmp_path / "data" / name / f"part-{number % 2}" / f"{number}.JPG"
            image.parent.mkdir(parents=True, exist_ok=True)
            image.touch()
    for name in ("cat/notes.txt", "cat/.hidden.jpg", "cat/.parts/x.jpg", "readme.jpg"):
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / name).touch()
    return tmp_path / "data"


def drawn(root, folder, count, seed):
    make_subset(root, list_classes(root), count, seed, folder)
    return {str(link.relative_to(folder)) for link in folder.rglob("*") if link.is_symlink()}


def test_a_subset_follows_from_the_seed_and_the_names(root, tmp_path):
    first = drawn(root, tmp_path / "a", 5, 0)
    assert len(first) == 10
    assert sum(name.startswith("cat/") for name in first) == 5
    assert first == drawn(root, tmp_path / "b", 5, 0)
    assert first != drawn(root, tmp_path / "c", 5, 1)
    assert first < drawn(root, tmp_path / "d", 8, 0)
    moved = root.rename(tmp_path / "moved")
    assert first == drawn(moved, tmp_path / "a", 5, 0), "links lead to where the data are now"
    assert all(link.resolve().is_file() for link in (tmp_path / "a").rglob("*.JPG"))


def test_a_subset_that_is_there_stays(root, tmp_path):
    drawn(root, tmp_path / "a", 5, 0)
    before = (tmp_path / "a").stat().st_ino
    drawn(root, tmp_path / "a", 5, 0)
    assert (tmp_path / "a").stat().st_ino == before
    next((tmp_path / "a").rglob("*.JPG")).unlink()
    assert len(drawn(root, tmp_path / "a", 5, 0)) == 10


def test_sizes(root):
    classes = list_classes(root)
    check_sizes(root, classes, 20)
    with pytest.raises(
        StudyError, match=r"data: the class 'cat' has 20 images, but a subset takes 21 of each"
    ):
        check_sizes(root, classes, 21)


def test_no_classes(tmp_path):
    (tmp_path / "cat.tar").touch()
    with pytest.raises(StudyError, match="it has no class folders, from which subsets are drawn"):
        list_classes(tmp_path)
