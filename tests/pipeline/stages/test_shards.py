"""Shards hold their samples by key but for the first five, with a sidecar that points at every byte."""

import io
from dataclasses import replace

import apache_beam as beam
import pyarrow.parquet as pq
import pytest

from pipeline.stages.run import Place
from pipeline.stages.shards import (
    HashingStream,
    ShardLimits,
    WriteShards,
    choose_leaders,
    lead_first,
    shard_count,
    shard_of,
    write_samples,
)
from pipeline.store.packs import PackWriter
from schemas.keys import make_key, sha256_hex
from schemas.records import Image, ImagePart, PackRef, Pair, Rights, Sequence, TextPart
from schemas.shard import encode_pair, encode_sequence
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
    first = sorted(record.key for record in records)[:5]
    assert pq.read_table(io.BytesIO(one["align-000000.parquet"]))["key"].to_pylist()[:5] == first
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


IMAGE = Image("0" * 64, PackRef("0" * 64, "pack", 0, 1), 4, 3, 40, 30, "0" * 16)


def sequence(key, images, *licence):
    parts = tuple(ImagePart("u", IMAGE) for _ in range(images))
    return Sequence(key, "u", "", "en", parts, "", licence)


def sequences(images):
    """A sequence for each number of images, with keys a, b, c ..."""
    return [sequence(chr(ord("a") + at), int(count)) for at, count in enumerate(images)]


def keys_of(records):
    return "".join(record.key for record in records)


@pytest.mark.parametrize(
    ("images", "keys"),
    [
        ("", ""),
        ("21", "ab"),
        ("123456", "abcdef"),  # no five are equal
        ("11111", "abcde"),
        ("2111113", "bcdefag"),
        ("121212121212", "bdfhjacegikl"),  # the most images that five have; then by key again
    ],
)
def test_five_with_equally_many_images_lead_a_shard(images, keys):
    records = sequences(images)
    assert keys_of(lead_first(records)) == keys
    assert keys_of(lead_first(records[::-1])) == keys


def test_those_with_a_licence_go_before_others_of_the_five():
    records = [*sequences("11111111"), sequence("x", 1, "cc-by"), sequence("y", 2, "cc-by")]
    assert keys_of(lead_first(records)) == "xabcdefghy"


@pytest.mark.parametrize(
    ("alike", "leaders"),
    [
        ({}, ""),
        ({3: "ab"}, ""),  # equal as they are
        ({0: "abcde"}, "abcde"),
        ({1: "abcde", 2: "fghij", 3: "klmn"}, "fghij"),
        ({1: "abc", 2: "de", 4: "f"}, "f"),
    ],
)
def test_a_corpus_begins_with_five_alike_or_with_the_fullest(alike, leaders):
    found = {images: [(False, key) for key in keys] for images, keys in alike.items()}
    assert choose_leaders(found) == frozenset(leaders)


def test_leaders_are_in_the_first_shard_and_alone_where_they_are_few():
    low, high = "0" * 32, "f" * 32
    five = frozenset([high, "a", "b", "c", "d"])
    assert [shard_of(key, 7, frozenset()) for key in (low, high)] == [0, 6]
    assert [shard_of(key, 7, five) for key in (low, high)] == [0, 0]
    assert [shard_of(key, 7, frozenset([high])) for key in (low, high)] == [1, 0]


@pytest.mark.beam
def test_a_corpus_that_is_cut_has_all_its_samples_and_a_sidecar_each(tmp_path):
    with PackWriter(str(tmp_path), "decode-1/packs/a") as packs:
        ref = packs.add(JPEG, "jpg")
    image = Image(ref.sha256, ref, 4, 3, 40, 30, "0" * 16)
    records = [
        Sequence(make_key(f"{n}"), "u", "", "en", (ImagePart("u", image),) * n) for n in range(1, 7)
    ]
    place = Place(str(tmp_path), "m3w-1")
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(records)
            | WriteShards(place, "m3w", encode_sequence, lambda _: 1, ShardLimits())
        )
    folder = tmp_path / "m3w-1" / "shards"
    keys = [
        pq.read_table(folder / f"m3w-{number:06d}.parquet")["key"].to_pylist() for number in (0, 1)
    ]
    rest = sorted(record.key for record in records[:-1])
    assert keys == [[records[-1].key], rest]
    for number, expected in enumerate(keys):
        with (folder / f"m3w-{number:06d}.tar").open("rb") as stream:
            names = [member.name for member in read_tar(stream)]
        assert [name.partition(".")[0] for name in names if name.endswith("json")] == expected


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "table"])
@pytest.mark.parametrize("licensed", [1, 6])
def test_a_licence_beyond_the_first_five_stops_no_plain_load(licensed, streaming, tmp_path):
    """Of eight sequences with an image, and one with two, the last ones by key have a licence.

    So have their images, by their page's word.
    """
    datasets = pytest.importorskip("datasets")
    images = [1] * 8 + [2]
    records = [
        replace(
            sequence(f"{n:032x}", count, *(["cc-by"] if n >= 9 - licensed else [])),
            parts=(
                TextPart("a b.", sentences=((0, 4),)),
                *(ImagePart("u", IMAGE, rights=Rights("l" if n >= 9 - licensed else "")),) * count,
            ),
        )
        for n, count in enumerate(images)
    ]
    with (tmp_path / "m3w-000000.tar").open("wb") as stream:
        samples = ((r, encode_sequence(r, lambda _: JPEG)) for r in lead_first(records))
        write_samples(stream, samples)
    rows = datasets.load_dataset(
        "webdataset",
        data_files=str(tmp_path / "*.tar"),
        split="train",
        streaming=streaming,
        cache_dir=str(tmp_path),
    ).cast_column("0.jpg", datasets.Image(decode=False))
    licences = [row["json"].get("licence") for row in rows]
    assert len(licences) == 9
    of_images = [part["rights"]["license"] for row in rows for part in row["json"]["parts"][1:]]
    assert of_images.count("l") == licensed + 1  # the last sequence has two images
    assert licences.count(["cc-by"]) == (6 if licensed == 6 else 0)  # one of the five has it


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
