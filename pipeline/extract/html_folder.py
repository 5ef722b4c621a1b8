"""The pages and media files of a folder of HTML, as if each had been fetched."""

import mimetypes
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from pipeline.extract.limits import ReadLimits
from pipeline.extract.links import NAME_SAFE, writable
from schemas.keys import make_key
from schemas.records import Capture, Page
from schemas.rejection import Reason, Rejection, Why

_PAGES = frozenset({".html", ".htm", ".xhtml", ".shtml"})
_MEDIA_UNKNOWN_TO_PYTHON = frozenset({".webp", ".avif", ".webm", ".mkv", ".m4v", ".ogv", ".svg"})


def read_folder(
    path: str, base_url: str = "", limits: ReadLimits | None = None
) -> Iterator[Page | Capture | Rejection]:
    """Every HTML page and media file under the folder, in the order of their paths.

    Args:
        path: the folder.
        base_url: the URL that the folder stands for; "" names each file by its file:// URL.
        limits: bounds on a page's bytes.
    """
    limits = limits or ReadLimits()
    root = Path(path).resolve()
    for file in _files(root):
        suffix = file.suffix.lower()
        if suffix in _PAGES:
            yield _page(file, url_of(file, root, base_url), limits)
        elif _is_media(file):
            yield _capture(file, url_of(file, root, base_url))


def url_of(file: Path, root: Path, base_url: str = "") -> str:
    """The URL of a file: file:// and its absolute path, or base_url and its path in the folder."""
    if not base_url:
        return "file://" + _quoted(file)
    return base_url.rstrip("/") + "/" + _quoted(file.relative_to(root))


def _quoted(file: Path) -> str:
    """The path as a URL has it, byte by byte: a name need not be UTF-8."""
    return quote(os.fsencode(file), safe=NAME_SAFE)


def _files(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, _, names in os.walk(root, followlinks=False):
        found += [Path(folder) / name for name in names]
    return sorted((f for f in found if f.is_file()), key=lambda f: f.as_posix())


def _is_media(file: Path) -> bool:
    guess = mimetypes.guess_type(file.name)[0] or ""
    return guess.startswith(("image/", "video/")) or file.suffix.lower() in _MEDIA_UNKNOWN_TO_PYTHON


def _capture(file: Path, url: str) -> Capture | Rejection:
    if writable(str(file)) == str(file):
        return Capture(url, str(file), -1)
    why = Why(Reason.DAMAGED_RECORD, f"{writable(str(file))}: the name is not in UTF-8")
    return Rejection("page", make_key(url), url, why)


def _page(file: Path, url: str, limits: ReadLimits) -> Page | Rejection:
    size = file.stat().st_size
    if size > limits.page_bytes:
        why = Why(Reason.TOO_MANY_BYTES, size, limits.page_bytes)
        return Rejection("page", make_key(url), url, why)
    try:
        body = file.read_bytes()
    except OSError as error:
        why = Why(Reason.DAMAGED_RECORD, f"{writable(str(file))}: {error.strerror or error}")
        return Rejection("page", make_key(url), url, why)
    if not body.strip():
        return Rejection("page", make_key(url), url, Why(Reason.EMPTY_BODY))
    # When a page was fetched a file does not say: its own time changes with each copy of it.
    return Page(make_key(url, body), url, body)
