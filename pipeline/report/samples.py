"""Samples to look at: records read back from the shards, with thumbnails of their media."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.report.corpora import CorpusFigures
from pipeline.report.sources import Place, ReportFiles, read_members
from pipeline.report.thumbnails import Thumbnails
from schemas.records import Pair, Sequence
from schemas.rejection import BadInput
from schemas.shard import Members, decode_pair, decode_sequence

IMAGES_PER_SEQUENCE = 8
"""Images of one sequence that have a thumbnail; of the others the page says that they are there."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample as the page shows it.

    Attributes:
        corpus: m3w, align, ltip or vtp.
        key: the sample's key.
        shard: the path of its shard, below the output.
        record: the sequence or the pair; None where the sample is damaged.
        thumbnails: data URIs of its images in order, "" for those without.
        fault: what is wrong with a damaged sample, or "".
        is_lowest: whether it is shown for its low score, not by equal steps.
        is_whole: whether nothing of it is folded or cut.
        video: data URI of its video, to be played; "" where there is its first frame only.
    """

    corpus: str
    key: str
    shard: str
    record: Sequence | Pair | None
    thumbnails: tuple[str, ...] = ()
    fault: str = ""
    is_lowest: bool = False
    is_whole: bool = False
    video: str = ""


def read_samples(
    output: str, corpora: Iterable[CorpusFigures], thumbnails: Thumbnails, files: ReportFiles
) -> list[Shown]:
    """The samples that were chosen of each corpus, one in memory at a time."""
    shown = []
    for corpus in corpora:
        for place in corpus.shown:
            shown.append(read_sample(output, corpus.name, place, thumbnails, files))
        if corpus.name != "m3w" and corpus.samples > len(corpus.shown):
            for place in corpus.lowest:
                sample = read_sample(output, corpus.name, place, thumbnails, files)
                shown.append(replace(sample, is_lowest=True))
    return shown


def read_sample(
    output: str, corpus: str, place: Place, thumbnails: Thumbnails, files: ReportFiles
) -> Shown:
    """One sample; a damaged one is shown as such."""
    members = read_members(output, place, files)
    shown = Shown(corpus, place.row["key"], place.shard, None)
    return fill_sample(shown, members, thumbnails)


def fill_sample(shown: Shown, members: Members, thumbnails: Thumbnails) -> Shown:
    """The sample with its record and pictures, or with the fault for which it has none."""
    try:
        record = decode_sequence(members) if shown.corpus == "m3w" else decode_pair(members)
    except BadInput as bad:
        return replace(shown, fault=str(bad))
    most = sys.maxsize if shown.is_whole else IMAGES_PER_SEQUENCE
    videos = [thumbnails.playable(content) for name, content in members if name.endswith(".mp4")]
    return replace(
        shown,
        record=record,
        thumbnails=_thumbnails_of(members, thumbnails, most),
        video=videos[0] if videos else "",
    )


def _thumbnails_of(members: Members, thumbnails: Thumbnails, most: int) -> tuple[str, ...]:
    """Thumbnails of a sample's images and videos in order."""
    uris = []
    for name, content in members:
        if name.endswith(".mp4"):
            uris.append(thumbnails.of_video(content))
        elif name.endswith(".jpg"):
            full = len(uris) >= most
            uris.append("" if full else thumbnails.of_image(content))
    return tuple(uris)
