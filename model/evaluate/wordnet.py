"""How alike two words are by WordNet: Wu and Palmer's measure (ACL 1994) of their first senses.

WordNet is read from its own database files (`index.noun`, `data.noun`, `noun.exc` and so on of
Princeton's 3.0 or 3.1, manual pages wndb(5) and morphy(7)), as NLTK's `corpora/wordnet` and
Debian's `wordnet-base` hold them; it does not come with this package. The numbers are those of
NLTK's `wup_similarity`: the deepest common hypernym by shortest paths, its depth by the longest.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from schemas.recipe import RecipeError

POSES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
"""Parts of speech, in the order in which senses are looked for."""

_ENDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "n": (
        ("s", ""),
        ("ses", "s"),
        ("ves", "f"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    "v": (
        ("s", ""),
        ("ies", "y"),
        ("es", "e"),
        ("es", ""),
        ("ed", "e"),
        ("ed", ""),
        ("ing", "e"),
        ("ing", ""),
    ),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}
"""Morphy's rules of detachment."""

_ROOT = "*ROOT*"


@dataclass(frozen=True, slots=True, order=True)
class Synset:
    """One sense.

    Attributes:
        name: its first word, part of speech and number: dog.n.01. Ties are broken by it.
        pos: n, v, a or r.
        offset: of its line in the data file.
    """

    name: str
    pos: str = field(compare=False)
    offset: int = field(compare=False)


ROOT = Synset(_ROOT, "", -1)
"""What stands above all verbs, adjectives and adverbs, whose hierarchies have many tops."""


@dataclass(frozen=True)
class WordNet:
    """WordNet's senses and their hypernyms.

    Attributes:
        senses: by part of speech and word, the offsets of its senses, the commonest first.
        exceptions: by part of speech and inflected word, its base forms.
        data: the bytes of the data files by part of speech.
    """

    senses: dict[str, dict[str, tuple[int, ...]]]
    exceptions: dict[str, dict[str, tuple[str, ...]]]
    data: dict[str, bytes]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The WordNet in a folder.

        Raises:
            RecipeError: a file is missing or is no file of WordNet's database.
        """
        senses, exceptions, data = {}, {}, {}
        for pos, name in POSES.items():
            try:
                senses[pos] = _read_index((folder / f"index.{name}").read_text("utf-8"))
                data[pos] = (folder / f"data.{name}").read_bytes()
                listed = (folder / f"{name}.exc").read_text("utf-8").splitlines()
            except OSError as error:
                raise RecipeError(f"--wordnet {error.filename}: {error.strerror}") from error
            except (ValueError, IndexError) as error:
                raise RecipeError(f"--wordnet {folder}/index.{name}: {error}") from error
            pairs = [line.split() for line in listed if line.strip()]
            exceptions[pos] = {pair[0]: tuple(pair[1:]) for pair in pairs}
        return cls(senses, exceptions, data)

    def base_forms(self, word: str, pos: str) -> list[str]:
        """The word, and what it may be an inflection of, as far as WordNet has them."""
        found = self.exceptions[pos].get(word)
        if found is None:
            found = tuple(
                word[: -len(old)] + new for old, new in _ENDINGS[pos] if word.endswith(old)
            )
        return list(dict.fromkeys(form for form in (word, *found) if form in self.senses[pos]))

    def lemma(self, word: str) -> str:
        """The first base form in any part of speech; the word itself where WordNet has none."""
        for pos in POSES:
            forms = self.base_forms(word, pos)
            if forms:
                return forms[-1] if word in self.exceptions[pos] else forms[0]
        return word

    def first_sense(self, word: str) -> Synset | None:
        """The commonest sense of a word, as a noun if it is one; None where WordNet has none."""
        for pos in POSES:
            for form in self.base_forms(word, pos):
                return self._synset(pos, self.senses[pos][form][0])
        return None

    def likeness(self, first: Synset, second: Synset) -> float:
        """Wu and Palmer's similarity of two senses, 0 to 1; 0 where nothing stands above both."""
        simulates = (first.pos, second.pos) != ("n", "n")
        paths = [self._distances(one, simulates) for one in (first, second)]
        common = sorted(set(paths[0]) & set(paths[1]))
        if not common:
            return 0.0
        deepest = max(self._depth(one, min) for one in common)
        lowest = [one for one in common if self._depth(one, min) == deepest]
        above = first if first in lowest else lowest[0]
        depth = self._depth(above, max) + 1
        steps = [self._steps(path, above, simulates) for path in paths]
        return 2 * depth / (sum(steps) + 2 * depth)

    @cached_property
    def _hypernyms_of(self) -> dict[Synset, tuple[Synset, ...]]:
        return {ROOT: ()}

    def _hypernyms(self, synset: Synset) -> tuple[Synset, ...]:
        """What stands right above a sense."""
        found = self._hypernyms_of.get(synset)
        if found is None:
            pointers = _pointers(self._line(synset.pos, synset.offset))
            found = tuple(self._synset(pos, offset) for pos, offset in pointers)
            self._hypernyms_of[synset] = found
        return found

    def _line(self, pos: str, offset: int) -> list[str]:
        content = self.data[pos]
        return content[offset : content.index(b"\n", offset)].decode("utf-8").split(" ")

    def _synset(self, pos: str, offset: int) -> Synset:
        pos = "a" if pos == "s" else pos
        line = self._line(pos, offset)
        word = line[4].partition("(")[0].lower()
        number = self.senses[pos].get(word, (offset,)).index(offset) + 1
        return Synset(f"{word}.{line[2]}.{number:02d}", pos, offset)

    def _distances(self, synset: Synset, simulates: bool) -> dict[Synset, int]:
        """All that stands above a sense, itself included, by the steps there."""
        found: dict[Synset, int] = {}
        queue = deque([(synset, 0)])
        while queue:
            one, steps = queue.popleft()
            if one not in found:
                found[one] = steps
                queue.extend((above, steps + 1) for above in self._hypernyms(one))
        if simulates:
            found[ROOT] = max(found.values()) + 1
        return found

    def _steps(self, path: dict[Synset, int], above: Synset, simulates: bool) -> int:
        """The fewest steps between a sense and one above it, by way of anything above both."""
        to = {ROOT: 0} if above == ROOT else self._distances(above, simulates)
        return min(steps + to[one] for one, steps in path.items() if one in to)

    def _depth(
        self,
        synset: Synset,
        choose: Callable[[Iterable[int]], int],
        under: tuple[Synset, ...] = (),
    ) -> int:
        """The steps from a sense to the top, by the shortest path or the longest."""
        above = [one for one in self._hypernyms(synset) if one not in under]
        if not above:
            return 0
        return 1 + choose(self._depth(one, choose, (*under, synset)) for one in above)


def _read_index(text: str) -> dict[str, tuple[int, ...]]:
    """The offsets of senses by word; the lines of the licence begin with spaces."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("  "):
            fields = line.split()
            count = int(fields[2])
            found[fields[0]] = tuple(int(offset) for offset in fields[-count:])
    return found


def _pointers(fields: Sequence[str]) -> list[tuple[str, int]]:
    """The (part of speech, offset) of the hypernyms, classes of instances among them."""
    at = 4 + 2 * int(fields[3], 16)
    count = int(fields[at])
    pointers = [fields[at + 1 + 4 * n : at + 5 + 4 * n] for n in range(count)]
    return [(pos, int(offset)) for symbol, offset, pos, _ in pointers if symbol in ("@", "@i")]
