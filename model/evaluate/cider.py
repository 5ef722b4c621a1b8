"""CIDEr-D: how much a caption says of what people agree on (Vedantam et al., arXiv 1411.5726).

The numbers are those of coco-caption's scorer, its document frequencies taken from the references
of the set that is scored. Two of its ways are not the paper's and are kept, since all published
figures have them: a caption's length is counted in bigrams, and a score goes to ten.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 4
"""n-grams of 1 to so many words."""

SIGMA = 6.0
"""Of the Gaussian that punishes a difference in length, in bigrams."""

SCALE = 10.0

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A caption's n-grams by their length, each with its weight, and how long the caption is."""

    grams: tuple[dict[Gram, float], ...]
    norms: tuple[float, ...]
    bigrams: int


def cider_scores(
    captions: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]
) -> list[float]:
    """The score of each caption, 0 to 10; tables print a hundred times the mean.

    Args:
        captions: the words of one caption an image, as `ptb.words_of` makes them.
        references: of each image the words of what people said.
    """
    seen_in = Counter(
        gram for several in references for gram in {g for one in several for g in _grams(one)}
    )
    rarest = math.log(len(references)) if references else 0.0
    idf = {gram: rarest - math.log(images) for gram, images in seen_in.items()}
    return [
        _score(_weigh(caption, idf, rarest), [_weigh(one, idf, rarest) for one in several])
        for caption, several in zip(captions, references, strict=True)
    ]


def _grams(words: Sequence[str]) -> list[Gram]:
    return [
        tuple(words[start : start + n])
        for n in range(1, LONGEST + 1)
        for start in range(len(words) - n + 1)
    ]


def _weigh(words: Sequence[str], idf: dict[Gram, float], rarest: float) -> _Weighed:
    grams: tuple[dict[Gram, float], ...] = tuple({} for _ in range(LONGEST))
    for gram, times in Counter(_grams(words)).items():
        grams[len(gram) - 1][gram] = times * idf.get(gram, rarest)
    norms = tuple(math.sqrt(sum(weight**2 for weight in some.values())) for some in grams)
    return _Weighed(grams, norms, max(0, len(words) - 1))


def _score(said: _Weighed, references: Sequence[_Weighed]) -> float:
    total = sum(_likeness(said, reference) for reference in references)
    return SCALE * total / LONGEST / len(references)


def _likeness(said: _Weighed, reference: _Weighed) -> float:
    """The cosines of the four lengths together, what is said too often cut to the reference."""
    cosines = 0.0
    for ours, theirs, norm, other in zip(
        said.grams, reference.grams, said.norms, reference.norms, strict=True
    ):
        if norm and other:
            shared = ours.keys() & theirs.keys()
            product = math.fsum(min(ours[g], theirs[g]) * theirs[g] for g in shared)
            cosines += product / (norm * other)
    apart = said.bigrams - reference.bigrams
    return cosines * math.exp(-(apart**2) / (2 * SIGMA**2))
