"""Shards hold their samples by key, with a sidecar that points at every byte."""

import io

import apache_beam as beam
import pyarrow.parquet as pq
import pytest

from pipeline.stages.run import Place
from pipeline.stages.shards import HashingStream, ShardLimits, WriteShards, shard_count
from pipeline.store.packs import PackWriter
from schemas.keys import make_key, sha256_hex
from schemas.records import Image, Pair
from schemas.shard import encode_pair
from schemas.tar import read_tar

JPEG = b"\xff\xd8 not quite a picture \xff\xd9"


@pytest.mark.parametrize(
    ("samples", "size", "shards"),
    [(0, 0, 1), (10, 100, 1), (11, 100, 2), (10, 5000, 2), (30, 4096, 3)],
)
def test_the_number_of_shards_follows_from_the_sums(samples, size, shards):
    assert shard_count(samples, size, ShardLimits(max_bytes=4096, max_samples=10)) == shards


def pairs(root):
    with PackWriter(str(root), "decode-1/packs/a") as packs:
        refs = [packs.add(JPEG + bytes([i]), "jpg") for i in range(40)]
    images = [Image(ref.sha256, ref, 4, 3, 40, 30, "0" * 16) for ref in refs]
    return [
        Pair(make_key(f"{i}"), f"http://a/{i}", "http://a/", f"text {i}", image, "alt", 0.5)
        for i, image in enumerate(images)
    ]


def write(root, name, records):
    place = Place(str(root), name)
    limits = ShardLimits(max_bytes=1 << 20, max_samples=15)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(records)
            | WriteShards(place, "align", encode_pair, lambda _: 100, limits)
        )
    return {path.name: path.read_bytes() for path in (root / name / "shards").iterdir()}


@pytest.mark.beam
def test_shards_are_the_same_whatever_the_order(tmp_path):
    records = pairs(tmp_path)
    one = write(tmp_path, "align-1", records)
    assert one == write(tmp_path, "align-2", list(reversed(records)))
    assert sorted(one) == [f"align-{i:06d}.{kind}" for i in range(3) for kind in ("parquet", "tar")]
    keys = []
    for number in range(3):
        tar = one[f"align-{number:06d}.tar"]
        rows = pq.read_table(io.BytesIO(one[f"align-{number:06d}.parquet"])).to_pylist()
        members = {member.name: member for member in read_tar(io.BytesIO(tar))}
        keys += [row["key"] for row in rows]
        for row in rows:
            for member in row["members"]:
                content = tar[member["offset"] : member["offset"] + member["size"]]
                assert content == members[member["name"]].content
    assert keys == sorted(record.key for record in records)


def test_a_hash_is_taken_on_the_way():
    raw = io.BytesIO()
    stream = HashingStream(raw)
    stream.write(b"ab")
    stream.write(b"c")
    assert (stream.written, stream.digest.hexdigest(), raw.getvalue()) == (
        3,
        sha256_hex(b"abc"),
        b"abc",
    )
