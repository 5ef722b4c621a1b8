"""A page's tree as a flat list of items: texts and media in reading order, with their regions."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pipeline.extract import images
from pipeline.extract.asides import goes_on, is_aside, is_layout, words_under
from pipeline.extract.boilerplate import CUT, PLAIN, Region
from pipeline.extract.captions import holds_image, is_caption
from pipeline.extract.items import Fold, Item, Missed, Walk
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.links import resolve
from pipeline.extract.players import PLAYER_TAGS, element_page, player_page
from pipeline.extract.tree import BLOCKS, Node, unfold
from schemas.records import Role

_NOSCRIPT_CHARACTERS = 1000
_ROLES: Final[dict[str, Role]] = {
    "h1": Role.HEADING, "h2": Role.HEADING, "h3": Role.HEADING, "h4": Role.HEADING,
    "h5": Role.HEADING, "h6": Role.HEADING, "li": Role.LIST_ITEM, "dt": Role.LIST_ITEM,
    "dd": Role.LIST_ITEM, "summary": Role.HEADING, "td": Role.TABLE_CELL, "th": Role.TABLE_CELL,
    "figcaption": Role.CAPTION, "caption": Role.CAPTION, "blockquote": Role.QUOTE,
    "pre": Role.CODE, "listing": Role.CODE, "xmp": Role.CODE,
}  # fmt: skip
_PASSED = frozenset({"noscript", "object", "a"})
_MORE = "more-link"
"""Of a link's class, where a page shows the beginning of a topic only."""
_LONGEST_MORE = 160
_CODE = Role.CODE
_FINAL = frozenset({Role.HEADING, Role.CODE, Role.CAPTION})
"""Roles that the blocks inside keep."""
# Stand in a block's text for a line break and for an image; no page holds them: decode_html takes
# them out.
_BREAK = "\x00"
_MEDIA = "\x01"
_SEAM = "\x02"
_GAP = "\x03"
_MARKS = frozenset({_BREAK, _MEDIA, _SEAM, _GAP})
_SILENT = frozenset({_SEAM, _GAP})
# What is left out of a sentence parts words, but stands for nothing before a comma.
_GAPS = re.compile(r" ?\x03[\s\x02\x03]*(?=([,.;:!?)\]])?)")
# Where a span begins with a capital right behind a small letter, two texts meet that the page's
# style sheet keeps apart: "Credit" and "Jane Doe". A span that holds the end of a word and no more
# marks a part of it: "Java" and "Script".
_GLUED = re.compile(r"(?<=[a-zà-ÿ]{3})(?:\x02{2,}|\x02(?![A-ZÀ-Ý]\w*+\x02(?!\x02)))(?=[A-ZÀ-Ý])")


_Exit = tuple[bool, Node | None, Role, tuple[Node, ...], str]
"""Marks on the stack that a node's children are done: if it is a block, and what held before."""


class Walker:
    """Walks one page; no recursion, since pages nest as deep as they like."""

    def __init__(self, base: str, limits: ExtractLimits) -> None:
        self.base = base
        self.limits = limits
        self.found = Walk()
        self.pieces: list[str] = []
        self.link_pieces: list[str] = []
        self.inline: list[Item] = []
        self.block: Node | None = None
        self.role = Role.PARAGRAPH
        self.zones: tuple[Node, ...] = ()
        self.href = ""
        self.seen_urls: set[str] = set()
        self.before: Item | None = None

    def walk(self, body: Node) -> Walk:
        """The items under `body`."""
        self._read([body])
        return self.found

    def unfold(self, folds: list[Fold]) -> None:
        """Reads elements that were left unread; their items come in where they stand."""
        found = self.found
        items = found.items
        inserted: list[tuple[int, int]] = []
        for fold in reversed(folds):
            found.notes += unfold(fold.node, self.limits)
            found.items = []
            self.before = items[fold.at - 1] if fold.at else None
            self.block, self.role, self.zones, self.href = (
                fold.node,
                fold.role,
                fold.zones,
                fold.href,
            )
            self._read([*reversed(fold.node.children)])
            items[fold.at : fold.at] = found.items
            inserted.append((fold.at, len(found.items)))
        found.items = items
        found.folds = [
            replace(fold, at=fold.at + sum(count for at, count in inserted if at < fold.at))
            for fold in found.folds
            if fold.node.folded is not None
        ]

    def _read(self, stack: "list[Node | str | _Exit]") -> None:
        pop, pieces, enter = stack.pop, self.pieces, self._enter
        while stack:
            entry = pop()
            if isinstance(entry, str):
                if pieces or not entry.isspace():
                    pieces.append(entry)
                    if self.href:
                        self.link_pieces.append(entry)
            elif isinstance(entry, Node):
                enter(entry, stack)
            else:
                if entry[0] and pieces:
                    self._flush()
                _, self.block, self.role, self.zones, self.href = entry
        self._flush()

    def _enter(self, node: Node, stack: list[Node | str | _Exit]) -> None:
        tag = node.tag
        lone = _LONE.get(tag)
        if lone is not None:
            lone(self, node)
            return
        attrs = node.attrs
        block = tag in BLOCKS or (tag == "span" and self._is_line(node))
        region = node.region
        if region >= CUT and not block and is_aside(node, region):
            self._miss(node, "")
            self.pieces.append(_GAP)
            return
        if tag in _PASSED and self._passes(node):
            return
        if tag == "figure":
            self._figure(node)
        elif tag == "span":
            if self.pieces:
                self.pieces.append(_SEAM)
            stack.append(_SEAM)
        node.index = len(self.found.nodes)
        self.found.nodes.append(node)
        if block or region is not PLAIN or tag == "a":
            stack.append((block, self.block, self.role, self.zones, self.href))
            self._open(node, region, block)
        if not images.BACKGROUNDS.isdisjoint(attrs):
            self._background(node)
        if node.children:
            stack.extend(node.children[::-1])

    def _passes(self, node: Node) -> bool:
        """Whether an element has no words to be read: a link to the rest of a topic, a plug-in.

        Takes the media of what stands in for a script or a plug-in.
        """
        if node.tag == "a":
            return _MORE in node.get("class") and self._ends_topic(node)
        return self._object(node) if node.tag == "object" else not self._is_article(node)

    def _ends_topic(self, link: Node) -> bool:
        """Marks the text before a link to the rest of its topic, where the link is such a one."""
        if len(words_under(link)) > _LONGEST_MORE or holds_image(link):
            return False
        self._flush()
        if self.found.items and self.found.items[-1].is_text:
            self.found.items[-1].ends_topic = True
        self._miss(link, "end of a topic")
        return True

    def _is_line(self, span: Node) -> bool:
        """Whether a span is a caption, which stands in a line of its own."""
        return "class" in span.attrs and self.role not in _FINAL and is_caption(span)

    def _open(self, node: Node, region: Region, block: bool) -> None:
        if block:
            if self.pieces:
                self._flush()
            self.block = node
            if node.tag in _ROLES or "class" in node.attrs:
                self._set_role(node)
        elif node.tag == "a":
            self.href = node.get("href")
        if region is not PLAIN:
            self.found.outer[node] = self.zones
            self.zones = (*self.zones, node)
        if node.folded is not None:
            self.found.folds.append(
                Fold(node, len(self.found.items), self.role, self.zones, self.href)
            )

    def _set_role(self, node: Node) -> None:
        role = _ROLES.get(node.tag)
        if is_caption(node):
            role = Role.CAPTION
        elif role is Role.TABLE_CELL and is_layout(node):
            role = Role.PARAGRAPH
        if role is None or self.role in _FINAL:
            return
        self.role = role

    def _break(self, br: Node) -> None:
        """One br is a space; two in a row end a paragraph."""
        del br
        if self.role is _CODE:
            self.pieces.append("\n")
            return
        if self.pieces and self.pieces[-1] == _BREAK:
            self._flush()
            return
        self.pieces.append(_BREAK)

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
        found = [image for image in found if not images.is_pixel(image)]
        if found:
            self._replace_twin(noscript, found[0])
        for image in found:
            _ATOMS[image.tag](self, image)
        return False

    def _replace_twin(self, noscript: Node, image: Node) -> None:
        """Takes back the image before a noscript that holds it again for readers without scripts.

        It is the same where it stands beside it under the same alt text, and, as many images have
        none, has the same file name or the marks of an image that a script fills in.
        """
        items = self.found.items
        if not items or items[-1].is_text or self.pieces:
            return
        twin = items[-1].node
        beside = {twin.parent, twin.parent.parent if twin.parent else None} - {None}
        if noscript.parent not in beside or twin.get("alt") != image.get("alt"):
            return
        if twin.get("alt") or images.is_lazy(twin) or images.is_same_file(twin, image):
            self.seen_urls.discard(items.pop().url)

    def _flush(self) -> None:
        if self.pieces:
            self._emit("".join(self.pieces))
            self.pieces.clear()
            self.link_pieces.clear()
            self.inline.clear()

    def _emit(self, raw: str) -> None:
        """The block's text; an image within one of its sentences stands behind that text."""
        if _GAP in raw:
            raw = _GAPS.sub(lambda gap: "" if gap[1] else " ", raw)
        if self.role is _CODE:
            text = raw.replace(_BREAK, "\n").replace(_MEDIA, "").replace(_SEAM, "")
            self._add_text(text.strip("\r\n").rstrip())
            self.found.items.extend(self.inline)
            return
        if _SEAM in raw:
            raw = _GLUED.sub(" ", raw).replace(_SEAM, "")
        if not self.inline:  # as most blocks are
            self._add_text(" ".join(raw.replace(_BREAK, " ").split()))
            return
        waiting: list[Item] = []
        text = ""
        for index, piece in enumerate(raw.replace(_BREAK, " ").split(_MEDIA)):
            piece = " ".join(piece.split())
            if text and piece and not goes_on(text, piece):
                self._add_text(text)
                self.found.items.extend(waiting)
                waiting, text = [], ""
            elif not text and waiting and piece:
                self.found.items.extend(waiting)
                waiting = []
            text = f"{text} {piece}".strip()
            if index < len(self.inline):
                waiting.append(self.inline[index])
        self._add_text(text)
        self.found.items.extend(waiting)

    def _add_text(self, text: str) -> None:
        if self.role is Role.HEADING:
            text = text.rstrip(" ¶")  # a link to the heading itself
        if text and self.block is not None:
            links = anchors = 0
            if self.link_pieces:
                links = len(" ".join("".join(self.link_pieces).split()))
                anchors = sum(not piece.isspace() for piece in self.link_pieces)
            self.found.items.append(
                Item(self.block, text, self.role, min(links, len(text)), anchors, zones=self.zones)
            )

    def _image(self, node: Node) -> None:
        url = images.image_url(node, self.base, self.limits)
        if not url:
            self._miss(node, "names no picture")
            return
        if self.href:
            url = images.linked_url(node, url, self.href, self.base, self.limits) or url
        self._media(Item(node, url=url, zones=self.zones, href=self.href))

    def _figure(self, node: Node) -> None:
        """A figure that a script is to fill with the image that one of its attributes names."""
        if not any(isinstance(c, Node) for c in node.children) or not holds_image(node):
            url = images.attribute_url(node, self.base)
            if url:
                self._media(Item(node, url=url, zones=self.zones, href=self.href))

    def _video(self, node: Node) -> None:
        url, poster = images.video_urls(node, self.base)
        if url:
            self._media(Item(node, url=url, poster=poster, is_video=True, zones=self.zones))

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
        url = images.background_url(node, self.base)
        if url:
            self._media(Item(node, url=url, zones=self.zones, href=self.href))

    def _media(self, item: Item) -> None:
        if item.url in self.seen_urls and item.node.parent and item.node.parent.tag == "noscript":
            return
        self.seen_urls.add(item.url)
        if any(not piece.isspace() and piece not in _SILENT for piece in self.pieces):
            self.pieces.append(_MEDIA)
            self.inline.append(item)
        else:
            self._flush()
            self.found.items.append(item)


_ATOMS: dict[str, Callable[[Walker, Node], None]] = {
    "img": Walker._image,
    "amp-img": Walker._image,
    "image": Walker._image,
    "video": Walker._video,
}
_LOST = {"svg": "words of a drawing", "audio": "sound"}
_LONE: dict[str, Callable[[Walker, Node], object]] = {
    **_ATOMS,
    "br": Walker._break,
    "iframe": Walker._player,
    "embed": Walker._object,
    **dict.fromkeys(PLAYER_TAGS, Walker._player),
    **dict.fromkeys(_LOST, Walker._lost),
}
"""Elements with nothing inside that would be read."""
