"""Texts of evaluation sets, and how much of one a document holds: containment of word n-grams.

Jaccard cannot see a question of 30 words in a page of 2,500; the share of the question's own
n-grams that stand in the page can. An n-gram is 13 words, as in GPT-3's test of contamination
(arXiv 2005.14165, appendix C) and Gopher's (2112.11446, A.1.1); a text of 8 to 13 words is one
n-gram, by GPT-3's rule that n is at least 8, and where it has 9 or more it is found as well with
any one word missing, by all the others in a row; what is shorter than 8 says nothing ("what is the
man doing?") and is counted, not held. Words are those of `dedup.minhash`: lower case, punctuation
ignored.

The section of an index file that holds texts is a line of magic, a line of JSON with its sha256,
then hashes, their owners, the sizes of the texts and, compressed, their names.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dedup.index import UnusableIndex
from dedup.minhash import Shingles, ngram_hashes, shingle, word_count, words_of
from schemas.keys import sha256_hex
from schemas.recipe import bounded

MAGIC = b"open-m3w evaluation texts 2"

NGRAM = 13
"""Words of an n-gram."""

FEWEST_WORDS = 8
"""Words of the shortest text that is held."""

WIDTHS = range(FEWEST_WORDS, NGRAM + 1)

_SCREEN_BITS = 24  # of a hash: 16 MB, of which four million n-grams fill a fifth
_SCREENED = np.uint64(64 - _SCREEN_BITS)


@dataclass(frozen=True, slots=True)
class EvaluationTextLimits:
    """When a text of a corpus holds one of an evaluation set's, and what is done then.

    13-grams of words, a text of 8 to 13 words as one n-gram (GPT-3, arXiv 2005.14165, appendix C),
    of 9 or more also less one word; shorter ones are not held. The share is ours.

    Attributes:
        containment: the least share of an evaluation text's n-grams that makes a text its copy.
        policy: drop takes out the document or pair; flag keeps it, with the match in its decision.
    """

    containment: float = bounded(0.5, at_least=0.01, at_most=1)
    policy: str = "drop"

    def __post_init__(self) -> None:
        if self.policy not in ("drop", "flag"):
            raise ValueError(f"policy must be drop or flag, got {self.policy}")


@dataclass(frozen=True, slots=True)
class EvaluationText:
    """One text of an evaluation set.

    Attributes:
        eval_set: name of the set.
        eval_id: the id of the example that it belongs to.
        text: it.
    """

    eval_set: str
    eval_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TextMatch:
    """An evaluation text that a text holds.

    Attributes:
        eval_set: name of the set.
        eval_id: id in the set.
        containment: the share of its n-grams that were found, 0 to 1.
    """

    eval_set: str
    eval_id: str
    containment: float


@dataclass(frozen=True)
class TextIndex:
    """Evaluation texts, searchable.

    Attributes:
        names: the set and id of each text.
        sizes: the number of n-grams of each, [T]; one of a text that is itself an n-gram.
        hashes: of all n-grams, rising, [H]; of those texts also less a word.
        owners: the text of each n-gram, [H].
        short: texts with too few words, by set.
    """

    names: tuple[tuple[str, str], ...]
    sizes: NDArray[np.uint32]
    hashes: Shingles
    owners: NDArray[np.uint32]
    short: dict[str, int] = field(default_factory=dict)

    @classmethod
    def build(cls, texts: Iterable[EvaluationText]) -> Self:
        """An index of some texts; the same text counts once, under its first set and id."""
        first: dict[bytes, tuple[tuple[str, str], Shingles, int]] = {}
        short: Counter[str] = Counter()
        for one in texts:
            hashes, ngrams = _ngrams_of(one.text)
            if ngrams == 0:
                short[one.eval_set] += 1
                continue
            content, name = hashes.tobytes(), (one.eval_set, one.eval_id)
            if content not in first or name < first[content][0]:
                first[content] = name, hashes, ngrams
        ordered = sorted(first.values(), key=lambda one: (one[0], one[1].tobytes()))
        held = [(name, hashes) for name, hashes, _ in ordered]
        sizes = np.array([ngrams for _, _, ngrams in ordered], dtype=np.uint32)
        counts = [len(hashes) for _, hashes in held]
        owners = np.repeat(np.arange(len(held), dtype=np.uint32), counts)
        parts = [np.zeros(0, dtype=np.uint64), *(hashes for _, hashes in held)]
        every = np.concatenate(parts)
        order = np.lexsort((owners, every))
        names = tuple(name for name, _ in held)
        return cls(names, sizes, every[order], owners[order], dict(sorted(short.items())))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sets(self) -> dict[str, int]:
        """The number of texts by set."""
        return dict(sorted(Counter(name for name, _ in self.names).items()))

    def match(self, text: str, least: float) -> TextMatch | None:
        """The evaluation text that a text holds most of, the first by name of equals, or None.

        Args:
            text: of a document or pair.
            least: the share of n-grams that counts as a match.
        """
        found = self._found(text)
        if len(found) == 0:
            return None
        texts, counts = np.unique(found, return_counts=True)
        shares = np.minimum(1.0, counts / self.sizes[texts])
        # Of equals one that is whole, by which its beginning and its end are found as well, before
        # one that lacks a word; then the first: texts stand in the order of their names.
        whole = (self.sizes[texts] > 1) | (counts >= np.minimum(self._totals[texts], 2))
        best = int(np.lexsort((-texts.astype(np.int64), whole, shares))[-1])
        if shares[best] < least:
            return None
        eval_set, eval_id = self.names[texts[best]]
        return TextMatch(eval_set, eval_id, round(float(shares[best]), 4))

    @cached_property
    def _totals(self) -> NDArray[np.int64]:
        """How many hashes lead to each text."""
        return np.bincount(self.owners, minlength=len(self.names))

    @cached_property
    def _screen(self) -> NDArray[np.bool_]:
        """Which first bits any hash of the index has: rules out nearly all others in one look."""
        screen = np.zeros(1 << _SCREEN_BITS, dtype=bool)
        screen[self.hashes >> _SCREENED] = True
        return screen

    def _found(self, text: str) -> NDArray[np.uint32]:
        """The owner of each n-gram of the index that the text holds."""
        every = ngram_hashes(text, WIDTHS)
        hashes = np.unique(every[self._screen[every >> _SCREENED]])
        starts = np.searchsorted(self.hashes, hashes, "left")
        counts = np.searchsorted(self.hashes, hashes, "right") - starts
        hit = counts > 0
        places = np.repeat(starts[hit] - np.cumsum(counts[hit]) + counts[hit], counts[hit])
        found: NDArray[np.uint32] = self.owners[places + np.arange(counts.sum())]
        return found

    def encode(self) -> bytes:
        """The section's bytes: the same for the same texts."""
        names = json.dumps(self.names, separators=(",", ":")).encode()
        parts = (
            self.hashes.astype("<u8").tobytes(),
            self.owners.astype("<u4").tobytes(),
            self.sizes.astype("<u4").tobytes(),
            zlib.compress(names, 6),
        )
        body = b"".join(parts)
        header = {
            "texts": len(self.names),
            "ngrams": len(self.hashes),
            "bytes": len(body),
            "short": self.short,
            "sha256": sha256_hex(body),
        }
        line = json.dumps(header, separators=(",", ":")).encode()
        return b"".join((MAGIC, b"\n", sha256_hex(line).encode(), b" ", line, b"\n", body))

    @classmethod
    def decode(cls, content: bytes, name: str) -> tuple[Self, int]:
        """The texts in a section, and the number of its bytes.

        Args:
            content: that begins with the section.
            name: of the file, for errors.

        Raises:
            UnusableIndex: no such section, or one that is cut or changed.
        """
        header, start = _parse_header(content, name)
        body = content[start : start + header["bytes"]]
        if len(body) != header["bytes"]:
            raise UnusableIndex(
                name, f"cut: {len(body)} bytes of texts where {header['bytes']} belong"
            )
        if sha256_hex(body) != header["sha256"]:
            raise UnusableIndex(name, "changed since it was made: sha256 of its texts differs")
        count, ngrams = header["texts"], header["ngrams"]
        hashes = np.frombuffer(body, "<u8", ngrams).astype(np.uint64)
        owners = np.frombuffer(body, "<u4", ngrams, 8 * ngrams).astype(np.uint32)
        sizes = np.frombuffer(body, "<u4", count, 12 * ngrams).astype(np.uint32)
        names = json.loads(zlib.decompress(body[12 * ngrams + 4 * count :]))
        texts = cls(tuple(map(tuple, names)), sizes, hashes, owners, header["short"])
        return texts, start + len(body)


def _ngrams_of(text: str) -> tuple[Shingles, int]:
    """The hashes that lead to a text, and how many make all of it; 0 of one with too few words.

    A text that is one n-gram is led to by itself and, from 9 words on, by all its words but one.
    """
    number = word_count(text)
    if number < FEWEST_WORDS:
        return np.zeros(0, dtype=np.uint64), 0
    if number > NGRAM:
        hashes = shingle(text, NGRAM)
        return hashes, len(hashes)
    words = words_of(text)
    left_out = range(number if number > FEWEST_WORDS else 0)
    fewer = [" ".join(words[:place] + words[place + 1 :]) for place in left_out]
    return np.unique(np.concatenate([shingle(one, NGRAM) for one in (text, *fewer)])), 1


def _parse_header(content: bytes, name: str) -> tuple[dict[str, Any], int]:
    """What the first two lines say, and where the body begins."""
    first = content.find(b"\n")
    second = content.find(b"\n", first + 1)
    if content[:first] != MAGIC:
        raise UnusableIndex(name, "its texts are of another version")
    checked, _, line = content[first + 1 : second].partition(b" ")
    if second < 0 or sha256_hex(line).encode() != checked:
        raise UnusableIndex(name, "cut or changed in the header of its texts")
    header: dict[str, Any] = json.loads(line)
    return header, second + 1
