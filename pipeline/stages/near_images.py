"""Images of the corpus that are one picture in several files: near-copies, by group.

Hashes lead to candidates, the pixels decide, as with evaluation data (`dedup.index`): on white
ground hundreds of figures share a hash, and they are not one picture.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import apache_beam as beam

from dedup.fingerprint import Grey, hamming, seen_grey
from dedup.query import is_same_picture
from pipeline.stages.beam_files import FILES
from pipeline.stages.connected import ConnectedGroups
from pipeline.store.packs import PackReader
from schemas.records import Found, Image, PackRef

MAX_BITS = 3
"""Hashes that differ by so many bits or fewer have one of four bands of 16 bits in common."""

RUN = 32
"""Images behind one, in the order of a band's hashes, that it is compared with."""

LINKS = 4
"""And of those that are near, so many are looked at."""

Edge = tuple[tuple[str, str], tuple[PackRef, PackRef]]
"""Keys of two images, the smaller first, and where their bytes lie."""


@dataclass(eq=False)
class GroupNearImages(beam.PTransform):
    """(Image's key, key of its group) of images that have near-copies in the corpus.

    Attributes:
        bits: in which the hashes of near-copies differ at most.
        root: which the images' packs lie below.
    """

    bits: int
    root: str

    def expand(self, found: beam.PCollection) -> beam.PCollection:
        """Small records meet by band, each pair once; then the edges make groups."""
        edges = (
            found
            | "HashBands" >> beam.FlatMap(band_members)
            | "SameBand" >> beam.GroupByKey()
            | "Candidates" >> beam.FlatMapTuple(partial(candidate_edges, bits=self.bits))
            | "SameEdge" >> beam.GroupByKey()
            | "EachOnce" >> beam.MapTuple(lambda keys, refs: (keys, next(iter(refs))))
            | "LookAtBoth" >> beam.ParDo(_Verify(self.root))
        )
        return edges | ConnectedGroups()


def band_members(found: Found) -> Iterator[tuple[tuple[int, str], Image]]:
    """An image under each of the four bands of its hash."""
    if isinstance(found.media, Image):
        for band in range(4):
            yield (band, found.media.phash[4 * band : 4 * band + 4]), found.media


def candidate_edges(
    band: tuple[int, str], images: Iterable[Image], bits: int
) -> Iterator[tuple[tuple[str, str], tuple[PackRef, PackRef]]]:
    """Pairs of images of a band whose hashes are near; at most LINKS * N of N images."""
    del band
    ordered = sorted(images, key=lambda image: (image.phash, image.key))
    for place, image in enumerate(ordered):
        behind = ordered[place + 1 : place + 1 + RUN]
        near = [other for other in behind if hamming(image.phash, other.phash) <= bits]
        for other in near[:LINKS]:
            first, second = sorted((image, other), key=lambda one: one.key)
            yield (first.key, second.key), (first.ref, second.ref)


class _Verify(beam.DoFn):
    """The edges whose two images are one picture."""

    def __init__(self, root: str) -> None:
        self._root = root

    def setup(self) -> None:
        self._reader = PackReader(self._root, files=FILES)

    def process(self, edge: Edge) -> Iterator[tuple[str, str]]:
        keys, (first, second) = edge
        if is_same_picture(self._seen(first), self._seen(second)):
            yield keys

    def _seen(self, ref: PackRef) -> Grey:
        import PIL.Image

        return seen_grey(PIL.Image.open(io.BytesIO(self._reader.read(ref))))

    def teardown(self) -> None:
        self._reader.close()
