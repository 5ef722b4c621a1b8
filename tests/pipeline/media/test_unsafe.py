"""Scorers of unsafe images, and the judging of their scores."""

import sys
import types

import numpy as np
import pytest
from PIL import Image

from pipeline.media.unsafe import (
    BadScorer,
    UnsafeLimits,
    judge_unsafe,
    make_scorer,
    score_pictures,
    zero_shot,
)
from schemas.rejection import Reason, Why

LIMITS = UnsafeLimits(scorer="ours:make", max_score=0.4)


@pytest.mark.parametrize("score", [0.0, 0.4])
def test_a_score_at_the_limit_is_safe(score):
    assert judge_unsafe(score, LIMITS) is None


def test_a_score_above_it_is_not():
    assert judge_unsafe(0.41, LIMITS) == Why(Reason.UNSAFE, 0.41, 0.4, "ours:make")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"policy": "hide"}, "policy must be drop, drop_document or flag, got hide"),
        ({"scorer": "clipp"}, "scorer must be none, clip, nudenet or module:factory, got clipp"),
        ({"scorer": "module:"}, "scorer must be none"),
        ({"scorer": "clip", "safe_prompts": ()}, "needs unsafe_prompts and safe_prompts"),
    ],
)
def test_limits_that_mean_nothing_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        UnsafeLimits(**values)


def test_nothing_is_scored_by_default():
    assert not UnsafeLimits().scores
    assert UnsafeLimits(scorer="nudenet").scores


class Answers:
    def __init__(self, scores):
        self.scores = scores

    def score_images(self, images):
        return self.scores


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([0.1], "1 scores of 2 images"),
        ([0.1, 1.01], "a score must be from 0 to 1, got 1.01"),
        ([0.1, -0.5], "from 0 to 1, got -0.5"),
        ([0.1, float("nan")], "from 0 to 1, got nan"),
    ],
)
def test_a_scorer_is_held_to_its_word(scores, message):
    with pytest.raises(BadScorer, match=f"unsafe.scorer ours:make: .*{message}"):
        score_pictures(Answers(scores), [None, None], "ours:make")


def test_scores_of_any_number_type_come_out_as_floats():
    scores = score_pictures(Answers(np.array([0, 1], np.float16)), [None, None], "ours:make")
    assert scores == [0.0, 1.0]
    assert all(type(score) is float for score in scores)


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("ours_for_a_test")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def test_a_scorer_is_made_by_its_factory(module):
    module.make = lambda: Answers([0.5])
    assert make_scorer("ours_for_a_test:make").score_images([None]) == [0.5]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module_here:make", "No module named 'no_such_module_here'"),
        ("ours_for_a_test:other", "no attribute 'other'"),
        ("ours_for_a_test:number", "number is not a function"),
        ("ours_for_a_test:silent", "what silent makes has no score_images"),
    ],
)
def test_a_scorer_that_cannot_be_had_is_told(module, name, message):
    module.number, module.silent = 1, object
    with pytest.raises(BadScorer, match=f"unsafe.scorer {name}: .*{message}"):
        make_scorer(name)


def test_zero_shot_is_the_share_of_the_unsafe_prompts():
    prompts = np.eye(4, dtype=np.float32)
    rows = np.stack([prompts[0], prompts[3], prompts.mean(axis=0) * 2])
    assert zero_shot(rows, prompts, 1) == pytest.approx([1, 0, 0.25])
    near = (prompts[0] * 0.71 + prompts[2] * 0.70) / np.hypot(0.71, 0.70)
    (score,) = zero_shot(near[None].astype(np.float32), prompts, 2)
    assert 0.7 < score < 0.75  # a hundredth in the cosine is e in the odds


def test_zero_shot_does_not_depend_on_the_company():
    draw = np.random.default_rng(0)
    rows = draw.standard_normal((40, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    together = zero_shot(rows, rows[:9], 3)
    assert together == [zero_shot(row[None], rows[:9], 3)[0] for row in rows]


def test_nudenet_reads_the_surest_exposed_part(monkeypatch):
    from pipeline.media.nudenet import NudeNetScorer

    seen = []

    class Detector:
        def detect(self, pixels):
            seen.append(pixels)
            if pixels[0, 0, 2] < 128:
                return [{"class": "FACE_FEMALE", "score": 0.9}]
            names = ("BUTTOCKS_EXPOSED", "FEMALE_BREAST_EXPOSED", "BELLY_EXPOSED")
            return [
                {"class": name, "score": score}
                for name, score in zip(names, (0.3, 0.7, 0.95), strict=True)
            ]

    images = [Image.new("RGB", (8, 6), colour) for colour in ((0, 255, 0), (255, 0, 0))]
    assert NudeNetScorer(Detector()).score_images(images) == [0.0, 0.7]
    assert seen[1].shape == (6, 8, 3)
    assert seen[1][0, 0].tolist() == [0, 0, 255]  # OpenCV has blue first


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "nudenet", None)
    with pytest.raises(
        BadScorer, match=r"unsafe.scorer nudenet: pip install 'open-m3w\[nudenet\]'"
    ):
        make_scorer("nudenet")


def test_the_extra_is_used_where_it_is_installed(monkeypatch):
    fake = types.ModuleType("nudenet")
    fake.NudeDetector = lambda: types.SimpleNamespace(
        detect=lambda _: [{"class": "ANUS_EXPOSED", "score": 1.0000001}]
    )
    monkeypatch.setitem(sys.modules, "nudenet", fake)
    assert make_scorer("nudenet").score_images([Image.new("RGB", (9, 9))]) == [1.0]


def test_the_real_nudenet_answers_for_any_picture():
    pytest.importorskip("nudenet")
    scorer = make_scorer("nudenet")
    draw = np.random.default_rng(3)
    noise = draw.integers(0, 256, (240, 320, 3), np.uint8)
    images = [
        Image.fromarray(noise),
        Image.new("RGB", (64, 64), (200, 160, 140)),
        Image.new("L", (70, 200), 90),
    ]
    scores = score_pictures(scorer, images, "nudenet")
    assert len(scores) == 3
    assert scores[1:] == [0.0, 0.0]
    assert scores == score_pictures(scorer, images, "nudenet")
