"""One small tree for both parsers: a fast one behind guards, a slow one for what they turn away."""

import re
from typing import Any

from pipeline.extract.limits import ExtractLimits
from schemas.rejection import BadInput, Reason

# Elements whose content is never seen by a reader, or not as text of the page.
_UNSEEN = frozenset(
    {
        "style", "template", "canvas", "map", "area", "datalist", "param", "track", "col",
        "colgroup", "frameset", "frame", "wbr",
    }
)  # fmt: skip
VOID = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr", "basefont", "bgsound", "frame", "keygen",
    }
)  # fmt: skip
# Elements that the next of their kind ends: old pages leave thousands of them open.
_OPTIONAL_END = frozenset(
    {"p", "li", "dt", "dd", "tr", "td", "th", "option", "tbody", "thead", "tfoot", "optgroup"}
)


class Node:
    """An element: its tag, its attributes, and its children, which are nodes and strings."""

    __slots__ = ("attrs", "children", "index", "parent", "tag")

    def __init__(self, tag: str, attrs: dict[str, str | None], parent: "Node | None") -> None:
        self.tag = tag
        self.attrs = attrs
        self.parent = parent
        self.children: list[Node | str] = []
        self.index = -1  # its place among the nodes of a walk, -1 where no walk came by

    def get(self, name: str) -> str:
        """The attribute's value, "" where it is missing or empty."""
        return self.attrs.get(name) or ""


def parse_html(html: str, limits: ExtractLimits) -> Node:
    """The page's tree; its order is the page's.

    Styles, comments and scripts are left out, but for the scripts that hold linked data.

    Raises:
        BadInput: PARSE_ERROR where no tree came of it.
    """
    if "\0" in html or "\1" in html:
        html = html.replace("\0", "").replace("\1", "")
    if is_guarded(html, limits):
        return _parse_slow(html)
    return _parse_fast(html)


# A tag with its attributes; an "=" and the quoted value behind it are taken whole.
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)((?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|))*+)>")
_ATTRIBUTE = re.compile(r"[^\s/=>\"']+(?:\s*=\s*(?:\"[^\"]*+\"|'[^']*+'|[^\s>]*))?")


def is_guarded(html: str, limits: ExtractLimits) -> bool:
    """Whether the page is too long, too deep or too rich in attributes for the fast parser.

    One linear scan. A closing tag takes one from the count of its own name alone, so stray ones
    hide no depth; void elements and those with an optional end are left out.
    """
    if len(html) > limits.fast_characters:
        return True
    opened: dict[str, int] = {}
    depth = 0
    for close, name, rest in _TAG.findall(html):
        if len(rest) > 1024 and _is_heavy(rest, limits):
            return True
        if close:
            if opened.get(name, 0) > 0:
                opened[name] -= 1
                depth -= 1
        elif name.lower() not in VOID and name.lower() not in _OPTIONAL_END:
            opened[name] = opened.get(name, 0) + 1
            depth += 1
            if depth > limits.fast_depth:
                return True
    return False


def _is_heavy(rest: str, limits: ExtractLimits) -> bool:
    if len(rest) > limits.fast_tag_characters:
        return True
    return sum(1 for _ in _ATTRIBUTE.finditer(rest)) > limits.fast_attributes


def _parse_fast(html: str) -> Node:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    try:
        tree = LexborHTMLParser(html)
    except (SelectolaxError, ValueError) as error:
        raise BadInput(Reason.PARSE_ERROR, type(error).__name__) from error
    top = Node("html", {}, None)
    if tree.root is None:
        return top
    stack: list[tuple[Any, Node]] = [(tree.root.child, top)]
    while stack:
        found, parent = stack.pop()
        add = parent.children.append
        while found is not None:
            tag = found.tag
            if tag == "-text":
                add(found.text_content)
            elif tag is None or tag in _UNSEEN or tag[0] in "-_!":
                pass
            else:
                attrs = found.attributes
                if tag == "script" and not _is_linked_data(attrs):
                    found = found.next
                    continue
                node = Node(tag, attrs, parent)
                add(node)
                child = found.child
                if child is not None:
                    stack.append((child, node))
            found = found.next
    return top


def _is_linked_data(attrs: dict[str, str | None]) -> bool:
    return (attrs.get("type") or "").strip().lower() == "application/ld+json"


def _parse_slow(html: str) -> Node:
    import warnings

    from bs4 import BeautifulSoup, NavigableString, Tag, XMLParsedAsHTMLWarning
    from bs4.builder import ParserRejectedMarkup

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
            soup = BeautifulSoup(html, "lxml", multi_valued_attributes=None)
    except (ParserRejectedMarkup, AssertionError) as error:
        raise BadInput(Reason.PARSE_ERROR, type(error).__name__) from error
    top = Node("html", {}, None)
    stack: list[tuple[Any, Node]] = [(soup, top)]
    while stack:
        source, parent = stack.pop()
        for child in source.contents:
            if isinstance(child, Tag):
                attrs = dict(child.attrs)
                if child.name in _UNSEEN or (child.name == "script" and not _is_linked_data(attrs)):
                    continue
                node = Node(child.name, attrs, parent)
                parent.children.append(node)
                stack.append((child, node))
            elif type(child) is NavigableString or source.name == "script":
                parent.children.append(str(child))
    return top
