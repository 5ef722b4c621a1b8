"""The kinds of pages worth keeping: articles, how-tos, galleries, products, tables, news."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from pipeline.sample_web.grammar import expand
from pipeline.sample_web.parts import Shot
from pipeline.sample_web.prose import Prose
from pipeline.sample_web.sites import advert
from pipeline.sample_web.studio import Studio
from pipeline.sample_web.words import Style, capitalised, describe_scene, plural_of
from pipeline.sample_web.writer import PageWriter


@dataclass(frozen=True, slots=True)
class Draft:
    """What the author of a page works with.

    Attributes:
        studio: gives images and videos.
        prose: gives words.
        writer: takes both down.
        rng: decides on the page's plan.
    """

    studio: Studio
    prose: Prose
    writer: PageWriter
    rng: Random

    def told(self, shot: Shot, sentences: int = 2) -> None:
        """A paragraph on what an image shows, where it is what it should be."""
        if shot.scene and shot.is_content() and not shot.mismatched:
            self.writer.paragraph(self.prose.about(shot.scene, sentences=sentences))

    def say(self, topic: str, low: int = 2, high: int = 5) -> None:
        """A paragraph on a topic."""
        self.writer.paragraph(self.prose.paragraph(topic, self.rng.randint(low, high)))

    def maybe_video(self, share: float) -> None:
        """A video with a sentence before it, on a share of the pages."""
        if self.rng.random() >= share:
            return
        reel = self.studio.reel()
        motion = reel.caption[0].lower() + reel.caption[1:].removesuffix(".")
        self.writer.paragraph(self.prose.moving(motion))
        self.writer.video(reel)

    def maybe_advert(self) -> None:
        """A banner between two paragraphs."""
        if self.rng.random() < 0.25:
            banner = advert(self.writer, self.rng, 300, 250)
            self.writer.raw(f'<div class="advert"><span>Advertisement</span>{banner}</div>')


def write_article(draft: Draft) -> str:
    """A story in sections, an image in most of them. Returns the title."""
    title = draft.prose.title("article")
    draft.writer.heading(1, title)
    draft.writer.raw(f'<div class="byline">By {draft.prose.cast["guest"]}</div>')
    topics = draft.prose.topics(draft.rng.randint(4, 6))
    draft.say(topics.pop(), 2, 3)
    first = draft.studio.first()
    draft.writer.photo(first)
    draft.told(first)
    for number, topic in enumerate(topics):
        if number % 2 == 0 or draft.rng.random() < 0.6:
            draft.writer.heading(2, draft.prose.heading(topic))
        draft.say(topic)
        if draft.rng.random() < 0.8:
            _illustrate(draft)
        if number == 1:
            draft.maybe_advert()
    draft.maybe_video(0.11)
    return title


def _illustrate(draft: Draft) -> None:
    """An image and words on it, in either order."""
    shot = draft.studio.next()
    if draft.rng.random() < 0.5:
        draft.told(shot)
        draft.writer.photo(shot)
    else:
        draft.writer.photo(shot)
        draft.told(shot)


_NEEDED = (
    "[a|one] [sharp|clean] {tool}",
    "[two|three] sheets of {material}",
    "[a jar|a tube] of {colour} paint",
    "[a damp cloth|an old shirt]",
    "[a flat table|a board] near a window",
    "about {many} hours",
)


def write_howto(draft: Draft) -> str:
    """Instructions: what is needed, and steps in an ordered list, each with its image."""
    count = draft.rng.randint(4, 6)
    title = draft.prose.title("howto", count)
    draft.writer.heading(1, title)
    draft.say("process", 2, 3)
    first = draft.studio.first()
    draft.writer.photo(first)
    draft.told(first)
    draft.writer.heading(2, draft.rng.choice(("What you need", "You will need", "Materials")))
    needed = draft.rng.sample(_NEEDED, draft.rng.randint(4, 6))
    draft.writer.listing(expand(item, draft.rng, draft.prose.cast) for item in needed)
    draft.say("material", 2, 4)
    draft.writer.heading(2, draft.rng.choice(("The steps", "How to do it", "Step by step")))
    draft.writer.steps([_step(draft, number) for number in range(count)])
    draft.maybe_video(0.11)
    draft.writer.heading(2, draft.prose.heading("advice"))
    draft.say("advice", 3, 5)
    return title


def _step(draft: Draft, number: int) -> tuple[str, Shot]:
    shot = draft.studio.next()
    text = draft.prose.paragraph("process" if number % 2 == 0 else "advice", 1)
    if shot.scene and shot.is_content() and not shot.mismatched:
        text += f" {draft.prose.about(shot.scene)}"
    return text, shot


def write_gallery(draft: Draft) -> str:
    """Many images with captions between two paragraphs."""
    title = draft.prose.title("gallery")
    draft.writer.heading(1, title)
    draft.say("collection", 3, 5)
    draft.writer.photo(_captioned(draft, draft.studio.first()))
    for _ in range(draft.rng.randint(3, 5)):
        draft.writer.photo(_captioned(draft, draft.studio.next()), "figure")
    draft.say("visitors", 3, 5)
    draft.writer.pair(draft.studio.good(), draft.studio.good())
    for _ in range(draft.rng.randint(1, 3)):
        draft.writer.photo(_captioned(draft, draft.studio.next()))
    draft.maybe_video(0.11)
    draft.say("history", 3, 5)
    return title


def _captioned(draft: Draft, shot: Shot) -> Shot:
    """The image with a caption, if it is one that gets captions."""
    if shot.caption or not shot.scene or not shot.is_content():
        return shot
    return replace(shot, caption=describe_scene(shot.scene, draft.rng, Style.LONG))


def write_product(draft: Draft) -> str:
    """Something for sale: images, a table of facts, praise."""
    title = draft.prose.title("product")
    cast = draft.prose.cast
    draft.writer.heading(1, title)
    draft.writer.paragraph(f"Price: {cast['price']}, {draft.rng.choice(_DELIVERY)}.")
    first = draft.studio.first()
    draft.writer.photo(first)
    draft.told(first, 3)
    draft.writer.heading(2, draft.rng.choice(("Facts", "Details", "Specification")))
    thing = draft.studio.subject.things[0]
    rows = (
        ("Subject", capitalised(plural_of(thing.kind))),
        ("Main colour", capitalised(thing.colour)),
        ("Material", capitalised(cast["material"])),
        ("Year", cast["year2"]),
        ("Made in", cast["town"]),
    )
    draft.writer.table((), [(None, row) for row in rows])
    draft.writer.heading(2, draft.prose.heading("material"))
    draft.say("material", 3, 4)
    for _ in range(draft.rng.randint(1, 2)):
        _illustrate(draft)
    draft.say("trade", 3, 4)
    draft.maybe_video(0.11)
    draft.writer.quote(draft.prose.paragraph("visitors", 1))
    return title


_DELIVERY = ("delivered within a week", "sent by post", "to be fetched at the shop", "framed")


def write_table(draft: Draft) -> str:
    """A comparison: one row for each image."""
    title = draft.prose.title("table")
    cast = draft.prose.cast
    draft.writer.heading(1, title)
    draft.say("collection", 3, 4)
    draft.say("town", 2, 4)
    draft.writer.photo(draft.studio.first())
    head = ("Picture", "What it shows", "Year", "Price")
    rows = [_row(draft) for _ in range(draft.rng.randint(4, 6))]
    draft.writer.table(head, rows)
    draft.writer.heading(2, draft.prose.heading("history"))
    draft.say("history", 3, 5)
    draft.say("trade", 2, 4)
    draft.writer.paragraph(f"The list was drawn up in {cast['month']} by {cast['friend']}.")
    return title


def _row(draft: Draft) -> tuple[Shot, tuple[str, ...]]:
    shot = draft.studio.good()
    assert shot.scene is not None, "a good image shows a scene"
    told = describe_scene(shot.scene, draft.rng, draft.rng.choice((Style.SHORT, Style.LONG)))
    year, price = draft.rng.randrange(1960, 2021), draft.rng.randrange(5, 200)
    return shot, (told, str(year), f"{price} crowns")


def write_news(draft: Draft) -> str:
    """A report with many images, a quotation and often a video."""
    title = draft.prose.title("news")
    cast = draft.prose.cast
    draft.writer.heading(1, title)
    draft.writer.raw(
        f'<p class="dateline">{cast["town"]}, {draft.rng.randint(1, 28)} {cast["month"]}</p>'
    )
    draft.say("festival", 3, 4)
    first = draft.studio.first()
    draft.writer.photo(first)
    draft.told(first, 1)
    draft.maybe_video(0.3)
    for topic in draft.prose.topics(draft.rng.randint(3, 4)):
        draft.say(topic, 2, 4)
        if draft.rng.random() < 0.85:
            _illustrate(draft)
    draft.writer.quote(draft.prose.paragraph("maker", 1))
    draft.maybe_advert()
    draft.say("weather", 2, 3)
    return title


KINDS: dict[str, tuple[Callable[[Draft], str], tuple[str, ...]]] = {
    "article": (write_article, ("notes", "blog", "museum")),
    "howto": (write_howto, ("guides", "blog")),
    "gallery": (write_gallery, ("tinted", "museum")),
    "product": (write_product, ("shop",)),
    "table": (write_table, ("museum", "notes")),
    "news": (write_news, ("daily",)),
}
"""Each kind's author, and the hosts that publish it."""
