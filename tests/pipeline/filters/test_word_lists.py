import tomllib
from pathlib import Path

import pytest

from pipeline.filters import word_lists
from pipeline.filters.word_lists import parse_words, shipped_words

LISTS = Path(word_lists.__file__).parent / "lists"


@pytest.mark.parametrize("name", ["flagged", "spam", "stop"])
def test_lists_that_come_along(name):
    table = tomllib.loads((LISTS / f"{name}.toml").read_text("utf-8"))
    assert table["source"]
    assert table["licence"]
    words = table["words"].split()
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)
    assert shipped_words(name) == frozenset(words)


def test_the_lists_are_apart():
    assert not shipped_words("flagged") & (shipped_words("spam") | shipped_words("stop"))


def test_words_of_a_file():
    content = "\ufeff# mine\nOne\n two # and more\n\n#three\n".encode()
    assert parse_words(content) == {"one", "two"}
    assert parse_words(b"") == frozenset()
