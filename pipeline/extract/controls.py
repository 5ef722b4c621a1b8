"""Buttons and what they unfold: a control is no text, a question, a word of a sentence is."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pipeline.extract.anchors import HEADINGS, tells

if TYPE_CHECKING:
    from pipeline.extract.tree import Node

_Element: TypeAlias = Any
"""One of either parser's."""
LABELS: Final = HEADINGS | {"dt", "summary"}
"""Where a button is the line that unfolds an answer, and no control."""
_SENTENCES = frozenset({"p", "li", "dd", "td"})
_BEFORE = re.compile(r"[\w,:;)\"'’”]\s+[\"'“‘«(\[]?$")
_BEHIND = re.compile(r"[\"'”’»)\]]?(?:\s+\S|[.,;:!?])")
_PRESSED = "a, button, input, select, label, svg, [onclick], [tabindex]"
_PARAGRAPHS = 2
"""So many paragraphs stand in an element only where a page forgot to close it."""


def is_read(found: _Element, tag: str, parent: "Node") -> bool:
    """Whether an element that is left out otherwise is a part of the text."""
    if len(found.css("p")) >= _PARAGRAPHS:
        return True
    if tag != "button":
        return False
    if parent.tag in LABELS or is_picture(found.css_first("img"), found.text):
        return True
    if parent.tag in _SENTENCES:
        before, behind = found.prev, found.next
        return is_within(_text_of(before), _text_of(behind))
    return unfolds(found)


def is_read_of_soup(found: _Element, parent: "Node") -> bool:
    """As `is_read`, of the slow parser's."""
    name = found.name
    if name == "button":
        if parent.tag in LABELS:
            return True
        if parent.tag in _SENTENCES and is_within(
            *(s if isinstance(s, str) else "" for s in (found.previous_sibling, found.next_sibling))
        ):
            return True
    if (name == "button" or found.get("role") == "button") and is_picture(
        found.find("img"), found.get_text
    ):
        return True
    return len(found.find_all("p", limit=_PARAGRAPHS)) >= _PARAGRAPHS


def is_picture(image: object, text: Callable[[], str]) -> bool:
    """Whether a button is a picture to be shown larger: it holds one, and no words."""
    return image is not None and not text().strip()


def is_within(before: str, behind: str) -> bool:
    """Whether the texts beside a button are a sentence that it stands in: "Press Start now."."""
    return bool(_BEFORE.search(before[-8:]) and _BEHIND.match(behind))


def is_bill(found: _Element) -> bool:
    """Whether a menu is one of dishes: it holds lines to read, and nothing to press."""
    return found.css_first("li, p, dd") is not None and found.css_first(_PRESSED) is None


def unfolds(found: _Element) -> bool:
    """Whether a control unfolds an answer, which stands right behind it or what is around it."""
    if "aria-expanded" not in found.attributes:
        return False
    panel = _sibling(found, "next")
    if panel is None and _sibling(found, "prev") is None and found.parent is not None:
        panel = _sibling(found.parent, "next")
    return panel is not None and _is_panel(panel)


def is_unfolded(found: _Element) -> bool:
    """Whether a hidden element is the answer that the control right before it unfolds."""
    control = _sibling(found, "prev")
    if control is None or control.tag in {"nav", "header", "ul"}:
        return False
    if "aria-expanded" not in control.attributes and control.css_first("[aria-expanded]") is None:
        return False
    return _is_panel(found)


def _is_panel(found: _Element) -> bool:
    """Whether an element holds a sentence, and nothing to fill in or to choose from."""
    if found.tag in {"nav", "ul", "form"} or found.css_first("nav, form, input, select"):
        return False
    return tells([found.text(), *(line.text() for line in found.css("p, li, dd")[:50])])


def _sibling(found: _Element, way: str) -> _Element | None:
    """The element before or behind one, None where a text comes first."""
    other = getattr(found, way)
    while other is not None and (other.tag == "-comment" or _text_of(other).isspace()):
        other = getattr(other, way)
    return other if other is not None and other.tag[0] not in "-_!" else None


def _text_of(found: _Element | None) -> str:
    return found.text_content or "" if found is not None and found.tag == "-text" else ""
