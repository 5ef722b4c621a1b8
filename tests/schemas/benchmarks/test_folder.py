import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.benchmarks.folder import (
    Folder,
    examples_of,
    read_csv,
    read_json,
    read_lines,
    split_in,
    texts_of,
)
from schemas.benchmarks.items import Example, LayoutError, Lost, Unusable
from schemas.benchmarks.layouts import LAYOUTS, find_layout


def touch(root: Path, *names: str) -> Folder:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return Folder(root)


def test_files_are_known_by_name_and_by_parents(tmp_path: Path) -> None:
    folder = touch(tmp_path, "b/val/1.jpg", "a/train/1.jpg", "a/2.MP4", ".hidden")
    assert folder.image("1.jpg").path == tmp_path / "a/train/1.jpg"
    assert folder.image("val/1.jpg").path == tmp_path / "b/val/1.jpg"
    assert folder.image("gone.jpg", "val/1.jpg").path == tmp_path / "b/val/1.jpg"
    assert folder.video("2").path == tmp_path / "a/2.MP4"
    assert folder.named("*.jpg") == [tmp_path / "a/train/1.jpg", tmp_path / "b/val/1.jpg"]
    assert folder.named(".*") == []
    assert folder.image("gone.jpg", "3.jpg").fault == f"no file gone.jpg or 3.jpg under {tmp_path}"
    assert folder.video("1").fault == f"no video 1 under {tmp_path}"
    assert folder.paths[0] == ".hidden"


def test_links_are_followed_and_circles_are_left(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "coco/1.jpg")
    touch(tmp_path / "set", "annotations.json")
    (tmp_path / "set" / "images").symlink_to(tmp_path / "elsewhere" / "coco")
    (tmp_path / "elsewhere" / "coco" / "back").symlink_to(tmp_path / "set")
    folder = Folder(tmp_path / "set")
    assert folder.image("1.jpg").path == tmp_path / "set/images/1.jpg"
    assert folder.files == {"annotations.json": ["annotations.json"], "1.jpg": ["images/1.jpg"]}


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="no such folder"):
        Folder(tmp_path / "none")


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [(5, 5, "ends at 5.0 s"), ("x", 6, "'x' is no number"), (True, 6, "True is no number")],
)
def test_seconds_that_cannot_be(start, end, why, tmp_path: Path) -> None:
    folder = touch(tmp_path, "a.mp4")
    assert folder.video("a", start_s="1.5", end_s="").start_s == 1.5
    with pytest.raises(Unusable, match=why):
        folder.video("a", start_s=start, end_s=end)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("v2_OpenEnded_mscoco_val2014_questions.json", "val"),
        ("v2_OpenEnded_mscoco_test-dev2015_questions.json", "test"),
        ("vatex_training_v1.0.json", "train"),
        ("TextVQA_0.5.1_test.json", "test"),
        ("captions_train2017.json", "train"),
        ("other.json", "other"),
    ],
)
def test_the_split_in_a_name(name: str, split: str) -> None:
    assert split_in(Path(name)) == split


def test_rows_that_cannot_be_read_are_listed() -> None:
    def make(row) -> Example:
        if row["id"] == 2:
            raise Unusable("no file")
        return Example(str(row["id"]), (), (row["said"],))

    rows = [{"id": 1, "said": "a"}, {"id": 2}, {"id": 3}, {}, 7]
    found = list(examples_of(rows, "val", lambda row: row["id"], make))
    assert found[:3] == [
        Example("1", (), ("a",)),
        Lost("2", "val", "no file"),
        Lost("3", "val", "not as the layout says: KeyError('said')"),
    ]
    assert [one.id for one in found[3:]] == ["row 3", "row 4"]


NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=3)


@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=8, unique=True))
def test_a_file_is_found_by_its_parents_wherever_it_lies(tmp_path_factory, places) -> None:
    root = tmp_path_factory.mktemp("files")
    folder = touch(root, *(f"{a}_/{b}_/{c}.jpg" for a, b, c in places))
    for a, b, c in places:
        assert folder.image(f"{a}_/{b}_/{c}.jpg").path == root / f"{a}_/{b}_/{c}.jpg"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.csv").write_bytes(b"a,b\n\xe9,1\n")
    (tmp_path / "c.csv").write_text("\ufeffa,b\n1, 2\n")
    with pytest.raises(LayoutError, match=r"a.json: not JSON"):
        read_json(tmp_path / "a.json")
    with pytest.raises(LayoutError, match=r"b.csv: not UTF-8"):
        read_csv(tmp_path / "b.csv")
    with pytest.raises(LayoutError, match="none: No such file"):
        read_lines(tmp_path / "none")
    assert read_csv(tmp_path / "c.csv", ("a", "b")) == [{"a": "1", "b": "2"}]
    with pytest.raises(LayoutError, match=r"c.csv: no column c among a, b"):
        read_csv(tmp_path / "c.csv", ("a", "c"))


def test_texts_without_spaces_around_and_empty_ones() -> None:
    assert texts_of([" a ", "", None, 3, "\n"]) == ("a", "3")


# Recognising


def test_sixteen_and_two() -> None:
    assert len(LAYOUTS) == 18
    assert all(layout.wanted for several in LAYOUTS.values() for layout in several)


def test_a_layout_by_name_or_the_first_that_is_there(tmp_path: Path) -> None:
    folder = touch(tmp_path, "captions_val2014.json", "dataset_coco.json")
    assert find_layout("coco", folder).name == "karpathy"
    assert find_layout("coco", folder, "captions").name == "captions"


@pytest.mark.parametrize(
    ("benchmark", "layout", "why"),
    [
        ("moco", "", r"no benchmark moco \(known: coco, flickr30k, vqav2"),
        ("coco", "token", r"coco has no layout token \(known: karpathy, captions\)"),
        ("coco", "", "no coco there; looked for karpathy: dataset_coco.json; captions: captions_"),
        ("nextqa", "", "train.csv or val.csv or test.csv with columns video, question, answer"),
    ],
)
def test_what_is_not_there_is_told(benchmark, layout, why, tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text("a,b\n")
    with pytest.raises(LayoutError, match=why):
        find_layout(benchmark, Folder(tmp_path), layout)
