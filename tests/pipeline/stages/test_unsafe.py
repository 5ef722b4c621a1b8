"""Scores of media and what is decided on them."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.media.unsafe import UnsafeLimits
from pipeline.stages.media_out import TAKEN_OUT
from pipeline.stages.unsafe import UNSAFE, judged_media, score_row
from pipeline.stages.verdicts import DECISIONS
from schemas.records import Embedded, Found, Image, PackRef, TakenOut, UnsafeScore, Video
from schemas.rejection import Reason

REF = PackRef("a" * 64, "p.tar", 0, 9)
STILL = Found(("http://a/1", "http://b/1"), Image("1" * 64, REF, 9, 9, 9, 9, "0" * 16))
MOVING = Found(("http://a/2",), Video("2" * 64, REF, 9, 9, 2.0))


def judged(found, score, policy):
    limits = UnsafeLimits(scorer="m:f", max_score=0.5, policy=policy)
    return list(judged_media("k", {"found": [found], "scores": [score]}, limits))


@pytest.mark.parametrize(
    ("found", "policy", "tags"),
    [
        (STILL, "drop", [DECISIONS]),
        (STILL, "drop_document", [DECISIONS, TAKEN_OUT]),
        (STILL, "flag", [DECISIONS, "kept"]),
        (MOVING, "drop", [DECISIONS]),
        (MOVING, "drop_document", [DECISIONS]),
        (MOVING, "flag", [DECISIONS, "kept"]),
    ],
)
def test_the_policy_says_what_becomes_of_unsafe_media(found, policy, tags):
    made = judged(found, 0.75, policy)
    assert [getattr(one, "tag", "kept") for one in made] == tags
    decision = made[0].value
    assert (decision.kept, decision.reason) == (policy == "flag", "unsafe")
    assert (decision.value, decision.limit, decision.detail) == (0.75, 0.5, "m:f")
    assert decision.kind == ("image" if found is STILL else "video")
    taken = [one.value for one in made if getattr(one, "tag", "") == TAKEN_OUT]
    assert taken == [TakenOut(STILL.urls, Reason.UNSAFE, 0.75, 0.5)] * tags.count(TAKEN_OUT)


@pytest.mark.parametrize("policy", ["drop", "drop_document", "flag"])
def test_safe_media_stay_without_a_reason(policy):
    decision, kept = judged(STILL, 0.5, policy)
    assert decision.value == replace(UNSAFE.kept(STILL), value=0.5, limit=0.5)
    assert kept is STILL


def test_one_content_found_as_image_and_as_video_is_judged_by_the_worse_score():
    limits = UnsafeLimits(scorer="m:f", policy="drop")
    groups = {"found": [STILL, MOVING], "scores": [0.1, 0.9]}
    assert [one.value.kept for one in judged_media("k", groups, limits)] == [False, False]


def test_a_video_is_as_unsafe_as_its_worst_frame():
    prompts = np.eye(3, dtype=np.float32)
    frames = np.stack([prompts[2], prompts[2], prompts[0]])
    mean = (frames.mean(axis=0) / np.linalg.norm(frames.mean(axis=0))).astype(np.float32)
    still = score_row(Embedded("i", mean.tobytes()), prompts, 1)
    video = score_row(Embedded("v", mean.tobytes(), frames.tobytes()), prompts, 1)
    assert still == UnsafeScore("i", pytest.approx(0, abs=1e-6))
    assert video == UnsafeScore("v", pytest.approx(1))
