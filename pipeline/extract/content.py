"""Which of a page's items are its content: regions weighed, then the richest container."""

from pipeline.extract.boilerplate import Region
from pipeline.extract.cards import find_cards, leads_away
from pipeline.extract.images import declared_side
from pipeline.extract.tree import Node
from pipeline.extract.walk import Item, Walk
from schemas.records import Role

_IMAGE_SCORE = 60.0
"""A content image counts as much for its block as a line of text."""
_ARTICLE = 400.0
"""So much prose outside of cards makes a page an article, whatever else it holds."""
_MOST = {Region.WEAK: 0.4, Region.CUT: 0.6, Region.COMMENTS: 0.5, Region.HIDDEN: 0.6}
"""A region with a larger share of the page's score than this is no boilerplate after all."""
_SHARE = 0.85
"""A child with this share of its parent's score is the container; else the parent is."""


def choose_content(walk: Walk) -> list[Item]:
    """The items that are the page's content, in reading order."""
    for item in walk.items:
        item.score = _score(item)
    _drop_regions(walk)
    cards = find_cards(walk)
    if _is_article(walk, cards):
        _drop_under(walk, cards)
    else:
        for item in walk.items:
            item.score = float(len(item.text))
    container = _container(walk)
    return [item for item in _inside(walk.items, container) if item.kept]


def _score(item: Item) -> float:
    if not item.is_text:
        return 0.0 if is_icon(item) or leads_away(item.href) else _IMAGE_SCORE
    length = len(item.text)
    plain = length - item.links
    if item.role is Role.HEADING or plain < 20 or item.links * 2 > length:
        return 0.0
    return plain * (1.0 if length >= 80 else 0.5)


def is_icon(item: Item) -> bool:
    """Whether the page itself declares the image too small to be a picture."""
    width, height = declared_side(item.node, "width"), declared_side(item.node, "height")
    return 0 < width <= 48 or 0 < height <= 48


def _drop_regions(walk: Walk) -> None:
    """Marks the items of boilerplate regions, unless such a region is most of the page."""
    mass: dict[Node, float] = {}
    total = 0.0
    for item in walk.items:
        total += item.score
        for zone in item.zones:
            mass[zone] = mass.get(zone, 0.0) + item.score
    dropped: set[Node] = set()
    for zone, region in walk.regions.items():
        limit = _MOST.get(region)
        if limit is None or any(
            walk.regions[around] is region and around not in dropped for around in walk.outer[zone]
        ):
            # A comment within a thread that stays is part of the thread.
            continue
        if mass.get(zone, 0.0) <= total * limit:
            dropped.add(zone)
    for item in walk.items:
        item.kept = not any(zone in dropped for zone in item.zones)


def _is_article(walk: Walk, cards: set[Node]) -> bool:
    """Whether the page has prose of its own, beside what it advertises of other pages."""
    memo: dict[Node, bool] = dict.fromkeys(cards, True)
    prose = 0.0
    carded = 0
    everything = 1
    for item in walk.items:
        if not item.kept:
            continue
        everything += len(item.text)
        if _is_under(item.node, memo):
            carded += len(item.text)
        else:
            prose += item.score if item.is_text else 0.0
    return prose >= _ARTICLE and carded < 0.6 * everything


def _drop_under(walk: Walk, cards: set[Node]) -> None:
    memo: dict[Node, bool] = dict.fromkeys(cards, True)
    for item in walk.items:
        item.kept = item.kept and not _is_under(item.node, memo)


def _container(walk: Walk) -> Node:
    """The deepest element that holds nearly all of the score of the kept items."""
    scores = [0.0] * len(walk.nodes)
    for item in walk.items:
        if item.kept:
            node: Node | None = item.node
            while node is not None and node.index < 0:
                node = node.parent
            if node is not None:
                scores[node.index] += item.score
    for node in reversed(walk.nodes):
        if node.parent is not None and node.parent.index >= 0:
            scores[node.parent.index] += scores[node.index]
    container = walk.nodes[0]
    while True:
        children = [c for c in container.children if isinstance(c, Node) and c.index >= 0]
        best = max(children, key=lambda c: scores[c.index], default=None)
        if best is None or scores[best.index] == 0:
            return container
        if scores[best.index] < _SHARE * scores[container.index]:
            return container
        container = best


def _inside(items: list[Item], container: Node) -> list[Item]:
    memo: dict[Node, bool] = {container: True}
    return [item for item in items if _is_under(item.node, memo)]


def _is_under(node: Node, memo: dict[Node, bool]) -> bool:
    """Whether the node or one around it is marked in `memo`, which remembers the answers."""
    path: list[Node] = []
    at: Node | None = node
    while at is not None and at not in memo:
        path.append(at)
        at = at.parent
    answer = memo[at] if at is not None else False
    for passed in path:
        memo[passed] = answer
    return answer
