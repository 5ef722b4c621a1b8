"""What goes through CLIP together depends on keys alone."""

import numpy as np
import pytest

from pipeline.stages.similarity import (
    ClipChoice,
    embedded_rows,
    media_tasks,
    read_vector,
    text_bucket,
)
from schemas.records import Found, Image, PackRef, Video

REF = PackRef("a" * 64, "p.tar", 0, 9)


def image(number):
    return Found((f"u{number}",), Image(f"{number:064x}", REF, 1, 1, 1, 1, "0" * 16))


def test_batches_follow_the_keys_order():
    found = [image(i) for i in range(70)]
    video = Found(("v",), Video("f" * 64, REF, 1, 1, 2.0))
    forwards, backwards = (
        list(media_tasks([video, *found])),
        list(media_tasks([*reversed(found), video])),
    )
    assert forwards == backwards
    assert [len(task.media) for task in forwards] == [32, 32, 6, 1]
    assert forwards[0].payload == tuple(one.media for one in found[:32])
    assert forwards[-1].media == (video.media,)


def test_rows_come_back_as_they_were():
    rows = np.random.default_rng(0).standard_normal((2, 5)).astype(np.float32)
    images = tuple(image(number).media for number in (1, 2))
    one, two = embedded_rows(images, rows)
    assert (one.key, two.key) == tuple(media.key for media in images)
    assert np.array_equal(read_vector(two.vector), rows[1])
    assert one.frames == b""


def test_a_video_has_the_unit_mean_of_its_frames_and_each_of_them():
    rows = np.eye(3, 5, dtype=np.float32)
    (one,) = embedded_rows((Video("f" * 64, REF, 1, 1, 2.0),), rows)
    assert read_vector(one.vector) == pytest.approx([3**-0.5] * 3 + [0, 0])
    assert np.array_equal(read_vector(one.frames).reshape(-1, 5), rows)


def test_none_scores_nothing():
    assert not ClipChoice().scores
    assert ClipChoice("embedded").scores
    assert text_bucket("a", 7) == text_bucket("a", 7)
