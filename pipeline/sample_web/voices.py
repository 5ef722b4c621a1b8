"""Voices: how one page words what its pictures show, alike from its first picture to its last."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pipeline.sample_web.scenes import Scene

NAMES: Mapping[str, tuple[str, str]] = {
    "ball": ("ball", "globe"),
    "house": ("house", "cottage"),
    "tree": ("tree", "oak"),
    "fish": ("fish", "trout"),
    "cup": ("cup", "mug"),
    "boat": ("boat", "ship"),
    "car": ("car", "wagon"),
    "mushroom": ("mushroom", "toadstool"),
}
"""The kinds of things that series show, each with the two words of which a page uses one."""

LEADS = ("Output:", "Shown:")
"""What a page puts before every label; the first is the prompt of `model.evaluate`'s captions."""

MANNERS: Mapping[str, str] = {
    "colour-kind": "{c} {k}",
    "kind-colour": "{k}, {c}",
    "colour": "{c}",
    "kind": "{k}",
    "that-is": "a {k} that is {c}",
    "the-kind": "the {k}",
    "colour-first": "colour {c}",
    "thing": "{c} thing",
    "one": "one {c} {k}",
    "in-colour": "{k} in {c}",
    "it-is-colour": "it is {c}",
    "it-is-kind": "it is a {k}",
}
"""What labels say, by the manner's name: {c} is the colour, {k} the page's word for the kind."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a page words its labels.

    Attributes:
        lead: before every label that stands below a picture.
        manner: a name of `MANNERS`.
        names: for each kind of `NAMES` the word that the page has for it.
    """

    lead: str
    manner: str
    names: Mapping[str, str]

    def label(self, scene: Scene) -> str:
        """What is said of the scene's first thing, without the lead: "red globe"."""
        thing = scene.things[0]
        return MANNERS[self.manner].format(c=thing.colour, k=self.names[thing.kind])

    def caption(self, scene: Scene) -> str:
        """The label behind its lead: "Shown: red globe"."""
        return f"{self.lead} {self.label(scene)}"


def draw_voice(rng: Random, manner: str = "", lead: str = "") -> Voice:
    """A random voice; manner and lead are drawn where they are not given."""
    return Voice(
        lead or rng.choice(LEADS),
        manner or rng.choice(list(MANNERS)),
        {kind: rng.choice(words) for kind, words in NAMES.items()},
    )
