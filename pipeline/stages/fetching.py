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
from pipeline.media.fetch import Fetcher, FetchLimits
from pipeline.stages.beam_files import FILES
from pipeline.stages.reading import lane_of
from pipeline.stages.run import Place
from pipeline.stages.verdicts import DECISIONS, Subject
from pipeline.store.packs import PackWriter
from schemas.keys import bucket_of, make_key
from schemas.records import Capture, Document, Fetched, ImageLink, VideoLink
from schemas.rejection import BadInput, Reason, Why

_LANES = 64


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """A media URL that some page names, with its kind: image or video."""

    url: str
    kind: str
    capture: Capture | None = None


FETCH = Subject("fetch", lambda m: m.kind, lambda m: make_key(m.url), lambda m: m.url)


def document_links(document: Document) -> Iterator[tuple[str, str]]:
    """The (URL, kind) of every image and video of a document."""
    for block in document.blocks:
        if isinstance(block, ImageLink):
            yield block.url, "image"
        elif isinstance(block, VideoLink):
            yield block.url, "video"


@dataclass(eq=False)
class FetchMedia(beam.PTransform):
    """Fetched media; takes `links` of (URL, kind) and `captures`; outputs main, READ, DECISIONS."""

    place: Place
    read: ReadLimits
    fetch: FetchLimits
    urls: UrlLimits

    def expand(self, inputs: Any) -> Any:
        """Three outputs: `fetched`, `read`, `decisions`."""
        captures = inputs["captures"] | beam.Map(lambda capture: (capture.url, capture))
        return (
            {"kinds": inputs["links"], "captures": captures}
            | beam.CoGroupByKey()
            | "OneByUrl" >> beam.FlatMapTuple(one_media_url)
            | "ByLane" >> beam.Map(lambda media: (_lane(media), media))
            | "Lanes" >> beam.GroupByKey()
            | beam.ParDo(_FetchLane(self.place, self.read, self.fetch, self.urls)).with_outputs(
                "read", DECISIONS, main="fetched"
            )
        )


def one_media_url(url: str, groups: dict[str, Iterable[Any]]) -> Iterator[MediaUrl]:
    """The URL once, if any page names it, with the first of its captures."""
    kinds = sorted(groups["kinds"])
    if kinds:
        captures = sorted(groups["captures"], key=lambda c: (c.path, c.offset))
        yield MediaUrl(url, kinds[0], captures[0] if captures else None)


def judge_media_url(media: MediaUrl, limits: UrlLimits) -> Why | None:
    """Why a media URL speaks against what is behind it, or None."""
    if media.kind == "image":
        return judge_image_url(media.url, limits)
    if is_player_page(media.url):
        return Why(Reason.PLAYER_PAGE, media.url.split("/")[2])
    return None


def _lane(media: MediaUrl) -> tuple[str, int]:
    """Captures go by file, so that each is read once and forwards; the rest by host."""
    if media.capture is None:
        return "", lane_of(media.url, _LANES)
    return "capture", bucket_of(make_key(media.capture.path), _LANES)


class _FetchLane(beam.DoFn):
    """The media of a lane into packs."""

    def __init__(self, place: Place, read: ReadLimits, fetch: FetchLimits, urls: UrlLimits) -> None:
        self._place, self._read, self._limits, self._urls = place, read, fetch, urls

    def setup(self) -> None:
        self._fetcher = Fetcher(self._limits)
        self._fetcher.start()

    def start_bundle(self) -> None:
        name = f"{self._place.folder}/packs/{uuid.uuid4().hex}"
        self._packs = PackWriter(self._place.root, name, files=FILES)

    def process(self, lane: tuple[object, Iterable[MediaUrl]]) -> Iterator[Any]:
        captured: list[tuple[Capture, MediaUrl]] = []
        linked: list[MediaUrl] = []
        for media in lane[1]:
            why = judge_media_url(media, self._urls)
            if why is not None:
                yield from self._outcome(media, None, why)
            elif media.capture is not None:
                captured.append((media.capture, media))
            else:
                linked.append(media)
        for capture, media in sorted(captured, key=lambda c: (c[0].path, c[0].offset, c[1].url)):
            yield from self._outcome(media, *self._captured(capture))
        by_url = {media.url: media for media in linked}
        for outcome in self._fetcher.stream(sorted(by_url)):
            yield from self._outcome(by_url[outcome.url], outcome.body, outcome.why)

    def finish_bundle(self) -> None:
        self._packs.close()

    def teardown(self) -> None:
        self._fetcher.stop()

    def _captured(self, capture: Capture) -> tuple[bytes | None, Why | None]:
        """The bytes of a capture, or why there are none."""
        try:
            return read_capture(capture.path, capture.offset, self._read, FILES.open), None
        except BadInput as bad:
            return None, bad.why

    def _outcome(self, media: MediaUrl, body: bytes | None, why: Why | None) -> Iterator[Any]:
        """What a URL came to, with its decision."""
        yield beam.pvalue.TaggedOutput("read", (FETCH.stage, media.kind))
        if why is None and not body:
            why = Why(Reason.EMPTY_BODY)
        if why is not None or body is None:
            yield beam.pvalue.TaggedOutput(
                DECISIONS, FETCH.rejected(media, why or Why(Reason.EMPTY_BODY))
            )
            return
        yield Fetched(media.url, media.kind, self._packs.add(body))
        yield beam.pvalue.TaggedOutput(DECISIONS, FETCH.kept(media))
