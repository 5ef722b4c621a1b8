"""Shots and a query as one prompt: `<image>` and text of each shot, `<EOC>` behind it (A.2).

With no shots an open-ended task gets two examples in text alone, which say what an answer looks
like without showing an image that goes with it; a close-ended task needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from model.evaluate.tasks import Task
from model.windows import Encode, Vocabulary
from schemas.benchmarks.items import Example, Media

TEXT_SHOTS = 2
"""Examples in text alone; the paper finds one of them highly detrimental (B.1.5)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads before it answers.

    Attributes:
        tokens: ids, `<image>` at the place of each of `media`.
        media: in order.
    """

    tokens: tuple[int, ...]
    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Writer:
    """Prompts and answers of one task in the ids of one language model."""

    task: Task
    encode: Encode
    words: Vocabulary

    def prompt(
        self, shots: Sequence[Example], query: Example, *, with_media: bool = True
    ) -> Prompt:
        """The prompt of a query.

        Args:
            shots: answered examples, in order.
            query: the example to answer.
            with_media: whether the shots' images are shown, or their text alone.
        """
        tokens = [] if self.words.bos is None else [self.words.bos]
        media: list[Media] = []
        for shot in shots:
            shown = shot.media if with_media else ()
            tokens += self._asked(shot, len(shown)) + list(self.answer(shot.shown_answer))
            media += shown
        tokens += self._asked(query, len(query.media))
        return Prompt(tuple(tokens), (*media, *query.media))

    def answer(self, text: str) -> tuple[int, ...]:
        """An answer as it follows a prompt, `<EOC>` at its end."""
        return (*self.encode(f" {text.strip()}"), self.words.eoc)

    def _asked(self, example: Example, images: int) -> list[int]:
        return [self.words.image] * images + self.encode(self.task.ask(example))
