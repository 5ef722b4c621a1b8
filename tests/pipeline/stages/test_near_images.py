import io

import apache_beam as beam
import numpy as np
import PIL.Image as Pil
import pytest
from apache_beam.testing.util import assert_that, equal_to
from PIL import ImageDraw

from dedup.fingerprint import hamming, phash, seen_grey
from dedup.query import is_same_picture
from pipeline.stages.near_images import (
    LINKS,
    MAX_BITS,
    RUN,
    GroupNearImages,
    band_members,
    candidate_edges,
)
from pipeline.store.packs import PackWriter
from schemas.records import Found, Image, PackRef, Video

NOWHERE = PackRef("0" * 64, "p.tar", 0, 0)


def image(key: str, code: int, ref: PackRef = NOWHERE) -> Image:
    return Image(key, ref, 1, 1, 1, 1, f"{code:016x}")


def photo(seed: int) -> Pil.Image:
    values = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Pil.fromarray(values).resize((240, 180), Pil.Resampling.BICUBIC)


def table(values: int) -> Pil.Image:
    numbers = np.random.default_rng(values)
    page = Pil.new("RGB", (480, 360), "white")
    pen = ImageDraw.Draw(page)
    for row in range(8):
        pen.line((0, row * 45, 480, row * 45), "grey")
        for column in range(4):
            said = str(numbers.integers(10000, 99999))
            pen.text((column * 120 + 8, row * 45 + 12), said, "black", font_size=18)
    return page


def jpeg(picture: Pil.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def edges(images, bits=MAX_BITS):
    found = {}
    bands: dict = {}
    for one in images:
        for band, member in band_members(Found(("u",), one)):
            bands.setdefault(band, []).append(member)
    for band, inside in bands.items():
        found |= dict(candidate_edges(band, inside, bits))
    return sorted(found)


@pytest.mark.parametrize("flipped", [(), (0,), (5, 60), (0, 20, 40), (1, 17, 33)])
def test_hashes_within_three_bits_share_a_band(flipped):
    other = 0x0123456789ABCDEF
    for bit in flipped:
        other ^= 1 << bit
    assert edges([image("b", 0x0123456789ABCDEF), image("a", other)]) == [("a", "b")]
    assert edges([image("a", 0), image("b", other)]) == []


def test_hashes_further_apart_are_no_candidates():
    assert edges([image("a", 0), image("b", 0b1111)]) == []
    assert edges([image("a", 0), image("b", 0b11)], bits=1) == []
    assert not list(band_members(Found(("u",), Video("v", NOWHERE, 1, 1, 2.0))))


def test_a_crowd_round_one_hash_stays_linear_and_connected():
    crowd = [image(f"{number:04d}", 7) for number in range(500)]
    found = edges(crowd)
    assert len(found) <= LINKS * len(crowd)
    assert RUN >= LINKS
    reached = {"0000"}
    for first, second in sorted(found):
        if first in reached:
            reached.add(second)
    assert len(reached) == 500


def test_a_picture_is_the_same_however_it_was_compressed():
    seen = [seen_grey(Pil.open(io.BytesIO(jpeg(photo(1), q)))) for q in (95, 25)]
    assert is_same_picture(*seen)
    assert not is_same_picture(seen[0], seen_grey(photo(2)))
    assert not is_same_picture(np.full((9, 9), 3, dtype=np.uint8), seen[0])


def test_near_copies_are_grouped_and_tables_of_one_hash_are_not(tmp_path):
    pictures = {
        "a": jpeg(photo(1), 95), "b": jpeg(photo(1), 30), "c": jpeg(photo(2), 95),
        "d": jpeg(table(1), 95), "e": jpeg(table(2), 95), "f": jpeg(table(1), 40),
    }  # fmt: skip
    found = []
    packs = PackWriter(str(tmp_path), "packs")
    for key, content in pictures.items():
        # tables of one layout are made to share a hash, as on white ground they do by the hundred
        code = (
            0x00FF00FF00FF00FF if key in "def" else int(phash(photo(1 if key in "ab" else 2)), 16)
        )
        found.append(Found((f"http://{key}",), image(key, code, packs.add(content, "jpg"))))
    packs.close()
    assert hamming(found[0].media.phash, found[2].media.phash) > MAX_BITS
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        groups = pipeline | beam.Create(found) | GroupNearImages(3, str(tmp_path))
        assert_that(groups, equal_to([("a", "a"), ("b", "a"), ("d", "d"), ("f", "d")]))
