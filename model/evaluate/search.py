"""Open-ended answers: beam search up to the first `<EOC>` (the paper's B.1.5 takes three beams)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.evaluate.prefix import Prefix
from model.flamingo import Flamingo
from model.windows import Vocabulary


@dataclass(frozen=True, slots=True)
class Said:
    """A hypothesis: its tokens without the one that ends it, and their log-likelihood with it."""

    score: float
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """What one step leaves: hypotheses that ended, those that live on, and their parents' rows."""

    ended: list[Said]
    live: list[Said]
    parents: list[int]


def say_best(
    model: Flamingo, prefix: Prefix, words: Vocabulary, beams: int = 3, max_tokens: int = 32
) -> Said:
    """The likeliest answer that a beam search finds; one beam is greedy.

    At each step the likeliest `beams` of all ways to go on are looked at. Those that end leave; the
    likeliest others live on. It is over when none of these can still win, for a score only falls,
    or at `max_tokens`, where hypotheses count as they are.

    Args:
        model: on its device.
        prefix: the prompt, read; it stays as it is.
        words: the ids that are not text: `<EOC>` ends an answer, and so does the end of text.
        beams: hypotheses that are followed.
        max_tokens: of an answer.
    """
    ends = {words.eoc, words.eos} - {None}
    branches, next_BV = prefix.branches, prefix.next_V[None]
    live, ended = [Said(0.0, ())], list[Said]()
    for length in range(max_tokens):
        step = _step(live, next_BV, ends, beams)
        ended, live = ended + step.ended, step.live
        if not live or max((one.score for one in ended), default=-torch.inf) >= live[0].score:
            break
        if length + 1 < max_tokens:
            fresh = torch.tensor([[one.tokens[-1]] for one in live], device=next_BV.device)
            after_BLV, branches = branches.chosen(step.parents).read(model, fresh)
            next_BV = after_BLV[:, -1]
    return max([*ended, *live], key=lambda one: one.score)


def _step(live: list[Said], next_BV: Tensor, ends: set[int | None], beams: int) -> _Step:
    """The likeliest ways to go on from some hypotheses."""
    before_B = torch.tensor([one.score for one in live], dtype=torch.float64)
    scores = (before_B[:, None] + next_BV.double().cpu()).flatten()
    enough = min(len(scores), beams + len(ends) * len(live))  # so many may end, and `beams` live
    best, places = scores.topk(enough)
    step = _Step([], [], [])
    for rank, (score, place) in enumerate(zip(best.tolist(), places.tolist(), strict=True)):
        parent, token = divmod(place, next_BV.shape[1])
        if token in ends:
            if rank < beams:
                step.ended.append(Said(score, live[parent].tokens))
        elif len(step.live) < beams:
            step.live.append(Said(score, (*live[parent].tokens, token)))
            step.parents.append(parent)
    return step
