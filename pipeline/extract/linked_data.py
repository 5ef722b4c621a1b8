"""Linked data of a page (JSON-LD): the objects that its scripts describe, and what they say."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from pipeline.extract.links import writable
from pipeline.extract.tree import Node

Thing: TypeAlias = dict[str, Any]
"""An object of linked data, as JSON has it."""

_LONGEST = 500
_OPENING = re.compile(r"(?:<!--|(?://|/\*)?\s*<!\[CDATA\[)(?:\s*\*/)?")
_CLOSING = re.compile(r"(?:-->|(?://|/\*)?\s*\]\]>)(?:\s*\*/)?\Z")
"""What old templates put around a script."""


def things(script: Node, *, images: bool) -> Iterator[Thing]:
    """The objects of a script, nested ones too; none where it is no JSON.

    Args:
        script: of the type application/ld+json.
        images: whether to give what describes single images, or all but that.
    """
    try:
        waiting: list[tuple[Any, bool]] = [(json.loads(_unwrapped(script_text(script))), False)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value, is_image = waiting.pop()
        if isinstance(value, list):
            waiting += [(one, is_image) for one in reversed(value)]
        elif isinstance(value, dict):
            is_image = is_image or "ImageObject" in types_of(value)
            if is_image == images:
                yield value
            waiting += [(one, is_image) for one in reversed(value.values())]


def _unwrapped(text: str) -> str:
    """A script without what stands around it: as most have nothing, only its ends are looked at."""
    text = text.strip()
    if opening := _OPENING.match(text):
        text = text[opening.end() :]
    return _CLOSING.sub("", text) if text.endswith((">", "*/")) else text


def script_text(script: Node) -> str:
    """What stands in a script."""
    return "".join(child for child in script.children if isinstance(child, str))


def values_of(thing: Thing, field: str, names: tuple[str, ...]) -> Iterator[str]:
    """What a field says: a text, an object that has a value under one of the names, or several."""
    value = thing.get(field)
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            one = next((one[name] for name in ("@value", *names) if one.get(name)), None)
        if isinstance(one, str) and one.strip():
            yield writable(" ".join(one.split())[:_LONGEST])


def types_of(thing: Thing) -> list[str]:
    """The names of its types, without the vocabulary before them."""
    types = thing.get("@type")
    several = types if isinstance(types, list) else [types]
    return [one.rpartition("/")[2].rpartition(":")[2] for one in several if isinstance(one, str)]
