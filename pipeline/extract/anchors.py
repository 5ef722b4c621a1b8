"""Ids that are anchors: they say what a section is about, not what part of a template it is.

Tools that make manuals write the words of a section's heading into its id:
`<section id="cookies"><h2>Cookies</h2>`.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pipeline.extract.boilerplate import Region, region_of

if TYPE_CHECKING:
    from pipeline.extract.tree import Node

_Element: TypeAlias = Any
"""One of the fast parser's."""
HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_HEADING = ", ".join(sorted(HEADINGS))
LINES: Final = frozenset({"p", "li", "dd"})
_LINE = ", ".join(sorted(LINES))
_CONTROLS = "input, select, textarea, form"
_WORD = re.compile(r"[^\W_]+")
_ENDS = (".", "!", "?", ":", "\u3002")
_SHORTEST = 20


def region_of_folded_anchor(found: _Element, node: "Node") -> Region:
    """The region of a marked element that is not read yet; an anchor says nothing of it.

    Args:
        found: the fast parser's element.
        node: made of it, without children.
    """
    region = node.region
    if region is Region.HIDDEN:
        return region
    told = region_without_id(node)
    if told == region:
        return region
    if node.tag in HEADINGS or node.tag == "dt":
        return told if is_anchor(node.get("id"), found.text()) else region
    heading = found.css_first(_HEADING)
    if heading is None or not is_anchor(node.get("id"), heading.text()):
        return region
    if found.css_first(_CONTROLS) is not None:
        return region
    return told if tells(line.text() for line in found.css(_LINE)) else region


def region_without_id(node: "Node") -> Region:
    """The region that the other names of an element claim."""
    return region_of(node.tag, {name: v for name, v in node.attrs.items() if name != "id"})


def is_anchor(name: str, heading: str) -> bool:
    """Whether an id is made of a heading's words; a number may stand before them or behind it."""
    said = [word.casefold() for word in _WORD.findall(heading)]
    own = [word.casefold() for word in _WORD.findall(name)]
    while said and said[0].isdigit() and said[0] not in own:
        del said[0]
    if own and own[-1].isdigit() and own[-1] not in said:
        del own[-1]
    return bool(own) and own == said


def tells(lines: Iterable[str]) -> bool:
    """Whether there is a sentence among some texts."""
    return any(len(line) >= _SHORTEST and line.rstrip().endswith(_ENDS) for line in lines)
