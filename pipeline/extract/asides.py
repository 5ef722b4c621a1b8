"""What stands in a line or in a cell and is no part of its text, or more than that."""

from typing import Final

from pipeline.extract.anchors import HEADINGS, LINES, is_anchor, region_without_id, tells
from pipeline.extract.boilerplate import Region
from pipeline.extract.tree import BLOCKS, Node

_HIDDEN: Final = Region.HIDDEN
_ASIDE = 40
_NO_ASIDE = 1000
_PARTS_OF_ASIDE = 20
_MEDIA = frozenset(
    {"img", "amp-img", "amp-anim", "image", "video", "iframe", "embed", "object", "math"}
)
_PARTS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "figure", "table", "ul", "ol", "hr"})
"""What stands in a cell only where tables make the layout of a page."""
_LAYOUT_PARAGRAPHS = 3
_LOOKED_AT = 300
"""Elements of a region among which its heading and a sentence are looked for."""


def is_layout(cell: Node) -> bool:
    """Whether a table cell is a part of the page's layout: it holds headings, lists, paragraphs."""
    paragraphs = 0
    for child in cell.children:
        if isinstance(child, Node):
            if child.tag in _PARTS:
                return True
            paragraphs += child.tag == "p"
    return paragraphs >= _LAYOUT_PARAGRAPHS


def is_aside(node: Node, region: Region) -> bool:
    """Whether an inline element is boilerplate that no reader reads with the text around it.

    A few words are; what is hidden is however long it may be, unless it holds blocks or pictures:
    then a script may show it. What is hidden from those alone who have pages read to them is seen.
    """
    seen = region is not _HIDDEN or node.get("aria-hidden") == "true"
    most = _ASIDE if seen else _NO_ASIDE
    characters = steps = 0
    stack: list[Node | str] = [node]
    while stack:
        child = stack.pop()
        if isinstance(child, str):
            characters += len(child)
            continue
        steps += 1
        if child.tag in BLOCKS or child.tag in _MEDIA or steps > _PARTS_OF_ASIDE:
            return False
        stack += child.children
    return characters < most


def region_around(node: Node) -> Region:
    """The region of a marked element that has an id; it does not count where it is an anchor.

    Readers' comments stand under a heading that says so, as a manual's section on them does.
    """
    region = node.region
    if region in {Region.COMMENTS, Region.HIDDEN} or node.folded is not None:
        return region
    told = region_without_id(node)
    if told == region:
        return region
    if node.tag in HEADINGS or node.tag == "dt":
        return told if is_anchor(node.get("id"), words_under(node)) else region
    return told if _is_section(node) else region


def _is_section(node: Node) -> bool:
    """Whether an element's id is the anchor of its first heading, with a sentence behind it."""
    heading = ""
    lines: list[str] = []
    waiting: list[Node | str] = [node]
    for _ in range(_LOOKED_AT):
        if not waiting:
            break
        child = waiting.pop()
        if isinstance(child, str):
            continue
        if child.tag == "form":
            return False
        if child.tag in HEADINGS and not heading and child.region is not Region.HIDDEN:
            heading = words_under(child)
            if not is_anchor(node.get("id"), heading):
                return False
        elif child.tag in LINES:
            lines.append(words_under(child))
        waiting += reversed(child.children)
    return bool(heading) and tells(lines)


def words_under(node: Node) -> str:
    """All words under an element, as they stand."""
    words: list[str] = []
    stack: list[Node | str] = [node]
    while stack:
        child = stack.pop()
        if isinstance(child, str):
            words.append(child)
        else:
            stack += reversed(child.children)
    return " ".join("".join(words).split())


def goes_on(before: str, after: str) -> bool:
    """Whether a sentence runs on behind an image that stands in it."""
    return before[-1] not in '.!?:;…»”"' and (after[0].islower() or after[0] in ",.;:)")
