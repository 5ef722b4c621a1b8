"""Pages that would make a parser slow, told by one linear scan, and cut to what it can bear."""

import re
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter

from pipeline.extract.limits import ExtractLimits

_INSIDE = r"(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|))*+"
"""Attributes: an "=" and the quoted value behind it are taken whole."""
_RAW = "script|style|textarea|title|xmp|iframe|noembed|noframes"
"""Elements whose content is no markup."""
# A comment, a raw element, or a tag. Each matches wherever it begins, to the end of the page if
# need be, so the scan never looks back.
_TAG = re.compile(
    r"<(?:!--(?:[^-]++|-(?!->))*+"
    rf"|({_RAW})(?=[\s/>])({_INSIDE})>?(?:[^<]++|<(?!/\1))*+(?:</\1[^>]*+>?)?+"
    rf"|(/?)([a-zA-Z][^\s/>]*+)({_INSIDE})>?)",
    re.IGNORECASE,
)


def _any_case(word: str) -> str:
    """A pattern for the word that is twice as fast as the one that ignores case."""
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


# The same without a look into the matches, in half the time: most pages need no more.
_SCAN = re.compile(
    "<(?:"
    + "|".join(
        rf"{_any_case(name)}(?=[\s/>]){_INSIDE}(?:[^<]++|<(?!/{_any_case(name)}))*+"
        for name in _RAW.split("|")
    )
    + rf"|/?[a-zA-Z]{_INSIDE}>?|!--(?:[^-]++|-(?!->))*+)"
)
_NAME = re.compile(rf"<(?!(?:{_RAW})[\s/>])(/?)([a-zA-Z][^\s/>]*+)", re.IGNORECASE)
_HEAD = re.compile(rf"</?[a-zA-Z][^\s/>]*+({_INSIDE})")
_ATTRIBUTE = re.compile(r"[^\s/=>\"']++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"']*+))?")
_OPTION = re.compile(b"<option", re.IGNORECASE)
_FEW_TAGS = 20_000
"""Depth alone costs so few tags 0.4 s at most."""
_FEW_QUOTED = 5_000
"""So many more ends of tags than beginnings may be attributes of one tag, with ">" as values."""
_LONG_TAG = 1024
"""Characters of attributes from which a tag is looked at more closely."""

_LONG = re.compile(
    rf"<[a-zA-Z][\w:.\x80-\xff-]{{0,40}}+[\s/][^>]{{{_LONG_TAG}}}[^>]*+".encode("latin-1")
)
"""A long tag, or a piece of script that looks like one: most pages have none or a few."""

_LOWER = frozenset(
    {
        # Void elements never hold another.
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr", "basefont", "bgsound", "frame", "keygen",
        # The next of their kind ends these: old pages leave thousands of them open.
        "p", "li", "dt", "dd", "tr", "td", "th", "option", "tbody", "thead", "tfoot", "optgroup",
        # Drawings close these at once, with a slash.
        "path", "circle", "ellipse", "line", "polygon", "polyline", "rect", "use", "stop", "image",
        "animate", "animatetransform", "fegaussianblur", "feoffset", "feblend", "feflood",
        "fecolormatrix", "fecomposite", "femergenode",
    }
)  # fmt: skip
_FLAT = _LOWER | {name.upper() for name in _LOWER}
"""Names that say nothing of depth."""


def is_guarded(page: bytes, limits: ExtractLimits) -> bool:
    """Whether the page is too long, too deep or too rich in attributes for the fast parser.

    A closing tag takes one from the count of its own name alone, so stray ones hide no depth. Tags
    are told from scripts and comments only where a quick look finds anything: what that does not
    see, as a few thousand attributes with a ">" in each, takes the fast parser longer, within the
    limits that hold for any page (`alone.py`).

    Args:
        page: in UTF-8.
        limits: of the fast parser.
    """
    if len(page) > limits.fast_characters and len(page.decode()) > limits.fast_characters:
        return True
    most_tags = page.count(b"<")
    options = most_tags > limits.fast_options and _has_options(page, limits)
    quoted = page.count(b">") - most_tags  # and arrows of scripts
    few = most_tags <= _FEW_TAGS and quoted <= _FEW_QUOTED
    if few and not options and not any(_is_heavy(tag, limits) for tag in _long_tags(page)):
        return False
    tags = _SCAN.findall(page.decode())
    if any(_is_heavy(tag, limits) for tag in tags if len(tag) > _LONG_TAG):
        return True
    if len(tags) > limits.fast_options and options:
        return True
    return len(tags) > _FEW_TAGS and _is_deep(tags, limits)


def _long_tags(page: bytes) -> Iterator[str]:
    """What looks like a long tag: it begins where no tag ends for long.

    From one end to the last within reach of it no gap is long, so that most of a page is skipped.
    """
    at = -1
    while at < len(page):
        end = page.rfind(b">", at + 1, at + 2 + _LONG_TAG)
        if end < 0:
            end = page.find(b">", at + 1)
            end = end if end >= 0 else len(page)
            if found := _LONG.search(page, at + 1, end):
                yield found[0].decode()
        at = end


def _has_options(page: bytes, limits: ExtractLimits) -> bool:
    options = islice(_OPTION.finditer(page), limits.fast_options + 1)
    return sum(1 for _ in options) > limits.fast_options


def _is_deep(tags: list[str], limits: ExtractLimits) -> bool:
    opened: dict[str, int] = {}
    depth = 0
    for close, name in map(itemgetter(1, 2), filter(None, map(_NAME.match, tags))):
        if name in _FLAT:
            continue
        if not close:
            opened[name] = opened.get(name, 0) + 1
            depth += 1
            if depth > limits.fast_depth:
                return True
        elif opened.get(name, 0) > 0:
            opened[name] -= 1
            depth -= 1
    return False


def _is_heavy(tag: str, limits: ExtractLimits) -> bool:
    """Whether a tag, or the one that opens a raw element, has too many attributes or too long."""
    found = _HEAD.match(tag)
    rest = found[1] if found else ""
    if len(rest) <= _LONG_TAG:
        return False
    if len(rest) > limits.fast_tag_characters:
        return True
    found_attributes = islice(_ATTRIBUTE.finditer(rest), limits.fast_attributes + 1)
    return sum(1 for _ in found_attributes) > limits.fast_attributes


def count_opened(html: str) -> int:
    """How many elements the page opens, comments counted among them."""
    return sum(not tag.startswith("</") for tag in _SCAN.findall(html))


def trim(html: str, limits: ExtractLimits) -> str:
    """The page without the tags that nest too deep and the attributes that are too many.

    All text stays; an element beyond the depth gives its content to the one around it.
    """
    return _TAG.sub(_Trimmer(limits).replace, html)


class _Trimmer:
    """What is open while the tags of one page are replaced from first to last."""

    def __init__(self, limits: ExtractLimits) -> None:
        self.limits = limits
        self.depth = 0
        self.open: dict[str, list[bool]] = {}

    def replace(self, match: re.Match[str]) -> str:
        raw, attributes, close, name, rest = match.groups()
        if raw is not None and len(attributes) > _LONG_TAG:
            return self._light(raw, attributes) + match[0][1 + len(raw) + len(attributes) :].lstrip(
                ">"
            )
        if name is None:
            return match[0]
        name = name.lower()
        if name in {"option", "optgroup"}:
            return " "
        if name in _FLAT:
            return match[0] if len(rest) <= _LONG_TAG else self._light(name, rest)
        kept = self.open.setdefault(name, [])
        if close:
            if not kept or not kept.pop():
                return ""
            self.depth -= 1
            return match[0]
        fits = self.depth < self.limits.fast_depth
        kept.append(fits)
        if not fits:
            return ""
        self.depth += 1
        return match[0] if len(rest) <= _LONG_TAG else self._light(name, rest)

    def _light(self, name: str, rest: str) -> str:
        """The tag with its first attributes, of those that are of a sane length."""
        attributes: list[str] = []
        for found in _ATTRIBUTE.finditer(rest):
            if len(attributes) >= self.limits.fast_attributes:
                break
            if len(found[0]) <= self.limits.fast_tag_characters // 16:
                attributes.append(found[0])
        return f"<{name} {' '.join(attributes)}>"
