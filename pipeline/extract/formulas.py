"""Formulas within sentences: what a page says of them in TeX, and what it draws beside that."""

import re

from pipeline.extract.tree import Node

_TEX_CLASS = re.compile(r"(?<![a-z])(?:latex|tex|mwe)(?![a-z])", re.IGNORECASE)
_MATH_CLASS = re.compile(r"(?<![a-z])(?:math|equation|formula)(?![a-z])", re.IGNORECASE)
_TEX = re.compile(r"[\\^_={}]")
_STYLED = re.compile(r"\{\\(?:displaystyle|textstyle)\s(.*)\}", re.DOTALL)
_LONGEST = 2000


def plain_tex(words: str) -> str:
    """A formula without the size that a renderer was told to draw it in."""
    words = " ".join(words.split())
    styled = _STYLED.fullmatch(words)
    return styled[1].strip() if styled else words


def tex_of(image: Node) -> str:
    """The formula that an image draws, "" where it is of something else.

    Its class names a renderer of TeX, or a formula where its alt text is one: "y_1 = x^2".
    """
    names = image.attrs.get("class")
    if not names:
        return ""
    alt = image.get("alt")
    if not alt or len(alt) > _LONGEST:
        return ""
    if _TEX_CLASS.search(names) or (_MATH_CLASS.search(names) and _TEX.search(alt)):
        return plain_tex(alt)
    return ""
