"""A page's tree as a flat list of items: texts and media in reading order, with their regions."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pipeline.extract import images
from pipeline.extract.asides import goes_on, is_aside, is_layout, region_around, words_under
from pipeline.extract.boilerplate import CUT, PLAIN, Region
from pipeline.extract.captions import holds_image, is_caption
from pipeline.extract.items import Fold, Item, Walk
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.marks import without_anchors, without_invisible
from pipeline.extract.media_items import GAP, IMAGE_MARK, MEDIA, SEAM, MediaReader
from pipeline.extract.players import player_page
from pipeline.extract.seams import are_fields, are_links, parted
from pipeline.extract.tree import BLOCKS, Node, unfold
from schemas.records import Role

_ROLES: Final[dict[str, Role]] = {
    "h1": Role.HEADING, "h2": Role.HEADING, "h3": Role.HEADING, "h4": Role.HEADING,
    "h5": Role.HEADING, "h6": Role.HEADING, "li": Role.LIST_ITEM, "dt": Role.LIST_ITEM,
    "dd": Role.LIST_ITEM, "summary": Role.HEADING, "td": Role.TABLE_CELL, "th": Role.TABLE_CELL,
    "figcaption": Role.CAPTION, "caption": Role.CAPTION, "blockquote": Role.QUOTE,
    "pre": Role.CODE, "listing": Role.CODE, "xmp": Role.CODE,
}  # fmt: skip
_PASSED = frozenset({"noscript", "object", "a", "figure"})
_MORE = "more-link"
"""Of a link's class, where a page shows the beginning of a topic only."""
_LONGEST_MORE = 160
_CODE = Role.CODE
_FINAL = frozenset({Role.HEADING, Role.CODE, Role.CAPTION})
"""Roles that the blocks inside keep."""
_BREAK = "\x00"
"""Stands in a block's text for a line break, as the marks of media_items do for others."""
# What is left out of a sentence parts words, but stands for nothing before a comma.
_GAPS = re.compile(r" ?\x03[\s\x02\x03]*(?=([,.;:!?)\]])?)")


_Exit = tuple[bool, Node | None, Role, tuple[Node, ...], str]
"""Marks on the stack that a node's children are done: if it is a block, and what held before."""


class Walker(MediaReader):
    """Walks one page; no recursion, since pages nest as deep as they like."""

    def __init__(self, base: str, limits: ExtractLimits) -> None:
        super().__init__(base, limits)
        self.link_pieces: list[str] = []
        self.links = self.anchors = 0  # of the block that is read
        self.link: Node | None = None
        self.span: Node | None = None
        self.block: Node | None = None
        self.role = Role.PARAGRAPH

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
                if entry[0] and pieces and entry[2] is not _CODE:
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
        if region is not PLAIN and "id" in attrs:
            region = node.region = region_around(node)
        if region >= CUT and not block and self._leaves_out(node, region):
            return
        if tag in _PASSED and self._passes(node):
            return
        if tag == "span":
            if pieces := self.pieces:
                pieces.append(SEAM if pieces[-1] is not SEAM else self._edge(node))
            self.span = node
            stack.append(SEAM)
        node.index = len(self.found.nodes)
        self.found.nodes.append(node)
        if block or region is not PLAIN or tag == "a":
            stack.append((block, self.block, self.role, self.zones, self.href))
            self._open(node, region, block)
        if not images.BACKGROUNDS.isdisjoint(attrs):
            self._background(node)
        if node.children:
            stack.extend(node.children[::-1])

    def _edge(self, span: Node) -> str:
        """What parts a span from the one that ends where it begins: a space between two fields."""
        before = self.span
        return " " if before is not None and are_fields(before, span) else SEAM

    def _is_embed(self, text: str) -> bool:
        """Takes the video whose page's address is a text of its own, where a player is to stand."""
        if " " in text or self.link_pieces or self.block is None:
            return False
        page = player_page(text) if self.role is Role.PARAGRAPH else ""
        if page:
            item = Item(self.block, url=page, is_video=True, zones=self.zones)
            self.found.items.append(item)
        return bool(page)

    def _part_links(self, link: Node) -> None:
        """Parts a link from the one right before it."""
        if self.link is not None and are_links(self.link, link):
            self.pieces.append(" ")

    def _leaves_out(self, node: Node, region: Region) -> bool:
        """Whether an inline element of boilerplate is no part of the sentence it stands in."""
        if "aria-hidden" in node.attrs and self.follows_formula():
            return True  # the same formula as it is drawn
        if self.role is Role.HEADING and "aria-expanded" in node.attrs:
            return False  # the line that unfolds an answer
        if is_aside(node, region):
            self._miss(node, "")
            self.pieces.append(GAP)
            return True
        return False

    def _passes(self, node: Node) -> bool:
        """Whether an element has no words to be read: a link to the rest of a topic, a plug-in.

        Takes the media of what stands in for a script or a plug-in, and of an empty figure.
        """
        if node.tag == "a":
            return _MORE in node.get("class") and self._ends_topic(node)
        if node.tag == "figure":
            self._figure(node)
            return False
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
                if self.role is not _CODE:
                    self._flush()
                elif not self.pieces[-1].endswith("\n"):  # within code each block is a line
                    self.pieces.append("\n")
            self.block = node
            if node.tag in _ROLES or "class" in node.attrs or node.tag == "footer":
                self._set_role(node)
        elif node.tag == "a":
            self.href = node.get("href")
            inside = self.link_pieces
            if inside and inside[-1] is self.pieces[-1]:
                self._part_links(node)
            self.link = node
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

    def _flush(self) -> None:
        if self.pieces:
            if self.link_pieces:
                self.links = len(" ".join("".join(self.link_pieces).split()))
                self.anchors = sum(not piece.isspace() for piece in self.link_pieces)
            self._emit("".join(self.pieces))
            self.pieces.clear()
            self.link_pieces.clear()
            self.inline.clear()

    def _emit(self, raw: str) -> None:
        """The block's text; an image within one of its sentences stands behind that text."""
        if GAP in raw:
            raw = _GAPS.sub(lambda gap: "" if gap[1] else " ", raw)
        if self.role is _CODE:
            text = raw.replace(_BREAK, "\n").replace(IMAGE_MARK, "").replace(SEAM, "")
            self._add_text(text.strip("\r\n").rstrip())
            self.found.items.extend(self.inline)
            return
        if SEAM in raw:
            raw = parted(raw).replace(SEAM, "")
        if not self.inline:  # as most blocks are
            self._add_text(" ".join(raw.replace(_BREAK, " ").split()))
            return
        waiting: list[Item] = []
        said: list[str] = []
        for index, piece in enumerate(raw.replace(_BREAK, " ").split(IMAGE_MARK)):
            piece = " ".join(piece.split())
            if piece and waiting and not (said and goes_on(said[-1], piece)):
                self._add_text(" ".join(said))
                self.found.items.extend(waiting)
                waiting, said = [], []
            if piece:
                said.append(piece)
            if index < len(self.inline):
                waiting.append(self.inline[index])
        self._add_text(" ".join(said))
        self.found.items.extend(waiting)

    def _add_text(self, text: str) -> None:
        if self.role is Role.HEADING:
            text = text.rstrip(" ¶")  # a link to the heading itself
        if self.link_pieces:
            text = without_anchors(text, self.link_pieces)
        if not text.isascii():
            text = without_invisible(text)
        if text.startswith("http") and self._is_embed(text):
            return
        if text and self.block is not None:
            links, anchors = (self.links, self.anchors) if self.link_pieces else (0, 0)
            self.found.items.append(
                Item(self.block, text, self.role, min(links, len(text)), anchors, zones=self.zones)
            )


_LONE: dict[str, Callable[[Walker, Node], object]] = {**MEDIA, "br": Walker._break}
"""Elements with nothing inside that would be read."""
