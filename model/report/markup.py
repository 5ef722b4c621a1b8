"""HTML and SVG from values; all that is not markup already is escaped on its way in."""

import html
import re

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """Text as markup; what no page may hold becomes U+FFFD."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(_CONTROLS.sub("\ufffd", text)))


def tag(element: str, *content: str, **attributes: str | float | None) -> Markup:
    """An element; `class_` and `aria_label` stand for class and aria-label, None for nothing."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if element == "img":
        return Markup(f"<img{written}>")
    return Markup(f"<{element}{written}>{''.join(map(escaped, content))}</{element}>")


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"


_UNITS = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def figure_of(number: float) -> str:
    """A number for people, to three digits, four of thousands: 0.0312, 2.41, 8125, 12.3k, 4.5T."""
    rounded = float(f"{number:.3g}")
    if 1e4 <= abs(rounded) < 1e21:
        scale, letter = next(unit for unit in _UNITS if abs(rounded) >= unit[0])
        return f"{rounded / scale:.3g}{letter}"
    if 1000 <= abs(rounded) < 1e4:
        return f"{number:.0f}"
    return f"{number:.3g}"
