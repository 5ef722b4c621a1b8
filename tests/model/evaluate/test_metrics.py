import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.evaluate.metrics import METRICS, Outcome, metric_of
from schemas.benchmarks.items import Example, Media
from schemas.recipe import RecipeError


def score(name: str, *outcomes: Outcome) -> float:
    metric = METRICS[name]
    return metric.overall(np.array(metric.values(outcomes)))


def closed(right: str, *scores: float, relevance: tuple[float, ...] = ()) -> Outcome:
    candidates = ("yes", "no", "so")[: len(scores)]
    example = Example("1", (), (right,), candidates, relevance=relevance)
    return Outcome(example, candidates[scores.index(max(scores))], scores)


def test_accuracy_counts_right_candidates() -> None:
    assert score("accuracy", closed("yes", -1, -2), closed("yes", -3, -2)) == 0.5


def test_auc_ranks_examples_by_how_likely_their_class_is() -> None:
    outcomes = [closed("yes", -9, -9.5), closed("no", -1, -1.2), closed("no", -1, -0.1)]
    assert score("auc", *outcomes) == 1.0
    assert score("auc", *outcomes, closed("yes", -5, -4)) == 0.5


def test_ndcg_is_the_gain_over_the_best_gain() -> None:
    right = closed("yes", -1, -2, -3, relevance=(1, 0.5, 0))
    assert score("ndcg", right) == 1.0
    other = closed("yes", -3, -2, -1, relevance=(1, 0.5, 0))
    best = 1 + 0.5 / math.log2(3)
    assert score("ndcg", other) == pytest.approx((0.5 / math.log2(3)) / best)
    assert score("ndcg", closed("yes", -2, -1, relevance=(1, 0))) == 0.0


def test_free_answers_are_scored_by_text() -> None:
    example = Example("1", (), ("two dogs", "2 dogs", "2 dogs", "2 dogs", "dogs"))
    assert score("vqa", Outcome(example, "Two dogs.")) == pytest.approx(1.0)
    assert score("exact", Outcome(example, "The dogs"), Outcome(example, "dog")) == 0.5
    other = Example("2", (), ("a red circle on a line",))
    assert score(
        "cider", Outcome(example, "two dogs"), Outcome(other, "a red circle on a line")
    ) == pytest.approx(
        (METRICS["cider"].values([Outcome(example, "two dogs"), Outcome(other, "x")])[0][0] + 10)
        / 2
    )


@pytest.mark.parametrize(
    ("name", "example", "why"),
    [
        ("vqa", Example("1", (), ("a", "a", "a")), "answers must be at least 4, got 3"),
        ("auc", Example("1", (), ("a",), ("a", "b", "c")), "needs two candidates"),
        ("auc", Example("1", (), ("1",), ("a", "b")), "no answer is among the candidates: 1"),
        ("accuracy", Example("1", (), ("1",), ("a", "b")), "no answer is among the candidates: 1"),
        (
            "ndcg",
            Example("1", (), ("a",), ("a", "b"), relevance=(1,)),
            "needs a relevance for each",
        ),
        ("ndcg", Example("1", (), ("a",), ("a",), relevance=(0,)), "needs a relevance above 0"),
        ("mwap", Example("1", (), ("a",), ("a",), kind="9:x:y"), "kind must be like 1:cut:laptop"),
        ("mwap", Example("1", (), ("b",), ("a",), kind="1:x:y"), "no answer is among"),
    ],
)
def test_examples_that_cannot_be_scored_are_told(name: str, example: Example, why: str) -> None:
    assert METRICS[name].fault(example).startswith(why)


def test_examples_that_can_be_scored_have_no_fault() -> None:
    good = Example("1", (), ("a",) * 4, ("a", "b"), relevance=(1, 0))
    good = replace(good, kind="1:cut:laptop")
    assert [metric.fault(good) for metric in METRICS.values()] == [None] * len(METRICS)


def test_ivqa_is_right_when_two_of_five_said_so() -> None:
    example = Example("1", (), ("bread", "Bread.", "toast", "a loaf", "cake"))
    assert [score("ivqa", Outcome(example, said)) for said in ("the bread", "loaf", "soup")] == [
        1.0,
        0.5,
        0.0,
    ]


def test_wups_needs_a_wordnet(animals: Path) -> None:
    example = Example("1", (), ("a dog",), kind="CH")
    metric = metric_of("wups", animals)
    assert metric.values([Outcome(example, "cat")]) == [[pytest.approx(2 / 3)]]
    assert metric_of("cider") is METRICS["cider"]
    with pytest.raises(RecipeError, match="--metric wups: needs --wordnet"):
        metric_of("wups")
    with pytest.raises(RecipeError, match="without --wordnet"):
        METRICS["wups"].values([Outcome(example, "cat")])


def test_rareact_ranks_clips_by_action() -> None:
    actions = ("a person cut bread", "a person cut laptop")

    def clip(video: str, number: int, kind: str, *scores: float) -> Outcome:
        media = (Media(Path(f"{video}.mp4"), True, 0.0, 1.0),)
        example = Example(video, media, (actions[number],), actions, kind=kind)
        return Outcome(example, actions[0], scores)

    right = [
        clip("a", 0, "1:cut:bread", -1, -4),
        clip("b", 1, "1:cut:laptop", -3, -2),
        clip("c", 1, "0:cut:laptop", -1, -9),
    ]
    assert score("mwap", *right) == 1.0
    # Now another action's clip is likelier to be cut bread than the one that is.
    wrong = [clip("a", 0, "1:cut:bread", -5, -4), *right[1:]]
    assert score("mwap", *wrong) == pytest.approx((1 / 2 + 1) / 2)
    assert METRICS["mwap"].values(right)[1][0] == -2
