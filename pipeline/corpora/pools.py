"""What a build resolved on its pools of pairs and images: thresholds, and the pools' sizes."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Protocol

from pipeline.corpora.align_counts import TokenPool
from pipeline.corpora.m3w_order import OrderSums, order_figures
from pipeline.corpora.pairs import TOKENS
from pipeline.stages.run import Work
from pipeline.stages.score_pool import read_scores, threshold_of
from pipeline.stages.tables import read_rows

SCORES = "scores"
"""The table of a pool that counts its scores."""

ORDER = "order"
"""The table of M3W's that sums what its images have to do with one another and with the text."""

SEQUENCES_STAGE = "m3w_sequences"
"""The stage that scores M3W."""


class Shares(Protocol):
    """Which shares of the pools are kept: the recipe's `similarity`."""

    @property
    def keep(self) -> float:
        """Of pairs."""

    @property
    def keep_images(self) -> float:
        """Of M3W's images."""


def _pool_stage(corpus: str) -> str:
    """The stage that scores a corpus."""
    return SEQUENCES_STAGE if corpus == "m3w" else f"{corpus}_pairs"


def pool_threshold(work: Work, corpus: str, shares: Shares) -> float | None:
    """The score that the recipe's share of a corpus's pool reaches; None where all are kept.

    The pool of M3W is its images, each by its best sentence.
    """
    keep = shares.keep_images if corpus == "m3w" else shares.keep
    if keep >= 1 or _pool_stage(corpus) not in work.results:
        return None
    return threshold_of(read_scores(work.paths(_pool_stage(corpus), SCORES)), keep)


def thresholds_of(corpora: Iterable[str], shares: Shares, work: Work) -> dict[str, float]:
    """The resolved thresholds by corpus, of those that have one."""
    found = {corpus: pool_threshold(work, corpus, shares) for corpus in corpora}
    return {corpus: score for corpus, score in found.items() if score is not None}


def pools_of(corpora: Iterable[str], work: Work) -> dict[str, dict[str, float]]:
    """What was counted on the pools, by name, as the manifest has it."""
    pools: dict[str, dict[str, float]] = {}
    for corpus in corpora:
        if _pool_stage(corpus) not in work.results:
            continue
        size = sum(read_scores(work.paths(_pool_stage(corpus), SCORES)).values())
        if size:
            pools[corpus] = {"scored": size}
        for path in work.paths(_pool_stage(corpus), TOKENS):
            pools |= {f"{corpus}_tokens": asdict(pool) for pool in read_rows(path, TokenPool)}
        for path in work.paths(_pool_stage(corpus), ORDER):
            for sums in read_rows(path, OrderSums):
                pools |= {f"{corpus}_order": figures} if (figures := order_figures(sums)) else {}
    return pools
