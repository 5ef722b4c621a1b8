"""An evaluation: each query with its shots, answered, and the scores by number of shots."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model.evaluate.intervals import Values, interval_of
from model.evaluate.metrics import Metric, Outcome, metric_of
from model.evaluate.prefix import read_prefix
from model.evaluate.prompts import TEXT_SHOTS, Prompt, Writer
from model.evaluate.scoring import score_candidates
from model.evaluate.search import say_best
from model.evaluate.shots import draw_shots, orders_of, similar_shots
from model.evaluate.sight import Sight
from model.evaluate.subject import Subject
from model.evaluate.tasks import Task
from schemas.benchmarks.items import Example
from schemas.recipe import RecipeError

SCORES_KEPT = 100
"""Candidates of an example whose scores are written: a thousand classes would fill the disk."""

ANSWERS_KEPT = 1 << 16
"""Candidates whose tokens are kept: a thousand classes come back with every query."""

Features = npt.NDArray[np.float32]
"""Of each support example, as `Sight.features` makes them."""

Tell = Callable[[int, int, int], None]
"""Told the shots, the queries answered with so many, and the queries."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is asked.

    Attributes:
        shots: how many answered examples stand before a query; a score for each.
        rices: whether they are those most like the query, or drawn.
        permutations: orders of the shots whose log-likelihoods are averaged, close-ended.
        beams: hypotheses of the search, open-ended; one is greedy.
        max_tokens: of an answer, open-ended.
        metric: by which the set is scored.
        seed: of all that is drawn.
        wordnet: the folder of WordNet's database, for WUPS.
    """

    shots: tuple[int, ...]
    rices: bool
    permutations: int
    beams: int
    max_tokens: int
    metric: str
    seed: int
    wordnet: Path | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A query ready to be answered.

    Attributes:
        query: the example.
        shots: numbers of the support examples that are shown, in order.
        prompts: with the shots in one order or several.
    """

    query: Example
    shots: tuple[int, ...]
    prompts: tuple[Prompt, ...]


class FewShot:
    """A model, a task, and the examples to show.

    Args:
        subject: the model.
        task: what is asked.
        support: examples that may be shown.
        settings: how it is asked.
    """

    def __init__(
        self, subject: Subject, task: Task, support: Sequence[Example], settings: Settings
    ) -> None:
        self.subject = subject
        self.task = task
        self.support = support
        self.settings = settings
        self.sight = Sight(subject, settings.seed)
        self.writer = Writer(task, subject.encode, subject.words)
        self._answer = lru_cache(ANSWERS_KEPT)(self.writer.answer)

    def run(self, queries: Sequence[Example], tell: Tell) -> dict[str, Any]:
        """Scores by shots, and every prediction, as plain values.

        Raises:
            RecipeError: there are too few examples to show, or too many for the language model.
            SetError: an image cannot be decoded.
        """
        metric = metric_of(self.settings.metric, self.settings.wordnet)
        self._check_support(queries)
        features = None
        if self.settings.rices and max(self.settings.shots):
            features = np.stack([self.sight.features(one.media) for one in self.support])
        asked = {
            shots: [self._ask(query, shots, features) for query in queries]
            for shots in self.settings.shots
        }
        for shots, several in asked.items():
            self._check_lengths(shots, several)
        results, predictions = [], []
        for shots, several in asked.items():
            outcomes = [*self._outcomes(several, shots, tell)]
            values = np.array(metric.values(outcomes))
            results.append(self._result(shots, metric, values))
            predictions += [
                _prediction(one, shots, outcome, value)
                for one, outcome, value in zip(
                    several, outcomes, values[:, 0].tolist(), strict=True
                )
            ]
        return {"results": results, "predictions": predictions}

    def _check_support(self, queries: Sequence[Example]) -> None:
        """Raises RecipeError where some query could not be shown enough."""
        needed = max(self.settings.shots)
        if min(self.settings.shots) == 0 and not self.task.is_closed:
            needed = max(needed, TEXT_SHOTS)
        fewest = min(len(self._allowed(query)) for query in queries)
        if fewest < needed:
            raise RecipeError(
                f"--support: {needed} examples needed, {fewest} there that are not the query"
            )

    def _allowed(self, query: Example) -> list[int]:
        """Numbers of the support examples that show no file of the query's, nor a part of one."""
        own = {media.path for media in query.media}
        return [
            n
            for n, shot in enumerate(self.support)
            if own.isdisjoint(media.path for media in shot.media)
        ]

    def _ask(self, query: Example, shots: int, features: Features | None) -> Asked:
        settings = self.settings
        allowed = self._allowed(query)
        if shots == 0:
            count = 0 if self.task.is_closed else TEXT_SHOTS
            chosen = draw_shots(allowed, count, settings.seed, query.id)
            told = [self.support[n] for n in chosen]
            return Asked(query, tuple(chosen), (self.writer.prompt(told, query, with_media=False),))
        if features is not None:
            chosen = similar_shots(self.sight.features(query.media), features, allowed, shots)
        else:
            chosen = draw_shots(allowed, shots, settings.seed, query.id)
        orders = orders_of(chosen, settings.permutations, settings.seed, query.id)
        prompts = (self.writer.prompt([self.support[n] for n in one], query) for one in orders)
        return Asked(query, tuple(chosen), tuple(prompts))

    def _check_lengths(self, shots: int, asked: Sequence[Asked]) -> None:
        """Raises RecipeError where a prompt and its answer are more than the model takes."""
        longest = self.subject.longest
        if longest is None:
            return
        for one in asked:
            answer = self.settings.max_tokens
            if self.task.is_closed:
                answer = max(len(self._answer(text)) for text in one.query.candidates)
            length = max(len(prompt.tokens) for prompt in one.prompts) + answer
            if length > longest:
                raise RecipeError(
                    f"--shots {shots}: example {one.query.id} has {length} tokens with its answer, "
                    f"the language model takes {longest}"
                )

    def _outcomes(self, asked: Sequence[Asked], shots: int, tell: Tell) -> Iterator[Outcome]:
        for done, one in enumerate(asked, 1):
            yield self._choose(one) if self.task.is_closed else self._say(one)
            tell(shots, done, len(asked))

    def _say(self, asked: Asked) -> Outcome:
        """What the model says of itself."""
        settings, subject = self.settings, self.subject
        (prompt,) = asked.prompts
        latents_IRD = self.sight.latents(prompt.media)
        prefix = read_prefix(subject.model, prompt.tokens, latents_IRD, subject.words)
        said = say_best(subject.model, prefix, subject.words, settings.beams, settings.max_tokens)
        return Outcome(asked.query, subject.decode(said.tokens))

    def _choose(self, asked: Asked) -> Outcome:
        """The likeliest candidate, by the mean over the orders of the shots."""
        subject = self.subject
        candidates = [self._answer(text) for text in asked.query.candidates]
        scores = []
        for prompt in asked.prompts:
            latents_IRD = self.sight.latents(prompt.media)
            prefix = read_prefix(subject.model, prompt.tokens, latents_IRD, subject.words)
            scores.append(score_candidates(subject.model, prefix, candidates))
        means = tuple(math.fsum(several) / len(scores) for several in zip(*scores, strict=True))
        best = means.index(max(means))
        return Outcome(asked.query, asked.query.candidates[best], means)

    def _result(self, shots: int, metric: Metric, values: Values) -> dict[str, Any]:
        low, high = interval_of(values, metric.overall, self.settings.seed)
        return {
            "shots": shots,
            "examples": len(values),
            "score": _percent(metric.overall(values)),
            "interval": [_percent(low), _percent(high)],
        }


def _percent(value: float) -> float | None:
    """A hundred times a value; None where it is not defined."""
    return None if math.isnan(value) else 100 * value


def _prediction(asked: Asked, shots: int, outcome: Outcome, value: float) -> dict[str, Any]:
    """One answer as plain values, with the scores of the likeliest candidates."""
    ranked = sorted(zip(outcome.scores, outcome.example.candidates, strict=False), reverse=True)
    scored = {candidate: score for score, candidate in ranked[:SCORES_KEPT]}
    return {
        "id": asked.query.id,
        "shots": shots,
        "shown": list(asked.shots),
        "said": outcome.said,
        "value": value,
        **({"scores": scored} if scored else {}),
    }
