"""Which of a page's items are its content: marked regions weighed, then the richest container."""

from pipeline.extract.boilerplate import Region
from pipeline.extract.images import declared_side
from pipeline.extract.tree import Node
from pipeline.extract.walk import Item, Walk
from schemas.records import Role

_IMAGE_SCORE = 60.0
"""A content image counts as much for its block as a line of text."""
_SHARE = 0.75
"""A child with this share of its parent's score is the container; else the parent is."""


def choose_content(walk: Walk) -> list[Item]:
    """The items that are the page's content, in reading order."""
    for item in walk.items:
        item.score = _score(item)
    _drop_regions(walk)
    container = _container(walk)
    inside = _inside(walk.items, container)
    return [item for item in inside if item.kept]


def _score(item: Item) -> float:
    if not item.is_text:
        return 0.0 if is_icon(item) else _IMAGE_SCORE
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
    limits = {Region.WEAK: 0.4, Region.CUT: 0.6, Region.COMMENTS: 0.5}
    dropped = {
        zone
        for zone, region in walk.regions.items()
        if region in limits and mass.get(zone, 0.0) <= total * limits[region]
    }
    for item in walk.items:
        item.kept = not any(zone in dropped for zone in item.zones)


def _container(walk: Walk) -> Node:
    """The deepest element that holds nearly all of the score of the kept items."""
    scores: dict[Node, float] = dict.fromkeys(walk.nodes, 0.0)
    for item in walk.items:
        if item.kept:
            node: Node | None = item.node
            while node is not None and node not in scores:
                node = node.parent
            if node is not None:
                scores[node] += item.score
    for node in reversed(walk.nodes):
        if node.parent in scores:
            scores[node.parent] += scores[node]
    container = walk.nodes[0]
    while True:
        children = [c for c in container.children if isinstance(c, Node) and c in scores]
        best = max(children, key=lambda c: scores[c], default=None)
        if best is None or scores[best] < _SHARE * scores[container] or scores[best] == 0:
            return container
        container = best


def _inside(items: list[Item], container: Node) -> list[Item]:
    memo: dict[Node, bool] = {container: True}
    return [item for item in items if _is_under(item.node, memo)]


def _is_under(node: Node, memo: dict[Node, bool]) -> bool:
    path: list[Node] = []
    at: Node | None = node
    while at is not None and at not in memo:
        path.append(at)
        at = at.parent
    answer = memo[at] if at is not None else False
    for passed in path:
        memo[passed] = answer
    return answer
