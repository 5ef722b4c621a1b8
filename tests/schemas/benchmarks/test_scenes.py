import pytest

from schemas.benchmarks.items import LayoutError


def test_vatex(read) -> None:
    name = "Ptf_2VRj-V0_000122_000132"
    files = {
        "vatex_training_v1.0.json": [{"videoID": name, "enCap": ["a", "b"], "chCap": ["c"]}],
        "vatex_public_test_english_v1.1.json": [{"videoID": name, "enCap": ["d"]}],
        "vatex_private_test_without_annotations.json": [{"videoID": name}, {"videoID": "gone"}],
        f"videos/{name}.mp4": None,
    }
    found, lost = read("vatex", files)
    assert sorted((one.split, one.answers) for one in found) == [
        ("private_test", ()),
        ("test", ("d",)),
        ("train", ("a", "b")),
    ]
    assert [(one.id, one.split) for one in lost] == [("gone", "private_test")]


def test_youcook2(read) -> None:
    steps = [
        {"segment": [90, 102], "id": 0, "sentence": "spread margarine on bread"},
        {"segment": [114, 127], "id": 1, "sentence": "place cheese"},
        {"segment": [5, 2], "id": 2, "sentence": "x"},
    ]
    video = {"subset": "validation", "recipe_type": "113", "annotations": steps}
    files = {
        "annotations/youcookii_annotations_trainval.json": {"database": {"GLd3aX16zBg": video}},
        "raw_videos/validation/113/GLd3aX16zBg.mkv": None,
    }
    found, lost = read("youcook2", files)
    assert [(one.id, one.answers, one.split) for one in found] == [
        ("GLd3aX16zBg:0", ("spread margarine on bread",), "val"),
        ("GLd3aX16zBg:1", ("place cheese",), "val"),
    ]
    assert (found[1].media[0].start_s, found[1].media[0].end_s) == (114.0, 127.0)
    assert [one.id for one in lost] == ["GLd3aX16zBg:2"]
    with pytest.raises(LayoutError, match="no database"):
        read("youcook2", {"annotations/youcookii_annotations_trainval.json": []})


def test_rareact(read) -> None:
    table = "id,video_id,start,end,class_id,verb,noun,annotation\n" + (
        "0,7frRY7aGwMU,3,5,1,cut,laptop,1\n"
        "1,7frRY7aGwMU,8,9,0,hammer,phone,3\n"
        "2,gone,8,9,0,hammer,phone,0\n"
    )
    found, lost = read("rareact", {"rareact.csv": table, "videos/7frRY7aGwMU.mp4": None})
    actions = ("a person hammer phone", "a person cut laptop")
    assert [(one.id, one.answers, one.kind) for one in found] == [
        ("0", ("a person cut laptop",), "1:cut:laptop"),
        ("1", ("a person hammer phone",), "3:hammer:phone"),
    ]
    assert {one.candidates for one in found} == {actions}
    assert (found[0].media[0].start_s, found[0].media[0].end_s) == (3.0, 5.0)
    assert [one.id for one in lost] == ["2"]
    with pytest.raises(LayoutError, match="no column noun, annotation"):
        read("rareact", {"rareact.csv": table.replace("noun,annotation", "n,a")})
    with pytest.raises(LayoutError, match="class_id 'x' is no number"):
        read("rareact", {"rareact.csv": table.replace("5,1,cut", "5,x,cut")})


def test_kinetics_by_table(read) -> None:
    table = "label,youtube_id,time_start,time_end,split\n" + (
        "testifying,---QUuC4vJs,84,94,validate\n"
        '"air drumming",--nQbRBEz2s,104,114,validate\n'
        "washing feet,gone,0,10,validate\n"
    )
    files = {
        "annotations/val.csv": table,
        "val/---QUuC4vJs_000084_000094.mp4": None,
        "val/--nQbRBEz2s.mp4": None,
    }
    (cut, whole), lost = read("kinetics", files)
    assert (cut.id, cut.answers, cut.split) == (
        "---QUuC4vJs_000084_000094",
        ("testifying",),
        "val",
    )
    assert (cut.media[0].start_s, whole.media[0].start_s) == (None, 104.0)
    assert whole.answers == ("air drumming",)
    assert [one.id for one in lost] == ["gone_000000_000010"]


def test_kinetics_by_folders(read) -> None:
    files = {"val/air_drumming/a.mp4": None, "train/abseiling/b.webm": None, "c.mp4": None}
    found, lost = read("kinetics", files)
    assert sorted((one.split, one.answers) for one in found) == [
        ("train", ("abseiling",)),
        ("val", ("air drumming",)),
    ]
    assert not lost
