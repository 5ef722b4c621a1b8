"""Where the sentences of a text begin and end."""

import re

# Words whose full stop ends no sentence.
_ABBREVIATION_LIST = """
    mr mrs ms dr prof sr jr st mt ft gen col sgt capt lt rev hon pres gov sen rep vs etc eg ie
    cf al fig figs eq no nos vol vols pp ch sec ed eds est approx dept univ inc ltd co corp bros
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun a.m p.m u.s u.k
    e.g i.e ph.d"""
_ABBREVIATIONS = frozenset(_ABBREVIATION_LIST.split())
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|\n+|[。！？]+[」』”]*")
_LAST_WORD = re.compile(r"[\w.]+$")
_LOWER_NEXT = re.compile(r"\s+[\"'“‘(\[]*[a-z]")


def split_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """The [start, end) character spans of the text's sentences, without the space between them.

    A full stop behind an abbreviation, an initial or a number in a list, or before a lower-case
    letter, ends no sentence; a line break always does.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if match[0].startswith("\n"):
            _add(spans, text, start, match.start())
            start = match.end()
        elif not _goes_on(text, start, match):
            _add(spans, text, start, match.end())
            start = match.end()
    _add(spans, text, start, len(text))
    return tuple(spans)


def _goes_on(text: str, start: int, match: re.Match[str]) -> bool:
    mark = match[0]
    if mark[0] != ".":
        return False
    if _LOWER_NEXT.match(text, match.end()):
        return True
    if mark != ".":
        return False
    last = _LAST_WORD.search(text, max(start, match.start() - 20), match.start())
    if last is None:
        return False
    word = last[0].lower()
    # A number alone is a list's: "2. Press the button".
    alone = not text[start : last.start()].strip()
    initial = len(word) == 1 and word.isalpha() and last[0].isupper() and last[0] != "I"
    return word in _ABBREVIATIONS or initial or (alone and word.isdigit())


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))
