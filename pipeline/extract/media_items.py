"""The pictures, videos and players that a walk over a page meets, as items in their place."""

import re
from collections.abc import Callable
from typing import Final

from pipeline.extract import images
from pipeline.extract.asides import words_under
from pipeline.extract.boilerplate import Region
from pipeline.extract.captions import holds_image
from pipeline.extract.formulas import plain_tex, tex_of
from pipeline.extract.items import Item, Missed, Walk
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.links import resolve
from pipeline.extract.players import PLAYER_TAGS, element_page, player_page, video_page
from pipeline.extract.tree import Node

_NOSCRIPT_CHARACTERS = 1000
_SHOWN_WIDE = re.compile(r"(?<![\w-])d-(?:sm|md|lg|xl|xxl)-(?!none)")
"""Of a class: hidden on small screens alone."""
_NEAR_PIECES = 12
_BESIDE = 2
_NEAR = 4
"""Levels up to the element that holds an image and the noscript with the same image."""
# Stand in a block's text for an image, for the edge of a span and for what is left out of a
# sentence; no page holds them: decode_html takes them out.
IMAGE_MARK: Final = "\x01"
SEAM: Final = "\x02"
GAP: Final = "\x03"
_SILENT = frozenset({SEAM, GAP})


class MediaReader:
    """Takes the media of elements into what a walk finds.

    Attributes:
        pieces: of the text that is being read, which an image may stand in.
        inline: the images that stand in it.
        href: of the link that is open, zones: the marked elements that are.
        formula: the one read last.
        unpaired: the first image of the noscript read last, where its twin may be still to come.
    """

    def __init__(self, base: str, limits: ExtractLimits) -> None:
        self.base = base
        self.limits = limits
        self.found = Walk()
        self.pieces: list[str] = []
        self.inline: list[Item] = []
        self.zones: tuple[Node, ...] = ()
        self.href = ""
        self.seen_urls: set[str] = set()
        self.before: Item | None = None
        self.unpaired: Node | None = None
        self.formula = ""

    def _flush(self) -> None:
        """Ends the text that is being read."""
        raise NotImplementedError

    def _is_article(self, noscript: Node) -> bool:
        """Whether what stands for readers without scripts is to be read.

        Forum software puts its whole thread there, everybody else a line about JavaScript and
        the images that a script would fill in: those are taken here.
        """
        waiting: list[Node | str] = [noscript]
        characters = 0
        found: list[Node] = []
        while waiting:
            child = waiting.pop()
            if isinstance(child, str):
                characters += len(child)
                continue
            if child.tag in _ATOMS:
                found.append(child)
            waiting.extend(reversed(child.children))
        if characters >= _NOSCRIPT_CHARACTERS:
            return True
        found = [image for image in found if not images.is_pixel(image) and not _is_hidden(image)]
        self.unpaired = found[0] if found and not self._replace_twin(noscript, found[0]) else None
        for image in found:
            _ATOMS[image.tag](self, image)
        return False

    def _replace_twin(self, noscript: Node, image: Node) -> bool:
        """Takes back the image before a noscript that holds it again for readers without scripts.

        It is the same where it stands beside it under the same alt text, and, as many images have
        none, has the same file name or the marks of an image that a script fills in. In elements
        of their own the two may stand farther apart.
        """
        items = self.found.items
        if not items or items[-1].is_text or self.pieces:
            return False
        twin = items[-1].node
        if twin.tag == "noscript" or (twin.parent is not None and twin.parent.tag == "noscript"):
            return False
        if twin.get("alt") != image.get("alt") or not _are_near(twin, noscript):
            return False
        is_beside = noscript.parent in _around(twin, _BESIDE)
        if (
            twin.get("alt")
            or (is_beside and images.is_lazy(twin))
            or images.is_same_file(twin, image)
        ):
            self.seen_urls.discard(items.pop().url)
            return True
        return False

    def _is_twin(self, item: Item) -> bool:
        """Whether an image is the one that a noscript right before it has held already."""
        first, items = self.unpaired, self.found.items
        if first is None or self.pieces or not items or items[-1].node is not first:
            return False
        node = item.node
        if node.get("alt") != first.get("alt") or not _are_near(first, node):
            return False
        return item.url == items[-1].url or (
            images.is_lazy(node) and (bool(node.get("alt")) or images.is_same_file(node, first))
        )

    def _image(self, node: Node) -> None:
        if node.region is Region.HIDDEN and _is_hidden(node):
            self._miss(node, "")
            return
        if "class" in node.attrs and (tex := tex_of(node)):
            self._add_formula(tex)
            return
        url = images.image_url(node, self.base, self.limits)
        if not url:
            self._miss(node, "names no picture")
            return
        if self.href:
            url = images.linked_url(node, url, self.href, self.base, self.limits) or url
        item = Item(node, url=url, zones=self.zones, href=self.href)
        if self.unpaired is None or not self._is_twin(item):
            self._media(item)
        if node is not self.unpaired:
            self.unpaired = None

    def _formula(self, node: Node) -> None:
        self._add_formula(plain_tex(words_under(node)))

    def _add_formula(self, tex: str) -> None:
        """Says a formula in its sentence, once where it is given twice."""
        if self.formula != tex or not self.follows_formula():
            self.formula = tex
            self.pieces.append(f" {tex} ")

    def follows_formula(self) -> bool:
        """Whether nothing stands between here and the formula before it."""
        formula = f" {self.formula} "
        for piece in self.pieces[: -_NEAR_PIECES - 1 : -1]:
            if piece not in _SILENT and not piece.isspace():
                return bool(self.formula) and piece == formula
        return False

    def _figure(self, node: Node) -> None:
        """A figure that a script is to fill with the image that one of its attributes names."""
        if not any(isinstance(c, Node) for c in node.children) or not holds_image(node):
            url = images.attribute_url(node, self.base)
            if url:
                self._media(Item(node, url=url, zones=self.zones, href=self.href))

    def _video(self, node: Node) -> None:
        url, poster = images.video_urls(node, self.base)
        url = url or video_page(node.attrs)
        if _is_hidden(node):
            return
        if url:
            self._media(Item(node, url=url, poster=poster, is_video=True, zones=self.zones))
        elif poster:  # a script knows the rest
            self._media(Item(node, url=poster, zones=self.zones))

    def _player(self, node: Node) -> None:
        """The video that a player of a big host shows; other frames only part words."""
        if not self._shows(node):
            self._miss(node, "frame of another page")
            self.pieces.append(" ")

    def _shows(self, node: Node) -> bool:
        """Takes the video of a known player, where the element is one."""
        if node.tag in PLAYER_TAGS:
            page = element_page(node.tag, node.attrs)
        else:
            page = next(filter(None, map(player_page, filter(None, node.attrs.values()))), "")
        if page:
            self._media(Item(node, url=page, is_video=True, zones=self.zones))
        return bool(page)

    def _object(self, node: Node) -> bool:
        """Takes the picture or video that a plug-in would show; what else it holds is read."""
        link = node.get("data") or node.get("src")
        if self._shows(node):
            return True
        url = resolve(self.base, link) if images.shows_image(link, node.get("type")) else ""
        if url:
            shown = Node("img", {"alt": words_under(node), **node.attrs}, node.parent)
            self._media(Item(shown, url=url, zones=self.zones, href=self.href))
        elif node.tag == "object" and not images.is_plugin(node):
            return False
        else:
            self._miss(node, "plug-in")
        return True

    def _lost(self, node: Node) -> None:
        self._miss(node, _LOST[node.tag])

    def _miss(self, node: Node, why: str) -> None:
        items = self.found.items
        self.found.missed.append(Missed(node, why, items[-1] if items else self.before))

    def _background(self, node: Node) -> None:
        url = images.background_url(node, self.base, self.limits)
        if url and not ("data-src" in node.attrs and holds_image(node)):
            self._media(Item(node, url=url, zones=self.zones, href=self.href))

    def _media(self, item: Item) -> None:
        if item.url in self.seen_urls and item.node.parent and item.node.parent.tag == "noscript":
            return
        self.seen_urls.add(item.url)
        if any(not piece.isspace() and piece not in _SILENT for piece in self.pieces):
            self.pieces.append(IMAGE_MARK)
            self.inline.append(item)
        else:
            self._flush()
            self.found.items.append(item)


def _is_hidden(node: Node) -> bool:
    """Whether no reader sees a picture: it is hidden, and nothing marks one that a script shows."""
    if node.region is not Region.HIDDEN or images.is_lazy(node):
        return False
    return _SHOWN_WIDE.search(node.get("class")) is None


def _around(node: Node, levels: int) -> list[Node]:
    """The elements around one, so many at most, the nearest first."""
    around: list[Node] = []
    while len(around) < levels and node.parent is not None:
        node = node.parent
        around.append(node)
    return around


def _are_near(one: Node, other: Node) -> bool:
    """Whether two elements stand in one that is a few levels above them."""
    return not set(_around(one, _NEAR)).isdisjoint(_around(other, _NEAR))


_ATOMS: dict[str, Callable[[MediaReader, Node], None]] = {
    "img": MediaReader._image,
    "amp-img": MediaReader._image,
    "amp-anim": MediaReader._image,
    "image": MediaReader._image,
    "video": MediaReader._video,
    "amp-video": MediaReader._video,
    "video-js": MediaReader._video,
}
_LOST = {"svg": "words of a drawing", "audio": "sound"}
MEDIA: dict[str, Callable[[MediaReader, Node], object]] = {
    **_ATOMS,
    "iframe": MediaReader._player,
    "amp-iframe": MediaReader._player,
    "embed": MediaReader._object,
    "math": MediaReader._formula,
    **dict.fromkeys(PLAYER_TAGS, MediaReader._player),
    **dict.fromkeys(_LOST, MediaReader._lost),
}
"""What takes the media of an element with nothing inside that would be read."""
