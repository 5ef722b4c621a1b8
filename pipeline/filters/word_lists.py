"""Lists of words: those that come along, and those that a user's file holds."""

import tomllib
from functools import cache
from importlib import resources


@cache
def shipped_words(name: str) -> frozenset[str]:
    """The words of a list that comes along: flagged, spam or stop."""
    file = resources.files("pipeline.filters") / "lists" / f"{name}.toml"
    return frozenset(tomllib.loads(file.read_text("utf-8"))["words"].split())


def parse_words(content: bytes) -> frozenset[str]:
    """The words of a user's file, in small letters: one a line; a # begins a comment."""
    lines = content.decode("utf-8-sig", "replace").splitlines()
    return frozenset(word for line in lines if (word := line.partition("#")[0].strip().lower()))
