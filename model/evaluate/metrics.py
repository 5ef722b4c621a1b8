"""How answers are scored, by the name that the command takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from model.evaluate.cider import cider_scores
from model.evaluate.intervals import Values, area_under_roc, mean_of
from model.evaluate.ptb import words_of
from model.evaluate.vqa import FEWEST_ANSWERS, exact_match, vqa_accuracy
from schemas.benchmarks.items import Example


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model made of an example.

    Attributes:
        example: it.
        said: the answer.
        scores: of each candidate; empty where anything could be said.
    """

    example: Example
    said: str
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """A score of a whole set.

    Attributes:
        title: as tables call it.
        is_closed: whether it scores candidates.
        values: one row an example.
        overall: the score of these rows, 1 being what tables print as 100.
        fault: why an example cannot be scored by it, or None.
    """

    title: str
    is_closed: bool
    values: Callable[[Sequence[Outcome]], list[list[float]]]
    overall: Callable[[Values], float]
    fault: Callable[[Example], str | None]


def _cider(outcomes: Sequence[Outcome]) -> list[list[float]]:
    said = [words_of(outcome.said) for outcome in outcomes]
    given = [[words_of(text) for text in outcome.example.answers] for outcome in outcomes]
    return [[score] for score in cider_scores(said, given)]


def _vqa(outcomes: Sequence[Outcome]) -> list[list[float]]:
    return [[vqa_accuracy(one.said, one.example.answers)] for one in outcomes]


def _exact(outcomes: Sequence[Outcome]) -> list[list[float]]:
    return [[exact_match(one.said, one.example.answers)] for one in outcomes]


def _accuracy(outcomes: Sequence[Outcome]) -> list[list[float]]:
    return [[float(one.said in one.example.answers)] for one in outcomes]


def _class_scores(outcomes: Sequence[Outcome]) -> list[list[float]]:
    """How much likelier the first candidate is than the second, and whether it is right."""
    return [
        [one.scores[0] - one.scores[1], float(one.example.candidates[0] in one.example.answers)]
        for one in outcomes
    ]


def _ndcg(outcomes: Sequence[Outcome]) -> list[list[float]]:
    """Visual Dialog's: the gain of as many candidates as are relevant, over the best gain."""
    found = []
    for one in outcomes:
        relevance = np.array(one.example.relevance)
        count = int(np.count_nonzero(relevance))
        discounts = np.log2(np.arange(count) + 2.0)
        ranked = relevance[np.argsort(-np.array(one.scores), kind="stable")][:count]
        ideal = np.sort(relevance)[::-1][:count]
        found.append([float((ranked / discounts).sum() / (ideal / discounts).sum())])
    return found


def _no_fault(_: Example) -> None:
    return None


def _fault_of_vqa(example: Example) -> str | None:
    given = len(example.answers)
    return (
        None
        if given >= FEWEST_ANSWERS
        else f"answers must be at least {FEWEST_ANSWERS}, got {given}"
    )


def _fault_of_accuracy(example: Example) -> str | None:
    if set(example.answers) & set(example.candidates):
        return None
    return f"no answer is among the candidates: {example.answers[0]}"


def _fault_of_auc(example: Example) -> str | None:
    count = len(example.candidates)
    return (
        _fault_of_accuracy(example)
        if count == 2
        else f"needs two candidates, the class first, got {count}"
    )


def _fault_of_ndcg(example: Example) -> str | None:
    if len(example.relevance) != len(example.candidates):
        return f"needs a relevance for each of {len(example.candidates)} candidates"
    return None if max(example.relevance) > 0 else "needs a relevance above 0"


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "cider": Metric("CIDEr", False, _cider, mean_of, _no_fault),
        "vqa": Metric("VQA accuracy", False, _vqa, mean_of, _fault_of_vqa),
        "exact": Metric("exact match", False, _exact, mean_of, _no_fault),
        "accuracy": Metric("accuracy", True, _accuracy, mean_of, _fault_of_accuracy),
        "auc": Metric("ROC AUC", True, _class_scores, area_under_roc, _fault_of_auc),
        "ndcg": Metric("NDCG", True, _ndcg, mean_of, _fault_of_ndcg),
    }
)
"""The metrics by name."""
