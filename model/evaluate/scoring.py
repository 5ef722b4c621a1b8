"""Close-ended answers: the log-likelihood of each candidate after a prompt (the paper's B.1.5)."""

from collections.abc import Sequence

import torch

from model.evaluate.prefix import Prefix
from model.flamingo import Flamingo

AT_ONCE = 16
"""Candidates that go through the model together: bounds the copies of the prompt's cache."""


def score_candidates(
    model: Flamingo, prefix: Prefix, candidates: Sequence[Sequence[int]]
) -> list[float]:
    """The log-likelihood of each candidate's tokens, whatever the others and their order.

    Args:
        model: on its device.
        prefix: the prompt, read; it stays as it is.
        candidates: ids of each, `<EOC>` at the end: of "cat" and "cat on a mat" the first is then
            no part of the second.
    """
    distinct = sorted({tuple(one) for one in candidates}, key=lambda one: (len(one), one))
    scores: dict[tuple[int, ...], float] = {}
    for start in range(0, len(distinct), AT_ONCE):
        some = distinct[start : start + AT_ONCE]
        scores.update(zip(some, _score_together(model, prefix, some), strict=True))
    return [scores[tuple(one)] for one in candidates]


def _score_together(
    model: Flamingo, prefix: Prefix, candidates: Sequence[tuple[int, ...]]
) -> list[float]:
    """Scores of candidates in one pass, the shorter ones padded on the right."""
    device = prefix.next_V.device
    longest = max(len(one) for one in candidates)
    padded_BL = torch.tensor([[*one, *one[-1:] * (longest - len(one))] for one in candidates])
    padded_BL = padded_BL.to(device)
    scores_BL = prefix.next_V[padded_BL[:, :1]].double()
    if longest > 1:
        copies = prefix.branches.chosen([0] * len(candidates))
        after_BLV, _ = copies.read(model, padded_BL[:, :-1])
        rest_BL = after_BLV.gather(2, padded_BL[:, 1:, None])[..., 0].double()
        scores_BL = torch.cat([scores_BL, rest_BL], dim=1)
    lengths = torch.tensor([len(one) for one in candidates], device=device)
    counts_BL = torch.arange(longest, device=device) < lengths[:, None]
    return scores_BL.where(counts_BL, 0.0).sum(1).tolist()
