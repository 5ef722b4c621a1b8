"""Unsafe media out: each image and video scored once, then judged by what the recipe says.

Two stages, so that another limit or policy is a new decision on scores that are there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import apache_beam as beam

from pipeline.media.unsafe import (
    UnsafeLimits,
    judge_unsafe,
    make_scorer,
    score_pictures,
    zero_shot,
)
from pipeline.stages.beam_files import FILES
from pipeline.stages.media_out import TAKEN_OUT, media_subject, take_out
from pipeline.stages.pictures import pictures_of
from pipeline.stages.similarity import ClipChoice, Embed, MediaTasks, Rows, Task, read_vector
from pipeline.stages.verdicts import DECISIONS
from pipeline.store.packs import PackReader
from schemas.records import Embedded, UnsafeScore

UNSAFE = media_subject("unsafe")


@dataclass(eq=False)
class ScoreUnsafe(beam.PTransform):
    """UnsafeScores of Found media, by a scorer that looks at the pictures.

    Attributes:
        scorer: as the recipe names it.
        root: which the media's packs lie below.
        buckets: that media are batched by, the same in every run.
    """

    scorer: str
    root: str
    buckets: int

    def expand(self, found: beam.PCollection) -> beam.PCollection:
        """One an item."""
        return found | MediaTasks(self.buckets) | beam.ParDo(_Score(self.scorer, self.root))


class _Score(beam.DoFn):
    """Tasks of media to scores; each worker makes the scorer once."""

    def __init__(self, scorer: str, root: str) -> None:
        self._name, self._root = scorer, root

    def setup(self) -> None:
        self._scorer = make_scorer(self._name)
        self._reader = PackReader(self._root, files=FILES)

    def process(self, task: Task) -> Iterator[UnsafeScore]:
        pictures = [pictures_of(media, self._reader) for media in task.media]
        flat = [picture for of_one in pictures for picture in of_one]
        scores = iter(score_pictures(self._scorer, flat, self._name) if flat else ())
        for media, of_one in zip(task.media, pictures, strict=True):
            yield UnsafeScore(media.key, max((next(scores) for _ in of_one), default=0.0))

    def teardown(self) -> None:
        self._reader.close()


@dataclass(eq=False)
class ScoreByClip(beam.PTransform):
    """UnsafeScores of Embedded rows, by the recipe's prompts; no picture is looked at again."""

    limits: UnsafeLimits
    choice: ClipChoice
    root: str

    def expand(self, embedded: beam.PCollection) -> beam.PCollection:
        """One an item; the prompts are embedded once, by the CLIP that embedded the media."""
        texts = (*self.limits.unsafe_prompts, *self.limits.safe_prompts)
        prompts = (
            embedded.pipeline
            | "Prompts" >> beam.Create([Task(None, texts=texts)])
            | "EmbedPrompts" >> Embed(self.choice, self.root)
            | "PromptRows" >> beam.Values()
        )
        unsafe = len(self.limits.unsafe_prompts)
        return embedded | beam.Map(score_row, beam.pvalue.AsSingleton(prompts), unsafe)


def score_row(embedded: Embedded, prompts: Rows, unsafe: int) -> UnsafeScore:
    """The score of an image, or of a video's worst frame.

    Args:
        embedded: the media's rows.
        prompts: unit rows of the prompts, the unsafe ones first, [prompts, dim] float32.
        unsafe: how many prompts are unsafe.
    """
    rows = read_vector(embedded.frames or embedded.vector).reshape(-1, prompts.shape[1])
    return UnsafeScore(embedded.key, max(zero_shot(rows, prompts, unsafe)))


@dataclass(eq=False)
class DropUnsafe(beam.PTransform):
    """Media that are safe; takes `found` and `scores`; outputs `kept`, `taken_out`, `decisions`."""

    limits: UnsafeLimits

    def expand(self, inputs: Any) -> Any:
        """Three outputs; small records are joined by the media's key."""
        found = inputs["found"] | "FoundByKey" >> beam.Map(lambda one: (one.media.key, one))
        scores = inputs["scores"] | "ScoresByKey" >> beam.Map(lambda one: (one.key, one.score))
        return (
            {"found": found, "scores": scores}
            | "JoinScores" >> beam.CoGroupByKey()
            | "Judge"
            >> beam.FlatMapTuple(partial(judged_media, limits=self.limits)).with_outputs(
                TAKEN_OUT, DECISIONS, main="kept"
            )
        )


def judged_media(key: str, groups: dict[str, Iterable[Any]], limits: UnsafeLimits) -> Iterator[Any]:
    """The media of a key where they stay, the images where they take documents along; tagged."""
    del key
    score = max(groups["scores"])
    for found in sorted(groups["found"], key=lambda one: one.urls):
        decision = UNSAFE.judged(found, judge_unsafe(score, limits), limits.policy)
        decision = replace(decision, value=score, limit=limits.max_score)  # of what is safe too
        yield from take_out(found, decision, documents=limits.policy == "drop_document")
