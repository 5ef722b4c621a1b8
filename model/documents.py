"""Samples of an interleaved corpus as texts and images in reading order: ours, and MMC4's.

Ours are sequences (`schemas/shard.py`), whose images are members of the sample. MMC4's documents
(2304.06939), as OpenFlamingo packs them, are one JSON each: sentences, and images in no order, each
with the number of the sentence that it is matched to and its bytes in base64.
"""

import base64
import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from model.placement import assigned_parts
from model.reader import Sample
from schemas.rejection import BadInput, Reason
from schemas.shard import SEQUENCE_SCHEMA


@dataclass(frozen=True, slots=True)
class Document:
    """What stands in a sample.

    Attributes:
        parts: texts, and images by their number, in reading order.
        images: by number, what gives an image's bytes, or raises BadInput.
    """

    parts: tuple[str | int, ...]
    images: tuple[Callable[[], bytes], ...]


def document_of(sample: Sample, placement: str = "natural") -> Document:
    """The document of a sample; no image is decoded yet.

    Args:
        sample: of an interleaved corpus.
        placement: of the images of our own: "natural" as on the page, or "assigned" by similarity.

    Raises:
        BadInput: `damaged_record` where it is of no kind that is known or not as its kind is,
            `no_media` where it has the bytes of no image.
    """
    try:
        record: dict[str, Any] = json.loads(member_of(sample, "json"))
        if "schema" not in record and "text_list" in record:
            return _matched(record)
        if record["schema"] != SEQUENCE_SCHEMA:
            raise BadInput(Reason.DAMAGED_RECORD, str(record["schema"]), SEQUENCE_SCHEMA)
        return _sequence(sample, record, placement)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise BadInput(Reason.DAMAGED_RECORD, f"{type(error).__name__}: {error}") from error


def with_shuffled_images(document: Document, rng: random.Random) -> Document:
    """The document with its images in each other's places: for the ablation of their order."""
    order = rng.sample(range(len(document.images)), len(document.images))
    return Document(document.parts, tuple(document.images[number] for number in order))


def member_of(sample: Sample, *extensions: str) -> bytes:
    """The content of a sample's first member with one of some extensions.

    Raises:
        BadInput: `damaged_record` where there is none.
    """
    for extension in extensions:
        if extension in sample.members:
            return sample.members[extension]
    raise BadInput(Reason.DAMAGED_RECORD, f"no .{extensions[0]} in {sample.key}")


def _sequence(sample: Sample, record: Mapping[str, Any], placement: str) -> Document:
    """One of ours: its parts stand in reading order."""
    parts: list[str | int] = []
    files: list[str] = []
    for part in record["parts"]:
        if part["kind"] == "image":
            parts.append(len(files))
            files.append(part["file"].partition(".")[2])
        else:
            parts.append(str(part["text"]))
    if placement == "assigned":
        parts = assigned_parts(record["parts"])
    return Document(tuple(parts), tuple(partial(member_of, sample, file) for file in files))


def _matched(record: Mapping[str, Any]) -> Document:
    """One of MMC4's: each image stands before the sentence that it is matched to.

    The list of images has an order of its own, and open_flamingo, which decodes them in that order
    and puts `<image>` before the sentences, pairs images with the wrong text.
    """
    sentences = [str(sentence) for sentence in record["text_list"]]
    before: dict[int, list[int]] = defaultdict(list)
    images: list[Callable[[], bytes]] = []
    for info in record["image_info"]:
        content = info.get("image_base64")
        if not content:
            continue  # it could not be fetched when the shard was made
        place = info["matched_text_index"]
        if not isinstance(place, int) or not 0 <= place < len(sentences):
            raise BadInput(Reason.DAMAGED_RECORD, f"matched_text_index {place}", len(sentences) - 1)
        before[place].append(len(images))
        images.append(partial(_from_base64, str(content)))
    if not images:
        raise BadInput(Reason.NO_MEDIA, "no image_base64 in its image_info")
    return Document(tuple(_placed(sentences, before)), tuple(images))


def _placed(sentences: list[str], before: Mapping[int, list[int]]) -> list[str | int]:
    """Sentences with the images before them; those between two images are one text."""
    parts: list[str | int] = []
    text: list[str] = []
    for number, sentence in enumerate(sentences):
        if images := before.get(number):
            parts += [" ".join(text), *images] if text else images
            text = []
        text.append(sentence)
    return [*parts, " ".join(text)]


def _from_base64(content: str) -> bytes:
    """An image's bytes; OpenFlamingo's converter wrote them as Python shows them, b'...'."""
    bare = content.removeprefix("b'").removesuffix("'")
    try:
        return base64.b64decode(bare)
    except ValueError as error:
        raise BadInput(Reason.UNDECODABLE, f"image_base64: {error}") from error
