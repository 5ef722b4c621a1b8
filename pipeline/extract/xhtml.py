"""XHTML as a parser of HTML reads it: elements that a slash closes have an end tag."""

import re

_TYPES = ("application/xhtml+xml", "application/xml", "text/xml")
_SUFFIXES = (".xhtml", ".xht")
_VOID = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr",
    }
)  # fmt: skip
# XML has no "<" within a tag, so that no search goes beyond the next one.
_CLOSED = re.compile(r"<([a-zA-Z][\w:.-]*+)((?:[^<>\"'/]++|\"[^\"<]*+\"|'[^'<]*+'|/(?!>))*+)/>")


def is_xhtml(url: str, content_type: str, page: bytes) -> bool:
    """Whether a page is XHTML, by its header, its URL or its XML declaration."""
    kind = content_type.partition(";")[0].strip().lower()
    name = url.partition("#")[0].partition("?")[0].lower()
    return kind in _TYPES or name.endswith(_SUFFIXES) or page[:64].lstrip().startswith(b"<?xml")


def as_html(xhtml: str) -> str:
    """The page with an end tag for each element that a slash closes and HTML would leave open.

    A parser of HTML passes over the slash: behind `<script src="a.js"/>` it takes the whole page
    for a script.
    """
    return _CLOSED.sub(_ended, xhtml) if "/>" in xhtml else xhtml


def _ended(match: re.Match[str]) -> str:
    name, attributes = match.groups()
    return match[0] if name.lower() in _VOID else f"<{name}{attributes}></{name}>"
