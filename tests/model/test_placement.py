"""Images before the sentences that are theirs: the best sum, and nothing of the page lost."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pillow

from model.documents import document_of
from model.placement import assign, assigned_parts
from model.reader import Sample
from pipeline.corpora.m3w import sentences, with_scores
from schemas.records import Image, ImagePart, PackRef, Sequence, TextPart
from schemas.rejection import BadInput
from schemas.shard import encode_sequence

PAGES = 40
"""Pages of five photos."""


def text(words, *starts):
    ends = [*starts[1:], len(words)]
    return {
        "kind": "text",
        "text": words,
        "sentences": [*map(list, zip(starts, ends, strict=True))],
    }


def image(*scores):
    return {"kind": "image", "file": "k.0.jpg", "scores": list(scores)}


@settings(deadline=None)  # scipy is imported in the first example
@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_no_other_placement_has_a_larger_sum(images, sentences, data):
    cosines = st.integers(-8, 8).map(lambda n: n / 8)
    scores = data.draw(arrays(np.float64, (images, sentences), elements=cosines))
    found = assign(scores)
    placed = min(images, sentences)
    best = max(
        sum(scores[i, s] for i, s in zip(rows, columns, strict=True))
        for rows in itertools.combinations(range(images), placed)
        for columns in itertools.permutations(range(sentences), placed)
    )
    assert any(
        len(set(found[list(rows)])) == placed
        and scores[rows, found[list(rows)]].sum() == best
        and all(scores[i, found[i]] == scores[i].max() for i in {*range(images)} - {*rows})
        for rows in itertools.combinations(range(images), placed)
    )  # each sentence has one image where there are enough; those left over their own best


def test_an_image_stands_before_its_sentence_in_the_middle_of_a_paragraph():
    parts = [
        image(0.1, 0.9, 0.2),
        text("One cat. Two dogs.", 0, 9),
        image(0.2, 0.3, 0.8),
        text("A bird.", 0),
    ]
    assert assigned_parts(parts) == ["One cat.", 0, "Two dogs.", 1, "A bird."]


def test_images_of_one_sentence_keep_their_order():
    assert assigned_parts([text("Alone.", 0), image(0.1), image(0.3)]) == [0, 1, "Alone."]


@pytest.mark.parametrize("scores", [(), (0.5,)])
def test_without_its_scores_a_sample_is_not_placed(scores):
    with pytest.raises(BadInput, match="scores of k"):
        assigned_parts([text("One. Two.", 0, 5), image(*scores)])


def test_a_page_without_images_is_as_it_was():
    assert assigned_parts([text("One. Two.", 0, 5)]) == ["One. Two."]


def sample_of(sequence):
    members = encode_sequence(sequence, lambda ref: ref.pack.encode())
    return Sample(sequence.key, {name.partition(".")[2]: content for name, content in members})


def test_of_one_sample_both_orders_can_be_had():
    pictures = [
        Image(f"{k}" * 64, PackRef("a" * 64, f"jpeg {k}", 0, 6), 4, 4, 4, 4, "0" * 16)
        for k in range(2)
    ]
    words = TextPart("A dog. A cat.", sentences=((0, 6), (7, 13)))
    parts = (
        ImagePart("u0", pictures[0], scores=(0.25, 0.5)),
        ImagePart("u1", pictures[1], scores=(0.75, 0.5)),
        words,
    )
    sample = sample_of(Sequence("0" * 32, "http://a/", "", "en", parts))
    assert document_of(sample).parts == (0, 1, "A dog. A cat.")
    placed = document_of(sample, "assigned")
    assert placed.parts == (1, "A dog.", 0, "A cat.")
    assert [give() for give in placed.images] == [b"jpeg 0", b"jpeg 1"]


@pytest.mark.shared
def test_photos_find_their_captions_among_other_text(shared_data, shared_weights, capsys):
    """Five photos a page, a caption of each among five sentences of other photos' pages."""
    from model.clip import load_clip

    folder = shared_data / "pairs-flickr8k"
    entries = [json.loads(line) for line in (folder / "captions.jsonl").read_text().splitlines()]
    encoder = load_clip(f"local-dir:{shared_weights / 'miniclip'}")
    draw = np.random.default_rng(0)
    shown = draw.permutation(len(entries))[: 5 * PAGES]
    photos = encoder.embed_images(
        [Pillow.open(folder / entries[number]["image"]).convert("RGB") for number in shown]
    )
    right = dict.fromkeys(("assigned", "argmax", "chance"), 0)
    for page, numbers in enumerate(shown.reshape(PAGES, 5)):
        others = draw.choice(np.setdiff1d(np.arange(len(entries)), numbers), 5, replace=False)
        texts = [entries[n]["captions"][draw.integers(5)] for n in (*numbers, *others)]
        order = draw.permutation(10)
        parts = tuple(TextPart(texts[k], sentences=((0, len(texts[k])),)) for k in order)
        media = Image("c" * 64, PackRef("a" * 64, "p", 0, 1), 4, 4, 4, 4, "0" * 16)
        sequence = Sequence(
            f"{page:032x}", "u", "", "en", parts + tuple(ImagePart("u", media) for _ in numbers)
        )
        rows = photos[5 * page : 5 * page + 5]
        scored = with_scores(
            sequence, tuple(row.tobytes() for row in rows), encoder.embed_texts(sentences(sequence))
        )
        scores = np.array([part.scores for part in scored.parts[10:]])
        placements = {
            "assigned": assign(scores),
            "argmax": scores.argmax(axis=1),
            "chance": draw.permutation(10)[:5],
        }
        for name, placed in placements.items():
            right[name] += sum(order[placed] == range(5))
    shares = {name: round(float(number) / (5 * PAGES), 3) for name, number in right.items()}
    with capsys.disabled():
        print(f"\n{PAGES} pages of five photos, right placements: {shares}")
    assert shares["assigned"] >= 0.9
    assert shares["assigned"] >= shares["argmax"] > shares["chance"]
