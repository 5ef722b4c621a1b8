"""Videos: they decode, last 2 to 10 seconds, move, and have repeatable bytes."""

from dataclasses import replace
from io import BytesIO
from random import Random

import av
import numpy as np
import pytest

from pipeline.sample_web.evaluation import draw_evaluation_set, paint_evaluation
from pipeline.sample_web.movies import (
    FPS,
    caption_movie,
    describe_movie,
    draw_movie,
    render_copy,
    render_movie,
)
from pipeline.sample_web.pictures import open_image


def decode(file):
    with av.open(BytesIO(file.data)) as container:
        seconds = container.duration / av.time_base
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], seconds


@pytest.fixture(scope="module")
def movie():
    return replace(draw_movie(Random(4)), seconds=3)


def test_a_movie_decodes_and_moves(movie):
    file = render_movie(movie)
    frames, seconds = decode(file)
    assert len(frames) == 3 * FPS
    assert seconds == pytest.approx(file.seconds, abs=0.2)
    assert frames[0].shape == (file.height, file.width, 3)
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 1


def test_same_movie_same_bytes(movie):
    assert render_movie(movie).data == render_movie(movie).data


def test_a_copy_holds_the_evaluation_image(movie):
    picture = open_image(paint_evaluation(draw_evaluation_set(1)[2]))
    frames, _ = decode(render_copy(picture, movie))
    meant = np.asarray(picture.resize(movie.size), dtype=int)
    assert np.abs(frames[0] - meant).mean() < 8
    assert np.abs(frames[-1] - meant).mean() > 8


@pytest.mark.parametrize("seed", range(60))
def test_drawn_movies_are_short_and_move(seed):
    movie = draw_movie(Random(seed))
    assert 2 <= movie.seconds <= 8
    assert set(movie.paths) != {"still"}
    assert len(movie.paths) == len(movie.scene.things)


@pytest.mark.parametrize("seed", range(20))
def test_captions_are_sentences_that_name_all(seed):
    movie = draw_movie(Random(seed))
    caption = caption_movie(movie, Random(0))
    assert caption[0].isupper()
    assert caption.endswith(".")
    assert all(thing.colour in caption.lower() for thing in movie.scene.things)
    assert describe_movie(movie, Random(1)) != describe_movie(movie, Random(2))
