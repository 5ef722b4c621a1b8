"""Which of the regions that a page's names claim to be boilerplate really are."""

import math
from dataclasses import dataclass
from typing import Final

from pipeline.extract.boilerplate import Region, says_little
from pipeline.extract.cards import is_portrait
from pipeline.extract.declared import Kind
from pipeline.extract.items import Fold, Walk
from pipeline.extract.tree import Node, folded_characters, folded_prose

_ENOUGH = 250.0
"""So much prose outside of a region and the page can do without it."""
_MOST = 0.62
"""A region with a larger share of the page's prose than this is no boilerplate after all."""
_PARAGRAPHS = 3
"""So many paragraphs make a region whose name says little a part of the text."""
_LONG = 100.0
_LINE = 80.0
"""Less prose than this in a header is a slogan."""
_SHORTEST = 20
"""A shorter piece of an unread region is a label."""
_FOLDED = 5
"""So many long paragraphs that are not shown yet are folded away, not left over."""


_WEAK: Final = Region.WEAK
_KINDS = {Region.HEADER: "header", Region.COMMENTS: "comments", Region.HIDDEN: "hidden"}


@dataclass(slots=True)
class _Mass:
    """What a region holds: prose outside of cards, how many paragraphs of it are long, pictures."""

    prose: float = 0.0
    paragraphs: int = 0
    pictures: int = 0


_Page = tuple[dict[Node, _Mass], float]
"""What each region holds, outer ones first, and all prose of the page."""


def needed_folds(walk: Walk, kind: Kind, known: dict[Node, int] | None = None) -> list[Fold]:
    """The unread regions whose prose might change what is boilerplate.

    How much that is at most, the characters under them tell. A region that would not be kept if
    all of its text were prose stays unread; all are read where their prose could decide of others.

    Args:
        walk: so far.
        kind: of page.
        known: prose under regions, as it was told before; what is told now is added.
    """
    if not walk.folds:
        return []
    page = _weigh_regions(walk)
    nodes = [fold.node for fold in walk.folds]
    if not _undecided(walk, kind, page, [*map(folded_characters, nodes)]):
        return []
    known = {} if known is None else known
    known |= {n: folded_prose(n, _SHORTEST) for n in nodes if n not in known}
    return _undecided(walk, kind, page, [known[node] for node in nodes])


def _undecided(walk: Walk, kind: Kind, page: _Page, unread: list[int]) -> list[Fold]:
    """The unread regions to read, where there are at most so many characters of prose in each."""
    masses, total = page
    spare = _MOST / (1 - _MOST) * total
    needed = [
        fold
        for fold, most in zip(walk.folds, unread, strict=True)
        if most > min(spare, _most_kept(fold.node))
    ]
    if needed:
        return needed
    rest = sum(unread)
    for zone, mass in masses.items():
        if mass.prose and (
            _is_boilerplate(zone, mass, total, kind)
            != _is_boilerplate(zone, mass, total + rest, kind)
        ):
            return list(walk.folds)
    return []


def _most_kept(zone: Node) -> float:
    """Prose below which a folded region is boilerplate, whatever else the page holds."""
    return _FOLDED * _LONG if zone.region is Region.HIDDEN else math.inf


def drop_regions(walk: Walk, kind: Kind) -> None:
    """Marks the items of boilerplate regions as not kept."""
    masses, total = _weigh_regions(walk)
    dropped: set[Node] = set()
    for zone, mass in masses.items():
        inside = [around for around in walk.outer[zone] if around not in dropped]
        if zone.region is Region.COMMENTS and any(z.region is Region.COMMENTS for z in inside):
            # A comment within a thread that stays is part of the thread.
            continue
        if _is_boilerplate(zone, mass, total, kind):
            dropped.add(zone)
    zones: tuple[Node, ...] = ()
    why = ""
    for item in walk.items:
        if item.zones is not zones:  # those of one block are the same tuple
            zones = item.zones
            why = next((described(zone) for zone in zones if zone in dropped), "")
        item.kept, item.why = not why, why


def described(zone: Node) -> str:
    """A region by its opening tag, cut short."""
    names = "".join(
        f' {name}="{zone.get(name)}"' for name in ("role", "id", "class") if zone.get(name)
    )
    return f"{_KINDS.get(zone.region, 'boilerplate')} <{zone.tag}{names[:60]}>"


def _weigh_regions(walk: Walk) -> _Page:
    """What each region holds, outer ones first, and all prose of the page."""
    masses: dict[Node, _Mass] = {zone: _Mass() for zone in walk.outer}
    total = 0.0
    for item in walk.items:
        score = item.score
        if score == 0.0 or item.carded:
            continue
        if not item.is_text:
            weak = [zone for zone in item.zones if zone.region is _WEAK]
            if weak and not item.href and not is_portrait(item):
                for zone in weak:
                    masses[zone].pictures += 1
            continue
        total += score
        for zone in item.zones:
            mass = masses[zone]
            mass.prose += score
            mass.paragraphs += score >= _LONG
    return masses, total


def _is_boilerplate(zone: Node, mass: _Mass, total: float, kind: Kind) -> bool:
    region = zone.region
    outside = total - mass.prose
    if region is Region.HEADER:
        return not _within_main(zone) and (zone.tag == "header" or mass.prose < _LINE)
    if region is Region.WEAK:
        if mass.pictures and mass.prose and says_little(zone.attrs) and _within_main(zone):
            return False
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
