"""Characters that no reader reads: places to break a word, and the signs of links to a heading."""

import re

_INVISIBLE = ("\xad", "\u200b", "\ufeff", "\u2060")
"""Soft hyphen, zero-width space, byte order mark, word joiner."""
# Thai, Lao, Burmese and Khmer write no spaces: between their words the one of no width is one.
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_DROPPED = re.compile(rf"[\xad\ufeff\u2060]|\u200b(?![{_SPACELESS}])|(?<![{_SPACELESS}])\u200b")
_BETWEEN = re.compile(r"(?<=[^\W\dA-Z])\u200b+(?=[A-ZÀ-Þ])")
"""A line of a list that is one text ends so, where the page's style sheet breaks it."""
_ANCHORS = frozenset({"\u00b6", "\u00a7", "#", "\U0001f517"})
"""What links to a heading, a term or a caption itself say: a pilcrow, a section sign, a chain."""


def without_invisible(text: str) -> str:
    """The text without characters that only tell where a word may be broken."""
    if text.isascii() or not any(mark in text for mark in _INVISIBLE):
        return text
    seen = _DROPPED.sub("", _BETWEEN.sub(" ", text))
    return seen if text.startswith(" ") else seen.strip(" ")  # code is indented


def without_anchors(text: str, links: list[str]) -> str:
    """The text without a link to itself, which stands before or behind it.

    Args:
        text: of a block.
        links: the pieces of it that are links, in order.
    """
    last, first = links[-1].strip(), links[0].strip()
    if last in _ANCHORS:
        text = text.removesuffix(last).rstrip()
    if first in _ANCHORS:
        text = text.removeprefix(first).lstrip()
    return text
