"""A Flamingo to talk to: texts and pictures in, text out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from model.evaluate.prefix import read_prefix
from model.evaluate.search import say_best
from model.evaluate.tasks import TASKS
from model.flamingo import Flamingo
from model.language import longest_of
from model.pixels import Canvas, frame_of
from model.windows import Encode, Vocabulary, prompt_of
from schemas.benchmarks.items import Example

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Speaker:
    """A trained model with what turns words and pictures into its numbers and back.

    Attributes:
        model: on its device, in evaluation mode.
        words: the ids that are not text.
        encode: text to ids.
        decode: ids to text.
        canvas: what pictures are put on.
    """

    model: Flamingo
    words: Vocabulary
    encode: Encode
    decode: Callable[[Sequence[int]], str]
    canvas: Canvas

    def caption(self, image: "Image", max_tokens: int = 32, beams: int = 3) -> str:
        """What follows a picture with nothing before it, as pairs were trained (A.3.3)."""
        return self.generate([image], max_tokens, beams)

    def answer(self, image: "Image", question: str, max_tokens: int = 32, beams: int = 3) -> str:
        """What follows a picture and a question, in the paper's words (A.2)."""
        asked = TASKS["vqa"].ask(Example("", (), (), question=question))
        return self.generate([image, asked], max_tokens, beams)

    def generate(self, parts: "Sequence[str | Image]", max_tokens: int = 32, beams: int = 3) -> str:
        """The likeliest text to follow some texts and pictures in reading order.

        Shots stand before a query as in training: each picture but a first one begins a new
        chunk, and the answer ends where the model says that its chunk does.

        Args:
            parts: texts and PIL images.
            max_tokens: how many to say at most.
            beams: hypotheses of the search (the paper's B.1.5 takes 3); 1 is greedy.

        Raises:
            ValueError: there is nothing to go on from, a part is neither text nor picture, or there
                are more tokens than the language model takes.
        """
        images = [part for part in parts if not isinstance(part, str)]
        numbers = iter(range(len(images)))
        asked = [part if isinstance(part, str) else next(numbers) for part in parts]
        tokens = prompt_of(asked, self.encode, self.words).tokens
        if not parts or not tokens:
            raise ValueError("parts: nothing to go on from")
        self._check_length(len(tokens), max_tokens)
        latents_IRD = self._look(images)
        prefix = read_prefix(self.model, tokens, latents_IRD, self.words)
        said = say_best(self.model, prefix, self.words, beams, max_tokens)
        return self.decode(said.tokens)

    def _check_length(self, tokens: int, max_tokens: int) -> None:
        longest = longest_of(self.model.language.lm)
        if longest is not None and tokens + max_tokens > longest:
            raise ValueError(
                f"parts: {tokens} tokens and an answer of {max_tokens}: the language model takes "
                f"{longest}"
            )

    def _look(self, images: "Sequence[Image]") -> torch.Tensor:
        """Latents [I, R, D] of pictures in order."""
        from PIL.Image import Image

        for image in images:
            if not isinstance(image, Image):
                raise ValueError(f"parts: {type(image).__name__} is neither text nor PIL image")
        side = self.canvas.side_px
        frames = [frame_of(image, self.canvas) for image in images]
        pixels = np.concatenate([np.zeros((0, side, side, 3), np.uint8), *frames])
        return self.model.look(torch.from_numpy(pixels), torch.ones(len(images), dtype=torch.long))
