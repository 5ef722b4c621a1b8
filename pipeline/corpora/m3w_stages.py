"""The stages that make M3W's shards of documents and media, each with its graph."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import apache_beam as beam

from pipeline.corpora.m3w import (
    PLACES,
    SEQUENCES,
    BuildSequences,
    ScoreSequences,
    sequence_bytes,
)
from pipeline.corpora.m3w_order import OrderSums, SumOrder
from pipeline.corpora.m3w_select import SelectImages, best_scores
from pipeline.corpora.pools import ORDER, SCORES, SEQUENCES_STAGE, pool_threshold
from pipeline.corpora.request import Request
from pipeline.corpora.unsafe_media import documents_go, images_taken_out
from pipeline.stages.near_images import GroupNearImages
from pipeline.stages.run import Outputs, Place, Stage, Work
from pipeline.stages.score_pool import CountScores, ScoreCount
from pipeline.stages.shards import ShardLimits, WriteShards
from pipeline.stages.verdicts import in_order
from schemas.records import Document, Embedded, Found, Sequence
from schemas.shard import encode_sequence

_TO_M3W = (encode_sequence, sequence_bytes)


def m3w_stages(request: Request, work: Work, media: tuple[str, ...]) -> Iterator[Stage]:
    """M3W in one stage; or in two, where images are scored: the second only judges by score."""
    recipe = request.recipe
    after = (request.document_stage, *media)
    rules = (recipe.m3w, documents_go(request))
    if not recipe.clip.scores:
        run = partial(_m3w, request, to_shards=True)
        yield Stage("m3w", (*rules, recipe.shards), after, run)
        return
    yield Stage(SEQUENCES_STAGE, (*rules, recipe.clip), after, partial(_m3w, request))
    threshold = pool_threshold(work, "m3w", recipe.similarity)
    run = partial(_select_images, recipe.shards, threshold)
    yield Stage("m3w", (threshold, recipe.shards), (SEQUENCES_STAGE,), run)


def media_tables(
    request: Request, pipeline: beam.Pipeline, work: Work
) -> dict[str, beam.PCollection]:
    """Found media and their embeddings, the latter empty where nothing scores."""
    found = work.table(pipeline, request.media_stage, "found", Found)
    if request.recipe.clip.scores:
        embedded = work.table(pipeline, "embed", "embedded", Embedded)
    else:
        embedded = pipeline | "NoEmbeddings" >> beam.Create([])
    return {"found": found, "embedded": embedded}


def _m3w(
    request: Request, pipeline: beam.Pipeline, work: Work, place: Place, to_shards: bool = False
) -> Outputs:
    recipe = request.recipe
    documents = work.table(pipeline, request.document_stage, "documents", Document)
    media = media_tables(request, pipeline, work)
    bits = recipe.m3w.near_image_bits if recipe.m3w.max_image_documents else -1
    near = (
        media["found"] | GroupNearImages(bits, place.root)
        if bits >= 0
        else pipeline | "NoneNear" >> beam.Create([])
    )
    out = images_taken_out(request, pipeline, work)
    inputs: Any = {"documents": documents, "taken_out": out, "near": near, **media}
    built = inputs | BuildSequences(recipe.m3w)
    scored = built.sequences | ScoreSequences(recipe.clip, place.root)
    sequences = scored | "ScoredSequences" >> beam.Map(lambda pair: pair[0])
    read = in_order(built.read, PLACES.stage, SEQUENCES.stage)
    if to_shards:
        shards = sequences | WriteShards(place, "m3w", *_TO_M3W, recipe.shards)
        return Outputs({}, (built.decisions,), read, shards=shards)
    scores = sequences | "BestScores" >> beam.FlatMap(best_scores) | CountScores()
    tables = {
        "sequences": (Sequence, sequences),
        SCORES: (ScoreCount, scores),
        ORDER: (OrderSums, scored | SumOrder()),
    }
    return Outputs(tables, (built.decisions,), read)


def _select_images(
    limits: ShardLimits,
    threshold: float | None,
    pipeline: beam.Pipeline,
    work: Work,
    place: Place,
) -> Outputs:
    sequences = work.table(pipeline, SEQUENCES_STAGE, "sequences", Sequence)
    out = sequences | SelectImages(threshold)
    shards = out.sequences | WriteShards(place, "m3w", *_TO_M3W, limits)
    return Outputs({}, (out.decisions,), (out.read,), shards=shards)
