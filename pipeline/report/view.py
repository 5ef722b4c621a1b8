"""Samples of any shards as one HTML page: what readers of their pages saw, nothing folded."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.report.gallery import pair_card, picture, sequence_card
from pipeline.report.markup import Markup, bytes_of, count_of, tag
from pipeline.report.page import TITLES, whole_page
from pipeline.report.samples import Shown, fill_sample
from pipeline.report.thumbnails import Thumbnails
from pipeline.store.shard_faults import (
    IMAGE_EXTENSIONS,
    VIDEO_EXTENSIONS,
    corpus_of_sample,
)
from pipeline.store.shard_files import Sample, ShardFile, extension_of

PICTURE_BYTES = 48_000_000
"""What pictures and videos take at most: more, and browsers grow slow."""

_SIDE_PX = 320
_VIDEO_BYTES = 4_000_000
_OTHER = "Samples of other making"
_TEXT_KINDS = frozenset({"txt", "text", "caption", "cls", "json"})
_MOST_CHARACTERS = 4_000


@dataclass(slots=True)
class View:
    """Cards of samples, and the page that they make.

    Attributes:
        thumbnails: makes the pictures, and knows how much room is left for them.
        cards: by corpus, in the order in which they came; "" for samples of other making.
        shards: names of the shards that they are of.
    """

    thumbnails: Thumbnails = field(
        default_factory=lambda: Thumbnails(PICTURE_BYTES, _SIDE_PX, _VIDEO_BYTES)
    )
    cards: dict[str, list[Markup]] = field(default_factory=dict)
    shards: dict[str, None] = field(default_factory=dict)

    def add(self, shard: ShardFile, sample: Sample) -> str:
        """Put a sample on the page; returns what is wrong with it, or ""."""
        self.shards.setdefault(shard.name)
        corpus = corpus_of_sample(sample, shard.corpus)
        cards = self.cards.setdefault(corpus, [])
        if not corpus:
            cards.append(_plain_card(shard.name, sample, self.thumbnails))
            return ""
        members = [(member.name, member.content) for member in sample.members]
        shown = Shown(corpus, sample.key, shard.name, None, is_whole=True)
        shown = fill_sample(shown, members, self.thumbnails)
        cards.append(sequence_card(shown) if corpus == "m3w" else pair_card(shown))
        return shown.fault

    def render(self) -> str:
        """The page; equal for equal samples."""
        total = sum(map(len, self.cards.values()))
        title = f"{count_of(total, 'sample')} of {count_of(len(self.shards), 'shard')}"
        head = [tag("h1", title), tag("p", " · ".join(self.shards), class_="facts")]
        if self.thumbnails.budget_bytes <= 0:
            head.append(tag("p", "Too many pictures: the last are not drawn.", class_="warning"))
        sections = [
            tag(
                "section",
                tag("h2", TITLES.get(corpus, _OTHER)),
                tag("div", *cards, class_="grid wide" if corpus == "m3w" else "grid pairs"),
                id=corpus or "other",
            )
            for corpus, cards in self.cards.items()
        ]
        parts = [
            tag("header", *head, class_="top"),
            tag("main", *sections, class_="view"),
            tag("footer", "Written by pipeline.inspect_shard. One file: nothing is loaded."),
        ]
        return whole_page(title, parts)


def _plain_card(shard: str, sample: Sample, thumbnails: Thumbnails) -> Markup:
    """A sample of other making: its pictures, its texts, its JSON."""
    return tag(
        "article",
        *_plain_members(sample, thumbnails),
        tag("p", f"{shard} · {sample.key}", class_="where"),
        class_="card pair",
    )


def _plain_members(sample: Sample, thumbnails: Thumbnails) -> Iterator[Markup]:
    for member in sample.members:
        kind = extension_of(member.name).rpartition(".")[2].lower()
        if kind in IMAGE_EXTENSIONS:
            frame = picture(thumbnails.of_image(member.content), member.name)
            yield tag("div", frame, class_="frame")
        elif kind in VIDEO_EXTENSIONS:
            frame = picture(thumbnails.of_video(member.content), member.name)
            yield tag("div", frame, class_="frame video")
        elif kind in _TEXT_KINDS:
            text = member.content.decode("utf-8", "replace")[:_MOST_CHARACTERS]
            yield tag("pre" if kind == "json" else "p", text, class_="text", dir="auto")
        else:
            yield tag("p", f"{member.name} · {bytes_of(len(member.content))}", class_="facts")
