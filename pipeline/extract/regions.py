"""Which of the regions that a page's names claim to be boilerplate really are."""

from dataclasses import dataclass

from pipeline.extract.boilerplate import Region
from pipeline.extract.declared import Kind
from pipeline.extract.tree import Node
from pipeline.extract.walk import Walk

_ENOUGH = 250.0
"""So much prose outside of a region and the page can do without it."""
_MOST = 0.6
"""A region with a larger share of the page's prose than this is no boilerplate after all."""
_PARAGRAPHS = 3
"""So many paragraphs make a region whose name says little a part of the text."""
_LONG = 100.0
_LINE = 80.0
"""Less prose than this in a header is a slogan."""
_FOLDED = 5
"""So many long paragraphs that are not shown yet are folded away, not left over."""


@dataclass(slots=True)
class _Mass:
    """What a region holds: prose outside of cards, and how many paragraphs of it are long."""

    prose: float = 0.0
    paragraphs: int = 0


def drop_regions(walk: Walk, kind: Kind) -> None:
    """Marks the items of boilerplate regions as not kept."""
    masses: dict[Node, _Mass] = {zone: _Mass() for zone in walk.regions}
    total = 0.0
    for item in walk.items:
        if item.carded or not item.is_text:
            continue
        total += item.score
        for zone in item.zones:
            masses[zone].prose += item.score
            masses[zone].paragraphs += item.score >= _LONG
    dropped: set[Node] = set()
    for zone, region in walk.regions.items():
        inside = [around for around in walk.outer[zone] if around not in dropped]
        if region is Region.COMMENTS and any(walk.regions[z] is region for z in inside):
            # A comment within a thread that stays is part of the thread.
            continue
        if _is_boilerplate(zone, region, masses[zone], total, kind):
            dropped.add(zone)
    for item in walk.items:
        item.kept = not any(zone in dropped for zone in item.zones)


def _is_boilerplate(zone: Node, region: Region, mass: _Mass, total: float, kind: Kind) -> bool:
    outside = total - mass.prose
    if region is Region.HEADER:
        return not _within_main(zone) and (zone.tag == "header" or mass.prose < _LINE)
    if region is Region.WEAK:
        return mass.paragraphs < _PARAGRAPHS and mass.prose <= 0.4 * total
    if region is Region.COMMENTS:
        return kind is not Kind.THREAD and (outside >= _ENOUGH or outside >= mass.prose)
    if region is Region.HIDDEN and mass.paragraphs >= _FOLDED:
        return False
    return region >= Region.CUT and mass.prose <= _MOST * total


def _within_main(zone: Node) -> bool:
    node = zone.parent
    while node is not None:
        if node.tag in {"main", "article"} or node.attrs.get("role") == "main":
            return True
        node = node.parent
    return False
