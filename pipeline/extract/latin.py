"""Which of the Latin 8-bit encodings a page is in, told by the accented letters of its languages.

General detectors take windows-1250, ISO-8859-2 and windows-1254 for windows-1252 or for each other
on short pages. Here every pair of an encoding and a language written in it is asked how likely the
bytes beyond ASCII are that stand in words, and the likeliest is taken if it explains nearly all.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import islice, product

# The accented letters of each language, and about how many in a thousand letters of its text each
# is: rough, for only letters a few times as frequent as others decide.
_LETTERS: Mapping[str, str] = {
    "albanian": "ë70 ç10",
    "catalan": "à8 ó8 é7 è6 í6 ò3 ú3 ç2 ï1 ü.5 ·1",
    "croatian": "č10 š9 ć9 ž6 đ3",
    "czech": "í32 á22 ě16 é13 ř12 ý11 ž10 č10 š8 ů7 ú1 ó.3 ť.2 ď.2 ň.2",
    "danish": "å12 ø9 æ9 é.5 ö.2 ä.2 ü.2 ò.1 ô.1",
    "dutch": "ë1 é1 ï.5 ö.2 ü.2 ó.2 è.2",
    "estonian": "ä12 õ10 ü8 ö2 š.5 ž.2",
    "faroese": "á12 ð26 í18 ó10 ú7 ý4 æ5 ø10",
    "finnish": "ä36 ö4 å.2 š.1 ž.1 é.1",
    "french": "é19 à5 è3 ê2 ç1 ù.6 î.5 ô.5 û.5 â.5 œ.2 ë.1 ï.1 ü.1 æ.05 ÿ.02",
    "german": "ü10 ä6 ö3 ß3 é.1",
    "hungarian": "é39 á34 ö10 ó10 ő9 ü6 í5 ú2.5 ű1.5",
    "icelandic": "ð44 á18 í16 þ14 ó10 æ9 ö8 é6 ú6 ý2",
    "irish": "á12 í10 é8 ú6 ó6",
    "italian": "à6 è3 ò2 é2 ù1.7 ì1 î.1",
    "latvian": "ā35 ī19 ē17 š8 ņ5 ū5 ļ3 ž2 č1 ķ1 ģ1",
    "lithuanian": "ė15 ų13 š12 ž8 ą8 į6 ū5 č4 ę2",
    "polish": "ł18 ę11 ą10 ó8.5 ż8 ś6.6 ć4 ń2 ź.6",
    "portuguese": "ã7 ç5 é5 á5 ê4 í4 ó3 õ3 ú2 â1.5 à1 ô.7 ü.2 ª.1 º.1",
    "romanian": "ă40 ş15 î14 ţ10 â9",
    "slovak": "á25 í15 č11 ý11 é10 ž9 ú9 š8 ť6 ľ4 ň2 ď2 ô2 ä1 ó1 ĺ.1 ŕ.1",
    "slovene": "č13 š10 ž7 ć.1 đ.1",
    "spanish": "ó8 í7 á5 é4 ñ3 ú2 ü.2 º.1 ª.1",
    "swedish": "ä18 ö13 å13 é.5 ü.1",
    "turkish": "ı51 ü19 ş18 ç12 ğ11 ö8 â.5 î.3 û.2",
}
_WESTERN = (
    "albanian", "catalan", "danish", "dutch", "faroese", "finnish", "french", "german", "icelandic",
    "irish", "italian", "portuguese", "spanish", "swedish",
)  # fmt: skip
_CENTRAL = ("polish", "czech", "slovak", "hungarian", "croatian", "slovene", "romanian")
ENCODINGS: Mapping[str, tuple[str, ...]] = {
    "cp1252": (*_WESTERN, "estonian"),
    "iso8859-15": (*_WESTERN, "estonian"),
    "cp1250": (*_CENTRAL, "albanian", "german"),
    "iso8859-2": (*_CENTRAL, "albanian", "german"),
    "cp1254": ("turkish", "german", "french"),
    "cp1257": ("latvian", "lithuanian", "estonian"),
}
"""Python's names of the encodings, with the languages that were written in them."""
_PRIOR = {"cp1252": 3.0}
"""Nats by which an encoding is likelier than others before a look at the page."""
_DEFAULT = "cp1252"
"""The label that servers put on everything: it has to explain the page as others do."""
_LABEL = 20.0
"""Nats that a label is worth."""
_STRAY = -9.0
"""Of a letter that the language does not have, or of a control character."""
_PUNCTUATION = dict.fromkeys("‘’“”„–—…«»‹›‚• \xa0\xad", -2.0) | dict.fromkeys("®™©°€§²³", -3.5)
_IN_WORDS = frozenset("’\xad")
"""Marks that stand inside of words."""
_SYMBOL = -6.0
"""Of any other sign at the edge of a word."""
_CAPITAL = -4.0
"""Of a capital behind a small letter."""
_MOST_STRAY = 0.05
"""The share of bytes that a language may leave unexplained."""
_LONGEST_RUN = 2.0
"""Accented letters stand alone among plain ones: longer runs in the mean are another script's."""
_SEEN = 100_000
_MOST_RUNS = 4000
"""So many runs tell a language as well as all do."""
_RUN = re.compile(rb"[A-Za-z]?[\x80-\xff]+[A-Za-z]?")
"""Accented letters with the plain ones beside them."""

_Seen = Counter[tuple[int, bool, bool]]
"""How often each byte stands in words; whether inside of one; whether behind a small letter."""


def latin_encoding(visible: bytes, label: str = "") -> str:
    """Python's name of the Latin encoding that the text is in, "" where it seems to be in none.

    Args:
        visible: the page's bytes without its tags.
        label: what the page calls it, "" where it does not say.
    """
    seen = _bytes_in_words(visible[:_SEEN])
    if not seen:
        return ""
    total = seen.total()
    likeliest: tuple[float, str] = (-math.inf, "")
    for encoding, languages in ENCODINGS.items():
        is_label = encoding == label
        prior = _PRIOR.get(encoding, 0.0) + (_LABEL if is_label else 0.0)
        for language in languages:
            found = _likelihoods(encoding, language)
            stray = sum(count for key, count in seen.items() if found[key] <= _STRAY)
            if stray > total * _MOST_STRAY and (not is_label or label == _DEFAULT):
                continue
            likelihood = prior + sum(count * found[key] for key, count in seen.items())
            if likelihood > likeliest[0]:
                likeliest = likelihood, encoding
    return likeliest[1]


def _bytes_in_words(text: bytes) -> _Seen:
    """The bytes beyond ASCII that stand beside a letter; none where they stand in long runs."""
    runs = Counter(match[0] for match in islice(_RUN.finditer(text), _MOST_RUNS))
    seen: _Seen = Counter()
    length = 0
    for run, count in runs.items():
        for at, byte in enumerate(run):
            if byte < 0x80:
                continue
            length += count
            before, after = run[at - 1 : at], run[at + 1 : at + 2]
            if before or after:
                seen[byte, bool(before and after), before.islower()] += count
    return seen if length <= _LONGEST_RUN * runs.total() else Counter()


@cache
def _likelihoods(encoding: str, language: str) -> dict[tuple[int, bool, bool], float]:
    """The log likelihood of each byte beyond ASCII in each place, in a language's text."""
    shares = _shares(language)
    return {
        (byte, inside, behind_small): _likelihood(
            bytes([byte]).decode(encoding, "replace"), inside, behind_small, shares
        )
        for byte, inside, behind_small in product(range(0x80, 0x100), (False, True), (False, True))
    }


def _likelihood(
    character: str, inside: bool, behind_small: bool, shares: Mapping[str, float]
) -> float:
    share = shares.get("i" if character == "İ" else character.lower())
    if share is not None:
        is_odd = behind_small and character.isupper()
        return math.log(share) + (_CAPITAL if is_odd else 0.0)
    if character in _PUNCTUATION and (not inside or character in _IN_WORDS):
        return _PUNCTUATION[character]
    is_foreign = inside or character.isalpha() or not character.isprintable()
    return _STRAY if is_foreign else _SYMBOL


@cache
def _shares(language: str) -> dict[str, float]:
    """Of the accented letters of a language's text, the share that each is."""
    counts = {word[0]: float(word[1:]) for word in _LETTERS[language].split()}
    if language == "turkish":
        counts["i"] = 3.0  # the small letter of İ
    total = sum(counts.values())
    return {letter: count / total for letter, count in counts.items()}
