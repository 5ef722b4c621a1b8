"""What is told of elements that hold no text of the page: formulas, plug-ins, drawings, shadows."""

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from pipeline.extract.tree import Node

_Element: TypeAlias = Any
"""One of either parser's."""
_SIDES = ("width", "height")
TOLD = frozenset({"math", "object", "embed", "svg", "audio", "template"})
"""Elements left out of the text of which a reader sees or hears something all the same."""


class Builder(Protocol):
    """A tree while it grows.

    Attributes:
        shadow: characters of shadow roots that may still be read.
    """

    shadow: int

    @property
    def draws(self) -> bool:
        """Whether a drawing of the page may hold a picture."""

    def add(self, tag: str, attrs: dict[str, str | None], parent: "Node") -> "Node | None":
        """The node for an element, where its content is to be read."""


def tell(
    found: _Element, tag: str, parent: "Node", builder: Builder
) -> "list[tuple[_Element, Node]]":
    """Adds what is read or told of an element without text of its own; gives what is to be read."""
    if tag == "math":
        tex = found.css_first('annotation[encoding*="tex"]')
        words = found.attributes.get("alttext") or (tex or found).text(separator=" ", strip=True)
        _add_told(tag, {}, words, parent, builder)
        return []
    if tag == "template":
        return _read_shadow(found, parent, builder)
    if tag == "svg":
        image = found.css_first("image") if builder.draws else None
        if image is not None:
            _add_drawn(image.attributes, found.attributes, parent, builder)
        if found.css_first("text") is not None:
            _add_told(tag, {}, found.text(separator=" ", strip=True), parent, builder)
        return []
    attrs = found.attributes
    if tag == "object" and not attrs.get("data"):
        movie = found.css_first('param[name="movie"], param[name="src"]')
        attrs = attrs | ({"data": movie.attributes.get("value")} if movie is not None else {})
    node = _add_told(tag, attrs, "", parent, builder)
    return [(found.child, node)] if tag == "object" and node is not None else []


def _add_drawn(
    attrs: dict[str, str | None], drawing: dict[str, str | None], parent: "Node", builder: Builder
) -> None:
    """The picture that a drawing shows, where it is a file; the drawing's size is its own."""
    link = attrs.get("href") or attrs.get("xlink:href")
    if link and not link.startswith(("data:", "#")):
        sides = {name: drawing.get(name) or attrs.get(name) for name in _SIDES}
        builder.add("img", {"src": link, **sides}, parent)


def _add_told(
    tag: str, attrs: dict[str, str | None], words: str, parent: "Node", builder: Builder
) -> "Node | None":
    node = builder.add(tag, attrs, parent)
    if node is not None and words:
        node.children.append(words)
    return node


def _read_shadow(
    found: _Element, parent: "Node", builder: Builder
) -> "list[tuple[_Element, Node]]":
    """The content of a declarative shadow root, which stands in no tree of the parser."""
    from selectolax.lexbor import LexborHTMLParser

    if "shadowrootmode" not in found.attributes:
        return []
    html = found.html
    builder.shadow -= len(html)
    node = builder.add("div", {}, parent)
    if builder.shadow < 0 or node is None:  # roots within roots are parsed once for each level
        return []
    body = LexborHTMLParser(html[html.find(">") + 1 : html.rfind("<")]).body
    return [(body.child, node)] if body is not None else []


def tell_soup(found: _Element, parent: "Node", builder: Builder) -> bool:
    """As `tell`; whether the element's content is to be read in the parent's stead."""
    name = found.name
    if name == "template":
        return found.get("shadowrootmode") is not None
    words = found.get_text(" ", strip=True)
    if name == "math":
        _add_told(name, {}, found.get("alttext") or words, parent, builder)
    elif name != "svg" or found.find("text") is not None:
        _add_told(name, dict(found.attrs), words, parent, builder)
    return False
