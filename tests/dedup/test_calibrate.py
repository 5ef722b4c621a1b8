import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dedup import calibrate as calibrate_module
from dedup.calibrate import CURVE, EDITS, calibrate, choose_threshold, judge_number, main
from dedup.descriptor import Embedding
from dedup.evaluation_file import EvaluationFile
from dedup.evaluation_texts import EvaluationText
from dedup.fingerprint import thumbnail
from dedup.index import EvaluationIndex
from dedup.items import Item

COSINES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20)


def picture(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((160, 120))


class Greys:
    """A descriptor of 8 x 8 greys, their mean left out."""

    name, digest = "greys", "d"

    def embed_images(self, images):
        rows = [np.asarray(image.convert("L").resize((8, 8)), np.float32) for image in images]
        rows = np.array(rows).reshape(len(images), -1)
        rows -= rows.mean(axis=1, keepdims=True)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_least_threshold_of_the_precision_is_chosen():
    copies = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    right = np.array([True, True, True, False])
    found = choose_threshold(copies, right, np.array([0.65, 0.1, 0.1, 0.1], np.float32), 1.0, 8)
    assert (found.threshold, found.precision, found.recall, found.images) == (0.651, 1.0, 0.75, 8)
    assert [threshold for threshold, _, _ in found.curve] == list(CURVE)
    assert found.curve[-1][1:] == (0.0, 0.0)
    assert found.curve[0][1:] == (0.6, 0.75)  # 3 right of 4 copies and one stranger


@given(COSINES, COSINES, st.floats(0.5, 1))
def test_what_is_chosen_has_the_precision_wanted(copies, strangers, wanted):
    known, others = np.array(copies, np.float32), np.array(strangers, np.float32)
    try:
        found = choose_threshold(known, np.ones(len(known), bool), others, wanted, 9)
    except ValueError:
        return
    right = np.sum(known >= found.threshold)
    wrong = np.sum(others >= found.threshold) * len(known) / len(others)
    assert right / (right + wrong) >= wanted


def test_no_such_precision_is_said():
    cosines = np.array([0.5], np.float32)
    with pytest.raises(ValueError, match=r"no cosine has a precision of 0\.9"):
        choose_threshold(cosines, np.array([True]), np.array([0.9], np.float32), 0.9, 2)


def test_copies_are_told_from_strangers():
    found = calibrate([picture(seed) for seed in range(40)], Greys(), 0.95)
    assert found.precision >= 0.95
    assert found.recall > 0.5
    assert found.images == 40
    with pytest.raises(ValueError, match="takes 198 images, got 3; with fewer than 20 nothing"):
        calibrate([picture(seed) for seed in range(3)], Greys(), 0.99)


@pytest.mark.parametrize(
    ("images", "precision", "why"),
    [
        (198, 0.99, ""),
        (197, 0.99, "a precision of 0.99 takes 198 images, got 197, which can show 0.9898 at most"),
        (20, 0.99999, "takes 199998 images, got 20, which can show 0.909 at most: give more, or"),
        (20, 0.909, ""),
        (20, 0.5, ""),
        (
            19,
            0.5,
            "a precision of 0.5 takes 20 images, got 19; with fewer than 20 nothing is shown",
        ),
        (10_000, 1.0, "takes endlessly many images, got 10000, which can show 0.9998 at most"),
    ],
)
def test_few_images_show_no_high_precision(images, precision, why):
    told = judge_number(images, precision)
    assert why in told
    assert bool(told) == bool(why)


@given(st.integers(20, 5000))
def test_what_can_be_shown_is_accepted(images):
    told = judge_number(images, 1.0)
    shown = float(told.rpartition(" ")[2])
    assert judge_number(images, shown) == ""


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_changes_the_picture(edit):
    image = picture(1)
    edited = edit(image)
    assert edited.mode == "RGB"
    assert edited.size != image.size or edited.tobytes() != image.tobytes()


def test_the_index_carries_the_measure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(calibrate_module, "descriptor_of", lambda index, name: Greys())
    (tmp_path / "photos").mkdir()
    for seed in range(24):
        picture(seed).save(tmp_path / "photos" / f"{seed}.png")
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    image = picture(90)
    item = Item.of("s", "1", thumbnail(image), Greys().embed_images([image])[0])
    path = tmp_path / "e.index"
    index = EvaluationIndex.build([item], embedding=Embedding("greys", "d"))
    text = EvaluationText(
        "s", "1", "a question of quite enough words to be held as a text of a set"
    )
    EvaluationFile.of(index, [text]).save(path)
    assert main([str(path), "--images", str(tmp_path / "photos"), "--precision", "0.9"]) == 0
    out = capsys.readouterr().out
    assert "used: cosine" in out
    assert out.count("precision") == len(CURVE) + 1
    file = EvaluationFile.load(path)
    assert file.texts.names == (("s", "1"),)
    calibration = file.images.embedding.calibration
    assert calibration.precision >= 0.9
    assert calibration.images == 24
    assert len(calibration.curve) == len(CURVE)


def test_what_cannot_be_calibrated_is_named(tmp_path, capsys):
    path = tmp_path / "e.index"
    assert main([str(path), "--images", str(tmp_path)]) == 1
    index = EvaluationIndex.build([Item.of("s", "1", thumbnail(picture(1)))])
    EvaluationFile(index).save(path)
    assert main([str(path), "--images", str(tmp_path)]) == 1
    assert "e.index: has no descriptor" in capsys.readouterr().err
    for share in ("0", "1.5"):
        with pytest.raises(SystemExit) as caught:
            main([str(path), "--images", ".", "--precision", share])
        assert caught.value.code == 2
