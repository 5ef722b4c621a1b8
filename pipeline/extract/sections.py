"""Sections that their own heading gives away: related pages, newsletters, comments."""

import re

from pipeline.extract.items import Item, Walk, ends_sentence, is_sentence
from pipeline.extract.tree import Node
from schemas.records import Role

# Held against text in small letters, as in labels.
_TITLE = re.compile(
    r"^[\W\d_]*(?:"
    r"(?:you (?:may|might|could|will|'ll) (?:also )?(?:like|enjoy|love|be interested)"
    r"|you (?:may|might) also need"
    r"|(?:related|similar|recommended|suggested|featured|recent|latest|popular|trending|top|other|"
    r"more|further|previous|next|new|sponsored|must[- ]?read|our latest|our other)"
    r" (?:\w+ ){0,2}(?:articles?|posts?|stor(?:y|ies)|news|contents?|products?|items?|videos?"
    r"|topics?|questions|reads?|readings?|links?|pages?|searches|categories|blogs?|coverage|resources|"
    r"recipes|guides|insights|comments|reviews|by [\w .]+)"
    r"|(?:related|recommended|trending|popular|recommendations|advertisements?|sponsored)"
    r"|most (?:read|popular|viewed|shared|commented|recent)(?: \w+){0,3}"
    r"|more (?:from|like|in|by) .{1,60}|see also|read (?:more|next|also)|up next"
    r"|recommended (?:for you|reading|by .{1,40})|also (?:read|on|in) .{0,40}|keep reading"
    r"|(?:customers|people|shoppers|users) (?:who|also) .{1,60}|frequently bought together"
    r"|recently viewed(?: \w+)?|share (?:this|on|with|the|your|via).{0,40}|follow us.{0,40}"
    r"|connect with us|stay (?:connected|in touch|up to date|informed).{0,40}|join (?:our|the)"
    r" (?:newsletter|mailing list|conversation|discussion).{0,30}"
    r"|(?:subscribe|sign up)(?: (?:to|for|now|today|here)\b.{0,60})?"
    r"|(?:our |free |the )?newsletters?"
    r"|(?:\d+ )?(?:comments|responses|replies|thoughts? on .{1,80})(?: \(?\d+\)?)?"
    r"|\d+ (?:comment|response)|(?:comment|response)s? \(?\d+\)?"
    r"|leave a (?:comment|reply)|post a comment|join the (?:discussion|conversation)"
    r"|(?:about|meet) the authors?|written by|author|filed under"
    r"|breaking news|top stories|editor'?s'? picks?|don'?t miss.{0,30}|what to read next"
    r"|table of contents|in this article|on this page|jump to(?: section)?"
    r"|cookie (?:policy|settings|preferences|consent)|privacy (?:preferences|overview)"
    r"|all rights reserved|legal notice|sort by|refine(?: by| results)?"
    r"))[\s:.…!?»>)\d]*$"
)
_DOUBTFUL = re.compile(
    r"^[\W\d_]*(?:tags?|categories|topics|archives?|comment|response|search(?: for)?|filters?|"
    r"share|contents)[\s:.…!?»>)\d]*$"
)
"""What a manual may have a section on: one of sentences or pictures is the text's."""
_LONGEST_TITLE = 90
_PROSE = 150.0
"""A longer paragraph ends a section whose heading stands loose among its siblings."""
_PARAGRAPHS = 2
"""A section with so many long paragraphs is text, whatever its heading says."""
_MOST = 0.4
"""A section with a larger share of the page's characters is what the page is about."""


def drop_sections(walk: Walk) -> None:
    """Marks the items of sections as not kept that their heading says to be boilerplate."""
    items = [item for item in walk.items if item.kept]
    total = sum(len(item.text) for item in items)
    places: dict[Node, tuple[int, int]] = {}
    for index, item in enumerate(items):
        if item.kept and item.is_text and _is_title(item):
            places = places or _places(items)
            section = _section(items, index, places)
            small = sum(len(i.text) for i in section) <= _MOST * total
            if _DOUBTFUL.match(item.text.lower()) and any(map(_tells, section)):
                continue
            if small and sum(i.score >= _PROSE and not i.carded for i in section) < _PARAGRAPHS:
                for inside in section:
                    inside.cut(f"section {item.text[:40]!r}")


def _is_title(item: Item) -> bool:
    if len(item.text) > _LONGEST_TITLE or item.role in {Role.CODE, Role.CAPTION}:
        return False
    if item.role is not Role.HEADING and (len(item.text) > 40 or is_sentence(item.text)):
        return False
    text = item.text.lower()
    return bool(_TITLE.match(text) or (item.node.tag != "dt" and _DOUBTFUL.match(text)))


def _tells(item: Item) -> bool:
    """Whether an item is a sentence or a picture of its own, no link to another page."""
    if item.carded or item.score <= 0 or item.role is Role.HEADING:
        return False
    return not item.is_text or ends_sentence(item.text)


def _places(items: list[Item]) -> dict[Node, tuple[int, int]]:
    """First and last index of the items under each element."""
    firsts = _reached(items, range(len(items)))
    lasts = _reached(items, range(len(items) - 1, -1, -1))
    return {node: (first, lasts[node]) for node, first in firsts.items()}


def _reached(items: list[Item], order: range) -> dict[Node, int]:
    """The first index of the order that stands under each element."""
    reached: dict[Node, int] = {}
    for index in order:
        node: Node | None = items[index].node
        while node is not None and node not in reached:
            reached[node] = index
            node = node.parent
    return reached


def _section(items: list[Item], index: int, places: dict[Node, tuple[int, int]]) -> list[Item]:
    """The items that the heading at `index` stands over, itself the first."""
    item = items[index]
    node = item.node
    last = places[node][1]
    while node.parent is not None and places.get(node.parent, (-1, 0))[0] == index:
        node = node.parent
        last = places[node][1]
    if last > index:
        return items[index : last + 1]
    if item.role is not Role.HEADING:
        return [item]
    return _loose(items, index, places, node)


def _loose(
    items: list[Item], index: int, places: dict[Node, tuple[int, int]], node: Node
) -> list[Item]:
    """The heading and its siblings' items up to the next heading, or to prose."""
    end = places.get(node.parent, (index, index))[1] if node.parent is not None else index
    section = [items[index]]
    for at in range(index + 1, end + 1):  # a slice for each heading would be quadratic
        item = items[at]
        if item.role is Role.HEADING and item.node.tag <= items[index].node.tag:
            break
        if item.score >= _PROSE:
            break
        section.append(item)
    return section
