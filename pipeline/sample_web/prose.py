"""Varied English prose for one page: no template is used twice."""

from random import Random

from pipeline.sample_web.cast import draw_cast, scene_slots
from pipeline.sample_web.grammar import expand, load_words
from pipeline.sample_web.scenes import Scene
from pipeline.sample_web.words import Style, capitalised, describe_scene


class Prose:
    """The voice of one page: its cast, and which templates are left.

    Sentences about pictures and sentences about the world are drawn from separate decks; an
    empty deck is refilled.
    """

    def __init__(self, rng: Random, scene: Scene) -> None:
        self.rng = rng
        self.cast = draw_cast(rng, scene)
        self._decks: dict[str, list[str]] = {}

    def title(self, kind: str, steps: int = 0) -> str:
        """A page title for a kind of page."""
        template = self.rng.choice(load_words("prose")["titles"][kind])
        text = expand(template, self.rng, {**self.cast, "steps": str(steps)})
        return capitalised(text)

    def topics(self, number: int) -> list[str]:
        """Different topics in random order."""
        return self.rng.sample(sorted(load_words("prose")["topics"]), number)

    def heading(self, topic: str) -> str:
        """A heading for a section on the topic."""
        return expand(self._draw("headings", topic), self.rng, self.cast)

    def paragraph(self, topic: str, sentences: int) -> str:
        """Sentences on one topic."""
        drawn = (self._draw("topics", topic) for _ in range(sentences))
        return " ".join(capitalised(expand(template, self.rng, self.cast)) for template in drawn)

    def about(self, scene: Scene, *, sentences: int = 1) -> str:
        """Sentences on what a picture shows; the first names all of it."""
        told = [describe_scene(scene, self.rng, Style.LONG)]
        for _ in range(sentences - 1):
            several = len(scene.things) > 1 and self.rng.random() < 0.5
            template = self._draw("scene", "two" if several else "one")
            told.append(capitalised(expand(template, self.rng, scene_slots(scene, self.rng))))
        return " ".join(told)

    def moving(self, motion: str) -> str:
        """A sentence on what a video shows."""
        slots = {"motion": motion}
        return capitalised(expand(self._draw("scene", "video"), self.rng, slots))

    def _draw(self, part: str, name: str) -> str:
        """A template out of its deck."""
        deck = self._decks.get(f"{part}.{name}")
        if not deck:
            deck = list(load_words("prose")[part][name])
            self.rng.shuffle(deck)
            self._decks[f"{part}.{name}"] = deck
        return deck.pop()
