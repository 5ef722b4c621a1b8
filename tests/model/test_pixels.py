import io
import random

import numpy as np
import pytest
from PIL import Image

from model.pixels import Canvas, Change, decode_image, decode_video, draw_change
from model.recipe import PixelsRecipe
from schemas.rejection import BadInput, Reason

CANVAS = Canvas(32, (0.5, 0.4, 0.3))
SAME = Change(flip=False, brightness=1.0, contrast=1.0, saturation=1.0)


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_aspect_is_kept_and_the_rest_is_the_mean() -> None:
    frame = decode_image(png(Image.new("RGB", (64, 16), (200, 0, 0))), CANVAS, SAME)
    assert frame.shape == (1, 32, 32, 3)
    assert frame.dtype == np.uint8
    assert (frame[0, 12:20] == (200, 0, 0)).all()
    assert (frame[0, :12] == CANVAS.colour).all()
    assert (frame[0, 20:] == CANVAS.colour).all()


def test_small_images_grow_and_tall_ones_stand() -> None:
    frame = decode_image(png(Image.new("RGB", (4, 8), (0, 200, 0))), CANVAS, SAME)
    assert (frame[0, :, 8:24] == (0, 200, 0)).all()
    assert (frame[0, :, :8] == CANVAS.colour).all()


def test_what_is_transparent_becomes_the_mean() -> None:
    frame = decode_image(png(Image.new("RGBA", (8, 8), (255, 255, 255, 0))), CANVAS, SAME)
    assert np.abs(frame.astype(int) - CANVAS.colour).max() <= 1


def test_a_flip_mirrors_the_image() -> None:
    image = Image.new("RGB", (32, 32), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 16, 32))
    straight = decode_image(png(image), CANVAS, SAME)
    flipped = decode_image(png(image), CANVAS, Change(True, 1.0, 1.0, 1.0))
    assert (flipped == straight[:, :, ::-1]).all()


def test_the_coin_is_tossed_for_each_image() -> None:
    rng = random.Random(0)
    flips = [draw_change(PixelsRecipe(p_flip=0.5), rng).flip for _ in range(64)]
    assert 16 < sum(flips) < 48


def test_colour_changes_stay_within_their_share() -> None:
    rng = random.Random(0)
    changes = [draw_change(PixelsRecipe(colour=0.2), rng) for _ in range(50)]
    assert all(0.8 <= change.brightness <= 1.2 for change in changes)
    still = draw_change(PixelsRecipe(colour=0.0, p_flip=0.0), rng)
    assert still == SAME


def test_brightness_is_not_laid_on_the_padding() -> None:
    image = png(Image.new("RGB", (32, 16), (100, 100, 100)))
    frame = decode_image(image, CANVAS, Change(False, 1.5, 1.0, 1.0))
    assert frame[0, 16, 16].tolist() == [150, 150, 150]
    assert (frame[0, 0] == CANVAS.colour).all()


@pytest.mark.parametrize("content", [b"", b"not an image", png(Image.new("RGB", (64, 64)))[:-40]])
def test_broken_images_are_refused(content: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        decode_image(content, CANVAS, SAME)
    assert caught.value.why.reason is Reason.UNDECODABLE


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.pixels.DECODED_LIMIT_PX", 1000)
    with pytest.raises(BadInput) as caught:
        decode_image(png(Image.new("RGB", (64, 64))), CANVAS, SAME)
    assert caught.value.why.reason is Reason.TOO_LARGE


def dominant(frames: np.ndarray) -> list[int]:
    return [int(frame.reshape(-1, 3).mean(0).argmax()) for frame in frames]


def test_a_video_gives_a_frame_a_second(three_colours: bytes) -> None:
    recipe = PixelsRecipe(frames=8, fps=1.0)
    frames = decode_video(three_colours, CANVAS, SAME, recipe, random.Random(0))
    assert frames.shape == (3, 32, 32, 3)
    assert dominant(frames) == [0, 1, 2]


def test_more_frames_a_second_of_the_same_video(three_colours: bytes) -> None:
    recipe = PixelsRecipe(frames=6, fps=2.0)
    frames = decode_video(three_colours, CANVAS, SAME, recipe, random.Random(0))
    assert dominant(frames) == [0, 0, 1, 1, 2, 2]


def test_a_long_video_is_entered_at_random(three_colours: bytes) -> None:
    recipe = PixelsRecipe(frames=1, fps=1.0)
    seen = {
        dominant(decode_video(three_colours, CANVAS, SAME, recipe, random.Random(seed)))[0]
        for seed in range(12)
    }
    assert len(seen) > 1


def test_a_part_of_a_video(three_colours: bytes) -> None:
    recipe = PixelsRecipe(frames=8, fps=2.0)
    for span, seen in {
        (1.0, 2.0): [1, 1],
        (1.5, 3.0): [1, 2, 2],
        (0.0, 3.0): [0, 0, 1, 1, 2, 2],
    }.items():
        frames = decode_video(three_colours, CANVAS, SAME, recipe, random.Random(0), span)
        assert dominant(frames) == seen
    one = PixelsRecipe(frames=1, fps=1.0)
    for seed in range(8):
        part = decode_video(three_colours, CANVAS, SAME, one, random.Random(seed), (1.0, 2.9))
        assert dominant(part)[0] in (1, 2)
    with pytest.raises(BadInput, match="no frame"):
        decode_video(three_colours, CANVAS, SAME, recipe, random.Random(0), (50.0, 60.0))


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"\0" * 2000])
def test_broken_videos_are_refused(content: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        decode_video(content, CANVAS, SAME, PixelsRecipe(), random.Random(0))
    assert caught.value.why.reason is Reason.UNDECODABLE
