"""The pictures of an evaluation set, however it lies on disk, and what of it cannot be read.

A set is a folder (searched through, links followed), a tar, a Parquet file with image columns, a
text file that lists paths, or one image or video. What a file is, its first bytes say; of a video,
one frame a second is a picture. Nothing is left out unsaid: what should be a picture and is not
comes out as `Unreadable`, as an archive does that is not read; other files as `PassedOver`.
"""

import bz2
import gzip
import io
import lzma
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from schemas.benchmarks.folder import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Folder
from schemas.rejection import BadInput
from schemas.tar import read_tar

if TYPE_CHECKING:
    from PIL import Image

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
ARCHIVE_SUFFIXES = (*TAR_SUFFIXES, ".zip", ".7z", ".rar", ".tar.zst", ".parquet", ".arrow")
LIST_SUFFIXES = frozenset({".txt", ".lst"})

FRAME_EVERY_S = 1.0
"""Of a video, one frame a second is fingerprinted: what a corpus's video keeps of itself."""

MAX_PIXELS = 256_000_000
"""An evaluation image with more is listed, not decoded."""

_HASHED_SIDE = 256  # px that the fingerprint looks at: JPEG is decoded no larger where it can be
_IMAGE_MAGICS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, LookupError, struct.error, zlib.error)


Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Some bytes that may be an image or a video.

    Attributes:
        eval_id: path inside the set, with `!member` in a tar and `:row` in a table.
        content: the bytes.
        is_expected: whether the set says that this is a picture.
        spans: the parts of a video that the set asks about, in seconds; none for all of it.
    """

    eval_id: str
    content: bytes
    is_expected: bool
    spans: Spans = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """One image, or one frame of a video, upright, on white, in mode RGB or L."""

    eval_id: str
    image: "Image.Image"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that should be a picture and cannot be read, and why."""

    eval_id: str
    why: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that is not a picture and does not claim to be one."""

    eval_id: str


def read_entries(path: Path) -> Iterator[Entry | Unreadable]:
    """All that a set holds, in a fixed order, not yet decoded.

    Raises:
        OSError: the path itself does not exist or cannot be opened.
    """
    if path.is_dir():
        for name in Folder(path).paths:
            yield from _read_file(path / name, name)
        return
    if path.suffix.lower() in LIST_SUFFIXES:
        yield from _read_list(path)
        return
    with path.open("rb"):
        pass
    yield from _read_file(path, path.name)


def read_pictures(entry: Entry) -> Iterator[Picture | Unreadable | PassedOver]:
    """The pictures in some bytes: one of an image, one a second of a video."""
    kind = _kind_of(entry.content)
    if kind == "video":
        yield from _read_frames(entry)
    elif kind == "image":
        yield _read_image(entry)
    elif entry.is_expected:
        start = entry.content[:8]
        what = f"neither image nor video, it begins with {start!r}" if start else "empty"
        yield Unreadable(entry.eval_id, what)
    elif entry.eval_id.lower().endswith(ARCHIVE_SUFFIXES):
        yield Unreadable(entry.eval_id, "an archive that is not read: unpack it first")
    else:
        yield PassedOver(entry.eval_id)


def _read_file(path: Path, eval_id: str) -> Iterator[Entry | Unreadable]:
    name = path.name.lower()
    if name.endswith(TAR_SUFFIXES):
        yield from _read_tar(path, eval_id)
    elif name.endswith(".parquet"):
        yield from _read_parquet(path, eval_id)
    else:
        yield _read_whole(path, eval_id, is_expected=_is_media_name(name))


def _read_whole(path: Path, eval_id: str, *, is_expected: bool) -> Entry | Unreadable:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            return Unreadable(eval_id, "no regular file")  # a pipe would be waited for
        return Entry(eval_id, path.read_bytes(), is_expected)
    except OSError as error:
        return Unreadable(eval_id, error.strerror or type(error).__name__)


def _read_tar(path: Path, eval_id: str) -> Iterator[Entry | Unreadable]:
    """The files of a tar; not by `tarfile`, which takes a damaged header for the end."""
    try:
        with _open_tar(path) as stream:
            for member in read_tar(stream):
                is_expected = _is_media_name(member.name.lower())
                yield Entry(f"{eval_id}!{member.name}", member.content, is_expected)
    except (BadInput, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        yield Unreadable(eval_id, f"damaged tar, the rest of it was not read: {error}")


def _open_tar(path: Path) -> BinaryIO:
    """The tar's bytes, decompressed."""
    name = path.name.lower()
    if name.endswith((".gz", ".tgz")):
        return cast(BinaryIO, gzip.open(path))
    if name.endswith(".bz2"):
        return cast(BinaryIO, bz2.open(path))
    return cast(BinaryIO, lzma.open(path)) if name.endswith(".xz") else path.open("rb")


def _read_list(path: Path) -> Iterator[Entry | Unreadable]:
    """The files that a text file names, one a line, relative to its folder."""
    for line in path.read_text("utf-8-sig").splitlines():
        if line.strip():
            yield _read_whole(path.parent / line.strip(), line.strip(), is_expected=True)


def _read_parquet(path: Path, eval_id: str) -> Iterator[Entry | Unreadable]:
    """The images in a table's image columns: bytes, HF's {bytes, path}, or lists of either."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            columns = [field.name for field in table.schema_arrow if _holds_images(field)]
            if not columns:
                yield Unreadable(eval_id, f"no image column among {table.schema_arrow.names}")
                return
            row = count()
            for batch in table.iter_batches(batch_size=64, columns=columns):
                for values in batch.to_pylist():
                    yield from _read_row(values, f"{eval_id}:{next(row)}")
    except (pa.ArrowException, OSError) as error:
        yield Unreadable(eval_id, f"damaged Parquet, the rest of it was not read: {error}")


def _read_row(values: dict[str, Any], eval_id: str) -> Iterator[Entry | Unreadable]:
    for column, value in values.items():
        where = eval_id if len(values) == 1 else f"{eval_id}:{column}"
        cells = value if isinstance(value, list) else [value]
        for place, cell in enumerate(cells):
            name = f"{where}:{place}" if isinstance(value, list) else where
            content = cell["bytes"] if isinstance(cell, dict) else cell
            if content is None:
                yield Unreadable(name, "no bytes in the table")
            else:
                yield Entry(name, content, is_expected=True)


def _holds_images(field: Any) -> bool:  # noqa: ANN401 - an untyped library's field
    """Whether a column holds images: HF's struct with bytes, or bytes under an image's name."""
    import pyarrow.types as kinds

    kind = field.type
    if kinds.is_list(kind) or kinds.is_large_list(kind):
        kind = kind.value_type
    if kinds.is_struct(kind):
        return any(child.name == "bytes" and _is_bytes(child.type) for child in kind)
    is_bytes = _is_bytes(kind)
    name = field.name.lower()
    is_image = any(word in name for word in ("image", "img", "video", "picture", "photo"))
    return is_bytes and (is_image or f".{name}" in IMAGE_SUFFIXES | VIDEO_SUFFIXES)


def _is_bytes(kind: Any) -> bool:  # noqa: ANN401 - an untyped library's type
    import pyarrow.types as kinds

    return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind))


def _is_media_name(name: str) -> bool:
    return Path(name).suffix in IMAGE_SUFFIXES | VIDEO_SUFFIXES


def _kind_of(content: bytes) -> str:
    """What the first bytes say: image, video, or nothing of the two."""
    if content.startswith(_IMAGE_MAGICS) or content[:4] + content[8:12] == b"RIFFWEBP":
        return "image"
    if content[4:12] in (b"ftypavif", b"ftypavis"):
        return "image"
    if content[4:8] in (b"ftyp", b"moov") or content.startswith(b"\x1a\x45\xdf\xa3"):
        return "video"
    return "video" if content[:4] + content[8:12] == b"RIFFAVI " else ""


def _read_image(entry: Entry) -> Picture | Unreadable:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(entry.content))
        if image.width * image.height > MAX_PIXELS:
            return Unreadable(entry.eval_id, f"{image.width} x {image.height} px, too large")
        return Picture(entry.eval_id, _as_seen(image))
    except Image.DecompressionBombError:
        return Unreadable(entry.eval_id, "too large")
    except UnidentifiedImageError:
        return Unreadable(entry.eval_id, "damaged image: its header cannot be read")
    except _DAMAGE as error:
        return Unreadable(entry.eval_id, f"damaged image: {error}")


def _as_seen(image: "Image.Image") -> "Image.Image":
    """The image upright, on white, of 8 bits; only as large as the fingerprint needs."""
    from PIL import Image, ImageOps

    image.draft("L", (_HASHED_SIDE, _HASHED_SIDE))
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        return upright.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if not upright.has_transparency_data:
        return upright if upright.mode == "L" else upright.convert("RGB")
    whole = upright.convert("RGBA")
    white = Image.new("RGBA", whole.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, whole).convert("RGB")


def _read_frames(entry: Entry) -> Iterator[Picture | Unreadable]:
    import av

    due = found = 0
    try:
        with av.open(io.BytesIO(entry.content)) as container:
            if not container.streams.video:
                yield Unreadable(entry.eval_id, "a video without pictures")
                return
            for frame in container.decode(video=0):
                seconds = frame.time or 0.0
                if seconds >= due * FRAME_EVERY_S and _is_within(seconds, entry.spans):
                    due = int(seconds / FRAME_EVERY_S) + 1
                    found += 1
                    yield Picture(f"{entry.eval_id}#t={seconds:.3f}", frame.to_image())
    except (av.FFmpegError, ValueError) as error:
        yield Unreadable(entry.eval_id, f"damaged video after {found} frames: {error}")
    else:
        if not found:
            where = " in the parts that the set asks about" if entry.spans else ""
            yield Unreadable(entry.eval_id, f"a video without frames{where}")


def _is_within(seconds: float, spans: Spans) -> bool:
    """Whether a moment belongs to one of some parts of a video, or there are none."""
    return not spans or any(start <= seconds <= end for start, end in spans)
