import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.media_mask import NO_IMAGE, next_images, previous_images


def test_previous_and_next_images_of_a_small_text() -> None:
    is_image = np.array([0, 1, 0, 0, 1, 0], dtype=bool)
    assert previous_images(is_image).tolist() == [NO_IMAGE, 0, 0, 0, 1, 1]
    assert next_images(is_image).tolist() == [0, 0, 1, 1, 1, NO_IMAGE]


def test_a_text_without_images_looks_at_none() -> None:
    is_image = np.zeros(4, dtype=bool)
    assert previous_images(is_image).tolist() == [NO_IMAGE] * 4
    assert next_images(is_image).tolist() == [NO_IMAGE] * 4


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_next_is_previous_of_the_text_read_backwards(flags: list[bool]) -> None:
    is_image = np.array(flags)
    backwards = previous_images(is_image[::-1])[::-1]
    mirrored = np.where(backwards == NO_IMAGE, NO_IMAGE, sum(flags) - 1 - backwards)
    assert next_images(is_image).tolist() == mirrored.tolist()


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_an_image_token_looks_at_its_own_image_either_way(flags: list[bool]) -> None:
    is_image = np.array(flags)
    own = list(range(sum(flags)))
    assert previous_images(is_image)[is_image].tolist() == own
    assert next_images(is_image)[is_image].tolist() == own
