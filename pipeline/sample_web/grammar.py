"""Sentences from templates: [a|b] is a choice, {slot} is filled in."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


@cache
def load_words(name: str) -> dict[str, Any]:
    """The words of a TOML file of this package, read once."""
    text = files("pipeline.sample_web").joinpath(f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def expand(template: str, rng: Random, slots: Mapping[str, str]) -> str:
    """The template with its choices made, innermost first, then its slots filled.

    Raises:
        KeyError: a slot has no filling.
    """
    while (match := _CHOICE.search(template)) is not None:
        chosen = rng.choice(match[1].split("|"))
        template = template[: match.start()] + chosen + template[match.end() :]
    text = _SLOT.sub(lambda match: slots[match[1]], template)
    return " ".join(text.split())
