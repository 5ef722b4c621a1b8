"""Texts as they are compared: one spelling of each letter, nothing that no reader sees."""

import re
import unicodedata
from functools import cache

_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
"""Default_Ignorable_Code_Point of Unicode: soft hyphens, joiners, marks of direction, selectors."""

_ONE_BY_ONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaa7f"
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Han, Kana."""


def plain_text(text: str) -> str:
    """The text with white space as single spaces, in NFC, without what is not seen."""
    return " ".join(seen_text(text).split())


def seen_text(text: str) -> str:
    """The text in NFC, without characters that show nothing."""
    if text.isascii():
        return text
    seen = _UNSEEN.sub("", text)
    return unicodedata.normalize("NFC", seen)


def spaced_words(text: str) -> str:
    """A text beyond ASCII with spaces where words part, and nowhere else.

    Marks (Mn, Mc, Me) belong to the letter before them: Hindi's vowels are marks. In scripts
    without spaces each character is a word. What is ASCII stays as it is.
    """
    text = _no_words().sub(" ", text)
    return _alone().sub(r" \g<0> ", text)


@cache
def _alone() -> re.Pattern[str]:
    return re.compile(f"[{_ONE_BY_ONE}]")


@cache
def _no_words() -> re.Pattern[str]:
    """Runs of what is neither ASCII nor a letter, a digit or a mark."""
    marks = [
        chr(code)
        for code in range(0x80, 0x20000)
        if unicodedata.category(chr(code)).startswith("M")
    ]
    return re.compile(rf"[^\w\x00-\x7f{''.join(marks)}]+")
