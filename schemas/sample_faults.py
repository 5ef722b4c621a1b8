"""What is wrong with a sample of a shard: names, order, JSON, first bytes, in words.

Kept apart from encoding so that a shard of anybody's making can be checked; `schemas.shard` gives
`check_sample` on.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from schemas.records import Rights, Role
from schemas.tar import is_safe_name

SEQUENCE_SCHEMA = "m3w/1"
PAIR_SCHEMA = "pair/1"

CORPORA = ("m3w", "align", "ltip", "vtp")

Members = list[tuple[str, bytes]]
"""The members of one sample in their order in the tar: name and content."""


_KEY = re.compile(r"[0-9a-f]{32,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PHASH = re.compile(r"[0-9a-f]{16}")
_RIGHTS_NAMES = tuple(field.name for field in dataclasses.fields(Rights))
_MAGIC = {"jpg": (0, b"\xff\xd8\xff"), "mp4": (4, b"ftyp")}


def check_sample(members: Iterable[tuple[str, bytes]], corpus: str) -> list[str]:
    """The faults of one sample of a corpus of ours, in words; empty when it is whole.

    Looks at names and their order, at the JSON and at each medium's first bytes; pixels are not
    decoded here.
    """
    sample = list(members)
    names = [name for name, _ in sample]
    faults = [f"unsafe member name {name!r}" for name in names if not is_safe_name(name)]
    if faults or not names:
        return faults or ["no members"]
    key = names[0].partition(".")[0]
    if not _KEY.fullmatch(key):
        return [f"key {key!r} is not 32 to 64 hex digits"]
    return _check_sequence(sample, key) if corpus == "m3w" else _check_pair(sample, key, corpus)


def _check_sequence(sample: Members, key: str) -> list[str]:
    if sample[0][0] != f"{key}.json":
        return [f"first member is {sample[0][0]}, not {key}.json"]
    record, faults = _parse_json(*sample[0])
    if faults:
        return faults
    faults = _check_fields(record, _SEQUENCE_FIELDS, key)
    faults += _check_identity(record, SEQUENCE_SCHEMA, key)
    for k, part in enumerate(record["parts"] if not faults else ()):
        faults += _check_part(part, f"{key}: part {k}")
    if faults:
        return faults
    files = [part["file"] for part in record["parts"] if part["kind"] == "image"]
    expected = [f"{key}.{k}.jpg" for k in range(len(files))]
    names = [name for name, _ in sample[1:]]
    if files != expected:
        return [f"{key}: image parts name {_listed(files)}, expected {_listed(expected)}"]
    if names != expected:
        return [f"{key}: members are {_listed(names)}, expected {_listed(expected)}"]
    return _check_magic(sample[1:])


def _check_pair(sample: Members, key: str, corpus: str) -> list[str]:
    extension = "mp4" if corpus == "vtp" else "jpg"
    expected = [f"{key}.{ext}" for ext in (extension, "json", "txt")]
    names = [name for name, _ in sample]
    if names != expected:
        return [f"{key}: members are {_listed(names)}, expected {_listed(expected)}"]
    record, faults = _parse_json(*sample[1])
    if faults:
        return faults
    fields = _PAIR_FIELDS | (_VIDEO_FIELDS if corpus == "vtp" else _IMAGE_FIELDS)
    faults = _check_fields(record, fields, key)
    faults += _check_identity(record, PAIR_SCHEMA, key)
    if not faults and sample[2][1] != to_utf8(record["caption"]):
        faults.append(f"{key}: the text is not the JSON's caption")
    return faults or _check_magic(sample[:1])


def _check_part(part: object, where: str) -> list[str]:
    kind = part.get("kind") if isinstance(part, dict) else None
    if not isinstance(part, dict) or kind not in ("text", "image"):
        return [f"{where}: kind must be text or image, got {kind!r}"]
    if kind == "image":
        return _check_fields(part, _IMAGE_PART_FIELDS, where)
    faults = _check_fields(part, _TEXT_PART_FIELDS, where)
    if not faults and not _are_spans(part["sentences"], len(part["text"])):
        faults.append(f"{where}: sentences are not [start, end) spans of the text")
    return faults


def _are_spans(spans: list[object], length: int) -> bool:
    """Whether spans lie in the text in order, none before the end of the one before."""
    reached = 0
    for span in spans:
        if not (isinstance(span, list) and len(span) == 2 and all(map(_is_count, span))):
            return False
        if not reached <= span[0] <= span[1] <= length:
            return False
        reached = span[1]
    return True


def _check_identity(record: dict[str, Any], schema: str, key: str) -> list[str]:
    faults = []
    if record.get("schema") != schema:
        faults.append(f"{key}: schema must be {schema!r}, got {record.get('schema')!r}")
    if record.get("key") != key:
        faults.append(f"{key}: the JSON's key is {record.get('key')!r}")
    return faults


def _check_fields(record: dict[str, Any], fields: "_Fields", where: str) -> list[str]:
    faults = []
    for field, (is_right, meaning) in fields.items():
        if field not in record and field not in _OPTIONAL:
            faults.append(f"{where}: field {field} is missing")
        elif field in record and not is_right(record[field]):
            faults.append(f"{where}: {field} must be {meaning}, got {record[field]!r:.60}")
    return faults


def _check_magic(media: Members) -> list[str]:
    faults = []
    for name, content in media:
        start, magic = _MAGIC[name.rpartition(".")[2]]
        if content[start : start + len(magic)] != magic:
            faults.append(f"{name}: not what its name says, it begins with {content[:8]!r}")
    return faults


def _parse_json(name: str, content: bytes) -> tuple[dict[str, Any], list[str]]:
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        return {}, [f"{name}: not JSON: {error}"]
    if not isinstance(record, dict):
        return {}, [f"{name}: not a JSON object"]
    return record, []


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _is_rights(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == set(_RIGHTS_NAMES)
        and all(map(_is_text, value.values()))
    )


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_OPTIONAL = frozenset({"licence", "rights"})
"""Fields that need not stand: where there is nothing to say, or in samples made before them."""

_Fields = dict[str, tuple[Callable[[object], bool], str]]
_TEXT = (_is_text, "a text")
_TEXTS = (_is_texts, "a list of texts")
_COUNT = (_is_count, "a whole number of at least 0")
_DIGEST = (_matches(_SHA256), "64 hex digits")
_HASH = (_matches(_PHASH), "16 hex digits")
_SIZES: _Fields = dict.fromkeys(("width", "height"), _COUNT)
_ORIGINAL: _Fields = dict.fromkeys(("original_width", "original_height"), _COUNT)
_IMAGE_FIELDS: _Fields = {**_SIZES, **_ORIGINAL, "sha256": _DIGEST, "phash": _HASH}
_VIDEO_FIELDS: _Fields = {
    **_SIZES,
    "sha256": _DIGEST,
    "seconds": (_is_number, "a number"),
    "frame_phashes": (
        lambda value: isinstance(value, list) and all(map(_HASH[0], value)),
        "a list of 16 hex digits each",
    ),
}
_RIGHTS = (_is_rights, f"an object of the texts {', '.join(_RIGHTS_NAMES)}")
_IMAGE_PART_FIELDS: _Fields = {
    **dict.fromkeys(("file", "url", "alt", "caption"), _TEXT),
    **_IMAGE_FIELDS,
    "scores": (_is_numbers, "a list of numbers"),
    "rights": _RIGHTS,
}
_TEXT_PART_FIELDS: _Fields = {
    "text": _TEXT,
    "role": (lambda value: value in set(Role), f"one of {', '.join(Role)}"),
    "sentences": (_is_list, "a list of spans"),
}
_SEQUENCE_FIELDS: _Fields = {
    **dict.fromkeys(("key", "url", "title", "language", "fetched_at"), _TEXT),
    "licence": _TEXTS,
    "parts": (_is_list, "a list of parts"),
}
_PAIR_FIELDS: _Fields = {
    **dict.fromkeys(("caption", "url", "key", "status", "page_url", "source"), _TEXT),
    "similarity": (lambda value: value is None or _is_number(value), "a number or null"),
    "licence": _TEXTS,
    "rights": _RIGHTS,
}


def to_utf8(text: str) -> bytes:
    """UTF-8; a lone surrogate, which JSON-LD escapes can make, becomes `?` so that spans hold."""
    return text.encode("utf-8", "replace")
