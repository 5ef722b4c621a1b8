"""Pages and pairs as windows of tokens, with `<image>` where each image stood."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.media_mask import next_images, previous_images
from model.recipe import WindowRecipe
from schemas.rejection import BadInput, Reason

NO_LABEL = -100
"""The target of a position that is not trained; torch's own default."""

Encode = Callable[[str], list[int]]
"""Text to token ids, no special tokens added."""


Decode = Callable[[Sequence[int]], str]
"""Token ids to text, special tokens left out."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The ids that are not text.

    Attributes:
        eoc: `<EOC>`, the first id past the language model's own.
        image: `<image>`, the id after it; read, never predicted.
        bos: the model's own, or None.
        eos: the model's own, or None.
    """

    eoc: int
    image: int
    bos: int | None
    eos: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page in tokens.

    Attributes:
        tokens: with `<EOC>` before every `<image>` and at the end.
        images: for each `<image>` in order, which image of the sample it is.
    """

    tokens: tuple[int, ...]
    images: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A training example before packing.

    Attributes:
        tokens_L: ids.
        labels_L: the id to predict at each position, NO_LABEL where none is.
        images_L: which of the window's images each token looks at; NO_IMAGE for none.
        images: for each `<image>` in order, which image of the sample it is.
    """

    tokens_L: npt.NDArray[np.int64]
    labels_L: npt.NDArray[np.int64]
    images_L: npt.NDArray[np.int64]
    images: tuple[int, ...]


def page_of(parts: Iterable[str | int], encode: Encode, words: Vocabulary) -> Page:
    """A page's tokens from its parts in reading order: texts, and images by their number.

    Text blocks that follow one another stand on lines of their own. `<EOC>` stands before every
    image but one that opens the page, and at the end.

    Raises:
        BadInput: `no_text` on a page without a token of text, `no_media` without an image.
    """
    tokens, images, texts = _interleaved(parts, encode, words)
    if not texts:
        raise BadInput(Reason.NO_TEXT)
    if not images:
        raise BadInput(Reason.NO_MEDIA)
    tokens += [words.eoc] if words.eos is None else [words.eoc, words.eos]
    return Page(tuple(tokens), tuple(images))


def prompt_of(parts: Iterable[str | int], encode: Encode, words: Vocabulary) -> Page:
    """A page that is to be gone on with: as `page_of` makes it, but without an end."""
    tokens, images, _ = _interleaved(parts, encode, words)
    return Page(tuple(tokens), tuple(images))


def _interleaved(
    parts: Iterable[str | int], encode: Encode, words: Vocabulary
) -> tuple[list[int], list[int], int]:
    """A page's tokens without its end, its images, and how many of the tokens are text."""
    tokens: list[int] = [] if words.bos is None else [words.bos]
    images: list[int] = []
    opening, texts = len(tokens), 0
    after_text = False
    for part in parts:
        if isinstance(part, int):
            tokens += [words.image] if len(tokens) == opening else [words.eoc, words.image]
            images.append(part)
            after_text = False
        elif part.strip():
            ids = encode(f"\n{part}" if after_text else part)
            tokens += ids
            texts += len(ids)
            after_text = True
    return tokens, images, texts


def page_window(page: Page, limits: WindowRecipe, words: Vocabulary, rng: random.Random) -> Window:
    """A random window of a page: at most `limits.tokens` long, with at most `limits.images`.

    Where a further image would follow, the window ends at the `<EOC>` before it: the paper
    (A.3.2) drops the image and keeps its text, which would then look at the wrong image.
    """
    looks_ahead = rng.random() < limits.p_next
    start = _start(page, limits, words, rng)
    end = min(start + limits.tokens, len(page.tokens))
    if end < len(page.tokens) and page.tokens[end] == words.eoc:
        start, end = start + 1, end + 1  # <EOC> is never the token that is cut off
    places = [i for i in range(start, end) if page.tokens[i] == words.image]
    if len(places) > limits.images:
        end = places[limits.images]
        places = places[: limits.images]
    if places and places[-1] == end - 1 and not looks_ahead:
        end, places = end - 1, places[:-1]  # nothing would look at it
    first = sum(token == words.image for token in page.tokens[:start])
    images = page.images[first : first + len(places)]
    return _window(page.tokens[start:end], images, words, looks_ahead)


def _start(page: Page, limits: WindowRecipe, words: Vocabulary, rng: random.Random) -> int:
    """Where a window begins, so that it is full whenever the page is long enough."""
    last = max(0, len(page.tokens) - limits.tokens)
    if limits.choice == "random":
        return rng.randint(0, last)
    places = [i for i, token in enumerate(page.tokens) if token == words.image]
    anchor = rng.choice(places)
    low = max(0, anchor - limits.tokens // 2)  # room for text after the image
    return min(rng.randint(low, max(low, anchor - 1)), last)


def pair_window(
    text: str, encode: Encode, words: Vocabulary, tokens: int, *, space: bool
) -> Window:
    """`<BOS><image>text<EOC><EOS>`, the text cut so that all of the rest fits (A.3.3, B.1.2).

    Raises:
        BadInput: `no_text` on an empty caption.
    """
    ids = encode(f" {text.strip()}" if space else text.strip()) if text.strip() else []
    if not ids:
        raise BadInput(Reason.NO_TEXT)
    head = [words.image] if words.bos is None else [words.bos, words.image]
    tail = [words.eoc] if words.eos is None else [words.eoc, words.eos]
    kept = ids[: tokens - len(head) - len(tail)]
    return _window((*head, *kept, *tail), (0,), words, looks_ahead=False)


def _window(
    tokens: Sequence[int], images: tuple[int, ...], words: Vocabulary, looks_ahead: bool
) -> Window:
    tokens_L = np.asarray(tokens, dtype=np.int64)
    is_image_L = tokens_L == words.image
    labels_L = np.full_like(tokens_L, NO_LABEL)
    labels_L[:-1] = np.where(is_image_L[1:], NO_LABEL, tokens_L[1:])
    images_L = next_images(is_image_L) if looks_ahead else previous_images(is_image_L)
    return Window(tokens_L, labels_L, images_L, images)
