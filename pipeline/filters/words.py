"""One tokenisation for every text filter.

Words are cut as spaCy's English rules cut them (explosion/spaCy, MIT), since datatrove counts by
these: marks are taken off both ends of what stands between two spaces, one by one, then what is
left is cut at hyphens and the like; contractions and abbreviations are looked up at each step. The
rules here are written anew after its documentation and held against it by
`tests/benchmarks/text_filters.py`; what stands between two spaces is cut once and remembered.
"""

import re
from functools import lru_cache
from itertools import chain

from pipeline.filters.contractions import SPECIAL

_REMEMBERED = 1 << 16
_LONGEST = 400
"""Longer strings without a space are data, or a language that needs no spaces."""

_LONGEST_SUFFIX = 6
"""Characters of a mark at the end, a unit or a currency, with what must stand before it."""

_LETTER = r"[^\W\d_²³¹¼½¾]"
_LOWER = _LETTER[:-1] + "A-ZÀ-ÖØ-ÞΑ-ΩА-Я]"
_UPPER = _LETTER[:-1] + "a-zß-öø-ÿα-ωа-я]"
_PUNCTUATION = r",:;!?¿؟¡()\[\]{}<>_#*&。？！，、；：～·।،۔؛٪"
_QUOTES = r"'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧"
_CURRENCY = r"(?:(?:US|C|A)?\$|[£€¥฿₽﷼₴₠-₿])"
_ICON = (
    "[¦©®°℀℁℃-℆℈℉℔№℗℞-℣℥℧℩℮↕-↙↜-⇳⌀-␦⒜-ⓩ─-▶▸-◀◂-♮♰-➿⠀-⣿⬀-⯿\ufffc\ufffd"
    "\U0001f000-\U0001f3fa\U0001f400-\U0001faff]"
)
_UNITS = (
    r"(?:[kdcm]?m[²³]?|ha|[µn]m|yd|in|ft|[km]?g|µg|[tT]|lb|oz|m/s|km/h|kmh|mph|h?Pa|mbar|"
    r"[mMkKgGtT][bB]|[GMK%])"
)
_PREFIX = re.compile(
    rf"[§%=—–{_PUNCTUATION}{_QUOTES}…]|\+(?!\d)|\.\.+|{_CURRENCY}|{_ICON}", re.ASCII
)
_SUFFIX = re.compile(
    rf"(?:[…—–{_PUNCTUATION}]|\.\.+|['’][sS]|[{_QUOTES}]|{_ICON}|(?<=[0-9])\+|"
    rf"(?<=[0-9]){_CURRENCY}|(?<=[0-9]){_UNITS}|(?<=°[FfCcKk])\.|"
    rf"(?<=[0-9%²\-+…{_PUNCTUATION}{_QUOTES}])\.|(?<={_LOWER})\.|(?<={_UPPER}{_UPPER})\.)\Z"
)
_INFIX = re.compile(
    rf"\.\.+|…|{_ICON}|(?<=[0-9])[+\-*^](?=[0-9-])|(?<={_LOWER})\.(?={_UPPER})|"
    rf"(?<=[{_QUOTES}])\.(?={_UPPER}|[{_QUOTES}])|(?<={_LOWER})\.(?=[{_QUOTES}])|"
    rf"(?<={_LETTER}),(?={_LETTER})|(?<=[^\W_])(?:---|--|——|[-–—~])(?={_LETTER})|"
    rf"(?<=[^\W_])[:<>=/](?={_LETTER})"
)
# A host with a top-level domain in small letters, and whatever may stand about it.
_URL = re.compile(
    r"(?:[\w+\-.]{2,}://)?(?:\S+@)?(?:\d{1,3}(?:\.\d{1,3}){3}|"
    r"(?:[A-Za-z0-9\u00a1-\uffff](?:[\w\u00a1-\uffff-]{0,62}[A-Za-z0-9\u00a1-\uffff])?\.)+"
    rf"{_LOWER}{{2,63}})(?::\d{{2,5}})?(?:[/?#]\S*)?"
)
# Nine in ten strings: a word, perhaps another's, perhaps with a mark on either side.
_PLAIN = re.compile(r"([(\"“]?)(([^\W\d_]{2,})(['’]s)?)([,;:!?.)\]”\"]?)")
_PARTS = re.compile(r"\w+(?:['’.]\w+)*|\.\.+|[^\w\s]")


def split_words(text: str) -> list[str]:
    """Words and marks, in order; an ellipsis is one mark, `don't` is `do` and `n't`."""
    return list(chain.from_iterable(map(_TOKENS.__getitem__, text.split())))


@lru_cache(maxsize=4096)
def is_symbol(word: str) -> bool:
    """Whether no character of the word is a letter or a digit."""
    return not any(map(str.isalnum, word))


@lru_cache(maxsize=4096)
def has_letter(word: str) -> bool:
    """Whether a character of the word is a letter."""
    return any(map(str.isalpha, word))


class _Remembered(dict[str, tuple[str, ...]]):
    """The tokens of each string that was asked for; forgets all when it holds too many."""

    def __missing__(self, chunk: str) -> tuple[str, ...]:
        if len(self) >= _REMEMBERED:
            self.clear()
        tokens = self[chunk] = _split_chunk(chunk)
        return tokens


_TOKENS = _Remembered()


def _split_chunk(chunk: str) -> tuple[str, ...]:
    """The tokens of a string without spaces."""
    whole = SPECIAL.get(chunk)
    if whole is not None:
        return whole
    plain = _PLAIN.fullmatch(chunk)
    if plain is not None and plain[2] not in SPECIAL and plain[3] not in SPECIAL:
        before, _, word, tail, after = plain.groups()
        if after != "." or tail or word[-1].islower() or word[-2:].isupper():
            return tuple([part for part in (before, word, tail, after) if part])
    if len(chunk) > _LONGEST:
        return tuple(_PARTS.findall(chunk))
    start, end, marks_before, marks_after = _strip(chunk)
    marks_after.reverse()
    tokens = [*marks_before, *_split_inner(chunk[start:end]), *marks_after]
    return tuple(_merge(tokens) if marks_before or marks_after else tokens)


def _merge(tokens: list[str]) -> list[str]:
    """Tokens with those put together again that are one special case: `:` and `)`."""
    merged: list[str] = []
    at = 0
    while at < len(tokens):
        for width in (3, 2):
            joined = "".join(tokens[at : at + width])
            if at + width <= len(tokens) and SPECIAL.get(joined) == (joined,):
                merged.append(joined)
                at += width
                break
        else:
            merged.append(tokens[at])
            at += 1
    return merged


def _strip(chunk: str) -> tuple[int, int, list[str], list[str]]:
    """Where the inside of a chunk begins and ends, and the marks before and behind it.

    A mark is taken from each end in turn until none is left or the rest is a special case. The
    marks behind come last first.
    """
    start, end = 0, len(chunk)
    before: list[str] = []
    after: list[str] = []
    while start < end and chunk[start:end] not in SPECIAL:
        inner = _prefix_end(chunk, start, end)
        if inner > start and chunk[inner:end] in SPECIAL:
            before.append(chunk[start:inner])
            return inner, end, before, after
        outer = _suffix_start(chunk, inner, end)
        if outer < end and chunk[start:outer] in SPECIAL:
            after.append(chunk[outer:end])
            return start, outer, before, after
        if inner == start and outer == end:
            break
        if inner > start:
            before.append(chunk[start:inner])
        if outer < end:
            after.append(chunk[outer:end])
        start, end = inner, outer
    return start, end, before, after


def _prefix_end(chunk: str, start: int, end: int) -> int:
    """Where the mark ends that stands at the start; the start itself where none stands."""
    if chunk[start].isalnum() and "$" not in chunk:
        return start
    mark = _PREFIX.match(chunk, start, end)
    return mark.end() if mark else start


def _suffix_start(chunk: str, start: int, end: int) -> int:
    """Where the mark begins that stands at the end; the end itself where none stands."""
    tail = chunk[max(start, end - _LONGEST_SUFFIX) : end]
    if tail.isalpha():
        return end
    if tail.endswith(".."):
        return len(chunk[start:end].rstrip(".")) + start
    mark = _SUFFIX.search(tail)
    return end - len(tail) + mark.start() if mark else end


def _split_inner(inner: str) -> tuple[str, ...]:
    """What is left between the marks, cut at hyphens and the like; URLs stay whole."""
    special = SPECIAL.get(inner)
    if special is not None:
        return special
    if not inner or inner.isalnum() or ("." in inner and _URL.fullmatch(inner)):
        return (inner,) if inner else ()
    parts: list[str] = []
    start = 0
    for match in _INFIX.finditer(inner):
        parts += inner[start : match.start()], match[0]
        start = match.end()
    parts.append(inner[start:])
    return tuple(filter(None, parts))
