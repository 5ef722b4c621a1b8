"""Evidence of a licence on a page, as found: never guessed, never judged."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.extract.links import resolve
from pipeline.extract.tree import Node

_CC = re.compile(
    r"^(?:https?:)?//(?:[a-z]+\.)?creativecommons\.org/(?:licenses|publicdomain)/", re.I
)
_META = frozenset({"license", "licence", "cc:license", "dc.rights", "dcterms.license",
                   "dc.rights.license", "dcterms.rights", "rights", "copyright"})  # fmt: skip


def licence_evidence(notes: Iterable[Node], url: str) -> tuple[str, ...]:
    """URLs of rel=license and Creative Commons links, and what meta and schema.org say; sorted.

    Args:
        notes: what the page says of itself.
        url: the page's.
    """
    found: set[str] = set()
    for node in notes:
        tag = node.tag
        if tag in {"a", "link"}:
            found.add(_of_link(node, url))
        elif tag == "meta":
            found.add(_of_meta(node))
        elif tag == "script":
            found.update(_of_linked_data(node))
        if "license" in (node.attrs.get("itemprop") or "").split():
            found.add(_value(node, url))
    found.discard("")
    return tuple(sorted(found))


def _of_link(node: Node, url: str) -> str:
    href = node.get("href")
    if "license" in node.get("rel").lower().split() or _CC.match(href):
        return resolve(url, href)
    return ""


def _of_meta(node: Node) -> str:
    name = (node.get("name") or node.get("property")).lower()
    return " ".join(node.get("content").split())[:500] if name in _META else ""


def _value(node: Node, url: str) -> str:
    link = node.get("href") or node.get("content")
    return resolve(url, link) or " ".join(link.split())[:500]


def _of_linked_data(node: Node) -> list[str]:
    text = "".join(c for c in node.children if isinstance(c, str))
    if '"license"' not in text:
        return []
    try:
        waiting: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        return []
    found: list[str] = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            found.extend(_licences(value.get("license")))
            waiting.extend(value.values())
    return found


def _licences(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """What a `license` of linked data says: a URL, a name, a work with either, or several."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            one = one.get("@id") or one.get("url") or one.get("name")
        if isinstance(one, str) and one.strip():
            yield one.strip()[:500]
