"""Captions: which texts of the page are, and which images they belong to.

A caption or description in JSON-LD is none: it is kept apart (`descriptions.py`), for LTIP. Of 175
images that 759 real pages describe so, counted by hand, 21 are among the content (others are logos
and portraits of authors): 6 of these have a caption on the page, 9 the same words as alt text, and
most of the rest the title of the page.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from pipeline.extract.items import Item, ends_sentence
from pipeline.extract.tree import Node
from schemas.records import Role

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CAPTION = frozenset({"caption", "figcaption", "imagecaption", "thumbcaption", "photocaption",
                      "legend", "cutline", "figcap", "legende", "bildunterschrift",
                      "bildtext"})  # fmt: skip
_PICTURE = frozenset({"image", "img", "photo", "picture", "figure", "bild", "foto"})
_DESCRIBED = frozenset({"description", "desc", "title", "info"})
"""Behind the word for a picture, what is said of it: `image-description`, `photo-info`."""
_LONGEST = 600
_LONGEST_FRAMED = 3000
_FRAMES = frozenset({"figure", "table"})
_FRAMED = frozenset({"figcaption", "caption", "footer"})
"""Captions of a frame: what stands outside of it is not theirs."""
_CREDIT = 60
_CLIMB = 4
"""So many elements up from a caption is its image looked for."""


def is_caption(node: Node) -> bool:
    """Whether an element is a caption: a figcaption, or named one, or the title of a figure."""
    if node.tag in {"figcaption", "caption"}:
        return True
    if node.tag == "footer" and node.parent is not None and node.parent.tag == "figure":
        return True
    name = node.attrs.get("class")
    if not name or node.tag == "legend":  # of a form's fields
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
    described = words & _DESCRIBED and words & _PICTURE
    if described and any(map(_is_described, name.split())):
        return "caption"
    if "title" in words:
        return "title"
    return "figure" if words & {"figure", "imageblock"} else ""


def _is_described(name: str) -> bool:
    """Whether one name is made of the word for a picture and one for what is said of it."""
    words = [word.lower() for word in _WORD.findall(name)]
    return len(words) == 2 and words[0] in _PICTURE and words[1] in _DESCRIBED


def _is_frame(node: Node) -> bool:
    return node.tag == "figure" or _kind(node.get("class")) == "figure"


def holds_image(node: Node) -> bool:
    """Whether an image stands under the element."""
    stack: list[Node] = [node]
    steps = 0
    while stack and steps < 200:
        child = stack.pop()
        steps += 1
        if child.tag in {"img", "picture", "amp-img", "amp-anim"}:
            return True
        stack.extend(c for c in child.children if isinstance(c, Node))
    return False


def tie_captions(items: list[Item]) -> dict[int, list[Item]]:
    """The captions of each image or video that has one, by the item's index.

    A figcaption belongs to the media of its own figure, the caption of a table to the one picture
    within. Any other belongs to a picture beside it: no other text stands between the two. Where
    both neighbours are pictures, that side is taken on which more of the captions around it have
    one: some pages set captions above their pictures.
    """
    places = _places(items)
    found: dict[int, list[Item]] = {}
    beside: dict[Node, list[tuple[Item, list[int]]]] = {}
    for index, item in enumerate(items):
        if not item.is_text or item.role is not Role.CAPTION:
            continue
        around, media = _around(item, places)
        most = _LONGEST if around is None or around.tag not in _FRAMES else _LONGEST_FRAMED
        if around is None or len(item.text) > most:
            continue
        if around.tag in _FRAMES:
            for owner in media if around.tag == "figure" or len(media) == 1 else ():
                found.setdefault(owner, []).append(item)
        elif sides := _neighbours(items, index, media):
            beside.setdefault(around, []).append((item, sides))
    for captions in beside.values():
        for owner, item in _sided(captions):
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


def _around(item: Item, places: dict[Node, list[int]]) -> tuple[Node | None, list[int]]:
    """The nearest element around a caption that holds media, or the frame that holds none."""
    node: Node | None = item.node
    for _ in range(_CLIMB):
        node = node.parent if node is not None else None
        if node is None:
            break
        media = places.get(node, [])
        if media or (node.tag in _FRAMES and item.node.tag in _FRAMED):
            return node, media
    return None, []


def _neighbours(items: list[Item], index: int, media: list[int]) -> list[int]:
    """The picture right before a caption and the one right behind it, -1 for none; [] for neither.

    Only other captions may stand between, and a name or a credit, which is no sentence.
    """
    sides = []
    for step in (-1, 1):
        at = index + step
        while 0 <= at < len(items) and _may_part(items[at]):
            at += step
        place = bisect_left(media, at)
        sides.append(at if place < len(media) and media[place] == at else -1)
    return sides if sides != [-1, -1] else []


def _may_part(item: Item) -> bool:
    """Whether a text may stand between a caption and its picture."""
    if item.role is Role.CAPTION:
        return item.is_text
    return (
        0 < len(item.text) <= _CREDIT
        and item.role is Role.PARAGRAPH
        and not ends_sentence(item.text)
    )


def _sided(captions: list[tuple[Item, list[int]]]) -> Iterator[tuple[int, Item]]:
    """The picture of each caption: the one before, unless more captions have one behind them."""
    before = sum(sides[0] >= 0 for _, sides in captions)
    behind = sum(sides[1] >= 0 for _, sides in captions)
    first = int(behind > before)
    for item, sides in captions:
        yield sides[first] if sides[first] >= 0 else sides[1 - first], item
