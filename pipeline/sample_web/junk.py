"""The kinds of pages that a corpus should not keep, each for one reason."""

from collections.abc import Callable
from dataclasses import replace

from pipeline.sample_web.grammar import expand, load_words
from pipeline.sample_web.kinds import Draft
from pipeline.sample_web.parts import Shot


def write_repeated(draft: Draft) -> str:
    """The same advertisement again and again."""
    template = draft.rng.choice(load_words("chrome")["spam"]["lines"])
    line = expand(template, draft.rng, draft.prose.cast)
    draft.writer.heading(1, line)
    for number in range(draft.rng.randint(25, 45)):
        draft.writer.paragraph(line)
        if number % 12 == 5:
            draft.writer.photo(draft.studio.good(), "absolute")
    return line


def write_keywords(draft: Draft) -> str:
    """Lists of keywords without a sentence."""
    words = load_words("chrome")["spam"]["keywords"]
    title = " ".join(draft.rng.sample(words, 5))
    draft.writer.heading(1, title)
    for _ in range(draft.rng.randint(8, 14)):
        draft.writer.paragraph(", ".join(draft.rng.choices(words, k=30)))
    draft.writer.photo(draft.studio.good(), "absolute")
    return title


def write_short(draft: Draft) -> str:
    """One image and a sentence: too few words for a document."""
    title = draft.prose.cast["title"]
    draft.writer.heading(1, title)
    draft.writer.photo(draft.studio.first())
    draft.writer.paragraph(draft.prose.paragraph("weather", 1))
    return title


def write_without_media(draft: Draft) -> str:
    """A good text whose images are all too small, of one colour, or gone."""
    title = draft.prose.title("article")
    draft.writer.heading(1, title)
    for topic in draft.prose.topics(4):
        draft.say(topic, 3, 5)
        name = draft.rng.choice(("flat", "tiny", "dead", "banner"))
        draft.writer.photo(draft.studio.rare(name), "absolute")
    return title


def write_foreign(draft: Draft, language: str) -> str:
    """A good page in another language."""
    words = load_words("foreign")[language]
    slots = {**draft.prose.cast, "n": str(draft.rng.randint(5, 20))}
    title = expand(words["title"], draft.rng, slots)
    draft.writer.heading(1, title)
    sentences = list(words["sentences"])
    draft.rng.shuffle(sentences)
    for start in range(0, len(sentences), 4):
        told = [expand(text, draft.rng, slots) for text in sentences[start : start + 4]]
        draft.writer.paragraph(" ".join(told))
        draft.writer.photo(
            _foreign(draft, expand(draft.rng.choice(words["alt"]), draft.rng, slots))
        )
    return title


def _foreign(draft: Draft, alt: str) -> Shot:
    return replace(draft.studio.good(), alt=alt, caption="")


JUNK: dict[str, tuple[Callable[[Draft], str], tuple[str, ...]]] = {
    "spam_repetition": (write_repeated, ("deals",)),
    "spam_keywords": (write_keywords, ("deals", "mirror")),
    "too_short": (write_short, ("blog", "tinted")),
    "no_media": (write_without_media, ("notes", "museum")),
}
"""Each kind's author, and the hosts that publish it."""

EXPECT = {
    "spam_repetition": "spam",
    "spam_keywords": "spam",
    "too_short": "too_short",
    "no_media": "no_media",
}
"""What becomes of each kind, as the truth has it."""
