"""Rows by other arithmetic than open_clip's are near its own, or the encoder is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from model.clip import ClipUnavailable, load_clip
from model.clip_compute import LEAST_COSINE, probe_pictures, require_close

TEXTS = [f"text {'word ' * (number % 9)}{number}" for number in range(40)]


def least_cosine(rows, others):
    return float((rows * others).sum(axis=1).min())


def shuffled_rows(embed, items, seed):
    """The rows of items that were embedded in another order and in other company."""
    order = np.random.default_rng(seed).permutation(len(items))
    rows = np.concatenate([embed([items[i] for i in part]) for part in np.array_split(order, 3)])
    back = np.empty_like(rows)
    back[order] = rows
    return back


@pytest.mark.parametrize("compute", ["float32", "bfloat16"])
def test_a_row_depends_on_its_image_or_text_alone_to_the_last_bit(compute, monkeypatch):
    monkeypatch.setattr("model.clip_compute.LEAST_COSINE", 0.99)  # the tiny CLIP has no more
    encoder = load_clip("embedded", compute=compute)
    pictures = [picture.rotate(turn) for picture in probe_pictures() for turn in (0, 90, 180)]
    for embed, items in ((encoder.embed_images, pictures), (encoder.embed_texts, TEXTS)):
        whole = embed(items)
        for seed in range(3):
            assert np.array_equal(shuffled_rows(embed, items, seed), whole)
        assert all(
            np.array_equal(embed([item])[0], row) for item, row in zip(items, whole, strict=True)
        )


def test_equal_texts_go_through_the_tower_once(monkeypatch):
    encoder = load_clip("embedded")
    asked = []
    tokenizer = encoder.tokenizer
    object.__setattr__(encoder, "tokenizer", lambda texts: asked.extend(texts) or tokenizer(texts))
    rows = encoder.embed_texts(["a red ball", "a cat", "a red ball"])
    assert asked == ["a red ball", "a cat"]
    assert np.array_equal(rows[0], rows[2])


def test_the_embedded_clip_loses_too_much_in_bfloat16(monkeypatch):
    with pytest.raises(ClipUnavailable, match=r"CLIP 'embedded': compute = \"bfloat16\" moves"):
        load_clip("embedded", compute="bfloat16")
    monkeypatch.setattr("model.clip_compute.LEAST_COSINE", 0.99)
    plain, low = load_clip("embedded"), load_clip("embedded", compute="bfloat16")
    assert low.compute == "bfloat16"
    assert low.digest == plain.digest
    images = low.embed_images(probe_pictures()), plain.embed_images(probe_pictures())
    texts = low.embed_texts(TEXTS), plain.embed_texts(TEXTS)
    assert 0.99 < min(least_cosine(*images), least_cosine(*texts)) < LEAST_COSINE


def test_an_encoder_that_is_not_near_is_refused():
    from dataclasses import replace

    plain = load_clip("embedded")
    mirrored = replace(
        plain, compute="bfloat16", encode_pixels=lambda px: plain.encode_pixels(px.flip(1))
    )
    with pytest.raises(ClipUnavailable, match=r'compute = "bfloat16" moves its embeddings: cosine'):
        require_close(mirrored, plain)


def test_what_does_not_run_is_told():
    from dataclasses import replace

    def fail(pixels):
        raise RuntimeError("no C++ compiler found\nand more")

    plain = load_clip("embedded")
    with pytest.raises(ClipUnavailable, match="does not run here: no C"):
        require_close(replace(plain, compute="compiled", encode_pixels=fail), plain)


@pytest.mark.slow
def test_compiled_rows_are_float32s_to_1e_5():
    plain, compiled = load_clip("embedded"), load_clip("embedded", compute="compiled")
    pictures = probe_pictures()
    np.testing.assert_allclose(
        compiled.embed_images(pictures), plain.embed_images(pictures), atol=1e-5
    )
    assert np.array_equal(compiled.embed_texts(TEXTS), plain.embed_texts(TEXTS))


@pytest.mark.shared
def test_the_photos_clip_is_refused_in_bfloat16_as_it_moves_decisions(shared_weights):
    with pytest.raises(ClipUnavailable, match="moves its embeddings"):
        load_clip(f"local-dir:{shared_weights / 'miniclip'}", compute="bfloat16")


@pytest.mark.shared
def test_a_photos_row_depends_on_it_alone(shared_data, shared_weights):
    folder = shared_data / "pairs-coco-mini"
    entries = [json.loads(line) for line in (folder / "captions.jsonl").read_text().splitlines()]
    photos = [Image.open(folder / entry["image"]).convert("RGB") for entry in entries[:18]]
    texts = [text for entry in entries[:18] for text in entry["captions"]]
    encoder = load_clip(f"local-dir:{shared_weights / 'miniclip'}")
    for embed, items in ((encoder.embed_images, photos), (encoder.embed_texts, texts)):
        assert np.array_equal(shuffled_rows(embed, items, 1), embed(items))
