"""WUPS: how near an answer is in meaning, word by word (Malinowski and Fritz, arXiv 1410.0210).

Scored as NExT-QA scores open answers (arXiv 2105.08276; github.com/doc-doc/NExT-OE): stop words
out, each word held against the likest word of the other text, the likenesses multiplied, the worse
of both directions; of several references the best; counts and yes-or-no questions by equality. The
official script finds lemmas by a part-of-speech tagger and has a list of stop words of its own:
here a word's lemma is its first in WordNet, and stop words are the articles, pronouns, auxiliaries
and prepositions below, so that figures may differ from its own in the last digits.
"""

from collections.abc import Sequence
from functools import lru_cache

from model.evaluate.ptb import words_of
from model.evaluate.wordnet import WordNet

EXACT_KINDS = frozenset({"DC", "DB"})
"""Of questions whose answer is a number, or yes or no."""

_STOPPED = """
    a an the this that these those it its he him his she her hers they them their there
    is are was were be been being am do does did has have had will would can could
    of to in on at by for with from as and or so
"""

STOP_WORDS = frozenset(_STOPPED.split())


class Wups:
    """WUPS by one WordNet.

    Args:
        wordnet: that says how alike two words are.
    """

    def __init__(self, wordnet: WordNet) -> None:
        self._wordnet = wordnet
        self._likeness = lru_cache(1 << 16)(self._of_words)

    def score(self, said: str, answers: Sequence[str], kind: str = "") -> float:
        """How near an answer is to the nearest of some references, 0 to 1.

        Args:
            said: the answer.
            answers: the references.
            kind: of question, as NExT-QA names them.
        """
        words = self.words(said)
        references = [self.words(answer) for answer in answers]
        if kind in EXACT_KINDS:
            return float(words in references)
        return max(self._of_texts(words, reference) for reference in references)

    def words(self, text: str) -> list[str]:
        """The lemmas of a text's words, stop words left out."""
        kept = (word for word in words_of(text) if word not in STOP_WORDS)
        return [lemma for word in kept if (lemma := self._wordnet.lemma(word)) not in STOP_WORDS]

    def _of_texts(self, said: Sequence[str], answer: Sequence[str]) -> float:
        return min(self._one_way(said, answer), self._one_way(answer, said))

    def _one_way(self, words: Sequence[str], others: Sequence[str]) -> float:
        """The product over words of the likeness of each one's likest; those like none left out."""
        found = [
            best
            for word in words
            if (best := max((self._likeness(word, one) for one in others), default=0.0))
        ]
        product = 1.0
        for best in found:
            product *= best
        return product if found else 0.0

    def _of_words(self, word: str, other: str) -> float:
        if word == other:
            return 1.0
        first, second = (self._wordnet.first_sense(one) for one in (word, other))
        return self._wordnet.likeness(first, second) if first and second else 0.0
