"""Samples for people: what a reader of the page would have seen, in reading order."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pipeline.store.shard_faults import sample_json
from pipeline.store.shard_files import Sample, extension_of

WIDTH = 96
_INDENT = "    "
_TEXT_KINDS = frozenset({"txt", "text", "caption", "html", "cls"})
_MARKS = {
    "heading": "# ",
    "list_item": "- ",
    "table_cell": "| ",
    "quote": "> ",
    "caption": "~ ",
}


def sample_counts(sample: Sample) -> dict[str, Any]:
    """What `ls` says of one sample: key, url, number of texts, images, videos and words, bytes."""
    record = sample_json(sample)
    texts = [text for kind, text in _texts(sample, record) if kind != "json"]
    kinds = [extension_of(member.name).rpartition(".")[2].lower() for member in sample.members]
    return {
        "key": sample.key,
        "index": sample.index,
        "texts": len(texts),
        "images": sum(kind in ("jpg", "jpeg", "png", "webp", "gif", "avif") for kind in kinds),
        "videos": sum(kind in ("mp4", "webm", "mkv", "mov", "avi") for kind in kinds),
        "words": sum(len(text.split()) for text in texts),
        "bytes": sum(len(member.content) for member in sample.members),
        "url": str(record.get("url", "")),
    }


def _texts(sample: Sample, record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts of a sample with what they are."""
    parts = record.get("parts")
    if isinstance(parts, list):
        for part in parts:
            if isinstance(part, dict) and part.get("kind") == "text":
                yield str(part.get("role", "")), str(part.get("text", ""))
        return
    for member in sample.members:
        if extension_of(member.name) in _TEXT_KINDS:
            yield "text", member.content.decode("utf-8", "replace")


def render_sample(sample: Sample, name: str) -> str:
    """The sample as text for a terminal; control characters of the web's are made visible."""
    record = sample_json(sample)
    lines = [f"{name} #{sample.index}  {sample.key}"]
    lines += _render_head(record)
    lines.append("-" * WIDTH)
    if isinstance(record.get("parts"), list):
        lines += _render_parts(sample, record["parts"])
    else:
        lines += _render_members(sample)
    return printable("\n".join(lines)) + "\n"


def _render_head(record: dict[str, Any]) -> Iterator[str]:
    for field in ("url", "page_url", "title", "language", "fetched_at", "source", "similarity"):
        value = record.get(field)
        if value not in (None, ""):
            yield f"{field:<11}{_rounded(value)}"
    licence = record.get("licence")
    if isinstance(licence, list) and licence:
        yield f"{'licence':<11}{', '.join(map(str, licence))}"


def _render_parts(sample: Sample, parts: list[Any]) -> Iterator[str]:
    sizes = {member.name: len(member.content) for member in sample.members}
    sentences = list(_sentences(parts))
    for part in parts:
        if not isinstance(part, dict):
            yield f"[not a part: {part!r}]"
        elif part.get("kind") == "text":
            yield from _render_text(part)
        else:
            yield from _render_image(part, sizes, sentences)
        yield ""


def _sentences(parts: list[Any]) -> Iterator[str]:
    """The sentences of a sequence in order: what an image's scores are with."""
    for part in parts:
        if isinstance(part, dict) and part.get("kind") == "text":
            text = str(part.get("text", ""))
            for start, end in part.get("sentences", ()):
                yield text[start:end]


def _render_text(part: dict[str, Any]) -> Iterator[str]:
    role, text = part.get("role"), str(part.get("text", ""))
    mark = _MARKS.get(str(role), "")
    if role == "code":
        yield textwrap.indent(text, _INDENT)
        return
    for line in text.splitlines() or [""]:
        yield textwrap.fill(
            line, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark) if mark else ""
        )


def _render_image(
    part: dict[str, Any], sizes: dict[str, int], sentences: list[str]
) -> Iterator[str]:
    file = str(part.get("file", ""))
    size = f"{sizes[file] / 1000:.1f} KB" if file in sizes else "MISSING"
    yield f"[image {file}  {part.get('width')} x {part.get('height')} px, {size}]"
    for field in ("url", "alt", "caption"):
        if part.get(field):
            yield f"{_INDENT}{field:<9}{part[field]}"
    rights = part.get("rights")
    for field, text in rights.items() if isinstance(rights, dict) else ():
        if text:
            yield f"{_INDENT}{field:<8} {' / '.join(str(text).splitlines())}"
    scores = part.get("scores")
    if isinstance(scores, list) and scores:
        best = max(range(len(scores)), key=scores.__getitem__)
        sentence = sentences[best] if best < len(sentences) else ""
        yield f"{_INDENT}{'closest':<9}{scores[best]:.3f} {textwrap.shorten(sentence, 70)}"


def _render_members(sample: Sample) -> Iterator[str]:
    for member in sample.members:
        extension = extension_of(member.name)
        yield f"[{extension}  {len(member.content) / 1000:.1f} KB]"
        if extension in _TEXT_KINDS:
            text = member.content.decode("utf-8", "replace")
            yield textwrap.indent(textwrap.fill(text, WIDTH - len(_INDENT)), _INDENT)
        elif extension == "json":
            for field, value in sample_json(sample).items():
                yield f"{_INDENT}{field}: {json.dumps(value, ensure_ascii=False)}"


def printable(text: str) -> str:
    """The text with control characters, which could drive a terminal, replaced."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )


def _rounded(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
