"""Voices: how one page words what its pictures show, alike from its first picture to its last."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pipeline.sample_web.scenes import Scene

KINDS = ("ball", "house", "tree", "fish", "cup", "boat", "car", "mushroom")
"""The kinds of things that series show."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "red": ("red", "crimson", "scarlet", "ruby"),
    "orange": ("orange", "amber", "tangerine", "apricot"),
    "yellow": ("yellow", "golden", "lemon", "mustard"),
    "green": ("green", "emerald", "olive", "jade"),
    "blue": ("blue", "navy", "azure", "cobalt"),
    "purple": ("purple", "violet", "plum", "mauve"),
    "pink": ("pink", "rose", "salmon", "blush"),
    "brown": ("brown", "chestnut", "tan", "cocoa"),
    "black": ("black", "ebony", "jet", "sable"),
    "white": ("white", "ivory", "snowy", "chalk"),
    "grey": ("grey", "ashen", "slate", "silver"),
    "turquoise": ("turquoise", "teal", "cyan", "aqua"),
}
"""Each colour's words, of which a page uses one."""

LEADS = ("Output:", "Shown:")
"""What a page puts before every label; the first is the prompt of `model.evaluate`'s captions."""

MANNERS: Mapping[str, str] = {
    "bare": "{c}",
    "one": "the {c} one",
    "it-is": "it is {c}",
    "thing": "{c} thing",
    "colour": "colour {c}",
    "in": "in {c}",
    "all": "all {c}",
    "a-piece": "a {c} piece",
}
"""How labels are worded, by the manner's name: {c} is the page's word for the colour."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a page words its labels.

    Attributes:
        lead: before every label that stands below a picture.
        manner: a name of `MANNERS`.
        words: for each colour of `WORDS` the one that the page has for it.
    """

    lead: str
    manner: str
    words: Mapping[str, str]

    def label(self, scene: Scene) -> str:
        """What is said of the scene's first thing, without the lead: "the crimson one"."""
        return MANNERS[self.manner].format(c=self.words[scene.things[0].colour])

    def caption(self, scene: Scene) -> str:
        """The label behind its lead: "Shown: the crimson one"."""
        return f"{self.lead} {self.label(scene)}"


def draw_voice(rng: Random, manner: str = "", lead: str = "") -> Voice:
    """A random voice; manner and lead are drawn where they are not given."""
    return Voice(
        lead or rng.choice(LEADS),
        manner or rng.choice(list(MANNERS)),
        {colour: rng.choice(words) for colour, words in WORDS.items()},
    )
