"""Hosts as sources of descriptions: what is measured of each, and which are good enough."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from pipeline.filters.pairs import LtipLimits, align_unigrams
from schemas.rejection import Reason, Why

SCORE_UNIT = 2**24
"""A float16 is a whole number of these parts, so that sums of scores are exact in any order."""


@dataclass(frozen=True, slots=True)
class HostFigures:
    """What the pairs of a host are like; sums, so that parts of a host add up.

    Attributes:
        host: of the pages.
        pairs: of an image and a text.
        words: of all texts, each as often as it occurs.
        texts: that differ.
        types: words that differ, in lower case.
        scored: pairs with a CLIP score.
        score: the sum of the scores, in parts of 2**-24.
    """

    host: str
    pairs: int
    words: int
    texts: int
    types: int
    scored: int
    score: int

    @property
    def mean_words(self) -> float:
        """Words of a text in the mean."""
        return self.words / self.pairs

    @property
    def mean_score(self) -> float | None:
        """The mean CLIP score; None where nothing is scored."""
        return self.score / SCORE_UNIT / self.scored if self.scored else None

    @property
    def distinct(self) -> float:
        """Share of texts that differ: 1 where no two images have the same text."""
        return self.texts / self.pairs

    @property
    def type_token(self) -> float:
        """Share of words that differ; it falls with their number: compare hosts of a size."""
        return self.types / self.words if self.words else 0.0

    def summary(self) -> dict[str, object]:
        """The measures as one JSON object."""
        score = self.mean_score
        return {
            **{name: value for name, value in asdict(self).items() if name not in {"score"}},
            "mean_words": round(self.mean_words, 2),
            "mean_score": None if score is None else round(score, 4),
            "distinct": round(self.distinct, 4),
            "type_token": round(self.type_token, 4),
        }


@dataclass(slots=True)
class HostCount:
    """A host's pairs while they are counted in one process."""

    pairs: int = 0
    scored: int = 0
    score: int = 0
    texts: set[str] = field(default_factory=set)
    words: Counter[str] = field(default_factory=Counter)

    def add(self, text: str, score: float | None) -> None:
        """Counts one pair."""
        self.pairs += 1
        self.texts.add(text)
        self.words.update(align_unigrams(text))
        if score is not None:
            self.scored += 1
            self.score += score_parts(score)

    def figures(self, host: str) -> HostFigures:
        """What was counted."""
        counts = self.words.total(), len(self.texts), len(self.words)
        return HostFigures(host, self.pairs, *counts, self.scored, self.score)


def score_parts(score: float) -> int:
    """A float16 score in parts of 2**-24."""
    return round(score * SCORE_UNIT)


def host_of(url: str) -> str:
    """The host of a page, in lower case; "" where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def richest_first(hosts: Iterable[HostFigures]) -> list[HostFigures]:
    """Hosts by the words of a text in the mean, the longest first; the larger of equals."""
    return sorted(hosts, key=lambda one: (-one.mean_words, -one.pairs, one.host))


def judge_source(page_url: str, limits: LtipLimits) -> Why | None:
    """Why a page is none of the sources that the recipe lists; a host stands for those below it."""
    host = host_of(page_url)
    if not limits.hosts or any(f".{host}".endswith(f".{one.lower()}") for one in limits.hosts):
        return None
    return Why(Reason.SOURCE, host, detail="not listed")


def judge_host(figures: HostFigures, limits: LtipLimits) -> Why | None:
    """Why a host is no source of rich descriptions, by what was measured of it."""
    measured = (
        ("pairs", float(figures.pairs), limits.min_host_pairs),
        ("words", figures.mean_words, limits.min_host_words),
        ("score", figures.mean_score, limits.min_host_score),
        ("distinct", figures.distinct, limits.min_host_distinct),
    )
    for name, value, least in measured:
        if value is not None and least and value < least:
            return Why(Reason.SOURCE, round(value, 4), least, f"{name} of {figures.host}")
    return None
