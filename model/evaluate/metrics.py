"""How answers are scored, by the name that the command takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from model.evaluate.cider import cider_scores
from model.evaluate.intervals import Values, area_under_roc, mean_of
from model.evaluate.precision import mean_weighted_precision
from model.evaluate.ptb import words_of
from model.evaluate.vqa import FEWEST_ANSWERS, exact_match, same_answers, vqa_accuracy
from model.evaluate.wordnet import WordNet
from model.evaluate.wups import Wups
from schemas.benchmarks.items import Example
from schemas.recipe import RecipeError


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


def _ivqa(outcomes: Sequence[Outcome]) -> list[list[float]]:
    """Right when two of five people said so, half right when one did (arXiv 2012.00451, 6.1)."""
    return [[min(same_answers(one.said, one.example.answers) / 2, 1.0)] for one in outcomes]


def _needs_wordnet(outcomes: Sequence[Outcome]) -> list[list[float]]:
    raise RecipeError(f"--metric wups: {len(outcomes)} answers cannot be scored without --wordnet")


def _rareact(outcomes: Sequence[Outcome]) -> list[list[float]]:
    """The columns that `model.evaluate.precision` names, then the score of every action."""
    actions = sorted({action for one in outcomes for action in one.example.candidates})
    kinds = [one.example.kind.split(":") for one in outcomes]
    numbers = [
        {word: number for number, word in enumerate(sorted(set(words)))}
        for words in (
            [one.example.media[0].path.name for one in outcomes],
            [verb for _, verb, _ in kinds],
            [noun for _, _, noun in kinds],
        )
    ]
    videos, verbs, nouns = numbers
    rows = []
    for one, (seen, verb, noun) in zip(outcomes, kinds, strict=True):
        scores = dict(zip(one.example.candidates, one.scores, strict=True))
        action, video = one.example.answers[0], videos[one.example.media[0].path.name]
        about = (video, actions.index(action), int(seen), verbs[verb], nouns[noun])
        given = (scores.get(other, -np.inf) for other in actions)
        rows.append([scores[action], *map(float, about), *given])
    return rows


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


def _fault_of_rareact(example: Example) -> str | None:
    parts = example.kind.split(":")
    if len(parts) != 3 or parts[0] not in ("0", "1", "2", "3", "4"):
        return f"kind must be like 1:cut:laptop, got {example.kind!r}"
    return _fault_of_accuracy(example)


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
        "ivqa": Metric("iVQA accuracy", False, _ivqa, mean_of, _no_fault),
        "wups": Metric("WUPS", False, _needs_wordnet, mean_of, _no_fault),
        "accuracy": Metric("accuracy", True, _accuracy, mean_of, _fault_of_accuracy),
        "auc": Metric("ROC AUC", True, _class_scores, area_under_roc, _fault_of_auc),
        "ndcg": Metric("NDCG", True, _ndcg, mean_of, _fault_of_ndcg),
        "mwap": Metric("mWAP", True, _rareact, mean_weighted_precision, _fault_of_rareact),
    }
)
"""The metrics by name; WUPS is had by `metric_of`."""


def metric_of(name: str, wordnet: Path | None = None) -> Metric:
    """A metric ready to score.

    Args:
        name: of the metric.
        wordnet: the folder of WordNet's database, which WUPS asks.

    Raises:
        RecipeError: WUPS is asked for, and there is no WordNet.
    """
    metric = METRICS[name]
    if name != "wups":
        return metric
    if wordnet is None:
        raise RecipeError("--metric wups: needs --wordnet, a folder with WordNet's index.noun")
    wups = Wups(WordNet.load(wordnet))

    def values(outcomes: Sequence[Outcome]) -> list[list[float]]:
        return [[wups.score(one.said, one.example.answers, one.example.kind)] for one in outcomes]

    return replace(metric, values=values)
