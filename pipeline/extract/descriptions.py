"""Long descriptions that a page gives its images apart from caption and alt text.

By nearness: what `longdesc` or `aria-describedby` points at on the same page, then linked data
(JSON-LD) that names the image: an ImageObject, or a Product's picture. A `longdesc` that leads to
another page is not followed. Linked data describe many images in one text, the title of the page as
like as not: only the first image that a text names has it, and only LTIP reads it, whose rules ask
for sentences and whose score says whether they are the image's.
"""

import html
import re
from collections.abc import Iterable

from pipeline.extract.asides import words_under
from pipeline.extract.images import named_urls
from pipeline.extract.items import Item
from pipeline.extract.linked_data import Thing, script_text, things, types_of, values_of
from pipeline.extract.links import resolve, writable
from pipeline.extract.tree import Node

NONE = ("", "")

_LONGEST = 2_000
_MOST_IMAGES = 2_000
_TELLING = re.compile('"(?:description|caption)"')
_TAG = re.compile(r"<[^<>]{0,200}>")
_NAMES = ("contentUrl", "url", "@id")
_OF_IMAGE = ("contentUrl", "url", "thumbnailUrl", "thumbnail")
_PRODUCTS = frozenset({"Product", "ProductGroup", "IndividualProduct", "VisualArtwork", "Painting"})
"""Types that one picture shows as a whole."""


class DescriptionReader:
    """Finds the descriptions that one page gives its images."""

    def __init__(self, notes: Iterable[Node], base: str, nodes: Iterable[Node]) -> None:
        """Takes what the page says of itself, what its links are relative to, and its elements."""
        self.base = base
        self._nodes = nodes
        self._by_id: dict[str, Node] | None = None
        self._by_url: dict[str, str] = {}
        self._given: set[str] = set()
        for note in notes:
            if note.tag == "script" and _TELLING.search(script_text(note)):
                self._note(note)

    def description_of(self, item: Item) -> tuple[str, str]:
        """The description of an image and where it stood: longdesc, aria or json-ld; or NONE."""
        node = item.node
        for place, ids in (
            ("longdesc", [_fragment(node.get("longdesc"))]),
            ("aria", node.get("aria-describedby").split()),
        ):
            if text := " ".join(filter(None, map(self._under, ids[:4]))):
                return text[:_LONGEST], place
        for url in sorted(named_urls(node, self.base) | {item.url}) if self._by_url else ():
            text = self._by_url.get(url, "")
            if text and text not in self._given:
                self._given.add(text)
                return text, "json-ld"
        return NONE

    def _under(self, name: str) -> str:
        """The words under the element of an id."""
        if not name:
            return ""
        if self._by_id is None:
            self._by_id = {}
            for one in self._nodes:
                if "id" in one.attrs:
                    self._by_id.setdefault(one.get("id"), one)
        node = self._by_id.get(name)
        if node is None:
            return ""
        text = words_under(node) if node.folded is None else node.folded.text(separator=" ")
        return " ".join(text.split())

    def _note(self, script: Node) -> None:
        for thing in things(script, images=True):
            self._add(thing, _OF_IMAGE)
        for thing in things(script, images=False):
            if not _PRODUCTS.isdisjoint(types_of(thing)):
                self._add(thing, ("image",))

    def _add(self, thing: Thing, fields: tuple[str, ...]) -> None:
        text = _plain(thing.get("description")) or _plain(thing.get("caption"))
        for field in fields if text else ():
            for link in values_of(thing, field, _NAMES):
                if len(self._by_url) < _MOST_IMAGES:
                    self._by_url.setdefault(resolve(self.base, link), text)


def _fragment(link: str) -> str:
    """The id that a link within the page leads to, "" of any other link."""
    return link.strip()[1:] if link.strip().startswith("#") else ""


def _plain(value: object) -> str:
    """A text of linked data without the tags and entities that many write into it."""
    if not isinstance(value, str):
        return ""
    text = _TAG.sub(" ", html.unescape(value[: 4 * _LONGEST]))
    return writable(" ".join(text.split())[:_LONGEST])
