import json
from pathlib import Path

import pytest

from schemas.benchmarks.items import Example, LayoutError, Media

IMAGE = "VisualDialog_val2018/VisualDialog_val2018_000000185565.jpg"
DIALOGS = {
    "data": {
        "questions": ["is it red", "is it big"],
        "answers": ["no", "yes", "maybe"],
        "dialogs": [
            {
                "image_id": 185565,
                "caption": "a red thing",
                "dialog": [
                    {"question": 0, "answer": 1, "answer_options": [0, 1, 2], "gt_index": 1},
                    {"question": 1, "answer": 0, "answer_options": [2, 0], "gt_index": 1},
                ],
            }
        ],
    },
    "split": "val",
    "version": "1.0",
}
DENSE = [{"image_id": 185565, "round_id": 2, "gt_relevance": [0.2, 1.0]}]


def test_visdial(read, tmp_path: Path) -> None:
    files = {
        "visdial_1.0_val.json": DIALOGS,
        "visdial_1.0_val_dense_annotations.json": DENSE,
        IMAGE: None,
    }
    found, lost = read("visdial", files)
    media = (Media(tmp_path / IMAGE),)
    assert found == [
        Example(
            "185565:1",
            media,
            ("yes",),
            ("no", "yes", "maybe"),
            "is it red?",
            "a red thing",
            split="val",
        ),
        Example(
            "185565:2",
            media,
            ("no",),
            ("maybe", "no"),
            "is it big?",
            "a red thing",
            (("is it red?", "yes"),),
            (0.2, 1.0),
            "val",
        ),
    ]
    assert not lost
    assert list(found[1].texts()) == ["is it big?", "no", "a red thing"]


def test_rounds_of_a_missing_image_and_of_test(read) -> None:
    test = json.loads(json.dumps(DIALOGS))
    dialog = test["data"]["dialogs"][0]
    del dialog["dialog"][1]["answer"]
    files = {
        "visdial_1.0_test.json": test,
        "visdial_1.0_val.json": DIALOGS,
        "x/VisualDialog_test2018_000000185565.jpg": None,
    }
    found, lost = read("visdial", files)
    assert [(one.id, one.split, one.answers) for one in found] == [
        ("185565:1", "test", ("yes",)),
        ("185565:2", "test", ()),
    ]
    assert [one.id for one in lost] == ["185565:1", "185565:2"]


def test_a_file_of_another_shape_is_named(read) -> None:
    with pytest.raises(LayoutError, match=r"visdial_1.0_val.json: no list at data.questions"):
        read("visdial", {"visdial_1.0_val.json": {"data": {"dialogs": []}}})
    wrong = {"data": {"questions": [], "answers": [], "dialogs": [{"caption": "x"}]}}
    with pytest.raises(LayoutError, match=r"not laid out as visdial \(official\): KeyError"):
        read("visdial", {"visdial_1.0_val.json": wrong})


def test_memes(read) -> None:
    row = {"id": 42953, "img": "img/42953.png", "label": 1, "text": "look how many"}
    lines = {
        "train.jsonl": [row, row | {"id": 1, "label": 0}, row | {"id": 2, "label": 7}],
        "dev_seen.jsonl": [row | {"id": 3}],
        "test_seen.jsonl": [{key: row[key] for key in ("id", "img", "text")}],
    }
    files = {name: "".join(f"{json.dumps(one)}\n" for one in rows) for name, rows in lines.items()}
    found, lost = read("hatefulmemes", files | {"img/42953.png": None})
    assert [(one.split, one.id, one.answers) for one in found] == [
        ("dev_seen", "3", ("yes",)),
        ("test_seen", "42953", ()),
        ("train", "42953", ("yes",)),
        ("train", "1", ("no",)),
    ]
    assert {one.candidates for one in found} == {("yes", "no")}
    assert found[0].text == "look how many"
    assert [(one.id, one.why) for one in lost] == [("2", "label must be 0 or 1, got 7")]


def test_a_broken_line_is_named(read) -> None:
    with pytest.raises(LayoutError, match=r"train.jsonl:2: not JSON"):
        read("hatefulmemes", {"train.jsonl": '{"id": 1, "img": "a", "text": ""}\n{'})
