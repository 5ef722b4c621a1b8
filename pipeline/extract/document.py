"""A page parsed to its document: blocks in reading order, boilerplate cut, media still links."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.extract.captions import tie_captions
from pipeline.extract.content import choose_content, is_icon
from pipeline.extract.declared import declared_kind
from pipeline.extract.decode import decode_html
from pipeline.extract.images import declared_side
from pipeline.extract.items import Item
from pipeline.extract.labels import drop_repeated
from pipeline.extract.licence import licence_evidence
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.links import resolve
from pipeline.extract.tree import Tree, parse_html
from pipeline.extract.walk import Walker
from schemas.records import Block, Document, ImageLink, Page, TextBlock, VideoLink
from schemas.rejection import BadInput, Reason


def extract_document(page: Page, limits: ExtractLimits | None = None) -> Document:
    """The page's text and media links, in reading order.

    Raises:
        BadInput: PARSE_ERROR where no tree came of the page, NO_CONTENT where it holds no text.
    """
    limits = limits or ExtractLimits()
    with _collector_paused():
        tree = parse_html(decode_html(page.body, page.content_type), limits)
        try:
            return _read(tree, page, limits)
        finally:
            tree.release()


def _read(tree: Tree, page: Page, limits: ExtractLimits) -> Document:
    """The document that a page's tree holds."""
    walker = Walker(_base_url(tree, page.url), limits)
    walker.walk(tree.body)
    items = choose_content(walker, declared_kind(tree.notes), _title(tree))
    if not any(item.is_text for item in items):
        raise BadInput(Reason.NO_CONTENT, 0)
    return Document(
        key=page.key,
        url=page.url,
        title=_title(tree),
        blocks=tuple(_blocks(items)),
        fetched_at=page.fetched_at,
        licence=licence_evidence(tree.notes, page.url),
    )


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
            return " ".join("".join(c for c in node.children if isinstance(c, str)).split())
    return ""


def _blocks(items: list[Item]) -> list[Block]:
    items = [item for item in items if item.is_text or not is_icon(item)]
    captions = tie_captions(items)
    drop_repeated(items)
    blocks: list[Block] = []
    for index, item in enumerate(items):
        if not item.kept:
            continue
        if item.is_text:
            blocks.append(TextBlock(item.text, item.role))
        elif item.node.tag in {"video", "iframe"}:
            title = item.node.get("title") or item.node.get("aria-label")
            blocks.append(VideoLink(item.url, item.poster, captions.get(index, ""), title))
        else:
            blocks.append(_image(item, captions.get(index, "")))
    return blocks


def _image(item: Item, caption: str) -> ImageLink:
    node = item.node
    alt = " ".join(node.get("alt").split())
    return ImageLink(
        item.url, alt, caption, declared_side(node, "width"), declared_side(node, "height")
    )
