import json
from pathlib import Path

import pytest

from model.evaluate.sets import SetError, read_set, with_candidates
from model.evaluate.tasks import TASKS
from schemas.benchmarks.items import Example, Media


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.mp4"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def write(folder: Path, *lines: object) -> Path:
    path = folder / "set.jsonl"
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
    return path


def test_examples_are_read_in_order(folder: Path) -> None:
    path = write(
        folder,
        {"image": "a.jpg", "answers": ["no"], "question": "is it?", "id": 7},
        "",
        {"video": "b.mp4", "answers": ["no"], "question": "what?", "candidates": ["no", "yes"]},
        {
            "images": ["a.jpg", "a.jpg"],
            "answers": ["b"],
            "question": "which?",
            "history": [["q", "a"]],
            "relevance": [0.5, 1],
            "text": "t",
        },
    )
    image = Media(folder / "a.jpg")
    assert read_set(path, TASKS["vqa"]) == [
        Example("7", (image,), ("no",), question="is it?"),
        Example("3", (Media(folder / "b.mp4", True),), ("no",), ("no", "yes"), "what?"),
        Example("4", (image, image), ("b",), (), "which?", "t", (("q", "a"),), (0.5, 1)),
    ]


GOOD = {"image": "a.jpg", "answers": ["a"]}


@pytest.mark.parametrize(
    ("task", "line", "why"),
    [
        ("caption", "{", "not JSON"),
        ("caption", [1], "not a JSON object"),
        ("caption", GOOD | {"caption": "x"}, "unknown key caption"),
        ("caption", {"answers": ["a"]}, "expected one of image, images, video"),
        ("caption", GOOD | {"video": "b.mp4"}, "expected one of image, images, video"),
        ("caption", GOOD | {"image": 3}, "image must be a string"),
        ("caption", {"images": [], "answers": ["a"]}, "images names no file"),
        ("caption", GOOD | {"image": "c.jpg"}, "no file .*c.jpg"),
        ("caption", {"image": "a.jpg"}, "no answers"),
        ("caption", GOOD | {"answers": "a"}, "answers must be a list of strings"),
        ("caption", GOOD | {"answers": [" "]}, "answers must be a list of strings"),
        ("vqa", GOOD, "vqa needs question"),
        ("choice", GOOD | {"question": "q"}, "choice needs candidates"),
        ("hateful", GOOD, "hateful needs text"),
        ("classify", GOOD | {"candidates": ["b"]}, "no answer is among the candidates: a"),
        ("caption", GOOD | {"history": [["q"]]}, "history must be pairs"),
        ("caption", GOOD | {"relevance": ["1"]}, "relevance must be a list of numbers"),
        ("rareact", GOOD | {"candidates": ["a"]}, "rareact needs kind"),
        ("caption", GOOD | {"start_s": 1, "end_s": 2}, "start_s and end_s must be a part of a v"),
        (
            "caption",
            {"video": "b.mp4", "answers": ["a"], "start_s": 2, "end_s": 2},
            "start_s and end_s must",
        ),
        (
            "caption",
            {"video": "b.mp4", "answers": ["a"], "start_s": "2", "end_s": 3},
            "start_s must be a number",
        ),
    ],
)
def test_a_wrong_line_is_named(folder: Path, task: str, line: object, why: str) -> None:
    path = write(
        folder, GOOD | {"question": "q", "candidates": ["a"], "text": "t", "kind": "k"}, line
    )
    with pytest.raises(SetError, match=f"^{path}:2: {why}"):
        read_set(path, TASKS[task])


def test_a_part_of_a_video_and_a_kind(folder: Path) -> None:
    line = {"video": "b.mp4", "answers": ["a"], "start_s": 0, "end_s": 2.5, "kind": "CH"}
    (found,) = read_set(write(folder, line), TASKS["caption"])
    assert found.media == (Media(folder / "b.mp4", True, 0, 2.5),)
    assert found.kind == "CH"


def test_a_wrong_file_is_named(folder: Path) -> None:
    task = TASKS["caption"]
    with pytest.raises(SetError, match=r"none.jsonl: No such file"):
        read_set(folder / "none.jsonl", task)
    with pytest.raises(SetError, match=r"set.jsonl: no examples"):
        read_set(write(folder, ""), task)
    with pytest.raises(SetError, match=r"set.jsonl:2: the id x was there before"):
        read_set(write(folder, GOOD | {"id": "x"}, GOOD | {"id": "x"}), task)
    (folder / "latin").write_bytes(b"\xe9")
    with pytest.raises(SetError, match="latin: not UTF-8"):
        read_set(folder / "latin", task)


def test_classes_stand_in_for_missing_candidates() -> None:
    one, two = Example("1", (), ("a",)), Example("2", (), ("a",), ("a", "c"))
    found = with_candidates([one, two], ("a", "b"))
    assert [example.candidates for example in found] == [("a", "b"), ("a", "c")]
