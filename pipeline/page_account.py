"""What becomes of one page, and why: its blocks, what was cut of it, and the filters' verdict."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.extract.alone import PageExtractor
from pipeline.extract.document import Passage
from pipeline.extract.links import writable
from pipeline.filters.document import without_pii
from pipeline.verdict import PageRules, judge_page
from schemas.keys import make_key
from schemas.records import Block, ImageLink, Page, TextBlock
from schemas.rejection import BadInput, Why


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a page.

    Attributes:
        what: its text, or the URL of an image or a video.
        row: the block that it became, as a JSON object; None where it was cut.
        why: it was cut, "" where it was not.
    """

    what: str
    row: dict[str, Any] | None
    why: str = ""


class PageReader:
    """Tells what becomes of pages, read as a build reads them: in a process with its limits."""

    def __init__(self, rules: PageRules) -> None:
        """Takes what the pages are held against."""
        self._rules = rules
        self._extractor = PageExtractor(rules.extract)

    def __enter__(self) -> "PageReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._extractor.close()

    def account_for(
        self, path: str, url: str = "", content_type: str = ""
    ) -> tuple[dict[str, Any], tuple[Piece, ...]]:
        """A page as a JSON object, and piece by piece.

        The object's `blocks` are all of the extraction, whatever rules on paragraphs say of them.

        Args:
            path: of its file.
            url: "" for the file's own.
            content_type: the header's value, which may name its encoding.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is a WARC file.
        """
        file = Path(path)
        body = file.read_bytes()
        if body.startswith((b"WARC/", b"\x1f\x8b")):
            raise ValueError(
                f"{path}: a WARC or packed file, and no page: build from it, then --find URL"
            )
        url = writable(url or file.resolve().as_uri())
        row: dict[str, Any] = {"path": path, "url": url, "language": "", "title": "", "blocks": []}
        try:
            document, passages = self._extractor.account_for(
                Page(make_key(url, body), url, body, content_type)
            )
        except BadInput as bad:
            return row | {"verdict": _verdict(bad.why)}, ()
        found = judge_page(document, self._rules)
        row |= {
            "language": found.language,
            "title": document.title,
            "headline": document.headline,
            "licence": list(document.licence),
            "blocks": [block_row(block) for block in document.blocks],
            "personal_data": dict(without_pii(document)[1]),
            "verdict": _verdict(found.why),
        }
        return row, tuple(_pieces(passages, found.paragraphs))


def block_row(block: Block) -> dict[str, Any]:
    """A block as a JSON object that names its kind; `rights` only where the page states any."""
    row: dict[str, Any]
    if isinstance(block, TextBlock):
        row = {"kind": "text", "role": str(block.role), "text": block.text}
        return row | ({"ends_topic": True} if block.ends_topic else {})
    if isinstance(block, ImageLink):
        row = {
            "kind": "image",
            "url": block.url,
            "alt": block.alt,
            "caption": block.caption,
            "width": block.width,
            "height": block.height,
        }
        told = {name: text for name, text in asdict(block.rights).items() if text}
        row |= {"rights": told} if told else {}
        told = {"description": block.description, "described_by": block.described_by}
        return row | (told if block.description else {})
    row = {"kind": "video", "url": block.url, "poster": block.poster}
    return row | {"alt": block.alt, "caption": block.caption}


def _pieces(passages: Iterable[Passage], paragraphs: Iterable[Why | None]) -> Iterator[Piece]:
    """The passages as pieces, those cut whose paragraph a rule drops."""
    verdicts = iter(paragraphs)
    for passage in passages:
        block = passage.block
        why = next(verdicts, None) if isinstance(block, TextBlock) else None
        if block is None:
            yield Piece(passage.what, None, passage.why)
        elif why is not None:
            yield Piece(passage.what, None, f"paragraph: {_words_of(why)}")
        else:
            yield Piece(passage.what, block_row(block))


def _words_of(why: Why) -> str:
    """A reason with what was measured and its limit."""
    limit = "" if why.limit is None else f" (limit {why.limit})"
    return f"{why.reason} {why.value}{limit}"


def _verdict(why: Why | None) -> dict[str, Any]:
    if why is None:
        return {"kept": True, "reason": None, "value": None, "limit": None}
    why = replace(why, detail=why.detail or None)
    row = {"kept": False, "reason": str(why.reason), "value": why.value, "limit": why.limit}
    return row | ({"detail": why.detail} if why.detail else {})
