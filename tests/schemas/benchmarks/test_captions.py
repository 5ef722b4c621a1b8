import json
from pathlib import Path

import pytest

from schemas.benchmarks.items import Example, LayoutError, Media

KARPATHY = {
    "images": [
        {
            "filepath": "val2014",
            "filename": "COCO_val2014_000000000042.jpg",
            "cocoid": 42,
            "split": "test",
            "sentences": [{"raw": "A cat on a mat."}, {"raw": " A cat. "}],
        },
        {
            "filepath": "train2014",
            "filename": "COCO_train2014_000000000007.jpg",
            "cocoid": 7,
            "split": "restval",
            "sentences": [{"raw": "A dog."}],
        },
        {"filename": "gone.jpg", "cocoid": 9, "split": "val", "sentences": []},
        {"filename": "odd.jpg", "cocoid": 10, "split": "val"},
        {"split": "val"},
    ],
    "dataset": "coco",
}


def test_karpathys_coco(read, tmp_path: Path) -> None:
    files = {
        "annotations/dataset_coco.json": KARPATHY,
        "val2014/COCO_val2014_000000000042.jpg": None,
        "images/train2014/COCO_train2014_000000000007.jpg": None,
        "odd.jpg": None,
    }
    found, lost = read("coco", files)
    first = Media(tmp_path / "val2014/COCO_val2014_000000000042.jpg")
    second = Media(tmp_path / "images/train2014/COCO_train2014_000000000007.jpg")
    assert found == [
        Example("42", (first,), ("A cat on a mat.", "A cat."), split="test"),
        Example("7", (second,), ("A dog.",), split="train"),
    ]
    assert [(one.id, one.split) for one in lost] == [("9", "val"), ("10", "val"), ("row 4", "")]
    assert lost[0].why == f"no file gone.jpg under {tmp_path}"
    assert lost[0].texts == ()
    assert lost[1].why == "not as the layout says: KeyError('sentences')"


def test_cocos_own_captions(read, tmp_path: Path) -> None:
    captions = {
        "images": [{"id": 1, "file_name": "1.jpg"}, {"id": 2, "file_name": "2.jpg"}],
        "annotations": [
            {"image_id": 1, "id": 5, "caption": "one"},
            {"image_id": 2, "id": 6, "caption": "two\n"},
            {"image_id": 1, "id": 7, "caption": "uno"},
        ],
    }
    files = {
        "annotations/captions_val2017.json": captions,
        "annotations/image_info_test2017.json": {"images": [{"id": 3, "file_name": "3.jpg"}]},
        "val2017/1.jpg": None,
        "val2017/2.jpg": None,
        "test2017/3.jpg": None,
    }
    found, lost = read("coco", files)
    assert [(one.id, one.answers, one.split) for one in found] == [
        ("1", ("one", "uno"), "val"),
        ("2", ("two",), "val"),
        ("3", (), "test"),
    ]
    assert found[2].media == (Media(tmp_path / "test2017/3.jpg"),)
    assert not lost


def test_flickr_in_four_layouts(read) -> None:
    images = {"flickr30k-images/10.jpg": None, "flickr30k-images/20.jpg": None}
    karpathy = [
        {
            "filename": f"{n}.jpg",
            "split": split,
            "sentences": [{"raw": f"{n} a"}, {"raw": f"{n} b"}],
        }
        for n, split in ((10, "train"), (20, "test"), (30, "val"))
    ]
    table = "raw,sentids,split,filename,img_id\n"
    for n, split in ((10, "train"), (20, "test"), (30, "val")):
        said = json.dumps([f"{n} a", f"{n} b"]).replace('"', '""')
        table += f'"{said}","[0, 1]",{split},{n}.jpg,{n}\n'
    token = "".join(f"{n}.jpg#{k}\t{n} {'ab'[k]}\n" for n in (10, 20, 30) for k in (0, 1))
    bars = "image_name| comment_number| comment\n" + "".join(
        f"{n}.jpg| {k}| {n} {'ab'[k]}\n" for n in (10, 20, 30) for k in (0, 1)
    )
    forms = {
        "karpathy": {"dataset_flickr30k.json": {"images": karpathy}},
        "annotations": {"flickr_annotations_30k.csv": table},
        "token": {"results_20130124.token": token},
        "csv": {"results.csv": bars},
    }
    for layout, files in forms.items():
        found, lost = read("flickr30k", files | images, layout)
        assert [(one.id, one.answers) for one in found] == [
            ("10.jpg", ("10 a", "10 b")),
            ("20.jpg", ("20 a", "20 b")),
        ], layout
        splits = ["train", "test"] if layout in ("karpathy", "annotations") else ["all", "all"]
        assert [one.split for one in found] == splits
        assert [one.id for one in lost] == ["30.jpg"]


def test_a_token_file_without_tabs_is_named(read) -> None:
    with pytest.raises(LayoutError, match=r"a\.token:2: no tab between name and caption"):
        read("flickr30k", {"a.token": "1.jpg#0\tx\n1.jpg#1 x\n"})
