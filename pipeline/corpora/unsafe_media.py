"""Unsafe media in a build: the stages that score and judge them, and the documents that go."""

import importlib.util
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from typing import Any

import apache_beam as beam

from pipeline.corpora.request import Request
from pipeline.media.unsafe import CLIP, NUDENET, BadScorer, UnsafeLimits, make_scorer
from pipeline.stages.beam_files import FILES
from pipeline.stages.copies import COPIES
from pipeline.stages.media_out import TAKEN_OUT
from pipeline.stages.run import Outputs, Place, Stage, Work
from pipeline.stages.similarity import buckets_for
from pipeline.stages.unsafe import UNSAFE, DropUnsafe, ScoreByClip, ScoreUnsafe
from pipeline.stages.verdicts import came_in
from schemas.keys import sha256_hex
from schemas.recipe import RecipeError
from schemas.records import Embedded, Found, TakenOut, UnsafeScore

_SCORES = "unsafe_scores"


def unsafe_stages(request: Request) -> Iterator[Stage]:
    """The stage that scores and the one that judges, where the recipe has a scorer."""
    limits = request.recipe.unsafe
    if not limits.scores:
        return
    source = "embed" if limits.scorer == CLIP else request.scored_stage
    prompts = (limits.unsafe_prompts, limits.safe_prompts) if limits.scorer == CLIP else ()
    settings = (limits.scorer, prompts, request.scorer_digest)
    yield Stage(_SCORES, settings, (source,), partial(_score, request))
    policy = (limits.max_score, limits.policy)
    before = (request.scored_stage, _SCORES)
    yield Stage(UNSAFE.stage, policy, before, partial(_judge, request))


def documents_go(request: Request) -> bool:
    """Whether the documents that show an image of a hash list go with it."""
    limits = request.recipe.unsafe
    return bool(limits.hash_lists) and limits.policy == "drop_document"


def images_taken_out(request: Request, pipeline: beam.Pipeline, work: Work) -> Any:
    """TakenOut of every stage whose images take their documents along."""
    stages = [COPIES.stage] if request.indexes else []
    stages += [UNSAFE.stage] if request.recipe.unsafe.scores else []
    stages += ["fetch", "decode"] if documents_go(request) else []
    tables = [work.table(pipeline, stage, TAKEN_OUT, TakenOut) for stage in stages]
    return tables | "TakenOut" >> beam.Flatten(pipeline=pipeline)


def scorer_digest(limits: UnsafeLimits) -> str:
    """What stands for the scorer's code, so that a changed one counts as changed; "" for none.

    Raises:
        RecipeError: there is no such scorer on this machine.
    """
    if limits.scorer in ("none", CLIP):
        return ""
    try:
        make_scorer(limits.scorer)
    except BadScorer as error:
        raise RecipeError(str(error)) from None
    if limits.scorer == NUDENET:
        return metadata.version("nudenet")
    spec = importlib.util.find_spec(limits.scorer.partition(":")[0])
    return sha256_hex(FILES.read(spec.origin)) if spec and spec.has_location and spec.origin else ""


def _score(request: Request, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    recipe = request.recipe
    if recipe.unsafe.scorer == CLIP:
        embedded = work.table(pipeline, "embed", "embedded", Embedded)
        scores = embedded | ScoreByClip(recipe.unsafe, recipe.clip, place.root)
    else:
        found = work.table(pipeline, request.scored_stage, "found", Found)
        buckets = buckets_for(work.rows(request.scored_stage, "found"))
        scores = found | ScoreUnsafe(recipe.unsafe.scorer, place.root, buckets)
    return Outputs({"scores": (UnsafeScore, scores)})


def _judge(request: Request, pipeline: beam.Pipeline, work: Work, place: Place) -> Outputs:
    del place
    found = work.table(pipeline, request.scored_stage, "found", Found)
    scores = work.table(pipeline, _SCORES, "scores", UnsafeScore)
    inputs: Any = {"found": found, "scores": scores}
    out = inputs | DropUnsafe(request.recipe.unsafe)
    tables = {"found": (Found, out.kept), TAKEN_OUT: (TakenOut, out.taken_out)}
    return Outputs(tables, (out.decisions,), (came_in(found, UNSAFE),))
