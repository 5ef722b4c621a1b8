"""A small output of a build with the real schemas: tables, shards, manifest, hostile texts."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import av
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from schemas.keys import make_key, sha256_hex
from schemas.manifest import Manifest, ShardEntry, StageCount
from schemas.records import Image, ImagePart, PackRef, Pair, Role, Sequence, TextPart, Video
from schemas.shard import Members, encode_pair, encode_sequence, index_row
from schemas.tables import SHARD_INDEX, Decision, to_rows
from schemas.tar import TarWriter

CANARY = "<script>alert('canary')</script>"


@dataclass
class Output:
    """A folder like a build's, and its manifest."""

    path: str
    manifest: Manifest


class DiskFiles:
    """Files of the local disk."""

    def open(self, path):
        return Path(path).open("rb")

    def list(self, folder):
        return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())


@pytest.fixture
def files() -> DiskFiles:
    return DiskFiles()


def jpeg(number: int, side: int = 240) -> bytes:
    """A picture that differs by number."""
    image = Pillow.new("RGB", (side, side * 2 // 3), (number * 37 % 256, 90, 160))
    image.paste((240, number * 53 % 256, 60), (20, 20, 90, 90))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of records, for tests that need their own."""
    return SimpleNamespace(
        sequence=make_sequence, pair=make_pair, image=make_image, shard=write_shard, jpeg=jpeg
    )


@pytest.fixture(scope="session")
def mp4() -> bytes:
    """Half a second of moving grey."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=8)
        track.width, track.height, track.pix_fmt = 96, 64, "yuv420p"
        for number in range(4):
            picture = Pillow.new("RGB", (96, 64), (200, 40 * number, 40))
            container.mux(track.encode(av.VideoFrame.from_image(picture)))
        container.mux(track.encode())
    return stream.getvalue()


@pytest.fixture
def picture() -> bytes:
    return jpeg(7)


def make_image(number: int) -> Image:
    content = jpeg(number)
    ref = PackRef(sha256_hex(content), f"{number}", 0, len(content))
    key = sha256_hex(b"fetched %d" % number)
    return Image(key, ref, 240, 160, 480, 320, f"{number:016x}")


def read_image(ref: PackRef) -> bytes:
    return jpeg(int(ref.pack))


def make_sequence(number: int, images: int = 2) -> Sequence:
    parts = [
        TextPart(f"Heading {number}", Role.HEADING, ((0, 9),)),
        TextPart(f"Geese {CANARY} number {number} fly over the pond & land."),
        TextPart("First, look up.", Role.LIST_ITEM),
        TextPart("Then count them.", Role.LIST_ITEM),
        TextPart("wing", Role.TABLE_CELL),
        TextPart("span", Role.TABLE_CELL),
        TextPart("x = 1", Role.CODE),
        TextPart("Said the goose.", Role.QUOTE),
    ]
    for k in range(images):
        part = ImagePart(
            f"https://example.org/{number}-{k}.jpg",
            make_image(number * 10 + k),
            alt=f"goose {k} {CANARY}",
            caption="A goose." if k else "",
            scores=(0.25, 0.125),
        )
        parts.insert(2 + 2 * k, part)
    return Sequence(
        make_key("sequence", str(number)),
        f"https://example.org/page-{number}",
        f"Geese {number} {CANARY}",
        "en",
        tuple(parts),
        "2024-05-01T00:00:00Z",
        ("https://creativecommons.org/licenses/by/4.0/",) if number % 2 else (),
    )


def make_pair(number: int, corpus: str, video: bytes = b"") -> Pair:
    media: Image | Video = make_image(number)
    if video:
        ref = PackRef(sha256_hex(video), "video", 0, len(video))
        media = Video(sha256_hex(b"source"), ref, 320, 180, 4.25, ("0" * 16,))
    return Pair(
        make_key(corpus, str(number)),
        f"javascript:alert({number})" if number == 0 else f"https://example.org/{number}.jpg",
        "https://example.org/page",
        f"geese number {number} {CANARY}",
        media,
        "alt",
        0.2 + number / 100,
    )


def write_shard(output: str, corpus: str, number: int, samples: list[tuple[object, Members]]):
    """Writes a shard and its index as a build does; gives its entry."""
    folder = Path(output) / corpus
    folder.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    tar = TarWriter(stream)
    rows = []
    for record, members in sorted(samples, key=lambda one: one[0].key):
        rows.append(index_row(record, members, [tar.add(*member) for member in members]))
    tar.close()
    content = stream.getvalue()
    name = f"{corpus}-{number:06d}"
    (folder / f"{name}.tar").write_bytes(content)
    pq.write_table(pa.Table.from_pylist(rows, SHARD_INDEX), folder / f"{name}.parquet")
    digest = hashlib.sha256(content).hexdigest()
    return ShardEntry(corpus, f"{corpus}/{name}.tar", len(rows), len(content), digest)


def write_decisions(output: str, name: str, decisions: Iterable[Decision]) -> None:
    folder = Path(output) / "decisions"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(to_rows(Decision, decisions), folder / f"{name}.parquet")


def decide(stage: str, kind: str, number: int, reason: str | None = None, **more) -> Decision:
    key = make_key(stage, kind, str(number))
    url = more.pop("url", f"https://example.org/{stage}/{number}")
    return Decision(stage, kind, key, url, kept=reason is None, reason=reason, **more)


@pytest.fixture
def output(tmp_path) -> Output:
    """Forty sequences in two shards, ten pairs, a hundred decisions with two copies."""
    path = str(tmp_path)
    sequences = [make_sequence(number) for number in range(40)]
    shards = [
        write_shard(path, "m3w", shard, [(s, encode_sequence(s, read_image)) for s in half])
        for shard, half in enumerate((sequences[:20], sequences[20:]))
    ]
    pairs = [make_pair(number, "align") for number in range(10)]
    samples = [(pair, encode_pair(pair, read_image)) for pair in pairs]
    shards.append(write_shard(path, "align", 0, samples))
    text = [decide("text", "document", number) for number in range(40)]
    for number in range(40, 60):
        words = {"value": float(number), "limit": 50.0}
        text.append(decide("text", "document", number, "too_few_words", **words))
    hostile = f"https://example.org/{CANARY}"
    text.append(decide("text", "document", 99, "language", detail=f"de; {CANARY}", url=hostile))
    write_decisions(path, "text-00000", text)
    copies = [decide("copies", "image", number) for number in range(3)]
    for number, value, limit in ((3, 2.0, 4.0), (4, 0.9731, 0.94)):
        match = {"eval_set": "coco", "eval_id": f"val/{number}.jpg", "value": value, "limit": limit}
        copies.append(decide("copies", "image", number, "evaluation_copy", **match))
    write_decisions(path, "copies-00000", copies)
    stages = [
        StageCount("read", "page", 61, 61),
        StageCount("text", "document", 61, 40, {"too_few_words": 20, "language": 1}),
        StageCount("copies", "image", 5, 3, {"evaluation_copy": 2}),
    ]
    write_decisions(path, "read-00000", [decide("read", "page", number) for number in range(61)])
    manifest = Manifest(
        software="open-m3w 0.0.0",
        recipe_name=f"geese {CANARY}",
        recipe_digest="0" * 32,
        recipe={"corpora": ["m3w", "align"], "seed": 0, "image": {"min_side_px": 64}},
        overrides=["image.min_side_px=64"],
        inputs=[{"kind": "warc", "path": "crawl.warc.gz", "bytes": 1234, "files": 1}],
        models=[{"name": "ViT-B-32", "pretrained": "tag", "sha256": "ab" * 32}],
        stages=stages,
        shards=shards,
        thresholds={"align": 0.21},
    )
    return Output(path, manifest)
