"""What is wrong with a shard: read whole, held against its index and its build's manifest.

Every byte of a shard is accounted for: headers by their checksums, padding and end by being zero,
contents by the index's crc32, the file by the manifest's sha256. Without an index a sample is held
against the digest that it carries of itself. A tar of other making has nothing of these: that it is
one is a fault, and its structure is checked, and that its images and JSON can be decoded.
"""

import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from pipeline.media.image import ImageLimits, decode_image
from pipeline.store.shard_files import Sample, ShardFile, extension_of, read_samples
from schemas.rejection import BadInput
from schemas.sample_digest import holds_digest
from schemas.shard import (
    PAIR_SCHEMA,
    SEQUENCE_SCHEMA,
    IndexRow,
    MemberRow,
    Members,
    check_sample,
    decode_pair,
    decode_sequence,
    index_row,
)

IMAGE_EXTENSIONS = frozenset({"jpg", "jpeg", "png", "webp", "gif", "avif"})
VIDEO_EXTENSIONS = frozenset({"mp4", "webm", "mkv", "mov", "avi"})

_FOREIGN = f"not of this project's making: no JSON of schema {SEQUENCE_SCHEMA} or {PAIR_SCHEMA}"
_NO_DIGEST = "held against nothing: no index beside the shard, no digest in the JSON"
_ANY_IMAGE = ImageLimits(formats=("JPEG", "PNG", "WEBP", "GIF", "AVIF"))


@dataclass(slots=True)
class ShardReport:
    """What `verify` says of one shard.

    Attributes:
        name: as messages call it.
        corpus: that its name or the manifest gives it, or "".
        samples: that were read, foreign ones too.
        foreign: samples of other making.
        bytes: that were read.
        has_index: whether there was an index to hold it against.
        faults: what is wrong with it, in words.
    """

    name: str
    corpus: str
    samples: int = 0
    foreign: int = 0
    bytes: int = 0
    has_index: bool = False
    faults: list[str] = field(default_factory=list)


def verify_shard(shard: ShardFile, seen: dict[str, str] | None = None) -> ShardReport:
    """Every fault of a shard, in the order of its bytes.

    Args:
        shard: to read.
        seen: keys of the corpus with the shards that hold them; this shard's are added.
    """
    report = ShardReport(shard.name, shard.corpus)
    if not shard.is_listed:
        report.faults.append("not in the manifest of its build")
    try:
        with shard.open() as stream:
            counted = _CountingReader(stream)
            _verify_samples(shard, report, cast(BinaryIO, counted), {} if seen is None else seen)
            counted.drain()
    except OSError as error:
        report.faults.append(f"cannot be read: {error.strerror or error}")
        return report
    report.bytes = counted.size
    report.faults += _check_entry(shard, report, counted.digest.hexdigest())
    return report


def _verify_samples(
    shard: ShardFile, report: ShardReport, stream: BinaryIO, seen: dict[str, str]
) -> None:
    rows = _read_rows(shard, report)
    unheld: dict[str, list[str]] = {}
    try:
        for sample in read_samples(stream):
            report.samples += 1
            report.faults += _check_key(sample, shard, seen)
            corpus = _corpus_by(sample, shard, rows)
            report.faults += _check_members(sample, corpus)
            if not corpus:
                unheld.setdefault(_FOREIGN, []).append(_named(sample))
            if rows is not None:
                report.faults += _check_row(sample, rows, corpus)
            elif corpus and (held := _holds_digest(sample)) is None:
                unheld.setdefault(_NO_DIGEST, []).append(_named(sample))
            elif corpus and not held:
                report.faults.append(f"{_named(sample)}: changed: its digest differs")
    except BadInput as error:
        report.faults.append(f"damaged: {error.why.value}; nothing after it was read")
    else:
        report.faults += [] if report.samples else ["holds no sample"]
    report.foreign = len(unheld.get(_FOREIGN, ()))
    report.faults += _unheld_faults(unheld, report.samples)
    if rows is not None and len(rows) != report.samples:
        found = f"{report.samples} samples found"
        report.faults.append(f"{found}, its index has {len(rows)}")


def _unheld_faults(unheld: dict[str, list[str]], samples: int) -> Iterator[str]:
    """One line for samples that say nothing of themselves, by what they are."""
    for what, names in unheld.items():
        if len(names) == samples:
            yield f"all {samples} samples: {what}"
        else:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield f"{names[0]}{more}: {what}"


def _read_rows(shard: ShardFile, report: ShardReport) -> list[IndexRow] | None:
    """The rows of the index beside the shard; None, with a fault where it must have one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas.tables import SHARD_INDEX

    content = shard.read_sidecar()
    if content is None:
        if shard.entry is not None:
            report.faults.append("the index beside it is missing")
        return None
    try:
        table = pq.ParquetFile(io.BytesIO(content)).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        report.faults.append(f"its index cannot be read: {_first_line(error)}")
        return None
    if not table.schema.equals(SHARD_INDEX):
        report.faults.append("its index has other columns than a shard's")
        return None
    report.has_index = True
    return cast(list[IndexRow], table.to_pylist())


def _check_key(sample: Sample, shard: ShardFile, seen: dict[str, str]) -> list[str]:
    holder = seen.setdefault(sample.key, "")
    seen[sample.key] = holder or shard.name
    if not holder:
        return []
    where = "in it" if holder == shard.name else f"in {holder}"
    return [f"{_named(sample)}: the key is already {where}"]


def _corpus_by(sample: Sample, shard: ShardFile, rows: list[IndexRow] | None) -> str:
    """The corpus whose rules a sample has to keep; "" for one of other making."""
    if shard.corpus and (shard.entry is not None or rows is not None):
        return shard.corpus
    return corpus_of_sample(sample, shard.corpus)


def corpus_of_sample(sample: Sample, corpus: str) -> str:
    """The corpus that a sample is of by the schema in its JSON; "" for one of other making.

    Args:
        sample: any.
        corpus: of its shard by name: what tells ALIGN from LTIP, whose samples are alike.
    """
    schema = sample_json(sample).get("schema")
    if schema == SEQUENCE_SCHEMA:
        return "m3w"
    if schema != PAIR_SCHEMA:
        return ""
    is_video = any(extension_of(member.name) == "mp4" for member in sample.members)
    return "vtp" if is_video else corpus if corpus in ("align", "ltip") else "align"


def _holds_digest(sample: Sample) -> bool | None:
    """Whether a sample is as its digest says; None where it has none."""
    is_json = [extension_of(member.name) == "json" for member in sample.members]
    contents = [member.content for member in sample.members]
    return holds_digest(contents.pop(is_json.index(True)), contents) if any(is_json) else None


def _check_members(sample: Sample, corpus: str) -> list[str]:
    if corpus:
        faults = check_sample(_as_members(sample), corpus)
    else:
        faults = [*_check_names(sample), *_check_json(sample)]
    return [*faults, *_check_media(sample)]


def _check_names(sample: Sample) -> Iterator[str]:
    """Faults of the names in a tar of other making, which may have folders."""
    names = [member.name for member in sample.members]
    for name in names:
        parts = name.split("/")
        if ".." in parts or name.startswith("/") or "\\" in name or not name.isprintable():
            yield f"unsafe member name {name!r}"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"member {name!r} is there twice"


def _check_json(sample: Sample) -> Iterator[str]:
    for member in sample.members:
        if member.name.endswith(".json"):
            try:
                json.loads(member.content)
            except (ValueError, RecursionError) as error:
                yield f"{member.name!r}: not JSON: {error}"


def _check_media(sample: Sample) -> Iterator[str]:
    """Faults of images and videos, decoded; sizes are held against the sample's JSON."""
    sizes = _stated_sizes(sample)
    for member in sample.members:
        kind = extension_of(member.name).rpartition(".")[2].lower()
        if kind in IMAGE_EXTENSIONS:
            yield from _check_image(member.name, member.content, sizes.get(member.name))
        elif kind in VIDEO_EXTENSIONS:
            yield from _check_video(member.name, member.content)


def _check_image(name: str, content: bytes, stated: tuple[int, int] | None) -> Iterator[str]:
    try:
        size = decode_image(content, _ANY_IMAGE).size
    except BadInput as error:
        yield f"{name!r}: not an image that can be decoded: {error.why.reason}"
        return
    if stated not in (None, size):
        yield f"{name!r}: is {size[0]} x {size[1]} px, its JSON says {stated[0]} x {stated[1]}"


def _check_video(name: str, content: bytes) -> Iterator[str]:
    import av

    try:
        with av.open(io.BytesIO(content)) as container:
            if not any(True for _ in container.decode(video=0)):
                yield f"{name!r}: a video without frames"
    except (av.FFmpegError, ValueError, IndexError) as error:
        yield f"{name!r}: not a video that can be decoded: {_first_line(error)}"


def _stated_sizes(sample: Sample) -> dict[str, tuple[int, int]]:
    """Width and height by member name, as a sample of ours states them in its JSON."""
    record = sample_json(sample)
    parts = record.get("parts")
    if not isinstance(parts, list):
        first = sample.members[0].name
        parts = [{"file": first, **record}]
    images = [part for part in parts if isinstance(part, dict) and part.get("file")]
    return {part["file"]: (part["width"], part["height"]) for part in images if _is_sized(part)}


def _is_sized(record: dict[str, Any]) -> bool:
    return isinstance(record.get("width"), int) and isinstance(record.get("height"), int)


def sample_json(sample: Sample) -> dict[str, Any]:
    """The sample's JSON object; empty where it has none that can be read."""
    for member in sample.members:
        if extension_of(member.name) == "json":
            try:
                record = json.loads(member.content)
            except (ValueError, RecursionError):
                return {}
            return record if isinstance(record, dict) else {}
    return {}


def _check_row(sample: Sample, rows: list[IndexRow], corpus: str) -> list[str]:
    """How a sample differs from what its index says of it."""
    where = _named(sample)
    if sample.index >= len(rows):
        return [f"{where}: not in the index"]
    row = rows[sample.index]
    if row["key"] != sample.key:
        return [f"{where}: its index has {row['key']} in this place"]
    found = [_member_row(sample, place) for place in range(len(sample.members))]
    faults = _differences(where, row["members"], found)
    if faults or not corpus:
        return faults
    try:
        expected = dict(_expected_row(sample, corpus))
    except BadInput:
        return []  # check_sample has said what is wrong with it
    stated = dict(row)
    return [
        f"{where}: its index says {name} {stated[name]!r}, the sample {value!r}"
        for name, value in expected.items()
        if stated[name] != value
    ]


def _member_row(sample: Sample, place: int) -> MemberRow:
    member = sample.members[place]
    return MemberRow(
        name=member.name,
        offset=member.offset,
        size=len(member.content),
        crc32=zlib.crc32(member.content),
    )


def _differences(where: str, stated: list[MemberRow], found: list[MemberRow]) -> list[str]:
    names = [row["name"] for row in found]
    expected = [row["name"] for row in stated]
    if names != expected:
        return [f"{where}: members are {', '.join(names)}; its index has {', '.join(expected)}"]
    faults = []
    for have, want in zip(found, stated, strict=True):
        if (have["size"], have["offset"]) != (want["size"], want["offset"]):
            faults.append(
                f"{have['name']!r}: {have['size']} bytes at byte {have['offset']},"
                f" its index says {want['size']} at {want['offset']}"
            )
        elif have["crc32"] != want["crc32"]:
            faults.append(f"{have['name']!r}: changed since it was written: crc32 differs")
    return faults


def _expected_row(sample: Sample, corpus: str) -> IndexRow:
    members = _as_members(sample)
    record = decode_sequence(members) if corpus == "m3w" else decode_pair(members)
    return index_row(record, members, [member.offset for member in sample.members])


def _check_entry(shard: ShardFile, report: ShardReport, sha256: str) -> Iterator[str]:
    """How a shard differs from what the manifest says of it."""
    if shard.entry is None:
        return
    if report.bytes != shard.entry.bytes:
        yield f"{report.bytes} bytes, the manifest says {shard.entry.bytes}"
    if report.samples != shard.entry.samples:
        yield f"{report.samples} samples, the manifest says {shard.entry.samples}"
    if sha256 != shard.entry.sha256:
        yield f"sha256 is {sha256}, the manifest says {shard.entry.sha256}"


def _as_members(sample: Sample) -> Members:
    return [(member.name, member.content) for member in sample.members]


def _named(sample: Sample) -> str:
    return f"sample {sample.index} ({sample.key})"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


class _CountingReader:
    """A stream that counts and hashes what is read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Some bytes."""
        content = self._stream.read(size)
        self.digest.update(content)
        self.size += len(content)
        return content

    def drain(self) -> None:
        """Read the rest."""
        while self.read(1 << 20):
            pass
