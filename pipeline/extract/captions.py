"""Captions: which texts of the page are, and which images they belong to.

A caption or description in JSON-LD is none, and is not kept. Of 175 images that 759 real pages
describe so, 21 are among the content (others are logos and portraits of authors): 6 of these have a
caption on the page, 9 the same words as alt text, and most of the rest the title of the page.
"""

import re
from functools import lru_cache

from pipeline.extract.items import Item
from pipeline.extract.tree import Node
from schemas.records import Role

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CAPTION = frozenset({"caption", "figcaption", "imagecaption", "thumbcaption", "photocaption",
                      "legend", "cutline", "wp-caption-text"})  # fmt: skip
_LONGEST = 600
_CLIMB = 4
"""So many elements up from a caption is its image looked for."""


def is_caption(node: Node) -> bool:
    """Whether an element is a caption: a figcaption, or named one, or the title of a figure."""
    if node.tag in {"figcaption", "caption"}:
        return True
    name = node.attrs.get("class")
    if not name:
        return False
    kind = _kind(name)
    if kind == "caption":
        return not holds_image(node)
    return kind == "title" and node.parent is not None and _is_frame(node.parent)


@lru_cache(maxsize=16384)
def _kind(name: str) -> str:
    """Whether a class names a caption, a title or a figure; "" for anything else."""
    words = {word.lower() for word in _WORD.findall(name)}
    if words & _CAPTION and not words & {"has", "with", "no"}:
        return "caption"
    if "title" in words:
        return "title"
    return "figure" if "figure" in words else ""


def _is_frame(node: Node) -> bool:
    return node.tag == "figure" or _kind(node.get("class")) == "figure"


def holds_image(node: Node) -> bool:
    """Whether an image stands under the element."""
    stack: list[Node] = [node]
    steps = 0
    while stack and steps < 200:
        child = stack.pop()
        steps += 1
        if child.tag in {"img", "picture", "amp-img"}:
            return True
        stack.extend(c for c in child.children if isinstance(c, Node))
    return False


def tie_captions(items: list[Item]) -> dict[int, list[Item]]:
    """The captions of each image or video that has one, by the item's index.

    A caption belongs to the media of the nearest element around both; where that holds several
    pictures, to the nearest one before it, or behind it where none stands before.
    """
    places = _places(items)
    found: dict[int, list[Item]] = {}
    for index, item in enumerate(items):
        if not item.is_text or item.role is not Role.CAPTION or len(item.text) > _LONGEST:
            continue
        for owner in _owners(items, index, places):
            found.setdefault(owner, []).append(item)
    return found


def _places(items: list[Item]) -> dict[Node, list[int]]:
    """The indices of the media under each element that is near enough to one."""
    places: dict[Node, list[int]] = {}
    for index, item in enumerate(items):
        if item.is_text:
            continue
        node: Node | None = item.node
        for _ in range(2 * _CLIMB):
            if node is None:
                break
            places.setdefault(node, []).append(index)
            node = node.parent
    return places


def _owners(items: list[Item], index: int, places: dict[Node, list[int]]) -> list[int]:
    node: Node | None = items[index].node
    for _ in range(_CLIMB):
        node = node.parent if node is not None else None
        if node is None or node.tag in {"body", "article", "main"}:
            return []
        media = places.get(node)
        if media:
            if len(media) == 1 or node.tag == "figure":
                return media
            before = [m for m in media if m < index]
            return [before[-1] if before else media[0]]
    return []
