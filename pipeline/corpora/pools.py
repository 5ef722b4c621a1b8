"""What a build resolved on its pools of pairs: thresholds by score, and the pools' sizes."""

from collections.abc import Iterable
from dataclasses import asdict

from pipeline.corpora.align_counts import TokenPool
from pipeline.corpora.pairs import TOKENS
from pipeline.stages.run import Work
from pipeline.stages.score_pool import read_scores, threshold_of
from pipeline.stages.tables import read_rows

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
    """What was counted on the pools: `scored` pairs by corpus, and of `align_tokens` the pool."""
    pools: dict[str, dict[str, float]] = {}
    for corpus in corpora:
        size = sum(read_scores(work.paths(f"{corpus}_pairs", SCORES)).values())
        if size:
            pools[corpus] = {"scored": size}
        for path in work.paths(f"{corpus}_pairs", TOKENS):
            pools |= {f"{corpus}_tokens": asdict(pool) for pool in read_rows(path, TokenPool)}
    return pools
