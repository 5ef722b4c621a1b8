"""Elements that are pictures of the text, though their names or their style say otherwise."""

import re
from typing import Any, Final, TypeAlias

_Element: TypeAlias = Any
"""One of the fast parser's."""
_SHOWS = re.compile(
    r"image|img|photo|picture|lightbox|modal|popup|overlay|screenshot", re.IGNORECASE
)
"""A class of what shows a picture, or opens one."""
_LARGE_PX = 200
_PRESSED = "a, button, input, select, form, svg, iframe"
TYPESET: Final = frozenset({"em", "i", "small"})
_LONGEST = 300
_MOST_SLIDES = 40
_EMPTY = frozenset({"br", "wbr"})


def is_alone(found: _Element, names: str) -> bool:
    """Whether there is one large picture in an element, and neither words nor anything to press.

    Args:
        found: the element.
        names: its class.
    """
    if not _SHOWS.search(names):
        return False
    images = found.css("img")
    if len(images) != 1 or found.css_first(_PRESSED) is not None or found.text().strip():
        return False
    sides = images[0].attributes.get("width"), images[0].attributes.get("height")
    return all(side and side.isdigit() and int(side) >= _LARGE_PX for side in sides)


def is_figure(found: _Element) -> bool:
    """Whether an aside holds figures and nothing else, none of which leads away."""
    if found.css_first("figure") is None or found.css_first("a, button, form") is not None:
        return False
    children = [
        child
        for child in found.iter(include_text=True)
        if child.text().strip() or child.css_first("img")
    ]
    return all(child.tag == "figure" for child in children)


def is_formula(found: _Element) -> bool:
    """Whether an element holds a formula, and no paragraphs."""
    return found.css_first("math") is not None and found.css_first("p") is None


def is_slide(found: _Element, names: str) -> bool:
    """Whether a hidden element is a later slide of a gallery of which an earlier one is shown.

    All have the same class, and a picture each.

    Args:
        found: the element.
        names: its class.
    """
    name = names.partition(" ")[0]
    if not name or found.css_first("img") is None:
        return False
    before = found
    for _ in range(_MOST_SLIDES):
        before = _beside(before, "prev")
        if before is None or before.tag != found.tag or _first_class(before) != name:
            return False
        attrs = before.attributes
        if "hidden" not in attrs and "none" not in (attrs.get("style") or ""):
            return before.css_first("img") is not None
    return False


def _first_class(found: _Element) -> str:
    return (found.attributes.get("class") or "").partition(" ")[0]


def is_caption_behind(found: _Element) -> bool:
    """Whether slanted or small words end an element right behind the picture in it."""
    if _beside(found, "next") is not None:
        return False
    image = _beside(found, "prev")
    if image is None or image.tag not in {"img", "picture", "a"}:
        return False
    if image.tag != "img" and (image.css_first("img") is None or image.text().strip()):
        return False
    return 0 < len(found.text().strip()) <= _LONGEST


def _beside(found: _Element, way: str) -> _Element | None:
    """What stands before or behind an element, but for white space and breaks of lines."""
    other = getattr(found, way)
    while other is not None and (
        other.tag in _EMPTY
        or other.tag == "-comment"
        or (other.tag == "-text" and other.text_content.isspace())
    ):
        other = getattr(other, way)
    return other
