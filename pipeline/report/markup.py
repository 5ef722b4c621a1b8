"""HTML from values: a plain string is escaped wherever it goes in, so that none is forgotten."""

import html
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")  # turn the letters of a URL around
_VOID = frozenset({"br", "img"})
_URL_CHARACTERS = 110


class Markup(str):
    """Text that is HTML already; everything else is escaped on its way in."""

    __slots__ = ()


def escaped(value: str) -> Markup:
    """The text as HTML; control characters and halves of surrogates become U+FFFD."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(_CONTROLS.sub("\ufffd", value), quote=True))


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Parts one after the other."""
    return Markup(escaped(between).join(escaped(part) for part in parts))


def tag(element: str, *content: str, **attributes: str | None) -> Markup:
    """An element with its content and attributes.

    Args:
        element: its name.
        content: what stands in it.
        attributes: by name, `class_` for class and `aria_label` for aria-label; None leaves one
            out, and "" gives a bare one.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if element in _VOID:
        return Markup(f"<{element}{written}>")
    return Markup(f"<{element}{written}>{joined(content)}</{element}>")


def link(url: str, *, is_short: bool = False) -> Markup:
    """A URL as text, and as a link where it leads to the web; the page says nothing to its host.

    Args:
        url: any text.
        is_short: show no more than the host, or of a file its name, and the rest when pointed at.
    """
    whole = _OVERRIDES.sub("\ufffd", url)
    shown = _short(whole) if is_short else whole
    if len(shown) > _URL_CHARACTERS:
        half = _URL_CHARACTERS // 2
        shown = f"{shown[:half]} … {shown[-half:]}"
    title = whole if is_short else None
    if not is_web(url):
        return tag("bdi", shown, class_="url", title=title)
    rel = "noreferrer noopener nofollow"
    return tag("a", tag("bdi", shown), href=url, rel=rel, class_="url", title=title)


def _short(url: str) -> str:
    """The host of a URL, or the name of the file it leads to."""
    return urlsplit(url).netloc if is_web(url) else url.rstrip("/").rpartition("/")[2]


def is_web(url: str) -> bool:
    """Whether a URL is of http or https and names a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def figure_of(number: float | None) -> str:
    """A number for people: thousands apart, four digits of a fraction, "–" where there is none."""
    if number is None or number != number:
        return "–"
    if float(number).is_integer() and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:,.0f}" if abs(number) >= 10_000 else f"{number:.4g}"


def rounded(number: float) -> str:
    """A number for people, to three digits where it is a fraction or large."""
    if number != number or (float(number).is_integer() and abs(number) < 1000):
        return figure_of(number)
    return figure_of(float(f"{number:.3g}"))


def count_of(number: int, word: str) -> str:
    """A number of things."""
    return f"{figure_of(number)} {word}{'' if number == 1 else 's'}"


def bytes_of(size: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f}\xa0{unit}" if unit == "B" else f"{size:.1f}\xa0{unit}"
        size /= 1000
    return f"{size:,.1f}\xa0TB"


def share_of(part: float, whole: float) -> str:
    """A share in percent; "<0.1 %" and ">99.9 %" where rounding would say none or all."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"
