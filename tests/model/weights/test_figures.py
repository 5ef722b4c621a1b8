"""The measures, on scores that can be judged by eye."""

import numpy as np
import pytest

from model.weights.figures import area_under_curve, measure_clip
from model.weights.web import Shown


@pytest.mark.parametrize(
    ("higher", "lower", "expected"),
    [([2, 3], [0, 1], 1.0), ([0], [1], 0.0), ([1], [1], 0.5), ([1, 3], [2, 0], 0.75)],
)
def test_area_is_the_share_of_pairs_in_order(higher, lower, expected):
    assert area_under_curve(np.array(higher), np.array(lower)) == expected


class Oracle:
    """Knows colours: a text's row is the unit vector of its first letter."""

    def embed_images(self, images):
        return np.stack([np.eye(3)[np.argmax(np.asarray(image)[0, 0])] for image in images])

    def embed_texts(self, texts):
        places = ["rgb".find(text[:1]) for text in texts]
        rows = [np.eye(3)[place] if place >= 0 else np.zeros(3) for place in places]
        return np.array(rows).reshape(len(texts), 3)


def test_an_oracle_scores_full_marks():
    pixels = np.eye(3, dtype=np.uint8)[:, None, None, :] * 200
    images = [
        Shown("u", "s", letter, f"{letter} text", (f"{letter} text",), wrong_alt=wrong)
        for letter, wrong in (("r", "g text"), ("g", ""), ("b", "r text"))
    ]
    figures = measure_clip(Oracle(), images, pixels, ["none of them"])
    assert figures.text_to_image == figures.image_to_text == (1.0, 1.0)
    assert figures.auc == figures.auc_sentences == figures.kept_at_5 == 1.0
    assert (figures.wrong_alts, figures.wrong_alts_caught) == (2, 2)
