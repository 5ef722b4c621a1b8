from pathlib import Path

import pytest

from schemas.benchmarks.items import Example, LayoutError, Media

QA = [
    {"answer": "dog", "id": 10, "question": "what runs?", "video_id": 1301},
    {"answer": "man", "id": 11, "question": "who sits?", "video_id": 1302},
]


def test_msvdqa_by_mapping_and_by_number(read, tmp_path: Path) -> None:
    files = {
        "test_qa.json": QA,
        "youtube_mapping.txt": "-4wsuPCjDBc_5_15 vid1301\nxyz_1_2 vid1302\n",
        "YouTubeClips/-4wsuPCjDBc_5_15.avi": None,
        "YouTubeClips/vid1302.avi": None,
    }
    found, lost = read("msvdqa", files)
    assert found[0] == Example(
        "10",
        (Media(tmp_path / "YouTubeClips/-4wsuPCjDBc_5_15.avi", True),),
        ("dog",),
        question="what runs?",
        split="test",
    )
    assert found[1].media[0].path.name == "vid1302.avi"
    assert not lost


def test_msrvttqa(read) -> None:
    found, lost = read("msrvttqa", {"val_qa.json": QA, "TrainValVideo/video1301.mp4": None})
    assert [(one.id, one.split, one.media[0].is_video) for one in found] == [("10", "val", True)]
    assert [one.id for one in lost] == ["11"]
    assert lost[0].why.startswith("no video video1302 under ")


def test_ivqa_cut_and_whole(read) -> None:
    head = "video_id,start,end,question,answer1,answer2,answer3,answer4,answer5\n"
    rows = ["abc,10,17,what is cut?,bread,bread,toast,,bread", "def,3,9.5,what?,a,b,c,d,e"]
    files = {
        "test.csv": head + "\n".join(rows),
        "train.csv": head + "abc,9,4,q,a,a,a,a,a",
        "video/abc_10_17.mp4": None,
        "video/abc.webm": None,
        "video/def.mkv": None,
    }
    found, lost = read("ivqa", files)
    assert [(one.id, one.answers) for one in found] == [
        ("test-0", ("bread", "bread", "toast", "bread")),
        ("test-1", ("a", "b", "c", "d", "e")),
    ]
    cut, whole = (one.media[0] for one in found)
    assert (cut.path.name, cut.start_s, cut.end_s) == ("abc_10_17.mp4", None, None)
    assert (whole.path.name, whole.start_s, whole.end_s) == ("def.mkv", 3.0, 9.5)
    assert [(one.id, one.why) for one in lost] == [("train-0", "ends at 4.0 s, begins at 9.0 s")]


OPEN = (
    "video,frame_count,width,height,question,answer,qid,type\n4010,369,640,480,how,by hand,6,CH\n"
)
CHOICE = "video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4\n" + (
    "4010,369,640,480,how,2,6,CH,roll,tap,by hand,hit,pat\n"
    "4010,369,640,480,how,9,7,CH,roll,tap,by hand,hit,pat\n"
)


def test_nextqa_open_and_with_choices(read) -> None:
    files = {
        "nextqa/val.csv": OPEN,
        "nextqa/test.csv": CHOICE,
        "nextqa/map_vid_vidorID.json": {"4010": "1164/4010"},
        "nextqa/add_reference_answer_val.json": {"4010": {"6": "with hands"}},
        "NExTVideo/1164/4010.mp4": None,
        "NExTVideo/0001/4010.mp4": None,
    }
    (choice, said), lost = read("nextqa", files)
    assert (said.id, said.answers, said.candidates) == ("4010_6", ("by hand", "with hands"), ())
    assert said.kind == "CH"
    assert said.media[0].path.parts[-2:] == ("1164", "4010.mp4")
    assert (choice.split, choice.answers, len(choice.candidates)) == ("test", ("by hand",), 5)
    assert [one.id for one in lost] == ["4010_7"]


def test_nextqa_and_ivqa_are_told_apart_by_their_heads(read) -> None:
    with pytest.raises(LayoutError, match=r"no ivqa there; looked for official: train\.csv"):
        read("ivqa", {"val.csv": OPEN})


def test_star(read) -> None:
    row = {
        "question_id": "Interaction_T1_13",
        "question": "Which object was tidied up?",
        "video_id": "6H78U",
        "start": 11.1,
        "end": 19.6,
        "answer": "The blanket.",
        "choices": [
            {"choice_id": n, "choice": f"The {w}."} for n, w in enumerate(("blanket", "cup"))
        ],
    }
    files = {"STAR_val.json": [row], "Charades_v1_480/6H78U.mp4": None}
    (found,), lost = read("star", files)
    assert found.candidates == ("The blanket.", "The cup.")
    assert found.answers == ("The blanket.",)
    assert (found.media[0].start_s, found.media[0].end_s, found.kind) == (11.1, 19.6, "Interaction")
    assert not lost
