"""What a sample of a shard looks like: records to members and back, and what is wrong with one.

A sample is the run of tar members that share a key, named `KEY.json`, `KEY.0.jpg`, `KEY.txt` …;
webdataset, img2dataset's and video2dataset's readers and HF datasets read it as it is. This module
is the door between building a corpus and training on it: it knows no image library and no tensor.
"""

import dataclasses
import json
import struct
import zlib
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Several
from typing import Any, TypedDict

from schemas.keys import sha256_hex
from schemas.records import (
    Image,
    ImagePart,
    PackRef,
    Pair,
    Part,
    Rights,
    Role,
    Sequence,
    TextPart,
    Video,
)
from schemas.rejection import BadInput, Reason
from schemas.sample_digest import add_digest
from schemas.sample_faults import (
    CORPORA,
    PAIR_SCHEMA,
    SEQUENCE_SCHEMA,
    Members,
    check_sample,
    to_utf8,
)
from schemas.tar import BLOCK, padded

__all__ = [
    "CORPORA",
    "PAIR_SCHEMA",
    "SEQUENCE_SCHEMA",
    "IndexRow",
    "MemberRow",
    "Members",
    "ReadMedia",
    "check_sample",
    "decode_pair",
    "decode_sequence",
    "encode_pair",
    "encode_sequence",
    "index_row",
    "mean_score",
    "round_scores",
]

ReadMedia = Callable[[PackRef], bytes]
"""Gives the bytes that a reference points at."""


class MemberRow(TypedDict):
    """One member in the shard's index: where its content lies, and its crc32."""

    name: str
    offset: int
    size: int
    crc32: int


class IndexRow(TypedDict):
    """One sample in the shard's index, the Parquet file beside the tar.

    `offset` is that of the sample's first header, `size` runs to the next sample's: the range to
    read for one sample. `words` are separated by white space. `score` is None where not scored.
    """

    key: str
    url: str
    offset: int
    size: int
    members: list[MemberRow]
    texts: int
    images: int
    videos: int
    words: int
    score: float | None


def encode_sequence(sequence: Sequence, read_image: ReadMedia) -> Members:
    """`KEY.json`, then the k-th image of the sequence as `KEY.k.jpg`.

    Scores are kept as float16 (`round_scores`), in the JSON as five digits that name each.
    `licence` stands there only where there is evidence: readers that infer types from the first
    samples, as HF's does, cannot go on from a list without items to one with texts. For the same
    reason every image has its `rights`, an object of texts, "" where the page says nothing.
    """
    images = [part for part in sequence.parts if isinstance(part, ImagePart)]
    names = [f"{sequence.key}.{k}.jpg" for k in range(len(images))]
    remaining = iter(names)
    record: dict[str, object] = {
        "schema": SEQUENCE_SCHEMA,
        "key": sequence.key,
        "url": sequence.url,
        "title": sequence.title,
        "language": sequence.language,
        "fetched_at": sequence.fetched_at,
        **_licence_json(sequence),
        "parts": [
            _text_json(part) if isinstance(part, TextPart) else _image_json(part, next(remaining))
            for part in sequence.parts
        ],
    }
    contents = [read_image(part.image.ref) for part in images]
    content = add_digest(_to_json(record), contents)
    return [(f"{sequence.key}.json", content), *zip(names, contents, strict=True)]


def decode_sequence(members: Iterable[tuple[str, bytes]]) -> Sequence:
    """The sequence of a sample; each image's `ref` names its member, at offset 0.

    Raises:
        BadInput: `damaged_record` with the first fault that `check_sample` finds.
    """
    sample = list(members)
    _refuse_faults(check_sample(sample, "m3w"))
    record = json.loads(sample[0][1])
    contents = dict(sample)
    return Sequence(
        key=record["key"],
        url=record["url"],
        title=record["title"],
        language=record["language"],
        parts=tuple(_to_part(part, contents) for part in record["parts"]),
        fetched_at=record["fetched_at"],
        licence=tuple(record.get("licence", ())),
    )


def encode_pair(pair: Pair, read_media: ReadMedia) -> Members:
    """`KEY.jpg` (or `KEY.mp4`), `KEY.json` with img2dataset's fields and ours, `KEY.txt`."""
    media = pair.media
    record: dict[str, object] = {
        "caption": pair.text,
        "url": pair.url,
        "key": pair.key,
        "status": "success",
        "error_message": None,
        "width": media.width,
        "height": media.height,
    }
    if isinstance(media, Image):
        record |= {
            "original_width": media.original_width,
            "original_height": media.original_height,
            "exif": "{}",
        }
    record |= {
        "sha256": media.key,
        "schema": PAIR_SCHEMA,
        "page_url": pair.page_url,
        "source": pair.source,
        "similarity": pair.score,
        **({} if pair.filter_score is None else {"filter_similarity": pair.filter_score}),
        **_licence_json(pair),
        "rights": dataclasses.asdict(pair.rights),
    }
    if isinstance(media, Image):
        record["phash"] = media.phash
    else:
        record |= {"seconds": media.seconds, "frame_phashes": list(media.frame_phashes)}
    extension = "jpg" if isinstance(media, Image) else "mp4"
    content, text = read_media(media.ref), to_utf8(pair.text)
    return [
        (f"{pair.key}.{extension}", content),
        (f"{pair.key}.json", add_digest(_to_json(record), (content, text))),
        (f"{pair.key}.txt", text),
    ]


def decode_pair(members: Iterable[tuple[str, bytes]]) -> Pair:
    """The pair of a sample; its media's `ref` names the member, at offset 0.

    Raises:
        BadInput: `damaged_record` with the first fault that `check_sample` finds.
    """
    sample = list(members)
    video = any(name.endswith(".mp4") for name, _ in sample)
    _refuse_faults(check_sample(sample, "vtp" if video else "align"))
    record = json.loads(sample[1][1])
    name, content = sample[0]
    return Pair(
        key=record["key"],
        url=record["url"],
        page_url=record["page_url"],
        text=record["caption"],
        media=(_to_video if video else _to_image)(record, name, content),
        source=record["source"],
        score=record["similarity"],
        licence=tuple(record.get("licence", ())),
        rights=_to_rights(record),
        filter_score=record.get("filter_similarity"),
    )


def round_scores(scores: Iterable[float]) -> tuple[float, ...]:
    """The scores as a shard keeps them: each the nearest float16, as a Python float."""
    values = tuple(scores)
    form = f"<{len(values)}e"
    return struct.unpack(form, struct.pack(form, *values))


def index_row(record: Sequence | Pair, members: Members, offsets: Several[int]) -> IndexRow:
    """The row of one sample in its shard's index.

    Args:
        record: what was encoded.
        members: what `encode_sequence` or `encode_pair` made of it.
        offsets: what `TarWriter.add` answered for each member.
    """
    rows = [
        MemberRow(name=name, offset=offset, size=len(content), crc32=zlib.crc32(content))
        for (name, content), offset in zip(members, offsets, strict=True)
    ]
    start = offsets[0] - BLOCK
    texts = _texts_of(record)
    return IndexRow(
        key=record.key,
        url=record.url,
        offset=start,
        size=offsets[-1] + padded(rows[-1]["size"]) - start,
        members=rows,
        texts=len(texts),
        images=sum(row["name"].endswith(".jpg") for row in rows),
        videos=sum(row["name"].endswith(".mp4") for row in rows),
        words=sum(len(text.split()) for text in texts),
        score=mean_score(record),
    )


def mean_score(record: Sequence | Pair) -> float | None:
    """A pair's cosine; for a sequence, the mean over its scored images of the best sentence's.

    Of scores as the shard keeps them, so that reading a sample gives the same value again.
    """
    if isinstance(record, Pair):
        return record.score
    images = [part for part in record.parts if isinstance(part, ImagePart) and part.scores]
    best = [max(round_scores(image.scores)) for image in images]
    return sum(best) / len(best) if best else None


def _refuse_faults(faults: list[str]) -> None:
    if faults:
        raise BadInput(Reason.DAMAGED_RECORD, faults[0])


def _licence_json(record: Sequence | Pair) -> dict[str, object]:
    return {"licence": list(record.licence)} if record.licence else {}


def _text_json(part: TextPart) -> dict[str, object]:
    return {
        "kind": "text",
        "text": part.text,
        "role": part.role.value,
        "sentences": [list(span) for span in part.sentences],
    }


def _image_json(part: ImagePart, name: str) -> dict[str, object]:
    image = part.image
    return {
        "kind": "image",
        "file": name,
        "url": part.url,
        "alt": part.alt,
        "caption": part.caption,
        "width": image.width,
        "height": image.height,
        "original_width": image.original_width,
        "original_height": image.original_height,
        "sha256": image.key,
        "phash": image.phash,
        # Five digits name every float16 (11 bits of mantissa).
        "scores": [float(f"{score:.5g}") for score in round_scores(part.scores)],
        "rights": dataclasses.asdict(part.rights),
    }


def _to_part(part: dict[str, Any], contents: dict[str, bytes]) -> Part:
    if part["kind"] == "text":
        spans = tuple((start, end) for start, end in part["sentences"])
        return TextPart(part["text"], Role(part["role"]), spans)
    return ImagePart(
        url=part["url"],
        image=_to_image(part, part["file"], contents[part["file"]]),
        alt=part["alt"],
        caption=part["caption"],
        scores=round_scores(part["scores"]),
        rights=_to_rights(part),
    )


def _to_rights(record: dict[str, Any]) -> Rights:
    return Rights(**record.get("rights", {}))


def _to_ref(name: str, content: bytes) -> PackRef:
    return PackRef(sha256=sha256_hex(content), pack=name, offset=0, size=len(content))


def _to_image(record: dict[str, Any], name: str, content: bytes) -> Image:
    return Image(
        key=record["sha256"],
        ref=_to_ref(name, content),
        width=record["width"],
        height=record["height"],
        original_width=record["original_width"],
        original_height=record["original_height"],
        phash=record["phash"],
    )


def _to_video(record: dict[str, Any], name: str, content: bytes) -> Video:
    return Video(
        key=record["sha256"],
        ref=_to_ref(name, content),
        width=record["width"],
        height=record["height"],
        seconds=record["seconds"],
        frame_phashes=tuple(record["frame_phashes"]),
    )


def _texts_of(record: Sequence | Pair) -> list[str]:
    if isinstance(record, Pair):
        return [record.text]
    return [part.text for part in record.parts if isinstance(part, TextPart)]


def _to_json(record: dict[str, object]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return to_utf8(text)
