"""One tokenisation for every text filter."""

import re

# Near to spaCy's English rules, by which datatrove counts: a full stop, a slash or a colon stays
# within a number or a name, an ellipsis is one token, any other mark is a token of its own.
_TOKEN = re.compile(r"\w+(?:(?:['’&@.]|[,:/](?=\d))\w+)*|\.{2,}|…|[^\w\s]")


def split_words(text: str) -> list[str]:
    """Words and punctuation marks, in order; an ellipsis is one mark."""
    return _TOKEN.findall(text)


def is_symbol(word: str) -> bool:
    """Whether no character of the word is a letter or a digit."""
    return not word[0].isalnum() and not any(c.isalnum() for c in word)
