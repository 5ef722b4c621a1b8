from pathlib import Path

from schemas.benchmarks.items import Example, Media

QUESTIONS = {
    "data_subtype": "val2014",
    "questions": [
        {"image_id": 42, "question": "Is it a cat?", "question_id": 42000},
        {"image_id": 43, "question": "Why?", "question_id": 43000},
    ],
}
ANNOTATIONS = {
    "data_subtype": "val2014",
    "annotations": [
        {
            "question_id": 42000,
            "image_id": 42,
            "answers": [{"answer": word, "answer_id": 1} for word in ("yes", "yes", "no")],
        }
    ],
}


def test_vqav2_and_okvqa(read, tmp_path: Path) -> None:
    image = "val2014/COCO_val2014_000000000042.jpg"
    for benchmark, prefix in (("vqav2", "v2_"), ("okvqa", "")):
        files = {
            f"{prefix}OpenEnded_mscoco_val2014_questions.json": QUESTIONS,
            f"{prefix}mscoco_val2014_annotations.json": ANNOTATIONS,
            image: None,
        }
        (found,), (lost,) = read(benchmark, files)
        media = Media(tmp_path / image)
        answers = ("yes", "yes", "no")
        assert found == Example("42000", (media,), answers, question="Is it a cat?", split="val")
        assert (lost.id, lost.split, lost.texts) == ("43000", "val", ("Why?",))
        assert "COCO_val2014_000000000043.jpg or 000000000043.jpg" in lost.why


def test_questions_whose_answers_are_kept(read) -> None:
    """Those of test-dev show images of test."""
    rows = [{"image_id": 1, "question": "q", "question_id": 10}]
    files = {
        "v2_OpenEnded_mscoco_test-dev2015_questions.json": {
            "data_subtype": "test2015",
            "questions": rows,
        },
        "test2015/COCO_test2015_000000000001.jpg": None,
    }
    (found,), lost = read("vqav2", files)
    assert (found.split, found.answers, found.question) == ("test", (), "q")
    assert not lost


def test_the_two_do_not_read_each_others_files(read) -> None:
    files = {
        "v2_OpenEnded_mscoco_val2014_questions.json": QUESTIONS,
        "OpenEnded_mscoco_train2014_questions.json": {
            "data_subtype": "train2014",
            "questions": [{"image_id": 5, "question": "q", "question_id": 50}],
        },
    }
    assert [one.id for one in read("okvqa", files)[1]] == ["50"]
    assert [one.id for one in read("vqav2", files)[1]] == ["42000", "43000"]


def test_vizwiz(read, tmp_path: Path) -> None:
    row = {"image": "VizWiz_val_00000000.jpg", "question": "What?", "answerable": 1}
    said = [{"answer": word, "answer_confidence": "yes"} for word in ("soup", "can of soup")]
    files = {
        "Annotations/val.json": [row | {"answers": said}],
        "Annotations/test.json": [row | {"image": "VizWiz_test_00000001.jpg"}],
        "val/VizWiz_val_00000000.jpg": None,
        "test/VizWiz_test_00000001.jpg": None,
    }
    (test, val), lost = read("vizwiz", files)
    media = Media(tmp_path / "val/VizWiz_val_00000000.jpg")
    answers = ("soup", "can of soup")
    assert val == Example(
        "VizWiz_val_00000000.jpg", (media,), answers, question="What?", split="val"
    )
    assert (test.split, test.answers) == ("test", ())
    assert not lost


def test_textvqa(read) -> None:
    row = {"question_id": 34602, "image_id": "003a8ae2ef43b901", "question": "Brand?"}
    files = {
        "TextVQA_0.5.1_val.json": {"data": [row | {"answers": ["nous", "dakota"] * 5}]},
        "train_images/003a8ae2ef43b901.jpg": None,
    }
    (found,), _ = read("textvqa", files)
    assert found.id == "34602"
    assert found.answers == ("nous", "dakota") * 5
    assert found.media[0].path.name == "003a8ae2ef43b901.jpg"
