"""Media out: what stages that judge found media have in common, and what goes with an image."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam

from pipeline.stages.verdicts import DECISIONS, Subject
from schemas.records import Found, Image, TakenOut, Video
from schemas.rejection import Reason
from schemas.tables import Decision

TAKEN_OUT = "taken_out"
"""Tag of the output that holds the images whose documents go with them; name of its table."""


def media_subject(stage: str) -> Subject:
    """How a stage speaks of found media."""
    return Subject(
        stage,
        lambda found: "video" if isinstance(found.media, Video) else "image",
        lambda found: found.media.key,
        lambda found: found.urls[0],
    )


def take_out(found: Found, decision: Decision, *, documents: bool) -> Iterator[Any]:
    """The decision, and the media where they stay, or the image where its documents go; tagged.

    Args:
        found: the media.
        decision: on them.
        documents: whether the documents that show an image go with it.
    """
    yield beam.pvalue.TaggedOutput(DECISIONS, decision)
    if decision.kept:
        yield found
    elif documents and isinstance(found.media, Image):
        yield beam.pvalue.TaggedOutput(TAKEN_OUT, taken_out(found.urls, decision))


def taken_out(urls: tuple[str, ...], decision: Decision) -> TakenOut:
    """The image of some URLs that a decision took out."""
    reason = Reason(decision.reason or "")
    figures = decision.value, decision.limit, decision.eval_set, decision.eval_id
    return TakenOut(urls, reason, *figures)
