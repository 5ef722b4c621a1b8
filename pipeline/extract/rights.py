"""What a page says of the rights in each of its images: as found, never guessed, never judged.

Places are read in the order of nearness: attributes of the image, then its figure or its schema.org
scope with the captions tied to it, then JSON-LD. A page's own licence is another matter
(`licence.py`). Of 6,803 images of the content of 759 real pages something is said of 126
(`tests/benchmarks/rights.py`): 98 times by a class in the figure, 18 by the attribute
`data-credit`, 16 by microdata, twice in JSON-LD; a licence of their own none of them has.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice
from typing import TypeVar

from pipeline.extract.captions import holds_image
from pipeline.extract.images import is_image_link, named_urls
from pipeline.extract.items import Item
from pipeline.extract.linked_data import Thing, script_text, things, values_of
from pipeline.extract.links import resolve
from pipeline.extract.tree import Node
from schemas.records import NO_RIGHTS, Rights

CREATIVE_COMMONS = re.compile(
    r"^(?:https?:)?//(?:[a-z]+\.)?creativecommons\.org/(?:licenses|publicdomain)/\w", re.I
)
# schema.org's properties of an image and the fields that keep them; the first five are those of
# IPTC that image search shows.
_PROPERTIES = {
    "license": "license",
    "acquireLicensePage": "acquire",
    "creditText": "credit",
    "creator": "creator",
    "copyrightNotice": "copyright",
    "copyrightHolder": "copyright",
}
_URLS = ("contentUrl", "url", "thumbnailUrl", "thumbnail")
_LINKED = frozenset({"license", "acquire"})
"""Fields whose value is a URL where the page has one."""
_TELLING = re.compile(f'"(?:{"|".join(_PROPERTIES)})"')
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CREDIT = frozenset({"credit", "credits", "attribution", "attributions"})
_LONGEST = 500
_LONGEST_CREDIT = 200
"""A longer text is no credit, whatever its class."""
_CLIMB = 10
"""So many elements up from an image is its figure looked for."""
_MOST_NODES = 300
"""A figure of more elements frames no single picture."""
_MOST_SOURCES = 32
"""So many captions, URLs and descriptions of one image are looked at."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a page says of the rights in an image, where and in which element."""

    field: str
    value: str
    place: str
    node: Node | None = None


class RightsReader:
    """Finds what one page says of the rights in its images."""

    def __init__(self, notes: Iterable[Node], base: str) -> None:
        """Takes what the page says of itself, and the URL that its links are relative to."""
        self.base = base
        self._frames: dict[Node, list[Told]] = {}  # what meta and link say first, then the rest
        self._read: set[Node] = set()
        self._by_url: dict[str, list[Told]] = {}
        self._scopes: dict[str, list[Node]] = {}
        self._by_file: dict[str, list[str]] = {}
        for note in notes:
            if note.tag == "script":
                self._note_linked_data(note)
            elif note.tag == "a" or "itemprop" in note.attrs:
                self._note(note)

    def rights_of(self, item: Item, captions: Iterable[Item]) -> Rights:
        """What the page says of the rights in an image, by the captions tied to it too."""
        above = list(around(item.node))
        frames = list(filter(is_frame, above))
        frames += [caption.node for caption in islice(captions, _MOST_SOURCES)]
        linked: list[Told] = []
        if self._by_url or self._scopes:
            for name in self._names(item)[:_MOST_SOURCES]:
                frames += self._scopes.get(name, ())
                linked += self._by_url.get(name, ())
        told = [Told("credit", _clean(item.node.get("data-credit")), "attribute")]
        for frame in frames:
            told += self._told_in(frame)
        # A link around the image itself is a badge of the page's licence.
        return _joined(one for one in told + linked if one.value and one.node not in above)

    def _names(self, item: Item) -> list[str]:
        """The URLs of an image by which the page describes it: of its sizes, and of its link.

        Where none is of them to the letter, those that differ in the query alone, which of a file
        of an image says how large it is to be.
        """
        urls = named_urls(item.node, self.base) | {item.url}
        if item.href and is_image_link(item.href):
            urls.add(resolve(self.base, item.href))
        named = sorted(url for url in urls if url in self._by_url or url in self._scopes)
        if named:
            return named
        files = sorted({_file_of(url) for url in urls})
        return [url for file in files for url in self._by_file.get(file, ())]

    def _note(self, note: Node) -> None:
        frame = _frame_of(note.parent)
        if frame is None:
            return
        told = self._frames.setdefault(frame, [])
        if len(told) < _MOST_SOURCES:
            told += self._told_by(_meant(note))
        if _is_scope(frame) and not set(_URLS).isdisjoint(note.get("itemprop").split()):
            url = resolve(self.base, note.get("content") or note.get("href"))
            self._add(self._scopes, url, [frame])

    def _note_linked_data(self, script: Node) -> None:
        text = script_text(script)
        if "ImageObject" not in text or not _TELLING.search(text):
            return
        for thing in things(script, images=True):
            told = list(self._told_by_thing(thing))
            for field in _URLS if told else ():
                for link in values_of(thing, field, ("contentUrl", "url", "@id")):
                    self._add(self._by_url, resolve(self.base, link), told)

    def _add(self, known: dict[str, list[T]], url: str, found: list[T]) -> None:
        """Takes down what is found under a URL; a page that repeats itself without end is cut."""
        of_file = self._by_file.setdefault(_file_of(url), [])
        if url not in known and len(of_file) < _MOST_SOURCES and _file_of(url):
            of_file.append(url)
        of_url = known.setdefault(url, [])
        if len(of_url) < _MOST_SOURCES:
            of_url += found

    def _told_by_thing(self, thing: Thing) -> Iterator[Told]:
        for name, field in _PROPERTIES.items():
            if field in _LINKED:
                for value in values_of(thing, name, ("@id", "url", "name")):
                    yield Told(field, self._link(value), "json-ld")
            else:
                for value in values_of(thing, name, ("name", "url", "@id")):
                    yield Told(field, value, "json-ld")

    def _link(self, value: str) -> str:
        """The absolute URL that a value is, or the value where it is a name."""
        return resolve(self.base, value) if "/" in value and " " not in value else value

    def _told_in(self, frame: Node) -> list[Told]:
        """What a frame says, without the frames in it: theirs is their own."""
        told = self._frames.setdefault(frame, [])
        if frame in self._read:
            return told
        self._read.add(frame)
        found: list[Told] = []
        waiting = [frame]
        for _ in range(_MOST_NODES):
            if not waiting:
                told += _innermost(found)
                break
            node = waiting.pop()
            found += self._told_by(node)
            inside = [child for child in node.children if isinstance(child, Node)]
            waiting += [child for child in reversed(inside) if not is_frame(child)]
        return told

    def _told_by(self, node: Node) -> Iterator[Told]:
        """What an element says by its property, its link or its class."""
        href = node.get("href")
        if node.tag == "a" and is_licence_link(node):
            yield Told("license", resolve(self.base, href), "link", node)
        elif properties := node.get("itemprop"):
            for name in properties.split():
                if field := _PROPERTIES.get(name):
                    text = node.get("content") or _text_of(node) or href
                    value = self._link(href or text) if field in _LINKED else text
                    yield Told(field, _clean(value), "microdata", node)
        elif (name := node.get("class")) and (field := _named(name)) and not holds_image(node):
            text = _text_of(node)
            yield Told(field, text if len(text) <= _LONGEST_CREDIT else "", "class", node)


def is_licence_link(node: Node) -> bool:
    """Whether a link says of itself that it leads to a licence, or leads to Creative Commons'."""
    return "license" in node.get("rel").lower().split() or bool(
        CREATIVE_COMMONS.match(node.get("href"))
    )


def is_frame(node: Node) -> bool:
    """Whether what an element holds is said of the image in it: a figure, or an ImageObject."""
    return node.tag == "figure" or ("itemtype" in node.attrs and _is_scope(node))


def _frame_of(node: Node | None) -> Node | None:
    """The nearest frame of an image that an element is or stands in."""
    return next(filter(is_frame, around(node)), None)


def _is_scope(node: Node) -> bool:
    return node.get("itemtype").rpartition("/")[2] == "ImageObject"


def around(node: Node | None) -> Iterator[Node]:
    """An element and those around it, as far as a figure may be from its image."""
    for _ in range(_CLIMB):
        if node is None:
            return
        yield node
        node = node.parent


def _meant(note: Node) -> Node:
    """The note, as what it is the name of: a creator is often an object of its own."""
    if note.parent is None or "name" not in note.get("itemprop").split():
        return note
    return Node(note.tag, note.attrs | {"itemprop": note.parent.get("itemprop")}, note.parent)


def _file_of(url: str) -> str:
    """The URL without its query where it names a file of an image, else ""."""
    return url.partition("?")[0] if is_image_link(url) else ""


def _innermost(told: list[Told]) -> Iterator[Told]:
    """What was told, without what only the class of an element around something else told says."""
    within = {
        node
        for one in told
        if one.node is not None and one.place != "link"
        for node in around(one.node.parent)
    }
    return (one for one in told if one.place != "class" or one.node not in within)


@lru_cache(maxsize=4096)
def _named(name: str) -> str:
    """The field that an element of a class holds, "" where its name says nothing of rights."""
    words = {word.lower() for word in _WORD.findall(name)}
    if "copyright" in words:
        return "copyright"
    return "credit" if words & _CREDIT and not words & {"author", "authors"} else ""


def _text_of(node: Node) -> str:
    """The text under an element, as far as any of it is kept."""
    if node.folded is not None:
        return _clean(node.folded.text(separator=" "))
    pieces: list[str] = []
    length = 0
    waiting: list[Node | str] = [node]
    while waiting and length <= _LONGEST:
        child = waiting.pop()
        if isinstance(child, str):
            pieces.append(child[: 4 * _LONGEST])
            length += len(pieces[-1].strip())
        else:
            waiting.extend(reversed(child.children))
    return _clean(" ".join(pieces))


def _clean(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _joined(told: Iterable[Told]) -> Rights:
    """All that was told, by field: each value once, each place once."""
    values: dict[str, dict[str, None]] = {}
    places: dict[str, dict[str, None]] = {}
    for one in told:
        values.setdefault(one.field, {})[one.value] = None
        places.setdefault(one.field, {})[one.place] = None
    if not values:
        return NO_RIGHTS
    names = [field.name for field in fields(Rights) if field.name in values]
    found = "; ".join(f"{name}: {', '.join(places[name])}" for name in names)
    return Rights(**{name: "\n".join(values[name]) for name in names}, found=found)
