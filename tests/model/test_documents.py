"""Documents of both kinds in reading order; MMC4's images with the sentences they are matched to."""

import base64
import io
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model.batches import BatchReader, Drawing, example_of
from model.documents import Document, document_of, with_shuffled_images
from model.packing import Rows
from model.pixels import Canvas
from model.reader import CorpusError, Position, Sample
from model.recipe import CorpusRecipe, PixelsRecipe, WindowRecipe
from model.windows import Vocabulary
from schemas.rejection import BadInput, Reason

WORDS = Vocabulary(eoc=1000, image=1001, bos=1, eos=2)
GREYS = 12
"""Pictures that can be told from one another: the n-th is of one grey, 20 n + 10."""
SENTENCE = 100
"""The id of sentence 0 of document 0; that of sentence n of document d is 20 d + n further."""

MakeTar = Callable[[Path, list[tuple[str, bytes]]], Path]


def png(number: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (20 * number + 10,) * 3).save(stream, "PNG")
    return stream.getvalue()


def number_of(frame: np.ndarray) -> int:
    return int(frame[4, 4, 0]) // 20


def info(number: int, sentence: int) -> dict[str, object]:
    content = base64.b64encode(png(number)).decode()
    return {
        "image_name": f"{number}.png",
        "raw_url": f"http://example.org/{number}.png",
        "matched_text_index": sentence,
        "matched_sim": 0.3,
        "image_base64": content,
    }


def record(texts: list[str], images: list[dict[str, object]]) -> bytes:
    about = {"url": "http://example.org/", "text_list": texts, "image_info": images}
    return json.dumps(about | {"could_have_url_duplicate": 0}).encode()


def encode(text: str) -> list[int]:
    """A token a sentence, whose name is s and its number."""
    return [SENTENCE + int(word.removeprefix("s")) for word in text.split()]


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    window = WindowRecipe(tokens=64, images=GREYS, p_next=0.0)
    canvas = Canvas(8, (0.5, 0.5, 0.5))
    return Drawing(window, PixelsRecipe(p_flip=0.5, colour=0.0), canvas, encode, WORDS, seed=3)


@st.composite
def documents(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, bool]]]:
    """Sentences, and images in any order: number, sentence, and whether it was fetched."""
    sentences = draw(st.integers(1, 8))
    numbers = draw(st.permutations(range(GREYS)))[: draw(st.integers(1, 6))]
    places = [draw(st.integers(0, sentences - 1)) for _ in numbers]
    there = [draw(st.integers(0, 4)) > 0 for _ in numbers]
    there[draw(st.integers(0, len(numbers) - 1))] = True
    return sentences, list(zip(numbers, places, there, strict=True))


@given(documents())
def test_the_kth_image_token_gets_the_kth_tensor(
    drawing: Drawing, drawn: tuple[int, list[tuple[int, int, bool]]]
) -> None:
    """Each picture stands before its own sentence, whatever the order of the list."""
    sentences, images = drawn
    infos = [info(number, place) for number, place, _ in images]
    for one, (_, _, there) in zip(infos, images, strict=True):
        if not there:
            del one["image_base64"]
    sample = Sample("k", {"json": record([f"s{n}" for n in range(sentences)], infos)})
    example = example_of("m3w", sample, 0, CorpusRecipe(1, 1.0, 64), drawing)
    tokens = example.window.tokens_L.tolist()
    sentence_of = {number: place for number, place, there in images if there}
    at = [i for i, token in enumerate(tokens) if token == WORDS.image]
    assert len(at) == len(example.frames) == len(sentence_of)
    for i, frame in zip(at, example.frames, strict=True):
        following = next(token for token in tokens[i:] if SENTENCE <= token < WORDS.eoc)
        assert following == SENTENCE + sentence_of[number_of(frame[0])]
    said = [token - SENTENCE for token in tokens if SENTENCE <= token < WORDS.eoc]
    assert said == list(range(sentences))


def pairs_of(rows: Rows) -> list[tuple[int, int]]:
    """Of each `<image>` of the rows, k-th after k-th: the sentence after it, and the picture."""
    flat = rows.tokens_BL.ravel().tolist()
    places = [i for i, token in enumerate(flat) if token == WORDS.image]
    assert len(places) == len(rows.frames_I) == len(rows.pixels_FHWC)
    following = [next(t for t in flat[i:] if SENTENCE <= t < WORDS.eoc) for i in places]
    for k, i in enumerate(places):
        assert rows.images_BL.ravel()[i] == rows.images_BL.ravel()[i + 1] == k
    numbers = [number_of(frame) for frame in rows.pixels_FHWC]
    return list(zip(following, numbers, strict=True))


@pytest.mark.parametrize("order", range(5))
def test_packed_rows_keep_every_picture_with_its_sentence(
    order: int, drawing: Drawing, tmp_path: Path, make_tar: MakeTar
) -> None:
    rng = random.Random(order)
    members, expected = [], set()
    for document in range(6):
        sentences = 15 if document % 3 else 5  # two short ones fit where a long one does
        numbers = rng.sample(range(GREYS), 4)
        places = rng.sample(range(sentences), 4)
        texts = [f"s{20 * document + n}" for n in range(sentences)]
        images = [info(number, place) for number, place in zip(numbers, places, strict=True)]
        members.append((f"{document:032x}.json", record(texts, images)))
        ids = [SENTENCE + 20 * document + place for place in places]
        expected |= set(zip(ids, numbers, strict=True))
    make_tar(tmp_path / "000000000.tar", members)
    reader = BatchReader("m3w", str(tmp_path / "*.tar"), CorpusRecipe(6, 1.0, 64), drawing)
    rows = reader.batch_at(Position()).passes[0]
    reader.close()
    assert rows.documents_BL.max() > 0  # some share a row
    found = pairs_of(rows)
    assert len(found) == len(expected) == 24
    assert set(found) == expected


def test_sentences_between_two_images_are_one_text() -> None:
    texts = ["One.", "Two.", "Three.", "Four.", "Five."]
    images = [info(7, 3), info(5, 1), info(6, 3)]
    document = document_of(Sample("k", {"json": record(texts, images)}))
    assert document.parts == ("One.", 1, "Two. Three.", 0, 2, "Four. Five.")
    assert [image() for image in document.images] == [png(7), png(5), png(6)]


def test_base64_as_python_shows_bytes_is_read() -> None:
    """OpenFlamingo's scripts/convert_mmc4_to_wds.py wrote str(bytes)."""
    shown = info(7, 0)
    shown["image_base64"] = str(base64.b64encode(png(7)))
    (image,) = document_of(Sample("k", {"json": record(["One."], [shown])})).images
    assert image() == png(7)


def test_a_sequence_of_ours_keeps_its_order() -> None:
    parts = [
        {"kind": "image", "file": "k.0.jpg"},
        {"kind": "text", "text": "One."},
        {"kind": "image", "file": "k.1.jpg"},
    ]
    body = json.dumps({"schema": "m3w/1", "parts": parts}).encode()
    document = document_of(Sample("k", {"json": body, "0.jpg": b"zero", "1.jpg": b"one"}))
    assert document.parts == (0, "One.", 1)
    assert [image() for image in document.images] == [b"zero", b"one"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"matched_text_index": 2}, Reason.DAMAGED_RECORD),
        ({"matched_text_index": -1}, Reason.DAMAGED_RECORD),
        ({"matched_text_index": "0"}, Reason.DAMAGED_RECORD),
        ({"matched_text_index": None}, Reason.DAMAGED_RECORD),
        ({"image_base64": None}, Reason.NO_MEDIA),
        ({"image_base64": "AAA"}, Reason.UNDECODABLE),
        ({"image_base64": "ü"}, Reason.UNDECODABLE),
        ({"image_base64": "AAAA"}, Reason.UNDECODABLE),
        ({"image_base64": 3}, Reason.UNDECODABLE),
    ],
)
def test_a_document_that_cannot_be_used_has_a_reason(
    change: dict[str, object], reason: Reason, drawing: Drawing
) -> None:
    sample = Sample("k", {"json": record(["s0", "s1"], [info(3, 0) | change])})
    with pytest.raises(BadInput) as caught:
        example_of("m3w", sample, 0, CorpusRecipe(1, 1.0, 64), drawing)
    assert caught.value.why.reason is reason


@pytest.mark.parametrize(
    "body",
    [
        {"text_list": ["s0"]},
        {"text_list": ["s0"], "image_info": [3]},
        {"text_list": 5, "image_info": []},
        {"image_info": []},
    ],
)
def test_a_record_of_no_kind_is_damaged(body: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        document_of(Sample("k", {"json": json.dumps(body).encode()}))
    assert caught.value.why.reason is Reason.DAMAGED_RECORD


def test_documents_whose_images_are_elsewhere_stop_the_run_with_the_reason(
    drawing: Drawing, tmp_path: Path, make_tar: MakeTar
) -> None:
    bare = {key: value for key, value in info(3, 0).items() if key != "image_base64"}
    make_tar(tmp_path / "0.tar", [("a.json", record(["s0"], [bare]))])
    reader = BatchReader("m3w", str(tmp_path / "0.tar"), CorpusRecipe(1, 1.0, 64), drawing)
    with pytest.raises(CorpusError, match=r"1 no_media; last: no_media: no image_base64 in its"):
        reader.batch_at(Position())
    reader.close()


def test_p_next_moves_the_look_and_no_picture(drawing: Drawing) -> None:
    ahead = replace(drawing, window=replace(drawing.window, p_next=1.0))
    sample = Sample("k", {"json": record(["s0", "s1", "s2"], [info(4, 2), info(3, 1)])})
    example = example_of("m3w", sample, 0, CorpusRecipe(1, 1.0, 64), ahead)
    assert [number_of(frame[0]) for frame in example.frames] == [3, 4]
    tokens, images = example.window.tokens_L.tolist(), example.window.images_L.tolist()
    assert images[tokens.index(SENTENCE)] == 0
    assert images[tokens.index(SENTENCE + 1)] == 1


@given(st.integers(0, 12), st.integers(0, 2**32))
def test_shuffled_images_are_the_same_images_in_the_same_places(count: int, seed: int) -> None:
    parts = tuple(part for number in range(count) for part in (number, f"label {number}"))
    images = tuple((lambda content=bytes([number]): content) for number in range(count))
    document = Document(parts, images)
    shuffled = with_shuffled_images(document, random.Random(seed))
    assert shuffled.parts == parts
    assert sorted(image() for image in shuffled.images) == [image() for image in images]
    assert shuffled == with_shuffled_images(document, random.Random(seed))


def test_every_order_of_a_documents_images_is_drawn() -> None:
    images = tuple((lambda content=bytes([number]): content) for number in range(3))
    document = Document((0, "a", 1, "b", 2, "c"), images)
    shuffled = [with_shuffled_images(document, random.Random(seed)) for seed in range(100)]
    assert len({tuple(image() for image in one.images) for one in shuffled}) == 6


def test_a_pages_images_are_shuffled_alike_in_all_epochs_and_its_text_never(
    drawing: Drawing,
) -> None:
    texts = [f"{number} " for number in range(GREYS)]
    content = record(texts, [info(number, number) for number in range(GREYS)])
    sample = Sample("k", {"json": content})
    plain = replace(drawing, window=replace(drawing.window, tokens=4000))
    mixed = replace(plain, window=replace(plain.window, shuffled_images=True))
    corpus = CorpusRecipe(1, 1.0, 4000)
    orders = []
    for epoch in range(3):
        before = example_of("m3w", sample, epoch, corpus, plain)
        after = example_of("m3w", sample, epoch, corpus, mixed)
        assert np.array_equal(before.window.tokens_L, after.window.tokens_L)
        assert before.window.images == after.window.images
        pairs = zip(before.frames, after.frames, strict=True)
        orders.append({number_of(one[0]): number_of(two[0]) for one, two in pairs})
    places: dict[int, int] = {}
    for order in orders:
        assert all(places.setdefault(place, image) == image for place, image in order.items())
    assert any(place != image for place, image in places.items())
    other = example_of("m3w", replace(sample, key="l"), 0, corpus, mixed)
    first = example_of("m3w", sample, 0, corpus, mixed)
    assert [number_of(f[0]) for f in other.frames] != [number_of(f[0]) for f in first.frames]
