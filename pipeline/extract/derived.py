"""Whether a file of WARC form holds pages at all, or only what Common Crawl made of them."""

from itertools import islice
from typing import BinaryIO

from pipeline.extract.limits import ReadLimits

_LOOKED_AT = 64
_ENOUGH = 3
_ORIGINALS = frozenset({"response", "resource", "revisit", "request"})


def derived_form(stream: BinaryIO) -> str:
    """WET where the first records are texts of pages, WAT where they are metadata, else nothing."""
    from fastwarc.warc import ArchiveIterator

    limit = ReadLimits().header_bytes
    records = ArchiveIterator(stream, parse_http=False, auto_decode="none", max_header_len=limit)
    metadata = 0
    try:
        for record in islice(records, _LOOKED_AT):
            kind = (record.headers.get("WARC-Type") or "").lower()
            if kind in _ORIGINALS:
                return ""
            if kind == "conversion":
                return "WET"
            is_json = "json" in (record.headers.get("Content-Type") or "").lower()
            metadata += kind == "metadata" and is_json
            if metadata >= _ENOUGH:
                return "WAT"
    except OSError:
        return ""  # damage is counted where the file is read
    return "WAT" if metadata else ""
