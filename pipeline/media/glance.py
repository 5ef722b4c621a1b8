"""What the first bytes of a body say, so that the rest of what is not wanted is never downloaded.

No decoder is asked: the size of an image stands in the first kilobytes of every format that is
decoded, and reading it there takes microseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pipeline.media.damage import webp_size
from pipeline.media.formats import MARKUP_BYTES, name_format
from pipeline.media.image import ImageLimits, judge_image_size
from schemas.rejection import Reason, Why

GLANCE_BYTES = 1 << 18
"""Further than this no size is looked for: EXIF and colour profiles stand before it in a JPEG."""

_NO_FRAMES = (0xC4, 0xC8, 0xCC)  # of the markers SOF0 to SOF15: tables and extensions
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xDA)})
_AVIF_PROPERTIES = b"ispe\0\0\0\0"  # a full box of version 0 without flags (ISO/IEC 23008-12)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the first bytes of an image say: its format, its sides in px as stored, 0 if unsaid."""

    format: str = ""
    width: int = 0
    height: int = 0
    why: Why | None = None


Glance = Callable[[bytes, bool], Seen | None]
"""Judges a body by its first bytes, and by whether they are all; None asks for more of them."""


def glance_at_image(content: bytes, whole: bool, limits: ImageLimits) -> Seen | None:
    """Format and size of an image with what speaks against them, as soon as they are there."""
    if len(content) < MARKUP_BYTES and not whole:
        return None
    form = name_format(content)
    if form is None:
        shown = content[:8].hex()
        return Seen(why=Why(Reason.NOT_MEDIA, shown, " ".join(limits.formats)))
    size = _SIZES[form](content) if form in _SIZES else None
    if size is None and form in limits.formats and not whole and len(content) < GLANCE_BYTES:
        return None
    width, height = size or (0, 0)
    return Seen(form, width, height, judge_header(form, width, height, limits))


def judge_header(form: str, width: int, height: int, limits: ImageLimits) -> Why | None:
    """Why an image is out by what its first bytes say; a size of 0 says nothing."""
    size = f"{width} x {height} px" if width and height else None
    if form not in limits.formats:
        return Why(Reason.FORMAT, form, " ".join(limits.formats), size)
    why = judge_image_size(width, height, limits) if size else None
    return None if why is None else replace(why, detail=size)


def header_limits(limits: ImageLimits) -> tuple[object, ...]:
    """Those of the limits on images that a glance depends on."""
    sides = (limits.min_side_px, limits.max_side_px, limits.max_pixels, limits.max_aspect)
    return (*sides, limits.formats)


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height by the first frame header; None where it is not there yet (T.81, B.1)."""
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF or marker in _BARE_MARKERS:
            at += 1 if marker == 0xFF else 2
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAMES:
            return _big(content[at + 7 : at + 9]), _big(content[at + 5 : at + 7])
        else:
            at += 2 + _big(content[at + 2 : at + 4])
    return None


def _png_size(content: bytes) -> tuple[int, int] | None:
    if len(content) < 24 or content[12:16] != b"IHDR":
        return None
    return _big(content[16:20]), _big(content[20:24])


def _gif_size(content: bytes) -> tuple[int, int] | None:
    if len(content) < 10:
        return None
    return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")


def _avif_size(content: bytes) -> tuple[int, int] | None:
    """The largest of the sizes among the properties: the others are of tiles and thumbnails."""
    start = _big(content[:4])
    end = start + _big(content[start : start + 4])
    if content[start + 4 : start + 8] != b"meta" or end > len(content):
        return None
    sizes = [(0, 0)]
    at = content.find(_AVIF_PROPERTIES, start, end)
    while at >= 0:
        sizes.append((_big(content[at + 8 : at + 12]), _big(content[at + 12 : at + 16])))
        at = content.find(_AVIF_PROPERTIES, at + 16, end)
    return max(sizes, key=lambda size: size[0] * size[1])


def _big(digits: bytes) -> int:
    return int.from_bytes(digits, "big")


_SIZES: dict[str, Callable[[bytes], tuple[int, int] | None]] = {
    "JPEG": jpeg_size,
    "PNG": _png_size,
    "GIF": _gif_size,
    "WEBP": webp_size,
    "AVIF": _avif_size,
}
