"""Shards to batches: the only door through which data reaches the trainer.

A batch is a function of the shards, the recipe and a position, and of nothing else: however many
threads decode, whenever a run is resumed, the same position gives the same bytes.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from model.packing import Example, Rows, pack, place
from model.pixels import Canvas, decode_image, decode_video, draw_change
from model.reader import CorpusError, Order, Position, Sample, Shards
from model.recipe import CorpusRecipe, PixelsRecipe, WindowRecipe
from model.windows import Encode, Vocabulary, page_of, page_window, pair_window
from schemas.keys import seed_of
from schemas.rejection import BadInput, Reason
from schemas.shard import SEQUENCE_SCHEMA

MAX_THREADS = 8
"""Threads of one corpus's reader, where nobody says how many."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What every sample is turned into an example with.

    Attributes:
        window: how windows are cut.
        pixels: how images and videos are sampled and changed.
        canvas: what they are put on.
        encode: text to ids.
        words: the ids that are not text.
        seed: of all that is drawn.
    """

    window: WindowRecipe
    pixels: PixelsRecipe
    canvas: Canvas
    encode: Encode
    words: Vocabulary
    seed: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One corpus's share of a step.

    Attributes:
        corpus: its name.
        passes: its examples, packed, in as many pieces as go through the model.
        samples: how many examples.
        skipped: samples that could not be used, by reason.
        after: where the next batch begins.
    """

    corpus: str
    passes: tuple[Rows, ...]
    samples: int
    skipped: Mapping[Reason, int]
    after: Position

    @property
    def labels(self) -> int:
        """Positions with a target."""
        return sum(rows.labels for rows in self.passes)


class BatchReader:
    """Batches of one corpus by position.

    Args:
        corpus: m3w, align, ltip or vtp.
        pattern: a glob of its shards.
        recipe: samples a batch, tokens of a sample.
        drawing: how samples become examples.
        rows_per_pass: rows that go through the model at once; 0 for all of a batch.
        threads: that read and decode; 0 for one a core, eight at most.

    Raises:
        CorpusError: the shards cannot be read.
    """

    def __init__(
        self,
        corpus: str,
        pattern: str,
        recipe: CorpusRecipe,
        drawing: Drawing,
        rows_per_pass: int = 0,
        threads: int = 0,
    ) -> None:
        self.corpus = corpus
        self.pattern = pattern
        self.recipe = recipe
        self.drawing = drawing
        self.shards = Shards(pattern)
        self.rows_per_pass = rows_per_pass
        self.order = Order(self.shards.counts, seed_of(drawing.seed, "order", corpus))
        size = threads or min(MAX_THREADS, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=f"read-{corpus}")

    def batch_at(self, position: Position) -> Batch:
        """The batch that begins at a position; unusable samples make room for those after them.

        Raises:
            CorpusError: a whole epoch's worth of samples in a row cannot be used.
        """
        examples: list[Example] = []
        skipped: Counter[Reason] = Counter()
        while len(examples) < self.recipe.batch:
            places = []
            for _ in range(self.recipe.batch - len(examples)):
                places.append((position.epoch, *self.order.at(position)))
                position = self.order.after(position)
            outcomes = list(self._threads.map(self._try_example, places))
            examples += [outcome for outcome in outcomes if isinstance(outcome, Example)]
            bad = [outcome for outcome in outcomes if isinstance(outcome, BadInput)]
            skipped.update(outcome.why.reason for outcome in bad)
            if not examples and sum(skipped.values()) >= self.order.samples:
                counts = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
                raise CorpusError(f"{self.pattern}: no usable sample ({counts}; last: {bad[-1]})")
        return Batch(self.corpus, self._passes(examples), len(examples), skipped, position)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    def _passes(self, examples: list[Example]) -> tuple[Rows, ...]:
        lengths = [len(example.window.tokens_L) for example in examples]
        window, side = self.drawing.window, self.drawing.canvas.side_px
        rows = [[item] for item in range(len(examples))]
        if window.packed:
            rows = pack(lengths, max(window.tokens, self.recipe.tokens))
        size = self.rows_per_pass or len(rows)
        return tuple(
            place(examples, rows[at : at + size], side) for at in range(0, len(rows), size)
        )

    def _try_example(self, place: tuple[int, int, int]) -> Example | BadInput:
        """The example of an epoch, a shard and a sample's number in it, or why there is none."""
        epoch, shard, number = place
        try:
            sample = self.shards.read(shard, number)
            return example_of(self.corpus, sample, epoch, self.recipe, self.drawing)
        except BadInput as bad:
            return bad
        except OSError as error:
            raise CorpusError(f"{self.shards.paths[shard]}: {error}") from error


def example_of(
    corpus: str, sample: Sample, epoch: int, recipe: CorpusRecipe, drawing: Drawing
) -> Example:
    """A sample as an example, drawn anew each epoch.

    Raises:
        BadInput: the sample cannot be used.
    """
    rng = random.Random(seed_of(drawing.seed, corpus, str(epoch), sample.key))
    if corpus == "m3w":
        return _page_example(sample, drawing, rng)
    text = _member(sample, "txt").decode("utf-8", "replace")
    space = rng.random() < drawing.window.p_space
    window = pair_window(text, drawing.encode, drawing.words, recipe.tokens, space=space)
    change = draw_change(drawing.pixels, rng)
    if corpus == "vtp":
        content = _member(sample, "mp4")
        return Example(
            window, (decode_video(content, drawing.canvas, change, drawing.pixels, rng),)
        )
    content = _member(sample, "jpg", "jpeg", "png", "webp")
    return Example(window, (decode_image(content, drawing.canvas, change),))


def _page_example(sample: Sample, drawing: Drawing, rng: random.Random) -> Example:
    """A window of a page; only the images inside it are decoded."""
    parts, files = _parts(sample)
    page = page_of(parts, drawing.encode, drawing.words)
    window = page_window(page, drawing.window, drawing.words, rng)
    frames = []
    for image in window.images:
        change = draw_change(drawing.pixels, rng)
        frames.append(decode_image(_member(sample, files[image]), drawing.canvas, change))
    return Example(window, tuple(frames))


def _parts(sample: Sample) -> tuple[list[str | int], list[str]]:
    """A sequence's texts and image numbers in reading order, and the member of each image."""
    try:
        record: dict[str, Any] = json.loads(_member(sample, "json"))
        if record["schema"] != SEQUENCE_SCHEMA:
            raise BadInput(Reason.DAMAGED_RECORD, str(record["schema"]), SEQUENCE_SCHEMA)
        parts: list[str | int] = []
        files: list[str] = []
        for part in record["parts"]:
            if part["kind"] == "image":
                parts.append(len(files))
                files.append(part["file"].partition(".")[2])
            else:
                parts.append(str(part["text"]))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise BadInput(Reason.DAMAGED_RECORD, f"{type(error).__name__}: {error}") from error
    return parts, files


def _member(sample: Sample, *extensions: str) -> bytes:
    for extension in extensions:
        if extension in sample.members:
            return sample.members[extension]
    raise BadInput(Reason.DAMAGED_RECORD, f"no .{extensions[0]} in {sample.key}")
