"""What the made-up web shows and says, from its truth and its WARC: the tiny models' lessons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from schemas.keys import bucket_of, make_key

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

TRUTH = "truth.jsonl"
WARC = "web.warc.gz"
HELD_OUT_OF = 10
"""One page in so many is kept out of training."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[a-z]+")
_LESSON_KINDS = ("kept", "near_duplicate")


@dataclass(frozen=True, slots=True)
class Shown:
    """One image of the made-up web.

    Attributes:
        url: where its bytes lie.
        sha256: of the bytes.
        scene: what it shows, as one comparable text.
        description: a short text that is true of it.
        texts: different true texts: the description, alt, caption, sentences beside it.
        wrong_alt: an alt text of another image, where the page has a planted mismatch.
    """

    url: str
    sha256: str
    scene: str
    description: str
    texts: tuple[str, ...]
    wrong_alt: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One English page: its text as a reader sees it, its images, its other sentences.

    Attributes:
        held_out: whether it is kept for evaluation.
        text: blocks in reading order, one a line.
        images: content images whose bytes are there, no planted copies.
        plain: sentences that tell of none of its images.
    """

    held_out: bool
    text: str
    images: tuple[Shown, ...]
    plain: tuple[str, ...]


def read_lessons(web: Path) -> list[Lesson]:
    """The English pages of a made-up web that are neither spam nor fragments.

    Images that copy the evaluation set are left out.

    Args:
        web: a folder written by `python -m pipeline.sample_web`.
    """
    with (web / TRUTH).open(encoding="utf-8") as lines:
        pages = [json.loads(line) for line in lines]
    return [_lesson(page) for page in pages if page["expect"] in _LESSON_KINDS]


def _lesson(page: dict[str, Any]) -> Lesson:
    texts = [str(block["text"]) for block in page["content"] if block["kind"] == "text"]
    sentences = [sentence for text in texts for sentence in _SENTENCE_END.split(text)]
    usable = [image for image in page["images"] if _is_usable(image)]
    told = {
        sentence
        for image in page["images"]
        if image["scene"]
        for sentence in sentences
        if tells_of(sentence, image["scene"])
    }
    return Lesson(
        held_out=bucket_of(make_key(page["url"]), HELD_OUT_OF) == 0,
        text="\n".join(texts),
        images=tuple(_shown(image, page["content"]) for image in usable),
        plain=tuple(sentence for sentence in sentences if sentence not in told),
    )


def _is_usable(image: dict[str, Any]) -> bool:
    is_there = image["content"] and not image["dead"]
    return bool(is_there and image["scene"] and not image["copy_of"])


def _shown(image: dict[str, Any], content: list[dict[str, Any]]) -> Shown:
    scene, alt = image["scene"], str(image["alt"])
    said = [image["description"], *_beside(image["url"], content)]
    true = [text for text in said if tells_of(text, scene)]
    return Shown(
        url=image["url"],
        sha256=image["sha256"],
        scene=json.dumps({key: scene[key] for key in sorted(scene) if key != "seed"}),
        description=image["description"],
        texts=tuple(dict.fromkeys(true)),
        wrong_alt=alt if image["mismatched"] and not tells_of(alt, scene) else "",
    )


def _beside(url: str, content: list[dict[str, Any]]) -> Iterator[str]:
    """Alt and caption of an image, and the sentences of the texts on both sides of it."""
    for place, block in enumerate(content):
        if block["kind"] != "image" or block["url"] != url:
            continue
        yield from (block["alt"], block["caption"])
        for neighbour in content[max(place - 1, 0) : place + 3]:
            if neighbour["kind"] == "text":
                yield from _SENTENCE_END.split(neighbour["text"])


def tells_of(text: str, scene: dict[str, Any]) -> bool:
    """Whether a text names a thing of the scene together with its colour."""
    words = set(_WORD.findall(text.lower()))
    return any(
        thing["colour"] in words and not words.isdisjoint(_forms(thing["kind"]))
        for thing in scene["things"]
    )


def _forms(kind: str) -> set[str]:
    """A noun and whatever may be its plural: stars, boxes, butterflies, leaves, cacti."""
    return {kind, kind + "s", kind + "es", kind[:-1] + "ies", kind[:-1] + "ves", kind[:-2] + "i"}


def unique_images(lessons: Iterable[Lesson]) -> list[Shown]:
    """Each image once, with the texts of all its places."""
    by_content: dict[str, Shown] = {}
    for image in (image for lesson in lessons for image in lesson.images):
        known = by_content.get(image.sha256)
        texts = (*known.texts, *image.texts) if known else image.texts
        kept = known or image
        by_content[image.sha256] = replace(kept, texts=tuple(dict.fromkeys(texts)))
    return [image for image in by_content.values() if image.texts]


def read_pixels(web: Path, images: list[Shown], side_px: int) -> npt.NDArray[np.uint8]:
    """The images squashed to squares, uint8 RGB [N, side_px, side_px, 3], in the given order."""
    import numpy as np
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    place = {image.url: index for index, image in enumerate(images)}
    pixels = np.zeros((len(images), side_px, side_px, 3), np.uint8)
    with (web / WARC).open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            index = place.pop(record.headers["WARC-Target-URI"], None)
            if index is not None:
                pixels[index] = _squash(record.reader.read(), side_px)
    if place:
        raise ValueError(f"{web / WARC} lacks {len(place)} images, the first {next(iter(place))}")
    return pixels


def _squash(data: bytes, side_px: int) -> npt.NDArray[np.uint8]:
    """An image file as a square of pixels, alpha over white."""
    import io

    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(data)).convert("RGBA")
    flat = Image.new("RGBA", image.size, "white")
    flat.alpha_composite(image)
    small = flat.convert("RGB").resize((side_px, side_px), Image.Resampling.BICUBIC)
    return np.asarray(small, np.uint8)
