"""Shards to batches: the only door through which data reaches the trainer.

A batch is a function of the shards, the recipe and a position, and of nothing else: however many
threads and processes decode, whenever a run is resumed, the same position gives the same samples.
"""

import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from model.documents import document_of, member_of, with_shuffled_images
from model.packing import Example, Rows, pack, pack_tightly, place
from model.pixels import Canvas, decode_image, decode_video, draw_change
from model.ranks import Gathers, gathered
from model.reader import CorpusError, Order, Position, Sample, Shards
from model.recipe import CorpusRecipe, PixelsRecipe, WindowRecipe
from model.windows import NO_LABEL, Encode, Vocabulary, page_of, page_window, pair_window
from schemas.keys import seed_of
from schemas.rejection import BadInput, Reason

MAX_THREADS = 8
"""Threads of one corpus's reader, where nobody says how many."""

Place = tuple[int, int, int]
"""An epoch, a shard, and a sample's number in it."""


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
        passes: this rank's examples, packed, in as many pieces as go through the model; there may
            be none.
        samples: how many examples, those of all ranks together, as in all that follows.
        labels: positions with a target.
        skipped: samples that could not be used, by reason.
        after: where the next batch begins.
    """

    corpus: str
    passes: tuple[Rows, ...]
    samples: int
    labels: int
    skipped: Mapping[Reason, int]
    after: Position


@dataclass(frozen=True, slots=True)
class Found:
    """What reading one sample came to, as all ranks must know it.

    Attributes:
        labels: targets of its example.
        reason: why there is no example; None where there is one.
        told: the same in words.
    """

    labels: int = 0
    reason: Reason | None = None
    told: str = ""


class BatchReader:
    """Batches of one corpus by position.

    Args:
        corpus: m3w, align, ltip or vtp.
        pattern: a glob of its shards.
        recipe: samples a batch, tokens of a sample.
        drawing: how samples become examples.
        rows_per_pass: rows of full length that go through the model at once, or as many narrower
            ones as hold no more tokens; 0 for all of a batch.
        fixed: whether all passes have that many rows of full length, padded where they are fewer.
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
        fixed: bool = False,
        threads: int = 0,
    ) -> None:
        self.corpus = corpus
        self.pattern = pattern
        self.recipe = recipe
        self.drawing = drawing
        self.shards = Shards(pattern)
        self.rows_per_pass = rows_per_pass
        self.fixed = fixed
        self.order = Order(self.shards.counts, seed_of(drawing.seed, "order", corpus))
        size = threads or min(MAX_THREADS, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=f"read-{corpus}")

    def begin(self, position: Position, rank: int = 0, size: int = 1) -> "Filling":
        """The batch that begins at a position, still empty, with one rank's part in filling it."""
        return Filling(self, position, rank, size)

    def batch_at(self, position: Position) -> Batch:
        """The batch that begins at a position, all of it read here.

        Raises:
            CorpusError: a whole epoch's worth of samples in a row cannot be used.
        """
        filling = self.begin(position)
        while not filling.full:
            filling.hear([filling.read()])
        return filling.batch()

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    def examples(self, places: Sequence[Place]) -> list[Example | BadInput]:
        """For each place the example of its sample, or why there is none.

        Raises:
            CorpusError: a shard cannot be read any more.
        """
        return list(self._threads.map(self._try_example, places))

    def packed(self, examples: Sequence[Example]) -> tuple[Rows, ...]:
        """The examples in rows, in pieces of as many rows as go through the model at once."""
        lengths = [len(example.window.tokens_L) for example in examples]
        window, side = self.drawing.window, self.drawing.canvas.side_px
        rows = [[item] for item in range(len(examples))]
        width = max(window.tokens, self.recipe.tokens)
        if window.packed:
            rows = (pack if self.fixed else pack_tightly)(lengths, width)
        size = self.rows_per_pass or max(1, len(rows))
        shape = (size, width) if self.fixed else None
        if window.packed and not self.fixed and self.rows_per_pass:
            fullest = max((sum(lengths[item] for item in row) for row in rows), default=width)
            size = self.rows_per_pass * width // fullest  # of narrower ones more, with their tokens
        return tuple(
            place(examples, rows[at : at + size], side, shape) for at in range(0, len(rows), size)
        )

    def _try_example(self, place: Place) -> Example | BadInput:
        epoch, shard, number = place
        try:
            sample = self.shards.read(shard, number)
            return example_of(self.corpus, sample, epoch, self.recipe, self.drawing)
        except BadInput as bad:
            return bad
        except OSError as error:
            raise CorpusError(f"{self.shards.paths[shard]}: {error}") from error


class Filling:
    """A batch while the ranks fill it, each with its share, in rounds.

    A round takes as many samples in order as the batch still lacks; unusable ones leave room that
    the next round fills with those after them. So a batch is the first usable samples from its
    position on, however many ranks share out the reading. Every round is a `read` and then a
    `hear` of what all ranks have read.

    Args:
        reader: of the corpus.
        position: where the batch begins.
        rank: which rank reads here.
        size: how many there are.
    """

    def __init__(self, reader: BatchReader, position: Position, rank: int, size: int) -> None:
        self._reader = reader
        self._after = position
        self._rank = rank
        self._size = size
        self._examples: list[Example] = []
        self._samples = 0
        self._labels = 0
        self._skipped: Counter[Reason] = Counter()

    @property
    def full(self) -> bool:
        """Whether no round is needed any more."""
        return self._samples == self._reader.recipe.batch

    def read(self) -> list[Found]:
        """What this rank's samples of the next round came to.

        Raises:
            CorpusError: a shard cannot be read any more.
        """
        order = self._reader.order
        places: list[Place] = []
        for _ in range(self._reader.recipe.batch - self._samples):
            places.append((self._after.epoch, *order.at(self._after)))
            self._after = order.after(self._after)
        outcomes = self._reader.examples(places[self._rank :: self._size])
        self._examples += [outcome for outcome in outcomes if isinstance(outcome, Example)]
        return [_found(outcome) for outcome in outcomes]

    def hear(self, found: Sequence[Sequence[Found]]) -> None:
        """Counts what all ranks found in a round, by rank.

        Raises:
            CorpusError: a whole epoch's worth of samples in a row cannot be used.
        """
        total = sum(len(share) for share in found)
        in_order = [found[i % self._size][i // self._size] for i in range(total)]
        bad = [sample for sample in in_order if sample.reason]
        self._samples += total - len(bad)
        self._labels += sum(sample.labels for sample in in_order)
        self._skipped.update(sample.reason for sample in bad if sample.reason)
        if not self._samples and self._skipped.total() >= self._reader.order.samples:
            counts = ", ".join(f"{count} {reason}" for reason, count in self._skipped.items())
            raise CorpusError(
                f"{self._reader.pattern}: no usable sample ({counts}; last: {bad[-1].told})"
            )

    def batch(self) -> Batch:
        """The full batch, this rank's share of it packed."""
        rows = self._reader.packed(self._examples)
        corpus, skipped = self._reader.corpus, self._skipped
        return Batch(corpus, rows, self._samples, self._labels, skipped, self._after)


def _found(outcome: Example | BadInput) -> Found:
    if isinstance(outcome, BadInput):
        return Found(reason=outcome.why.reason, told=str(outcome))
    return Found(int(np.count_nonzero(outcome.window.labels_L != NO_LABEL)))


def read_batches(
    readers: Mapping[str, BatchReader], positions: Mapping[str, Position], ranks: Gathers
) -> tuple[Batch, ...]:
    """The batches of some corpora, each from its position on; all ranks fill them together.

    Raises:
        CorpusError: a corpus has no usable sample, or a rank cannot read it any more.
    """
    fillings = {
        name: reader.begin(positions[name], ranks.rank, ranks.size)
        for name, reader in readers.items()
    }
    while lacking := {name: filling for name, filling in fillings.items() if not filling.full}:
        found = gathered(ranks, partial(_read_round, lacking), CorpusError)
        for name, filling in lacking.items():
            filling.hear([share[name] for share in found])
    return tuple(filling.batch() for filling in fillings.values())


def _read_round(fillings: Mapping[str, Filling]) -> dict[str, list[Found]]:
    return {name: filling.read() for name, filling in fillings.items()}


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
    text = member_of(sample, "txt").decode("utf-8", "replace")
    space = rng.random() < drawing.window.p_space
    window = pair_window(text, drawing.encode, drawing.words, recipe.tokens, space=space)
    change = draw_change(drawing.pixels, rng)
    if corpus == "vtp":
        content = member_of(sample, "mp4")
        return Example(
            window, (decode_video(content, drawing.canvas, change, drawing.pixels, rng),)
        )
    content = member_of(sample, "jpg", "jpeg", "png", "webp")
    return Example(window, (decode_image(content, drawing.canvas, change),))


def _page_example(sample: Sample, drawing: Drawing, rng: random.Random) -> Example:
    """A window of a page; only the images inside it are decoded."""
    document = document_of(sample, drawing.window.placement)
    if drawing.window.shuffled_images:
        order = random.Random(seed_of(drawing.seed, "order", sample.key))
        document = with_shuffled_images(document, order)
    page = page_of(document.parts, drawing.encode, drawing.words)
    window = page_window(page, drawing.window, drawing.words, rng)
    frames = []
    for image in window.images:
        change = draw_change(drawing.pixels, rng)
        frames.append(decode_image(document.images[image](), drawing.canvas, change))
    return Example(window, tuple(frames))
