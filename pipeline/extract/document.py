"""A page parsed to its document: blocks in reading order, boilerplate cut, media still links."""

from pipeline.extract.captions import tie_captions
from pipeline.extract.content import choose_content, is_icon
from pipeline.extract.declared import declared_kind
from pipeline.extract.decode import decode_html
from pipeline.extract.images import declared_side
from pipeline.extract.licence import licence_evidence
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.links import resolve
from pipeline.extract.tree import Node, parse_html
from pipeline.extract.walk import Item, Walker
from schemas.records import Block, Document, ImageLink, Page, TextBlock, VideoLink
from schemas.rejection import BadInput, Reason


def extract_document(page: Page, limits: ExtractLimits | None = None) -> Document:
    """The page's text and media links, in reading order.

    Raises:
        BadInput: PARSE_ERROR where no tree came of the page, NO_CONTENT where it holds no text.
    """
    limits = limits or ExtractLimits()
    root = parse_html(decode_html(page.body, page.content_type), limits)
    head, body = _head_and_body(root)
    walk = Walker(_base_url(root, page.url), limits).walk(body)
    if not walk.items:
        raise BadInput(Reason.NO_CONTENT, 0)
    items = choose_content(walk, declared_kind(root))
    blocks = tuple(_blocks(items))
    if not any(isinstance(block, TextBlock) for block in blocks):
        raise BadInput(Reason.NO_CONTENT, 0)
    return Document(
        key=page.key,
        url=page.url,
        title=_title(head),
        blocks=blocks,
        fetched_at=page.fetched_at,
        licence=licence_evidence(root, page.url),
    )


def _head_and_body(root: Node) -> tuple[Node | None, Node]:
    html = next((c for c in root.children if isinstance(c, Node) and c.tag == "html"), root)
    head = next((c for c in html.children if isinstance(c, Node) and c.tag == "head"), None)
    body = next((c for c in html.children if isinstance(c, Node) and c.tag == "body"), html)
    return head, body


def _base_url(root: Node, url: str) -> str:
    stack: list[Node] = [root]
    while stack:
        node = stack.pop()
        if node.tag == "base" and node.get("href"):
            return resolve(url, node.get("href")) or url
        stack.extend(c for c in reversed(node.children) if isinstance(c, Node))
    return url


def _title(head: Node | None) -> str:
    for child in head.children if head is not None else ():
        if isinstance(child, Node) and child.tag == "title":
            return " ".join("".join(c for c in child.children if isinstance(c, str)).split())
    return ""


def _blocks(items: list[Item]) -> list[Block]:
    items = [item for item in items if item.is_text or not is_icon(item)]
    captions = tie_captions(items)
    blocks: list[Block] = []
    for index, item in enumerate(items):
        if item.is_text:
            blocks.append(TextBlock(item.text, item.role))
        elif item.node.tag == "video":
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
