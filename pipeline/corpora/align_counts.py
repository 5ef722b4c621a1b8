"""ALIGN's rules that count over the whole corpus, in a memory that the corpus does not set.

Groups are streamed, never held; of the tokens' counts a worker holds how many tokens there are of
each count, and no token. Whether a token is frequent follows from its count alone, so that tokens
as frequent as the K-th are frequent too: no order of the input decides between equals.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from pipeline.filters.pairs import (
    AlignLimits,
    align_tokens,
    judge_align_counts,
    judge_align_tokens,
)
from pipeline.filters.token_sketch import (
    TokenSketch,
    block_count,
    fill_block,
    place_of,
    sketch_error,
)
from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.records import Pair

ALIGN = Subject("align", "pair", lambda pair: pair.key, lambda pair: pair.url)
POOL = "pool"
"""Tag of the output that holds the TokenPool."""


@dataclass(frozen=True, slots=True)
class TokenPool:
    """The unigrams and bigrams of a pool of alt texts, and which of them are frequent.

    Attributes:
        tokens: all of them, each as often as it occurs.
        different: tokens.
        least_count: a token with at least this many occurrences is frequent; 0 or 1: all are.
        frequent: different tokens that are: at most the recipe's number, but for ties.
        error: the chance that a rare token passes for a frequent one; 0 where nothing is sketched.
    """

    tokens: int
    different: int
    least_count: int
    frequent: int
    error: float = 0.0


def token_pool_of(sizes: Mapping[int, int], limits: AlignLimits) -> TokenPool:
    """The pool by its numbers of tokens with each count."""
    tokens = sum(count * size for count, size in sizes.items())
    least = frequent = 0
    for count in sorted(sizes, reverse=True):
        if frequent >= limits.frequent_tokens:
            break
        least, frequent = count, frequent + sizes[count]
    sketched = 0 < limits.sketch_above < frequent and least > 1
    error = sketch_error(limits.sketch_bits) if sketched else 0.0
    return TokenPool(tokens, sum(sizes.values()), least, frequent, error)


@dataclass(eq=False)
class CountAlign(beam.PTransform):
    """ALIGN's rules that count over the corpus; outputs `pairs`, `pool`, decisions of the rejected.

    An image with more than 1,000 alt texts is out, a text shared by more than 10 images is out,
    and so is a text with a unigram or bigram outside the corpus's most frequent (section 3).
    """

    limits: AlignLimits

    def expand(self, pairs: beam.PCollection) -> Any:
        """Counts of tokens; then pairs grouped by image, and by text beside its rare tokens."""
        limits = self.limits
        counts = (
            pairs
            | "Tokens" >> beam.FlatMap(lambda pair: align_tokens(pair.text))
            | "CountTokens" >> beam.combiners.Count.PerElement()
        )
        pool = (
            counts
            | "Occurrences" >> beam.Values()
            | "CountCounts" >> beam.combiners.Count.PerElement()
            | "Sizes" >> beam.combiners.ToDict()
            | "TokenPool" >> beam.Map(token_pool_of, limits)
        )
        counted = (
            pairs
            | "ByImage" >> beam.Map(lambda pair: (pair.media.key, pair))
            | "GroupImages" >> beam.GroupByKey()
            | "AltTexts" >> beam.FlatMapTuple(count_group)
            | "ByText" >> beam.Map(lambda counted: (counted[0].text, counted))
        )
        blocks = counts | "Sketch" >> _Sketch(pool, limits.sketch_bits)
        rare = {"pairs": pairs, "counts": counts} | "RareTokens" >> _RareTokens(pool)
        judged = (
            (counted, rare)
            | "TextsAndTokens" >> beam.Flatten()
            | "GroupTexts" >> beam.GroupByKey()
            | "JudgeTexts"
            >> beam.FlatMap(
                judge_text, beam.pvalue.AsSingleton(pool), beam.pvalue.AsDict(blocks), limits
            ).with_outputs(DECISIONS, main="pairs")
        )
        return {"pairs": judged.pairs, DECISIONS: judged[DECISIONS], POOL: pool}


@dataclass(eq=False)
class _Sketch(beam.PTransform):
    """(number, Bloom filter) of the blocks that hold the frequent tokens; none where all is exact.

    What is shuffled are 16 bytes a frequent token; what every worker holds is the recipe's bits.
    """

    pool: Any
    bits: int

    def expand(self, counts: beam.PCollection) -> Any:
        pool = beam.pvalue.AsSingleton(self.pool)
        return (
            counts
            | beam.FlatMap(to_sketch, pool)
            | beam.GroupByKey()
            | beam.MapTuple(lambda block, hashes: (block, fill_block(hashes, self.bits)))
        )


def to_sketch(counted: tuple[str, int], pool: TokenPool) -> Iterator[Any]:
    """The block and the hashes of a token that a sketch is to hold."""
    token, count = counted
    if pool.error and count >= pool.least_count:
        yield place_of(token, block_count(pool.frequent))


@dataclass(eq=False)
class _RareTokens(beam.PTransform):
    """(text, token) of the rare tokens of texts, by a join; none where a sketch answers instead.

    Nor where no token is rare: then the texts' tokens are not shuffled again.
    """

    pool: Any

    def expand(self, inputs: Any) -> Any:
        pool = beam.pvalue.AsSingleton(self.pool)
        texts = inputs["pairs"] | "Texts" >> beam.FlatMap(to_look_up, pool)
        rare = inputs["counts"] | "Rare" >> beam.FlatMap(rare_token, pool)
        return (
            (texts, rare) | beam.Flatten() | beam.GroupByKey() | beam.FlatMapTuple(texts_of_token)
        )


def to_look_up(pair: Pair, pool: TokenPool) -> Iterator[tuple[str, str | None]]:
    """(token, text) of a pair whose text may have a rare token."""
    if pool.least_count > 1 and not pool.error:
        for token in dict.fromkeys(align_tokens(pair.text)):
            yield token, pair.text


def rare_token(counted: tuple[str, int], pool: TokenPool) -> Iterator[tuple[str, str | None]]:
    """(token, None) of a rare token."""
    token, count = counted
    if count < pool.least_count and not pool.error:
        yield token, None


def texts_of_token(token: str, group: Iterable[str | None]) -> Iterator[tuple[str, str]]:
    """(text, token) of the texts that hold a token, if it is a rare one.

    Args:
        token: the token.
        group: the texts, and a None if it is rare; gone through twice, never held.
    """
    if any(text is None for text in group):
        for text in group:
            if text is not None:
                yield text, token


def count_group(key: str, group: Iterable[Any]) -> Iterator[tuple[Any, int]]:
    """Each member of a group with the group's size: pairs are unique by image and text.

    The group is gone through twice, never held: an image may have millions of alt texts.
    """
    del key
    size = sum(1 for _ in group)
    for member in group:
        yield member, size


def judge_text(
    of_text: tuple[str, Iterable[tuple[Pair, int] | str]],
    pool: TokenPool,
    blocks: Mapping[int, bytes],
    limits: AlignLimits,
) -> Iterator[Any]:
    """The pairs of a text, or their rejections; tagged.

    Args:
        of_text: the alt text, its pairs with the numbers of their images' alt texts, and its rare
            tokens; gone through twice, never held.
        pool: the tokens of all texts.
        blocks: of the sketch of the frequent ones, if there is one.
        limits: thresholds.
    """
    text, group = of_text
    images, rare = 0, set()
    for one in group:
        if isinstance(one, str):
            rare.add(one)
        else:
            images += 1
    sketch = TokenSketch(blocks, block_count(pool.frequent), limits.sketch_bits)
    of_tokens = judge_align_tokens(
        text, lambda token: token in sketch if pool.error else token not in rare, limits
    )
    for one in group:
        if isinstance(one, str):
            continue
        pair, alt_texts = one
        why = judge_align_counts(alt_texts, images, limits) or of_tokens
        if why is None:
            yield pair
        else:
            yield beam.pvalue.TaggedOutput(DECISIONS, ALIGN.rejected(pair, why))
