"""Samples as a reader would see them: sequences in reading order, pairs as pictures with texts."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pipeline.report.markup import Markup, count_of, figure_of, joined, link, tag
from pipeline.report.samples import Shown
from schemas.records import ImagePart, Pair, Part, Role, TextPart, Video
from schemas.records import Sequence as Interleaved

_OPEN_WEIGHT = 1_500
"""What of a sequence is open at once: characters, an image counting for some of them."""

_IMAGE_WEIGHT = 350
_MOST_CHARACTERS = 12_000
_PAIR_CHARACTERS = 500
_BLOCKS = {
    Role.HEADING: "h4",
    Role.PARAGRAPH: "p",
    Role.QUOTE: "blockquote",
    Role.CODE: "pre",
}
_RUNS = {Role.LIST_ITEM: ("ul", "li"), Role.TABLE_CELL: ("div", "span")}
_CLASSES = {Role.TABLE_CELL: "cells", Role.CAPTION: "caption"}


def sequence_card(shown: Shown) -> Markup:
    """A sequence with its beginning open and the rest folded."""
    if not isinstance(shown.record, Interleaved):
        return _damaged_card(shown)
    sequence = shown.record
    images = [part for part in sequence.parts if isinstance(part, ImagePart)]
    words = sum(len(part.text.split()) for part in sequence.parts if isinstance(part, TextPart))
    facts = [
        count_of(len(images), "image"),
        count_of(words, "word"),
        sequence.language or "language not known",
    ]
    if sequence.fetched_at:
        facts.append(f"fetched {sequence.fetched_at[:10]}")
    parts = _without_echoes(sequence.parts)
    opened, rest = (parts, ()) if shown.is_whole else _split(parts)
    thumbnails = iter(shown.thumbnails)
    body = [tag("div", *_blocks(opened, thumbnails), class_="read", dir="auto")]
    if rest:
        blocks = _blocks(_cut(rest), thumbnails)
        folded = tag("div", *blocks, class_="read", dir="auto")
        body.append(tag("details", tag("summary", _rest_of(rest)), folded))
    return tag(
        "article",
        tag("h3", tag("bdi", sequence.title or "Without a title")),
        tag("p", link(sequence.url)),
        tag("p", " · ".join(facts), class_="facts"),
        _licence(sequence.licence),
        *body,
        tag("p", f"{shown.shard} · {shown.key}", class_="where"),
        class_="card sequence",
        id=f"sample-{shown.key}",
    )


def pair_card(shown: Shown) -> Markup:
    """A pair: its image, or its video's first frame, over its text."""
    if not isinstance(shown.record, Pair):
        return _damaged_card(shown)
    pair = shown.record
    facts = [f"score\xa0{pair.score:.3f}"] if pair.score is not None else []
    facts.append(f"from\xa0{pair.source}")
    facts.append(f"{pair.media.width}\xa0×\xa0{pair.media.height}")
    if isinstance(pair.media, Video):
        facts.append(f"{pair.media.seconds:.1f}\xa0s")
    thumbnail = shown.thumbnails[0] if shown.thumbnails else ""
    is_video = isinstance(pair.media, Video)
    text = pair.text if shown.is_whole else _shortened(pair.text)
    return tag(
        "article",
        _player(shown.video, thumbnail)
        if shown.video
        else tag(
            "div", picture(thumbnail, pair.text), class_="frame video" if is_video else "frame"
        ),
        tag("p", text, class_="text", dir="auto"),
        tag("p", " · ".join(facts), class_="facts"),
        tag("p", link(pair.page_url, is_short=True)),
        _licence(pair.licence),
        class_="card pair",
        id=f"sample-{shown.key}",
        title=f"{shown.shard} · {shown.key}",
    )


def _shortened(text: str) -> str:
    """A pair's text, cut where it would be the longest thing on the page."""
    if len(text) <= _PAIR_CHARACTERS:
        return text
    return f"{text[:_PAIR_CHARACTERS]} … ({figure_of(len(text))} characters)"


def _damaged_card(shown: Shown) -> Markup:
    """A sample that cannot be read."""
    return tag(
        "article",
        tag("h3", "This sample cannot be read"),
        tag("p", shown.fault, class_="warning"),
        tag("p", f"{shown.shard} · {shown.key}", class_="where"),
        class_="card",
    )


def _split(parts: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Part]]:
    """The parts that are open at once, and the rest; a heading stays with what it heads."""
    weight = 0
    for number, part in enumerate(parts):
        weight += len(part.text) if isinstance(part, TextPart) else _IMAGE_WEIGHT
        if weight > _OPEN_WEIGHT and number:
            while number > 1 and _is_heading(parts[number - 1]):
                number -= 1
            return parts[:number], parts[number:]
    return parts, ()


def _is_heading(part: Part) -> bool:
    return isinstance(part, TextPart) and part.role is Role.HEADING


def _without_echoes(parts: Sequence[Part]) -> Sequence[Part]:
    """The parts with no caption on an image that stands in texts of its own too."""
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    captions = {
        part.text for part in parts if isinstance(part, TextPart) and part.role is Role.CAPTION
    }
    return [
        replace(part, caption="")
        if isinstance(part, ImagePart) and _is_told(part.caption, texts, captions)
        else part
        for part in parts
    ]


def _is_told(caption: str, texts: Sequence[str], captions: Iterable[str]) -> bool:
    """Whether a caption is one of the texts, or made of several that are captions."""
    if caption in texts:
        return True
    rest = caption
    for text in sorted(captions, key=lambda one: (-len(one), one)):
        rest = rest.replace(text, "")
    return not rest.strip()


def _cut(parts: Sequence[Part]) -> Iterator[Part]:
    """The parts up to the most characters that the page shows; a part says where it ends."""
    room = _MOST_CHARACTERS
    for number, part in enumerate(parts):
        if isinstance(part, TextPart):
            room -= len(part.text)
        if room < 0:
            yield TextPart(f"… and {count_of(len(parts) - number, 'part')} more in the shard.")
            return
        yield part


def _rest_of(parts: Sequence[Part]) -> str:
    """What is folded away."""
    images = sum(isinstance(part, ImagePart) for part in parts)
    texts = len(parts) - images
    counts = [count_of(texts, "text")] if texts else []
    counts += [count_of(images, "image")] if images else []
    return f"The rest: {', '.join(counts)}"


def _blocks(parts: Iterable[Part], thumbnails: Iterator[str]) -> Iterator[Markup]:
    """The parts as blocks; neighbouring list items make a list, neighbouring cells a row."""
    run: list[Markup] = []
    role: Role | None = None
    for part in parts:
        current = part.role if isinstance(part, TextPart) and part.role in _RUNS else None
        if run and current != role:
            yield _close_run(role, run)
            run = []
        role = current
        if isinstance(part, ImagePart):
            yield _image(part, next(thumbnails, ""))
        elif current is not None:
            run.append(tag(_RUNS[current][1], part.text, dir="auto"))
        else:
            element = _BLOCKS.get(part.role, "p")
            yield tag(element, part.text, class_=_CLASSES.get(part.role), dir="auto")
    if run:
        yield _close_run(role, run)


def _close_run(role: Role | None, items: list[Markup]) -> Markup:
    """A list of items, or a row of cells."""
    if role is None:
        return joined(items)
    return tag(_RUNS[role][0], *items, class_=_CLASSES.get(role))


def _image(part: ImagePart, thumbnail: str) -> Markup:
    """An image in its place, with what the page says of it."""
    lines = []
    if part.caption:
        lines.append(tag("p", part.caption, class_="caption", dir="auto"))
    if part.alt:
        lines.append(tag("p", tag("span", "alt ", class_="label"), part.alt, dir="auto"))
    facts = f"{part.image.width}\xa0×\xa0{part.image.height}"
    scores = [score for score in part.scores if math.isfinite(score)]
    if scores:
        facts += f" · best sentence {max(scores):.3f}"
    lines.append(tag("p", facts, class_="facts"))
    return tag("figure", picture(thumbnail, part.alt), tag("figcaption", *lines))


def picture(thumbnail: str, alt: str) -> Markup:
    """The thumbnail, or a box that says that there is none."""
    if not thumbnail:
        return tag("span", "not drawn", class_="blank")
    return tag("img", src=thumbnail, alt=alt, loading="lazy")


def _player(video: str, poster: str) -> Markup:
    """A video to be played where it stands, with its first frame until then."""
    element = tag(
        "video", controls="", preload="none", loop="", muted="", poster=poster or None, src=video
    )
    return tag("div", element, class_="frame")


def _licence(licence: Sequence[str]) -> Markup:
    """What the page said of a licence."""
    if not licence:
        return Markup()
    return tag("p", "licence: ", joined((link(one) for one in licence), " "), class_="facts")
