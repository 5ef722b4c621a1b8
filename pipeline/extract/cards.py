"""Cards: runs of siblings alike, each of which advertises another page."""

import re
from collections.abc import Iterator

from pipeline.extract.images import is_image_link
from pipeline.extract.items import Item, Walk
from pipeline.extract.tree import Node
from schemas.records import Role

_PORTRAIT = re.compile(r"avatar|profile|/users?/|/members?/|author|userpic|byline")
_RUN = 3
"""So many siblings alike make a run."""
_LONGEST = 700
"""A card is at most so many characters long: longer siblings are posts or sections."""


def find_cards(walk: Walk) -> set[Node]:
    """The elements that are cards: linked heading or picture, short, three or more in a row."""
    count = len(walk.nodes)
    characters = [0] * count
    linked = [False] * count
    for item in walk.items:
        index = _index_of(item.node)
        if index < 0:
            continue
        characters[index] += len(item.text)
        if item.is_text:
            head = item.role is Role.HEADING and item.links * 2 > len(item.text)
            linked[index] = linked[index] or head
        elif leads_away(item.href) and not is_portrait(item):
            linked[index] = True
    _pass_up(walk.nodes, characters, linked)
    cards: set[Node] = set()
    for node in (n for n in walk.nodes if linked[n.index] and len(n.children) >= _RUN):
        for run in _runs(node):
            alike = [c for c in run if linked[c.index] and characters[c.index] <= _LONGEST]
            if len(alike) >= _RUN and len(alike) * 3 >= len(run) * 2:
                cards.update(run)
    return cards


def _pass_up(nodes: list[Node], characters: list[int], linked: list[bool]) -> None:
    """Adds what stands under each element to the one around it."""
    for index in range(len(nodes) - 1, -1, -1):
        if not (characters[index] or linked[index]):  # as of most
            continue
        parent = nodes[index].parent
        if parent is not None and (above := parent.index) >= 0:
            characters[above] += characters[index]
            linked[above] = linked[above] or linked[index]


def leads_away(href: str) -> bool:
    """Whether a link leads to another page, not to a place in this one or to a picture."""
    return bool(href) and not href.startswith(("#", "javascript:")) and not is_image_link(href)


def is_portrait(item: Item) -> bool:
    """Whether the image is of whoever wrote, as its names say: an avatar is no teaser."""
    node, parent = item.node, item.node.parent
    names = [node.get("class"), node.get("alt"), item.url[-200:], item.href[-100:]]
    if parent is not None:
        names += [parent.get("class"), parent.parent.get("class") if parent.parent else ""]
    return bool(_PORTRAIT.search("\n".join(names).lower()))


def _index_of(node: Node | None) -> int:
    """The index of the nearest element that the walk counted."""
    while node is not None and node.index < 0:
        node = node.parent
    return node.index if node is not None else -1


def _runs(parent: Node) -> Iterator[list[Node]]:
    """Neighbouring children of the same tag and class; only white space may part them."""
    run: list[Node] = []
    name: tuple[str, str] | None = None
    for child in parent.children:
        if isinstance(child, str):
            if child.strip():
                name = None
            continue
        if child.index < 0:
            continue
        own = (child.tag, child.get("class").partition(" ")[0])
        if own != name:
            if len(run) >= _RUN:
                yield run
            run, name = [], own
        run.append(child)
    if len(run) >= _RUN:
        yield run
