"""Fetch: each media URL once, from the input's own records first, then from the web, into packs."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from pipeline.extract.limits import ReadLimits
from pipeline.extract.players import is_player_page
from pipeline.extract.warc import read_capture
from pipeline.filters.urls import UrlLimits, judge_image_url
from pipeline.media.opt_outs import OptOuts, read_opt_outs
from pipeline.stages.asking import Asking, AskWeb, Wanted
from pipeline.stages.beam_files import FILES
from pipeline.stages.listed import lists_of
from pipeline.stages.run import Place
from pipeline.stages.verdicts import DECISIONS, Subject
from pipeline.store.packs import PackWriter
from schemas.keys import bucket_of, make_key
from schemas.records import Capture, Document, Fetched, ImageLink, PackRef, TakenOut, VideoLink
from schemas.rejection import BadInput, Reason, Why
from schemas.tables import FetchRow, told

_LANES = 64


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """A media URL that some page names, with its kind: image or video."""

    url: str
    kind: str
    capture: Capture | None = None


FETCH = Subject("fetch", lambda row: row.kind, lambda row: make_key(row.url), lambda row: row.url)


def document_links(document: Document) -> Iterator[tuple[str, str]]:
    """The (URL, kind) of every image and video of a document."""
    for block in document.blocks:
        if isinstance(block, ImageLink):
            yield block.url, "image"
        elif isinstance(block, VideoLink):
            yield block.url, "video"


@dataclass(eq=False)
class FetchMedia(beam.PTransform):
    """Fetched media; takes `links` of (URL, kind) and `captures`.

    Outputs `fetched`, `rows` of what came of each URL, `read`, `decisions`.
    """

    place: Place
    read: ReadLimits
    urls: UrlLimits
    asking: Asking

    def expand(self, inputs: Any) -> Any:
        """Four outputs."""
        captures = inputs["captures"] | beam.Map(lambda capture: (capture.url, capture))
        media = (
            {"kinds": inputs["links"], "captures": captures}
            | beam.CoGroupByKey()
            | "OneByUrl" >> beam.FlatMapTuple(one_media_url)
            | "SortOut"
            >> beam.ParDo(_SortOut(self.urls, self.asking.memory.fetch.opt_out_files)).with_outputs(
                "captured", "refused", main="linked"
            )
        )
        reader = _ReadCaptures(self.place, self.read, self.asking.hash_lists)
        captured = (
            media.captured
            | "ByFile" >> beam.Map(lambda one: (_lane(one), one))
            | "Files" >> beam.GroupByKey()
            | beam.ParDo(reader)
        )
        rows = (media.refused, captured, media.linked | AskWeb(self.asking)) | beam.Flatten()
        out = rows | "Tell" >> beam.FlatMap(tell).with_outputs("read", DECISIONS, main="fetched")
        return _FetchedMedia(out.fetched, rows, out.read, out.decisions)


@dataclass(frozen=True)
class _FetchedMedia:
    """The outputs of FetchMedia."""

    fetched: Any
    rows: Any
    read: Any
    decisions: Any


def one_media_url(url: str, groups: dict[str, Iterable[Any]]) -> Iterator[MediaUrl]:
    """The URL once, if any page names it, with the first of its captures."""
    kinds = sorted(groups["kinds"])
    if kinds:
        captures = sorted(groups["captures"], key=lambda c: (c.path, c.offset))
        yield MediaUrl(url, kinds[0], captures[0] if captures else None)


def judge_media_url(media: MediaUrl, limits: UrlLimits, opt_outs: OptOuts) -> Why | None:
    """Why a media URL speaks against what is behind it, or None."""
    if why := opt_outs.judge(media.url):
        return why
    if media.kind == "image":
        return judge_image_url(media.url, limits)
    if is_player_page(media.url):
        return Why(Reason.PLAYER_PAGE, media.url.split("/")[2])
    return None


def tell(row: FetchRow) -> Iterator[Any]:
    """What a URL came to, with its decision."""
    yield beam.pvalue.TaggedOutput("read", (FETCH.stage, row.kind))
    why = row.why
    if why is None and row.ref is not None:
        yield Fetched(row.url, row.kind, row.ref)
        yield beam.pvalue.TaggedOutput(DECISIONS, FETCH.kept(row))
        return
    yield beam.pvalue.TaggedOutput(DECISIONS, FETCH.rejected(row, why or Why(Reason.EMPTY_BODY)))


def listed_images(row: FetchRow) -> Iterator[TakenOut]:
    """An image that a hash list has, for the documents that show it."""
    if row.reason == Reason.LISTED_HASH and row.kind == "image":
        yield TakenOut((row.url,), Reason.LISTED_HASH)


def _lane(media: MediaUrl) -> int:
    """Captures go by file, so that each is read once and forwards."""
    return bucket_of(make_key(media.capture.path if media.capture else ""), _LANES)


class _SortOut(beam.DoFn):
    """URLs by where their bytes are to be had; what their spelling speaks against as rows."""

    def __init__(self, urls: UrlLimits, opt_out_files: tuple[str, ...]) -> None:
        self._urls, self._files = urls, opt_out_files

    def setup(self) -> None:
        self._opt_outs = read_opt_outs(self._files, FILES.read)

    def process(self, media: MediaUrl) -> Iterator[Any]:
        why = judge_media_url(media, self._urls, self._opt_outs)
        if why is not None:
            row = FetchRow(media.url, media.kind, "", media.url, **told(why))
            yield beam.pvalue.TaggedOutput("refused", row)
        elif media.capture is not None:
            yield beam.pvalue.TaggedOutput("captured", media)
        else:
            yield Wanted(media.url, media.kind)


class _ReadCaptures(beam.DoFn):
    """The media that lie in files of the input, as rows, their bytes in packs of the stage."""

    def __init__(self, place: Place, read: ReadLimits, hash_lists: tuple[str, ...]) -> None:
        self._place, self._read, self._hash_lists = place, read, hash_lists

    def setup(self) -> None:
        self._lists = lists_of(self._hash_lists)

    def start_bundle(self) -> None:
        name = f"{self._place.folder}/packs/{uuid.uuid4().hex}"
        self._packs = PackWriter(self._place.root, name, files=FILES)

    def process(self, lane: tuple[int, Iterable[MediaUrl]]) -> Iterator[FetchRow]:
        captured = [(media.capture, media) for media in lane[1] if media.capture]
        for capture, media in sorted(captured, key=lambda c: (c[0].path, c[0].offset, c[1].url)):
            yield self._row(media, capture)

    def finish_bundle(self) -> None:
        self._packs.close()

    def _row(self, media: MediaUrl, capture: Capture) -> FetchRow:
        """What became of a capture."""
        why: Why | None = None
        ref: PackRef | None = None
        try:
            body = read_capture(capture.path, capture.offset, self._read, FILES.open)
            why = self._lists.judge(body) if body else Why(Reason.EMPTY_BODY)
            ref = self._packs.add(body) if why is None else None
        except BadInput as bad:
            why = bad.why
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            why = Why(Reason.DAMAGED_RECORD, f"{capture.path}: {error.strerror or error}")
        size = ref.size if ref else 0
        return FetchRow(media.url, media.kind, "input", media.url, **told(why), bytes=size, ref=ref)
