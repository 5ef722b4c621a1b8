"""Evidence of a page's licence, as found: never guessed, never judged."""

from collections.abc import Iterable, Iterator

from pipeline.extract.boilerplate import Region
from pipeline.extract.captions import holds_image, is_caption
from pipeline.extract.linked_data import script_text, things, values_of
from pipeline.extract.links import resolve
from pipeline.extract.rights import around, is_frame, is_licence_link
from pipeline.extract.tree import Node

_META = frozenset({"license", "licence", "cc:license", "dc.rights", "dcterms.license",
                   "dc.rights.license", "dcterms.rights", "rights", "copyright"})  # fmt: skip


def licence_evidence(notes: Iterable[Node], url: str) -> tuple[str, ...]:
    """URLs of rel=license and Creative Commons links, and what meta and schema.org say; sorted.

    What is said of a single image, in its figure or by its ImageObject, is not the page's
    (`rights.py`); a badge is, a licence link with nothing but an image in it.

    Args:
        notes: what the page says of itself.
        url: that its links are relative to.
    """
    found: set[str] = set()
    for node in notes:
        if node.tag == "script":
            found.update(_of_linked_data(node))
        elif (told := _told_by(node, url)) and _is_of_page(node):
            found.update(told)
    return tuple(sorted(found))


def _told_by(node: Node, url: str) -> set[str]:
    told: set[str] = set()
    if node.tag in {"a", "link"}:
        if is_licence_link(node):
            told.add(resolve(url, node.get("href")))
    elif node.tag == "meta":
        told.add(_of_meta(node))
    if "license" in node.get("itemprop").split():
        told.add(_value(node, url))
    return told - {""}


def _is_of_page(node: Node) -> bool:
    """Whether what a node says holds for the page, and not for an image or a reader's comment."""
    above = list(around(node.parent))
    if any(one.region is Region.COMMENTS for one in above):
        return False
    if node.tag == "a" and holds_image(node):
        return True
    return not any(is_frame(one) or is_caption(one) for one in above)


def _of_meta(node: Node) -> str:
    name = (node.get("name") or node.get("property")).lower()
    return " ".join(node.get("content").split())[:500] if name in _META else ""


def _value(node: Node, url: str) -> str:
    link = node.get("href") or node.get("content")
    return resolve(url, link) or " ".join(link.split())[:500]


def _of_linked_data(script: Node) -> Iterator[str]:
    """What `license` says: a URL, a name, a work with either, or several."""
    if '"license"' in script_text(script):
        for thing in things(script, images=False):
            yield from values_of(thing, "license", ("@id", "url", "name"))
