"""One small tree for both parsers: a fast one behind guards, a slow one for what they turn away."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from pipeline.extract.anchors import region_of_folded_anchor
from pipeline.extract.boilerplate import CUT, PLAIN, Region, region_by_tag, region_of
from pipeline.extract.controls import (
    is_bill,
    is_picture,
    is_read,
    is_read_of_soup,
    is_unfolded,
    unfolds,
)
from pipeline.extract.guards import count_opened, is_guarded, trim
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.pictures import (
    TYPESET,
    is_alone,
    is_caption_behind,
    is_figure,
    is_formula,
    is_slide,
)
from pipeline.extract.told import TOLD, tell, tell_soup
from schemas.rejection import BadInput, Reason

_Element: TypeAlias = Any
"""One of the fast parser's: its types say of each property that it may be None."""


class Node:
    """An element: its tag, its attributes, and its children, which are nodes and strings.

    Half of a page's elements stand in regions that their names give away as boilerplate. Those
    are folded: what is under them stays in the parser's tree until somebody asks for it.
    """

    __slots__ = ("attrs", "children", "folded", "index", "parent", "region", "tag")

    def __init__(
        self,
        tag: str,
        attrs: dict[str, str | None],
        parent: "Node | None",
        region: Region = PLAIN,
    ) -> None:
        self.tag = tag
        self.attrs = attrs
        self.parent = parent
        self.region = region
        self.children: list[Node | str] = []
        self.folded: _Element = (
            None  # the fast parser's element, where the children are not read yet
        )
        self.index = -1  # its place among the nodes of a walk, -1 where no walk came by

    def get(self, name: str) -> str:
        """The attribute's value, "" where it is missing or empty."""
        return self.attrs.get(name) or ""


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed page.

    Attributes:
        body: what a reader sees, in the page's order.
        notes: what the page says of itself: title, base, meta, link, linked data, licence links,
            each with the element around it, which does not hold it where it is no link.
        nodes: all that hang in it.
    """

    body: Node
    notes: tuple[Node, ...]
    nodes: list[Node]

    def release(self) -> None:
        """Unlinks the nodes from their parents, so that they go without the cycle collector."""
        for node in self.nodes:
            node.parent = None


_TEXT_LIST = """
b i em strong u font small big tt abbr acronym cite dfn kbd samp var mark bdi bdo ins time data s
strike del nobr wbr blink html head body tbody thead tfoot
"""
_TEXT = frozenset(_TEXT_LIST.split())
"""Elements that give their content to the one around them: they part no words."""

_UNSEEN_LIST = """
style template canvas map area datalist param track col colgroup frameset frame select input
textarea object embed applet audio svg option optgroup progress meter math keygen dialog
button
"""
_UNSEEN = frozenset(_UNSEEN_LIST.split())
"""Elements whose content a reader does not read as text of the page; they part words."""

_BLOCK_LIST = """
address article aside blockquote body dd details dir div dl dt fieldset figcaption figure footer
form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol p pre section summary table
tbody td tfoot th thead tr ul caption noscript amp-carousel video listing xmp plaintext center
search marquee
"""
BLOCKS = frozenset(_BLOCK_LIST.split())
"""Elements that begin a text of their own."""

_FOLDABLE = BLOCKS - {"noscript", "figure", "video"}
_NO_PROSE = "a, script, style, select, textarea, svg"
_NOTES = frozenset({"title", "base", "meta", "link", "script"})
_NOTE_MARKS = (b"ld+json", b"license", b"creativecommons.org")  # the most frequent first
_NOTE_PATTERN = (
    'a[rel*="license" i], a[href*="creativecommons.org" i], a[itemprop~="license"], '
    'link[rel*="license" i], script[type="application/ld+json"]'
)
"""What a folded region may say of the page."""
_OPEN = frozenset({"button", "object"})
_SCRIPTED = frozenset({"script", "math"})
"""What the nodes are called that are made of scripts."""


def parse_html(html: str | bytes, limits: ExtractLimits) -> Tree:
    """The page's tree.

    Args:
        html: text, or UTF-8.
        limits: of the two parsers.

    Raises:
        BadInput: PARSE_ERROR where no tree came of it, or one of too many elements.
    """
    page = html.encode("utf-8", "replace") if isinstance(html, str) else html
    builder = _Builder(limits, page)
    if is_guarded(page, limits):
        trimmed = trim(page.decode(), limits)
        if count_opened(trimmed) > limits.max_elements:  # the slow parser would take too long
            raise BadInput(Reason.PARSE_ERROR, "too many elements")
        _read_soup(trimmed, builder)
    else:
        builder.folds_notes = any(mark in page for mark in _NOTE_MARKS)
        _read_lexbor(page, builder)
    return Tree(builder.body, tuple(builder.notes), builder.nodes)


class _Builder:
    """A tree while it grows: decides which elements of a parser's tree become nodes."""

    def __init__(self, limits: ExtractLimits, page: bytes | None = None) -> None:
        self.page = page
        self.body = Node("body", {}, None)
        self.notes: list[Node] = []
        self.nodes: list[Node] = []
        self.most = limits.max_elements
        self.folds_notes = False
        self.shadow = limits.fast_characters

    @cached_property
    def draws(self) -> bool:
        """Whether a drawing may hold a picture."""
        return self.page is None or b"<image" in self.page

    def add(self, tag: str, attrs: dict[str, str | None], parent: Node) -> Node | None:
        """The node for an element, where its content is to be read."""
        nodes = self.nodes
        if len(nodes) >= self.most:
            raise BadInput(Reason.PARSE_ERROR, "too many elements")
        if tag in _NOTES:
            return self._note(tag, attrs, parent)
        node = Node(tag, attrs, parent, region_of(tag, attrs) if attrs else region_by_tag(tag))
        parent.children.append(node)
        nodes.append(node)
        if tag == "a" and _is_licence(attrs):
            self.notes.append(node)
        return node

    def _note(self, tag: str, attrs: dict[str, str | None], parent: Node) -> Node | None:
        """What the page says of itself; a script of a program says nothing, one of TeX is text."""
        if tag == "script" and not _is_linked_data(attrs):
            return self._formula(parent) if _is_tex(attrs) else None
        node = Node(tag, attrs, parent)
        self.notes.append(node)
        return node

    def add_caption(self, parent: Node) -> Node:
        """A line for the caption that an element behind a picture is."""
        node = Node("span", {"class": "caption"}, parent)
        parent.children.append(node)
        self.nodes.append(node)
        return node

    def _formula(self, parent: Node) -> Node:
        node = Node("math", {}, parent)
        parent.children.append(node)
        self.nodes.append(node)
        return node


def _is_tex(attrs: dict[str, str | None]) -> bool:
    return (attrs.get("type") or "").startswith("math/tex")


def _is_linked_data(attrs: dict[str, str | None]) -> bool:
    return (attrs.get("type") or "").strip().lower() == "application/ld+json"


def _is_licence(attrs: dict[str, str | None]) -> bool:
    href = attrs.get("href")
    return (
        (href is not None and "creativecommons.org" in href)
        or ("rel" in attrs and "license" in (attrs["rel"] or "").lower())
        or ("itemprop" in attrs and attrs["itemprop"] == "license")
    )


def _part_words(parent: Node) -> None:
    if parent.children and isinstance(parent.children[-1], str):
        parent.children.append(" ")


def _read_lexbor(page: bytes, builder: _Builder) -> None:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    try:
        root = LexborHTMLParser(page).root
    except (SelectolaxError, ValueError) as error:
        raise BadInput(Reason.PARSE_ERROR, type(error).__name__) from error
    _read_elements(root, builder.body, builder, folds=True)


def unfold(node: Node, limits: ExtractLimits) -> list[Node]:
    """Reads what is under a folded node into its children; gives the notes met there.

    Raises:
        BadInput: PARSE_ERROR where there are too many elements.
    """
    first, node.folded = node.folded.child, None
    builder = _Builder(limits)
    _read_elements(first, node, builder, folds=False)
    return builder.notes


def folded_characters(node: Node) -> int:
    """Characters of all text under a folded node; scripts, labels and white space count."""
    return len(node.folded.text())


def folded_prose(node: Node, shortest: int) -> int:
    """Characters under a folded node in pieces of at least a length, links and scripts left out.

    A piece is what stands between two tags.
    """
    inside = node.folded
    total = sum(_piece_lengths(inside, shortest))
    if total:
        for element in inside.css(_NO_PROSE):
            total -= sum(_piece_lengths(element, shortest))
    return total


def _piece_lengths(element: _Element, shortest: int) -> Iterator[int]:
    for piece in element.text(separator="\0").split("\0"):
        if len(piece) >= shortest and (length := len(piece.strip())) >= shortest:
            yield length


def _read_elements(first: _Element, parent: Node, builder: _Builder, folds: bool) -> None:
    """Reads an element and its next siblings, with all that is under them."""
    # Each entry is an element's first child still to be read and the node it belongs to. A text
    # element's content comes before what follows it: the last entry is always read first.
    stack: list[tuple[_Element, Node]] = [(first, parent)]
    while stack:
        found, parent = stack.pop()
        children = parent.children
        while found is not None:
            tag = found.tag
            if tag == "-text":
                text = found.text_content
                # What a block begins with is layout; a space in a line parts words.
                if children or not text.isspace() or parent.tag not in BLOCKS:
                    children.append(text)
            elif tag in _TEXT or (tag in _OPEN and is_read(found, tag, parent)):
                stack.append((found.next, parent))
                if tag in TYPESET and is_caption_behind(found):
                    parent = builder.add_caption(parent)
                    children = parent.children
                found = found.child
                continue
            elif tag in _UNSEEN:
                stack += _pass_over(found, tag, parent, builder)
            elif tag and tag[0] not in "-_!":  # a processing instruction has none
                node = builder.add(tag, found.attributes, parent)
                if (
                    node is not None
                    and (child := found.child) is not None
                    and not (folds and node.region >= CUT and _fold(found, node, builder))
                ):
                    stack.append((child, node))
            found = found.next


def _pass_over(
    found: _Element, tag: str, parent: Node, builder: _Builder
) -> list[tuple[_Element, Node]]:
    """Leaves an element out, which parts words; gives what is to be read of it all the same."""
    _part_words(parent)
    return tell(found, tag, parent, builder) if tag in TOLD else []


def _fold(found: _Element, node: Node, builder: _Builder) -> bool:
    """Whether an element of boilerplate stays unread; takes what it says of the page.

    A headline within says where the text begins; a button that is a picture is no boilerplate.
    """
    if _is_text(found, node):
        node.region = PLAIN
        return False
    if node.tag not in _FOLDABLE:
        return False
    if found.css_first("h1") is not None:
        return False
    if node.region is Region.HIDDEN and is_formula(found):
        node.region = PLAIN  # it is read to those who do not see the drawing of it
        return False
    if "id" in node.attrs and (region := region_of_folded_anchor(found, node)) < CUT:
        node.region = region
        return False
    if builder.folds_notes:
        _read_notes(found, node, builder)
    node.folded = found
    return True


def _is_text(found: _Element, node: Node) -> bool:
    """Whether what an element holds tells that it is no boilerplate, whatever its names say."""
    if node.region is Region.HIDDEN:
        return is_slide(found, node.get("class")) or is_unfolded(found)
    if node.get("role") == "button":
        return is_picture(found.css_first("img"), found.text) or unfolds(found)
    if node.tag in {"footer", "aside"}:
        return _is_framed(node) if node.tag == "footer" else is_figure(found)
    names = node.get("class")
    return ("menu" in names and is_bill(found)) or (bool(names) and is_alone(found, names))


def _is_framed(footer: Node) -> bool:
    """Whether a footer says whose a quote is, or what a figure shows."""
    return footer.parent is not None and footer.parent.tag in {"figure", "blockquote"}


def _read_notes(found: _Element, around: Node, builder: _Builder) -> None:
    for element in found.css(_NOTE_PATTERN):
        note = Node(element.tag, element.attributes, around)
        if element.child is not None:
            note.children.append(element.text())
        builder.notes.append(note)


def _read_soup(html: str, builder: _Builder) -> None:
    import warnings

    from bs4 import BeautifulSoup, NavigableString, Tag, XMLParsedAsHTMLWarning
    from bs4.builder import ParserRejectedMarkup
    from bs4.element import RubyParenthesisString, RubyTextString, TemplateString

    # What stands anywhere under an element of these kinds has a type of its own.
    words = {NavigableString, RubyTextString, RubyParenthesisString, TemplateString}

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
            soup = BeautifulSoup(html, "lxml", multi_valued_attributes=None)
    except (ParserRejectedMarkup, AssertionError) as error:
        raise BadInput(Reason.PARSE_ERROR, type(error).__name__) from error
    stack: list[tuple[Any, Node]] = [(child, builder.body) for child in reversed(soup.contents)]
    while stack:
        found, parent = stack.pop()
        if isinstance(found, Tag):
            name = found.name
            text = _is_text_of_soup(found, parent)
            if not text and name in _UNSEEN:
                _part_words(parent)
                if name not in TOLD or not (text := tell_soup(found, parent, builder)):
                    continue
            inner: Node | None = parent
            if not text:
                inner = builder.add(name, dict(found.attrs), parent)
            if inner is not None:
                stack.extend((child, inner) for child in reversed(found.contents))
        elif type(found) in words or parent.tag in _SCRIPTED:
            parent.children.append(str(found))


def _is_text_of_soup(found: _Element, parent: Node) -> bool:
    """Whether an element gives its content to the one around it."""
    name = found.name
    return name in _TEXT or (name in _UNSEEN and is_read_of_soup(found, parent))
