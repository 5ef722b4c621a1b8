"""What a build resolved on its pools of pairs: thresholds by score, and the pools' sizes."""

from collections.abc import Iterable

from pipeline.stages.run import Work
from pipeline.stages.score_pool import read_scores, threshold_of

SCORES = "scores"
"""The table of a pair corpus that counts its scores."""


def pool_threshold(work: Work, corpus: str, keep: float) -> float | None:
    """The score that the recipe's share of a pool of pairs reaches; None where all are kept."""
    if keep >= 1:
        return None
    return threshold_of(read_scores(work.paths(f"{corpus}_pairs", SCORES)), keep)


def thresholds_of(corpora: Iterable[str], keep: float, work: Work) -> dict[str, float]:
    """The resolved thresholds by corpus, of those that have one."""
    found = {corpus: pool_threshold(work, corpus, keep) for corpus in corpora}
    return {corpus: score for corpus, score in found.items() if score is not None}


def pools_of(corpora: Iterable[str], work: Work) -> dict[str, dict[str, float]]:
    """The numbers of scored pairs by corpus, of those that have any."""
    sizes = {c: sum(read_scores(work.paths(f"{c}_pairs", SCORES)).values()) for c in corpora}
    return {corpus: {"scored": size} for corpus, size in sizes.items() if size}
