import numpy as np
import pytest
from PIL import Image

from dedup.evaluation_file import EvaluationFile, images_of
from dedup.evaluation_texts import EvaluationText
from dedup.fingerprint import thumbnail
from dedup.index import EvaluationIndex, UnusableIndex
from dedup.items import Item, Missing

TEXT = EvaluationText("coco", "val/7", "a cat asleep on a warm blue car bonnet")


def picture(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((240, 180))


ITEMS = [Item.of("coco", f"{k}.jpg", thumbnail(picture(k))) for k in range(3)]
LOST = [Missing("coco", "val/9", "gone")]
IMAGES = EvaluationIndex.build(ITEMS, LOST)


def test_images_and_texts_read_back(tmp_path) -> None:
    path = tmp_path / "e.index"
    EvaluationFile.of(IMAGES, [TEXT]).save(path)
    found = EvaluationFile.load(path)
    assert found.images.items == tuple(ITEMS)
    assert found.images.unreadable == tuple(LOST)
    assert found.texts.match(TEXT.text, 0.5).eval_id == "val/7"
    assert images_of(path.read_bytes()).items == tuple(ITEMS)
    again = EvaluationIndex.build(ITEMS[::-1], LOST)
    assert EvaluationFile.of(again, [TEXT]).encode() == path.read_bytes()


def test_without_texts_it_is_an_index_of_images(tmp_path) -> None:
    content = EvaluationFile.of(IMAGES, []).encode()
    assert content == IMAGES.encode()
    assert EvaluationFile.decode(content).texts is None


def test_texts_alone() -> None:
    found = EvaluationFile.decode(EvaluationFile.of(EvaluationIndex.build([]), [TEXT]).encode())
    assert len(found.images) == 0
    assert len(found.texts) == 1


def test_a_file_cut_anywhere_is_refused() -> None:
    content = EvaluationFile.of(EvaluationIndex.build(ITEMS[:1]), [TEXT]).encode()
    for end in range(0, len(content), 7):
        with pytest.raises(UnusableIndex):
            EvaluationFile.decode(content[:end])


def test_a_file_of_another_version_is_refused_by_name() -> None:
    content = EvaluationFile.of(EvaluationIndex.build(ITEMS[:1]), [TEXT]).encode()
    with pytest.raises(UnusableIndex, match=r"^e\.index: its texts are of another version"):
        EvaluationFile.decode(content.replace(b"texts 2\n", b"texts 1\n", 1), "e.index")
