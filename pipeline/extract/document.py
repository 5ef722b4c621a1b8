"""A page parsed to its document: blocks in reading order, boilerplate cut, media still links."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.extract.asides import words_under
from pipeline.extract.captions import tie_captions
from pipeline.extract.content import choose_content, headline_of, is_icon
from pipeline.extract.declared import declared_kind
from pipeline.extract.decode import utf8_of
from pipeline.extract.descriptions import DescriptionReader
from pipeline.extract.images import declared_side, told_caption
from pipeline.extract.items import Fold, Item, Walk
from pipeline.extract.labels import drop_doubled, drop_repeated
from pipeline.extract.licence import licence_evidence
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.links import resolve
from pipeline.extract.marks import without_invisible
from pipeline.extract.regions import described
from pipeline.extract.rights import RightsReader
from pipeline.extract.tree import Node, Tree, folded_characters, parse_html
from pipeline.extract.walk import Walker
from pipeline.extract.xhtml import as_html, is_xhtml
from schemas.records import Block, Document, ImageLink, Page, Rights, TextBlock, VideoLink
from schemas.rejection import BadInput, Reason


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a page as the reader met it.

    Attributes:
        what: its text, or the URL of an image or a video.
        block: what it became; None where it was cut.
        why: it was cut, "" where it was not.
    """

    what: str
    block: Block | None
    why: str = ""


def extract_document(page: Page, limits: ExtractLimits | None = None) -> Document:
    """The page's text and media links, in reading order.

    Raises:
        BadInput: PARSE_ERROR where no tree came of the page, NO_CONTENT where it holds no text.
    """
    with _read(page, limits or ExtractLimits()) as (tree, walk, items):
        blocks = tuple(block for _, block in _blocks(items, *_readers(tree, walk, page.url)))
        return _document(tree, page, blocks, headline_of(walk, items))


def account_for(
    page: Page, limits: ExtractLimits | None = None
) -> tuple[Document, tuple[Passage, ...]]:
    """The document, and all of the page piece by piece: what was kept, what was cut and why.

    Raises:
        BadInput: as `extract_document`.
    """
    with _read(page, limits or ExtractLimits()) as (tree, walk, items):
        blocks = dict(_blocks(items, *_readers(tree, walk, page.url)))
        headline = headline_of(walk, items)
        document = _document(tree, page, tuple(blocks.values()), headline)
        return document, tuple(_passages(walk, blocks, headline))


@contextmanager
def _read(page: Page, limits: ExtractLimits) -> Iterator[tuple[Tree, Walk, list[Item]]]:
    """The page's tree for as long as it is looked at, all that it holds, and its content."""
    with _collector_paused():
        html = utf8_of(page.body, page.content_type)
        if is_xhtml(page.url, page.content_type, html):
            html = as_html(html.decode()).encode()
        tree = parse_html(html, limits)
        try:
            walker = Walker(_base_url(tree, page.url), limits)
            walk = walker.walk(tree.body)
            items = choose_content(walker, declared_kind(tree.notes), _title(tree))
            if not any(item.is_text for item in items):
                raise BadInput(Reason.NO_CONTENT, 0)
            yield tree, walk, items
        finally:
            tree.release()


def _document(tree: Tree, page: Page, blocks: tuple[Block, ...], headline: str) -> Document:
    return Document(
        key=page.key,
        url=page.url,
        title=_title(tree),
        blocks=blocks,
        fetched_at=page.fetched_at,
        licence=licence_evidence(tree.notes, _base_url(tree, page.url)),
        headline=headline,
    )


def _passages(walk: Walk, blocks: dict[Item, Block], headline: str) -> Iterator[Passage]:
    """All that the walk met, in reading order; what it left unread by its number of characters."""
    folds = iter(sorted(walk.folds, key=lambda fold: fold.at))
    fold = next(folds, None)
    missed: dict[Item | None, list[Passage]] = {}
    for miss in walk.missed:
        if what := _what_was_missed(miss.node):
            missed.setdefault(miss.after, []).append(
                Passage(what, None, miss.why or described(miss.node))
            )
    yield from missed.pop(None, ())
    for index, item in enumerate(walk.items):
        while fold is not None and fold.at <= index:
            yield _unread(fold)
            fold = next(folds, None)
        block = blocks.get(item)
        icon = not item.is_text and is_icon(item)
        why = item.why or ("icon" if icon else "outside of the content")
        if not block and headline and item.text == headline:
            why = "headline, kept by itself"
        yield Passage(item.url or item.text, block, "" if block else why)
        yield from missed.pop(item, ())
    for passages in missed.values():  # behind an item that another took the place of
        yield from passages
    while fold is not None:
        yield _unread(fold)
        fold = next(folds, None)


def _what_was_missed(node: Node) -> str:
    """What an element names, or the words under it."""
    for name in ("src", "data", "data-src"):
        if node.get(name):
            return node.get(name)
    return words_under(node)


def _unread(fold: Fold) -> Passage:
    return Passage(f"({folded_characters(fold.node)} characters)", None, described(fold.node))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pauses Python's collector of cycles: a tree that grows holds no garbage to look for.

    Otherwise the collector goes through the whole tree again and again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _base_url(tree: Tree, url: str) -> str:
    for node in tree.notes:
        if node.tag == "base" and node.get("href"):
            return resolve(url, node.get("href")) or url
    return url


def _title(tree: Tree) -> str:
    for node in tree.notes:
        if node.tag == "title":
            title = "".join(c for c in node.children if isinstance(c, str))
            return without_invisible(" ".join(title.split()))
    return ""


def _readers(tree: Tree, walk: Walk, url: str) -> tuple[RightsReader, DescriptionReader]:
    """What finds the rights and the descriptions that the page gives its images."""
    notes, base = [*tree.notes, *walk.notes], _base_url(tree, url)
    return RightsReader(notes, base), DescriptionReader(notes, base, tree.nodes)


def _blocks(
    items: list[Item], rights: RightsReader, descriptions: DescriptionReader
) -> Iterator[tuple[Item, Block]]:
    """The block that each item becomes; icons and what was said before become none."""
    items = [item for item in items if item.is_text or not is_icon(item)]
    captions = tie_captions(items)
    drop_repeated(items, captions)
    drop_doubled(items, captions)
    for index, item in enumerate(items):
        if not item.kept:
            continue
        tied = captions.get(index, [])
        caption = " ".join(one.text for one in tied)
        if item.is_text:
            yield item, TextBlock(item.text, item.role, item.ends_topic)
        elif item.is_video:
            title = item.node.get("title") or item.node.get("aria-label")
            yield item, VideoLink(item.url, item.poster, caption, title)
        else:
            caption = caption or told_caption(item.node)
            described = descriptions.description_of(item)
            yield item, _image(item, caption, rights.rights_of(item, tied), described)


def _image(item: Item, caption: str, rights: Rights, described: tuple[str, str]) -> ImageLink:
    node = item.node
    alt = without_invisible(" ".join(node.get("alt").split()))
    width, height = declared_side(node, "width"), declared_side(node, "height")
    return ImageLink(item.url, alt, caption, width, height, rights, *described)
