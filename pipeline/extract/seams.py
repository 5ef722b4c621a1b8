"""Where words of two inline elements meet that a page's style sheet keeps apart."""

import re

from pipeline.extract.tree import Node

_CAPITAL = "[A-ZÀ-ÝА-Я]"
_SMALL = "[a-zà-ÿа-я]"
# "\x02" stands where a span begins or ends. Two texts meet there: a capital behind small letters,
# as in "Credit" and "Jane Doe", or behind a number, but for "100" and "Mbps"; a value behind a
# label's colon; a title behind the number of an entry. A span that holds the end of a word and no
# more marks a part of it: "Java" and "Script".
# Each alternative begins with the mark itself, which a search finds fast.
_GLUED = re.compile(
    "\x02(?:"
    rf"(?<={_SMALL}{{2}}\x02)(?:\x02+|(?!{_CAPITAL}\w*+\x02(?!\x02)))(?={_CAPITAL})"
    rf"|(?<=\d\x02)\x02*+(?=(?![KMGT]b){_CAPITAL}{_SMALL}{{3}})"
    rf"|(?<=\d\.\x02)\x02*+(?={_CAPITAL})"
    r"|(?<=[^\W\d_]{2}:\x02)\x02*+(?=\w)"
    ")"
)
_ORDINAL = re.compile(r"(?:st|nd|rd|th)(?![a-z])")


def parted(raw: str) -> str:
    """A text with spaces where two texts meet at the edge of a span."""
    return _GLUED.sub(" ", raw)


def are_fields(before: Node, span: Node) -> bool:
    """Whether two spans of one parent, the second right behind the first, are two fields.

    Their classes name different things: an amount, a unit. The first letter of a text may be a span
    of its own, and so may the "th" of a number.
    """
    names, others = before.get("class"), span.get("class")
    if before.parent is not span.parent or not names or not others or names == others:
        return False
    left, right = _last_text(before), _first_text(span)
    if not _meet(left, right) or _ORDINAL.match(right):
        return False
    return len(left) > 1 or left.isdigit()


def are_links(before: Node, link: Node) -> bool:
    """Whether two links, the second right behind the first, say two things."""
    if before.parent is not link.parent or before.get("href") == link.get("href"):
        return False
    return _meet(_last_text(before), _first_text(link))


def _meet(left: str, right: str) -> bool:
    return left[-1:].isalnum() and right[:1].isalnum()


def _last_text(node: Node) -> str:
    while node.children:
        child = node.children[-1]
        if isinstance(child, str):
            return child
        node = child
    return ""


def _first_text(node: Node) -> str:
    while node.children:
        child = node.children[0]
        if isinstance(child, str):
            return child
        node = child
    return ""
