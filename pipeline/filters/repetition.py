"""Characters in repeated n-grams of words: each longer n-gram is sought where a shorter repeats."""

import numpy as np


class RepeatedGrams:
    """The repeated n-grams of a text, for growing n.

    An n-gram can only stand twice where its first and its last n - 1 words do, so that each step
    looks at fewer places than the one before: at hardly any in prose.
    """

    def __init__(self, words: list[str]) -> None:
        """The repeated words.

        Args:
            words: tokens of the text, in order.
        """
        self._words = words
        self._n = 1
        known = dict.fromkeys(words)
        numbers = dict(zip(known, range(len(known)), strict=True))
        names = np.fromiter(map(numbers.__getitem__, words), np.int64, len(words))
        # Where an n-gram begins that begins elsewhere too, in order, and a number for the n-gram.
        self._places = np.flatnonzero(np.bincount(names)[names] > 1)
        self._names = names[self._places]

    def top(self, n: int) -> int:
        """Characters, spaces between words included, of the most frequent n-gram at all its places.

        Places may overlap; of n-grams as frequent as each other the first counts, as in
        huggingface/datatrove.
        """
        if len(self._words) < n:
            return 0
        self._grow(n)
        place, count = 0, 1
        if len(self._places):
            counts = np.bincount(self._names)[self._names]
            first = counts.argmax()
            place, count = int(self._places[first]), int(counts[first])
        return (sum(map(len, self._words[place : place + n])) + n - 1) * count

    def places(self, n: int) -> int:
        """At how many places an n-gram begins that begins elsewhere too."""
        self._grow(n)
        return len(self._places)

    def duplicate(self, n: int) -> int:
        """Characters of n-grams seen before, scanned without overlap."""
        self._grow(n)
        seen: set[int] = set()
        characters = free = 0
        for place, name in zip(self._places.tolist(), self._names.tolist(), strict=True):
            if place < free:
                continue
            if name in seen:
                characters += sum(map(len, self._words[place : place + n]))
                free = place + n
            else:
                seen.add(name)
        return characters

    def _grow(self, n: int) -> None:
        """Goes on to the repeated n-grams; n never shrinks from call to call."""
        while self._n < n:
            self._n += 1
            places, names = self._places, self._names
            if not len(places):
                continue
            beside = np.flatnonzero(places[1:] == places[:-1] + 1)
            pairs = names[beside] * len(self._words) + names[beside + 1]
            _, inverse, counts = np.unique(pairs, return_inverse=True, return_counts=True)
            repeated = counts[inverse] > 1
            self._places = places[beside[repeated]]
            self._names = inverse[repeated]
