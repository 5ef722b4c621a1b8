"""Decode: fetched bytes to images and videos, judged, hashed and encoded again for the shards."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from dedup.fingerprint import phash
from pipeline.media.glance import glance_at_image
from pipeline.media.image import (
    ImageLimits,
    decode_image,
    encode_jpeg,
    judge_image_pixels,
    judge_image_size,
    open_header,
    resize_image,
)
from pipeline.media.look import judge_sharpness, judge_text_only
from pipeline.media.video import (
    FRAMES_FPS,
    MAX_FRAMES,
    VideoLimits,
    encode_video,
    judge_video,
    probe_video,
    sample_frames,
)
from pipeline.stages.beam_files import FILES
from pipeline.stages.listed import lists_of
from pipeline.stages.media_out import TAKEN_OUT, taken_out
from pipeline.stages.run import Place
from pipeline.stages.verdicts import DECISIONS, Subject
from pipeline.store.packs import PackReader, PackWriter
from schemas.records import Fetched, Found, Image, PackRef, Video
from schemas.rejection import BadInput, Reason, Why


@dataclass(frozen=True, slots=True)
class Content:
    """Fetched bytes by their sha256, with all URLs that led to them."""

    urls: tuple[str, ...]
    ref: PackRef
    kind: str


DECODE = Subject("decode", lambda c: c.kind, lambda c: c.ref.sha256, lambda c: c.urls[0])


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Limits on images and videos, and files of digests of those that are not decoded."""

    image: ImageLimits
    video: VideoLimits
    hash_lists: tuple[str, ...] = ()


@dataclass(eq=False)
class DecodeMedia(beam.PTransform):
    """Found media; takes Fetched; outputs `found`, `taken_out`, `read`, `decisions`."""

    place: Place
    limits: MediaLimits

    def expand(self, fetched: beam.PCollection) -> Any:
        """Four outputs; each content is decoded once, whatever URLs lead to it."""
        return (
            fetched
            | "ByContent" >> beam.Map(lambda one: ((one.ref.sha256, one.kind), one))
            | beam.GroupByKey()
            | "OneByContent" >> beam.MapTuple(one_content)
            | beam.ParDo(_Decode(self.place, self.limits)).with_outputs(
                "read", TAKEN_OUT, DECISIONS, main="found"
            )
        )


def one_content(key: tuple[str, str], fetched: Iterable[Fetched]) -> Content:
    """Equal bytes once, with their URLs in order and the first of their places."""
    rows = list(fetched)
    ref = min((row.ref for row in rows), key=lambda ref: (ref.pack, ref.offset))
    return Content(tuple(sorted({row.url for row in rows})), ref, key[1])


class _Decode(beam.DoFn):
    """Contents to encoded media in packs."""

    def __init__(self, place: Place, limits: MediaLimits) -> None:
        self._place, self._limits = place, limits

    def setup(self) -> None:
        self._reader = PackReader(self._place.root, files=FILES)
        self._lists = lists_of(self._limits.hash_lists)

    def start_bundle(self) -> None:
        name = f"{self._place.folder}/packs/{uuid.uuid4().hex}"
        self._packs = PackWriter(self._place.root, name, files=FILES)

    def process(self, content: Content) -> Iterator[Any]:
        yield beam.pvalue.TaggedOutput("read", (DECODE.stage, content.kind))
        try:
            body = self._reader.read(content.ref)
            _refuse(self._lists.judge(body))  # fetched before a list had it
            found = make_found(body, content, self._limits, self._packs)
        except BadInput as bad:
            decision = DECODE.rejected(content, bad.why)
            yield beam.pvalue.TaggedOutput(DECISIONS, decision)
            if bad.why.reason is Reason.LISTED_HASH and content.kind == "image":
                yield beam.pvalue.TaggedOutput(TAKEN_OUT, taken_out(content.urls, decision))
            return
        yield found
        yield beam.pvalue.TaggedOutput(DECISIONS, DECODE.kept(content))

    def finish_bundle(self) -> None:
        self._packs.close()

    def teardown(self) -> None:
        self._reader.close()


def make_found(body: bytes, content: Content, limits: MediaLimits, packs: PackWriter) -> Found:
    """The image or video that some bytes hold, encoded again.

    Raises:
        BadInput: bytes that are not what they should be, or that the limits turn away.
    """
    if content.kind == "video":
        return find_video(body, content, limits.video, packs)
    return find_image(body, content, limits.image, packs)


def find_image(body: bytes, content: Content, limits: ImageLimits, packs: PackWriter) -> Found:
    """The image that some bytes hold, encoded again; pixels are decoded once for all of it.

    Raises:
        BadInput: bytes that are no image, or one that the limits turn away.
    """
    _refuse(_judge_first_bytes(body, limits))
    original = decode_image(body, limits)
    _refuse(judge_image_size(original.width, original.height, limits))
    image = resize_image(original, limits.encoded_side_px)
    for judge in (judge_image_pixels, judge_sharpness, judge_text_only):
        _refuse(judge(image, limits))
    media = Image(
        content.ref.sha256,
        packs.add(encode_jpeg(image, limits), "jpg"),
        image.width,
        image.height,
        original.width,
        original.height,
        phash(image),
    )
    return Found(content.urls, media)


def _judge_first_bytes(body: bytes, limits: ImageLimits) -> Why | None:
    """What an image's header says against it; Pillow, which takes longer, reads what is odd."""
    seen = glance_at_image(body, True, limits)
    if seen is not None and (seen.why or seen.width):
        return seen.why
    header = open_header(body, limits)
    return judge_image_size(header.width, header.height, limits)


def find_video(body: bytes, content: Content, limits: VideoLimits, packs: PackWriter) -> Found:
    """The video that some bytes hold, cut and encoded again.

    Raises:
        BadInput: bytes that are no video, or one that the limits turn away.
    """
    _refuse(judge_video(probe_video(body, limits), limits))
    encoded = encode_video(body, limits)
    header = probe_video(encoded, limits)
    frames = sample_frames(encoded, FRAMES_FPS, MAX_FRAMES)
    media = Video(
        content.ref.sha256,
        packs.add(encoded, "mp4"),
        header.width,
        header.height,
        round(header.seconds, 3),
        tuple(phash(frame) for frame in frames),
    )
    return Found(content.urls, media)


def _refuse(why: Why | None) -> None:
    """Raises the answer of a filter that says no."""
    if why is not None:
        raise BadInput(why.reason, why.value, why.limit, why.detail)
