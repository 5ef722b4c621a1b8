"""What the model says of the images that it trains on, beside what it should have said."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from model.assemble import Run
from model.batches import Batch
from model.mixture import Draw
from model.packing import Rows
from model.windows import Decode, Vocabulary

SAMPLES = "samples.jsonl"
"""Where a run keeps them."""

THUMBNAIL_PX = 96
"""Longest side of the picture that is kept with a sample."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The beginning of a document, up to and with one of its images.

    Attributes:
        tokens: the last one is `<image>`.
        truth: the tokens that follow, up to `<EOC>` or the end of the window.
        pixels_FHWC: uint8 frames of its images in order.
        frames_I: frames of each image.
    """

    tokens: tuple[int, ...]
    truth: tuple[int, ...]
    pixels_FHWC: np.ndarray
    frames_I: np.ndarray


@dataclass(frozen=True, slots=True)
class Sample:
    """One generated text.

    Attributes:
        corpus: of its document.
        prompt: what was read, images as `<image>`.
        said: what the model goes on with, greedily.
        truth: what stands there.
        image: the last image of the prompt, of a video its first frame: a JPEG in base64.
    """

    corpus: str
    prompt: str
    said: str
    truth: str
    image: str

    def line(self, step: int) -> dict[str, Any]:
        """As it is kept."""
        return {"step": step, **asdict(self)}


def samples_of(run: Run, draw: Draw) -> tuple[Sample, ...]:
    """Texts for the first images of each corpus in a draw, as many as the recipe asks for.

    No collectives: a rank that is asked does it alone, on its own share.
    """
    cuda = [run.device] if run.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        return tuple(
            _sample(run, batch.corpus, prompt)
            for batch in draw.batches
            for prompt in first_prompts(batch, run.words, run.recipe.watch.samples)
        )


def _sample(run: Run, corpus: str, prompt: Prompt) -> Sample:
    said = run.model.generate(
        prompt.tokens,
        torch.from_numpy(prompt.pixels_FHWC),
        torch.from_numpy(prompt.frames_I),
        run.words,
        run.recipe.watch.sample_tokens,
    )
    last = prompt.pixels_FHWC[-int(prompt.frames_I[-1])]

    def text(ids: Sequence[int]) -> str:
        return written(ids, run.words, run.decode)

    return Sample(corpus, text(prompt.tokens), text(said), text(prompt.truth), _thumbnail(last))


def first_prompts(batch: Batch, words: Vocabulary, count: int) -> list[Prompt]:
    """The first `count` prompts of a batch, one of a document."""
    found = (
        prompt
        for rows in batch.passes
        for row in range(len(rows.tokens_BL))
        for prompt in _row_prompts(rows, row, words)
    )
    return [prompt for prompt, _ in zip(found, range(count), strict=False)]


def _row_prompts(rows: Rows, row: int, words: Vocabulary) -> Iterator[Prompt]:
    """The prompt of each document of a row that has one.

    It ends at the first image that the text after it looks at: an image of which nothing more is
    said in the window is none, and where text looks ahead it is about the image that follows.
    """
    documents_L = rows.documents_BL[row]
    for document in range(int(documents_L.max(initial=-1)) + 1):
        places = np.flatnonzero(documents_L == document)
        tokens, looks = rows.tokens_BL[row, places], rows.images_BL[row, places]
        for end in np.flatnonzero(tokens[:-1] == words.image) + 1:
            rest = _until(tokens[end:], (words.eoc, words.eos, words.image))
            if looks[end] == looks[end - 1] and rest:
                first = int(looks[tokens == words.image][0])
                yield _prompt(rows, tokens[:end], rest, slice(first, int(looks[end]) + 1))
                break


def _prompt(rows: Rows, tokens: np.ndarray, truth: tuple[int, ...], images: slice) -> Prompt:
    starts = np.concatenate([[0], np.cumsum(rows.frames_I)])
    pixels = rows.pixels_FHWC[starts[images.start] : starts[images.stop]]
    return Prompt(tuple(tokens.tolist()), truth, pixels, rows.frames_I[images])


def _until(tokens: np.ndarray, ends: tuple[int | None, ...]) -> tuple[int, ...]:
    """The tokens before the first of some ends."""
    stops = np.flatnonzero(np.isin(tokens, [end for end in ends if end is not None]))
    return tuple(tokens[: stops[0] if len(stops) else None].tolist())


def written(ids: Sequence[int], words: Vocabulary, decode: Decode) -> str:
    """Tokens as text, `<image>` and `<EOC>` by their names."""
    names = {words.image: "<image>", words.eoc: "<EOC>"}
    parts: list[str] = []
    text: list[int] = []
    for token in (*ids, None):
        if token is not None and token not in names:
            text.append(token)
            continue
        parts += [decode(text)] if text else []
        text = []
        parts += [names[token]] if token is not None else []
    return "".join(parts)


def _thumbnail(frame_HWC: np.ndarray) -> str:
    from PIL import Image

    picture = Image.fromarray(frame_HWC)
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80)
    return base64.b64encode(stream.getvalue()).decode("ascii")
