import io
import json
import random
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import av
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.inspect_shard import main
from schemas.keys import make_key, sha256_hex
from schemas.manifest import Manifest, ShardEntry, encode_manifest
from schemas.records import (
    Image as ImageRecord,
)
from schemas.records import (
    ImagePart,
    PackRef,
    Pair,
    Rights,
    Role,
    Sequence,
    TextPart,
    Video,
)
from schemas.shard import encode_pair, encode_sequence, index_row
from schemas.tables import SHARD_INDEX
from schemas.tar import BLOCK, TarWriter

RIGHTS = Rights("https://example.org/l", credit="Lab\nJane", found="license: link; credit: class")
KEYS = sorted(make_key(str(number)) for number in range(3))


def encoded(colour: str, size: tuple[int, int] = (48, 32), form: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, form)
    return stream.getvalue()


def make_video() -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=5)
        track.width, track.height, track.pix_fmt = 48, 32, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", (48, 32), "red"))
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return stream.getvalue()


JPEG, MP4 = encoded("red"), make_video()
PHASH = "0123456789abcdef"


def image(key: str) -> ImageRecord:
    return ImageRecord(sha256_hex(key.encode()), PackRef("", "", 0, 0), 48, 32, 96, 64, PHASH)


def sequence(key: str) -> Sequence:
    text = "Geese fly south. They rest at ponds."
    parts = (
        TextPart("Geese", Role.HEADING),
        ImagePart(
            "https://example.org/a.jpg", image(key), "a goose", "One goose.", (0.1, 0.3), RIGHTS
        ),
        TextPart(text, Role.PARAGRAPH, ((0, 16), (17, 36))),
        TextPart("pond\x1b[31m", Role.LIST_ITEM),
        TextPart("x = 1\ny = 2", Role.CODE),
        ImagePart("https://example.org/b.jpg", image(key + "b")),
    )
    url = f"https://example.org/{key[:4]}"
    return Sequence(key, url, "Geese", "en", parts, "2024-05-01T00:00:00Z", ("cc-by",))


def pair(key: str, *, is_video: bool = False) -> Pair:
    video = Video(sha256_hex(b"v"), PackRef("", "", 0, 0), 48, 32, 0.2, (PHASH,))
    media = video if is_video else image(key)
    page = "https://example.org/page"
    return Pair(key, "https://cdn.example.org/1", page, "two red geese", media, "alt", 0.25)


class Shard:
    """A shard in memory, to be damaged and written."""

    def __init__(self, corpus: str, records: list[Sequence | Pair]) -> None:
        stream = io.BytesIO()
        writer = TarWriter(stream)
        self.corpus, self.rows = corpus, []
        for record in records:
            if isinstance(record, Sequence):
                members = encode_sequence(record, lambda ref: JPEG)
            else:
                members = encode_pair(record, lambda ref: MP4 if corpus == "vtp" else JPEG)
            offsets = [writer.add(name, content) for name, content in members]
            self.rows.append(index_row(record, members, offsets))
        writer.close()
        self.content = stream.getvalue()

    def entry(self) -> ShardEntry:
        path = f"{self.corpus}/{self.corpus}-000000.tar"
        size, digest = len(self.content), sha256_hex(self.content)
        return ShardEntry(self.corpus, path, len(self.rows), size, digest)

    def write(self, root: Path, content: bytes | None = None) -> Path:
        path = root / self.entry().path
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(self.content if content is None else content)
        table = pa.Table.from_pylist(self.rows, SHARD_INDEX)
        pq.write_table(table, path.with_suffix(".parquet"))
        return path


M3W = Shard("m3w", [sequence(key) for key in KEYS])
ALIGN = Shard("align", [pair(key) for key in KEYS])
VTP = Shard("vtp", [pair(KEYS[0], is_video=True)])


def write_build(root: Path, *shards: Shard) -> Path:
    for shard in shards:
        shard.write(root)
    entries = [shard.entry() for shard in shards]
    (root / "manifest.json").write_bytes(
        encode_manifest(Manifest("open-m3w 0", "tiny", "0", {}, [], [], [], [], entries))
    )
    work = root / "work" / "fetch"
    work.mkdir(parents=True)
    (work / "pack-000.tar").write_bytes(b"a pack, no shard")
    return root


@pytest.fixture
def build(tmp_path):
    return write_build(tmp_path / "out", M3W, ALIGN, VTP)


def rewrite(path: Path, change) -> None:
    """Replace a tar by one whose members are what `change` makes of them, offsets new."""
    with tarfile.open(path) as tar:
        members = [(info.name, tar.extractfile(info).read()) for info in tar.getmembers()]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in change(members):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(stream.getvalue())


def faults_of(capsys, *paths: Path) -> list[str]:
    code = main(["verify", *map(str, paths), "--json"])
    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    faults = [fault for report in reports for fault in report["faults"]]
    assert code == (1 if faults else 0)
    return faults


# verify


def test_a_whole_build_has_no_faults(build, capsys):
    assert main(["verify", str(build)]) == 0
    assert capsys.readouterr().out == (
        f"{build}/align/align-000000.tar: 3 samples, whole, as its index says\n"
        f"{build}/m3w/m3w-000000.tar: 3 samples, whole, as its index says\n"
        f"{build}/vtp/vtp-000000.tar: 1 samples, whole, as its index says\n"
        "3 shards, 7 samples, 0 faults\n"
    )


def test_faults_are_named_with_their_file(build, capsys):
    path = build / "m3w" / "m3w-000000.tar"
    path.write_bytes(path.read_bytes().replace(b"Geese fly", b"Geese fl!"))
    assert main(["verify", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    name = f"{KEYS[0]}.json"
    assert lines[0] == f"{path}: '{name}': changed since it was written: crc32 differs"
    assert lines[-1] == "1 shards, 3 samples, 3 faults"


def test_every_one_of_1000_flipped_bits_is_found(tmp_path, capsys):
    small = Shard("align", [pair(KEYS[0])])
    path = small.write(tmp_path)
    rng = random.Random(0)
    for bit in rng.sample(range(len(small.content) * 8), 1000):
        damaged = bytearray(small.content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert faults_of(capsys, path), f"bit {bit} of byte {bit // 8}"


@pytest.mark.parametrize("corpus", ["m3w", "align", "vtp"])
def test_every_flipped_byte_is_found_without_an_index(corpus, tmp_path, capsys):
    record = sequence(KEYS[0]) if corpus == "m3w" else pair(KEYS[0], is_video=corpus == "vtp")
    shard = Shard(corpus, [record])
    path = tmp_path / "renamed.tar"
    path.write_bytes(shard.content)
    assert faults_of(capsys, path) == []
    for place in random.Random(0).sample(range(len(shard.content)), 300):
        damaged = bytearray(shard.content)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        assert faults_of(capsys, path), place


def test_a_byte_inside_an_image_is_found_and_named_by_its_sample(tmp_path, capsys):
    path = tmp_path / "m3w-000000.tar"
    place = M3W.rows[1]["members"][2]["offset"] + 400
    content = bytearray(M3W.content)
    content[place] ^= 1
    path.write_bytes(content)
    assert main(["verify", str(path)]) == 1
    assert f"sample 1 ({KEYS[1]}): changed: its digest differs\n" in capsys.readouterr().out


def without_digest(members):
    for name, content in members:
        if name.endswith(".json"):
            record = json.loads(content)
            del record["digest"]
            content = json.dumps(record).encode()
        yield name, content


def test_samples_without_a_digest_need_an_index(tmp_path, capsys):
    path = tmp_path / "m3w-000000.tar"
    path.write_bytes(M3W.content)
    rewrite(path, without_digest)
    what = "held against nothing: no index beside the shard, no digest in the JSON"
    assert faults_of(capsys, path) == [f"all 3 samples: {what}"]
    path.write_bytes(M3W.content)
    rewrite(path, lambda members: [*without_digest(members[:6]), *members[6:]])
    assert faults_of(capsys, path) == [f"sample 0 ({KEYS[0]}) and 1 more: {what}"]


def test_members_of_one_sample_apart_are_found_without_an_index(tmp_path, capsys):
    path = tmp_path / "m3w-000000.tar"
    path.write_bytes(M3W.content)
    rewrite(path, lambda members: [*members[:2], *members[3:6], members[2], *members[6:]])
    assert f"sample 2 ({KEYS[0]}): the key is already in it" in faults_of(capsys, path)


@pytest.mark.parametrize("damage", ["missing member", "swapped members", "JSON that does not fit"])
def test_damage_in_a_sample_is_found_without_an_index(damage, tmp_path, capsys):
    change, expected = DAMAGE[damage]
    path = tmp_path / "m3w-000000.tar"
    path.write_bytes(M3W.content)
    rewrite(path, change)
    assert any(expected in fault for fault in faults_of(capsys, path))


def test_every_cut_is_found(tmp_path, capsys):
    path = M3W.write(tmp_path)
    for size in range(0, len(M3W.content), BLOCK):
        path.write_bytes(M3W.content[:size])
        assert any("damaged" in fault for fault in faults_of(capsys, path)), size


def test_a_cut_shard_says_where_and_what_is_missing(tmp_path, capsys):
    path = M3W.write(tmp_path, M3W.content[:BLOCK])
    assert faults_of(capsys, path) == [
        f"damaged: payload of {M3W.rows[0]['members'][0]['size']} bytes cut short at byte 512;"
        " nothing after it was read",
        "0 samples found, its index has 3",
    ]


DAMAGE = {
    "missing member": (lambda members: members[:-1], "members are"),
    "extra member": (
        lambda members: [*members, (f"{KEYS[2]}.2.jpg", JPEG)],
        "members are",
    ),
    "missing sample": (lambda members: members[3:], "its index has"),
    "extra sample": (lambda members: [*members, ("f" * 32 + ".json", b"{}")], "not in the index"),
    "swapped members": (lambda members: [members[1], members[0], *members[2:]], "first member is"),
    "swapped samples": (
        lambda members: [*members[3:6], *members[:3], *members[6:]],
        f"sample 0 ({KEYS[1]}): its index has {KEYS[0]} in this place",
    ),
    "sample twice": (lambda members: [*members, *members[:3]], "the key is already in it"),
    "key with a dot": (
        lambda members: [(name.replace(KEYS[0], "a.b"), content) for name, content in members],
        "key 'a' is not 32 to 64 hex digits",
    ),
    "unsafe name": (
        lambda members: [("../" + members[0][0], members[0][1]), *members[1:]],
        "unsafe member name '../",
    ),
    "JSON that does not fit": (
        lambda members: [(members[0][0], b'{"schema":"m3w/1"}'), *members[1:]],
        "field key is missing",
    ),
    "image that is none": (
        lambda members: [members[0], (members[1][0], JPEG[:100]), *members[2:]],
        "not an image that can be decoded: undecodable",
    ),
    "image of another size": (
        lambda members: [members[0], (members[1][0], encoded("red", (40, 32))), *members[2:]],
        "is 40 x 32 px, its JSON says 48 x 32",
    ),
    "padding": (lambda members: members, "bytes, the manifest says"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_in_a_build_is_found(damage, build, capsys):
    change, expected = DAMAGE[damage]
    path = build / "m3w" / "m3w-000000.tar"
    rewrite(path, change)
    faults = faults_of(capsys, build)
    assert any(expected in fault for fault in faults), faults
    assert faults[-1].startswith("sha256 is ")


def test_a_video_that_cannot_be_decoded_is_found(build, capsys):
    path = build / "vtp" / "vtp-000000.tar"
    rewrite(path, lambda members: [(members[0][0], MP4[:60]), *members[1:]])
    assert any("not a video that can be decoded" in fault for fault in faults_of(capsys, path))


def test_an_index_that_lies_is_found(build, capsys):
    path = build / "m3w" / "m3w-000000.parquet"
    rows = [*M3W.rows[:2], M3W.rows[2] | {"words": 99, "url": "https://other.example"}]
    pq.write_table(pa.Table.from_pylist(rows, SHARD_INDEX), path)
    where = f"sample 2 ({KEYS[2]}): its index says"
    assert faults_of(capsys, build) == [
        f"{where} url 'https://other.example', the sample 'https://example.org/{KEYS[2][:4]}'",
        f"{where} words 99, the sample 15",
    ]


def test_an_index_of_moved_members_is_found(build, capsys):
    path = build / "m3w" / "m3w-000000.parquet"
    members = [M3W.rows[0]["members"][0] | {"offset": 0}, *M3W.rows[0]["members"][1:]]
    rows = [M3W.rows[0] | {"members": members}, M3W.rows[2], M3W.rows[1]]
    pq.write_table(pa.Table.from_pylist(rows, SHARD_INDEX), path)
    faults = faults_of(capsys, build)
    assert "its index says" in faults[0]
    assert f"its index has {KEYS[2]} in this place" in faults[1]


def test_a_missing_broken_or_foreign_index_is_found(build, capsys):
    path = build / "m3w" / "m3w-000000.parquet"
    path.write_bytes(b"PAR1")
    (fault,) = faults_of(capsys, build)
    assert fault.startswith("its index cannot be read: ")
    pq.write_table(pa.table({"key": ["a"]}), path)
    assert faults_of(capsys, build) == ["its index has other columns than a shard's"]
    assert faults_of(capsys, build / "m3w" / "m3w-000000.tar") == [
        "its index has other columns than a shard's"
    ]
    path.unlink()
    assert faults_of(capsys, build) == ["the index beside it is missing"]
    assert main(["verify", str(build / "m3w" / "m3w-000000.tar")]) == 0
    said = "m3w-000000.tar: 3 samples, whole, by its samples' digests, no index\n"
    assert said in capsys.readouterr().out


def test_shards_that_the_manifest_does_not_name_or_names_alone(build, capsys):
    (build / "align" / "align-000000.tar").rename(build / "align" / "align-000007.tar")
    assert faults_of(capsys, build) == [
        "cannot be read: No such file or directory",
        "not in the manifest of its build",
    ]


def test_a_key_in_two_shards_is_found(tmp_path, capsys):
    one = M3W.write(tmp_path)
    other = one.with_name("m3w-000001.tar")
    other.write_bytes(one.read_bytes())
    faults = faults_of(capsys, one, other)
    assert faults == [
        f"sample {n} ({key}): the key is already in {one}" for n, key in enumerate(KEYS)
    ]


def test_a_broken_manifest_is_one_line(build, capsys):
    (build / "manifest.json").write_text("{}")
    assert main(["verify", str(build)]) == 1
    assert "manifest.json: not a manifest of version" in capsys.readouterr().err


# Tars of other making


def foreign(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


IMG2DATASET = {
    "000000000.jpg": JPEG,
    "000000000.json": b'{"caption": "a goose", "url": "https://x.example/1", "width": 48}',
    "000000000.txt": b"a goose",
    "000000001.png": encoded("blue", form="PNG"),
    "000000001.txt": b"a pond",
}


FOREIGN = "not of this project's making: no JSON of schema m3w/1 or pair/1"


@pytest.mark.parametrize("name", ["00000.tar", "align-000000.tar"])
def test_a_tar_of_other_making_is_said_to_be_one(name, tmp_path, capsys):
    path = foreign(tmp_path / name, IMG2DATASET)
    assert main(["verify", str(path)]) == 1
    assert capsys.readouterr().out == (
        f"{path}: all 2 samples: {FOREIGN}\n1 shards, 2 samples, 1 faults\n"
    )


def test_samples_of_other_making_among_ours_are_named(tmp_path, capsys):
    path = tmp_path / "m3w-000000.tar"
    path.write_bytes(M3W.content)
    rewrite(path, lambda members: [*members, *IMG2DATASET.items()])
    assert faults_of(capsys, path) == [f"sample 3 (000000000) and 1 more: {FOREIGN}"]
    assert main(["verify", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["foreign"] == 2


def test_an_index_of_ours_makes_no_shard_of_a_foreign_tar(tmp_path, capsys):
    path = foreign(tmp_path / "x.tar", IMG2DATASET)
    pq.write_table(pa.Table.from_pylist(M3W.rows[:2], SHARD_INDEX), tmp_path / "x.parquet")
    assert f"all 2 samples: {FOREIGN}" in faults_of(capsys, path)


def test_a_tar_without_a_file_is_no_shard(tmp_path, capsys):
    assert faults_of(capsys, foreign(tmp_path / "x.tar", {})) == ["holds no sample"]


def test_img2datasets_own_parquet_is_not_ours(tmp_path, capsys):
    path = foreign(tmp_path / "00000.tar", IMG2DATASET)
    pq.write_table(pa.table({"url": ["a", "b"]}), tmp_path / "00000.parquet")
    assert faults_of(capsys, path) == [
        "its index has other columns than a shard's",
        f"all 2 samples: {FOREIGN}",
    ]


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"/etc/a.jpg": JPEG}, "unsafe member name '/etc/a.jpg'"),
        ({"a/../../b.jpg": JPEG}, "unsafe member name"),
        ({"a\nb.jpg": JPEG}, "unsafe member name"),
        ({"a.json": b"{"}, "'a.json': not JSON"),
        ({"a.jpg": b"none"}, "'a.jpg': not an image that can be decoded: not_media"),
        ({"a.mp4": b"none"}, "'a.mp4': not a video that can be decoded"),
        ({"a.txt": b"1", "b.txt": b"2", "a.jpg": JPEG}, "the key is already in it"),
    ],
)
def test_faults_of_a_foreign_tar(members, fault, tmp_path, capsys):
    faults = faults_of(capsys, foreign(tmp_path / "x.tar", members))
    assert fault in faults[0]


def test_a_member_twice_is_found(tmp_path, capsys):
    path = foreign(tmp_path / "x.tar", {"a.txt": b"1", "b.txt": b"2"})
    rewrite(path, lambda members: [members[0], members[0]])
    assert faults_of(capsys, path)[0] == "member 'a.txt' is there twice"


def test_an_animation_of_another_maker_without_frames_is_found(tmp_path, capsys):
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame(format="fltp", layout="mono", samples=2048)
        frame.planes[0].update(bytes(8192))
        frame.sample_rate = 8000
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    path = foreign(tmp_path / "x.tar", {"a.mp4": stream.getvalue()})
    assert "not a video that can be decoded" in faults_of(capsys, path)[0]


# ls


def test_ls_lists_samples_with_counts(build, capsys):
    assert main(["ls", str(build / "m3w" / "m3w-000000.tar")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split("\t") == [
        *("index", "key", "texts", "images", "videos", "words", "bytes", "url")
    ]
    cells = lines[2].split("\t")
    assert cells[:6] == ["0", KEYS[0], "4", "2", "0", "15"]
    assert len(lines) == 5


def test_ls_as_json_over_a_build(build, capsys):
    assert main(["ls", "--json", str(build)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 7
    assert rows[0]["shard"].endswith("align-000000.tar")
    assert (rows[-1]["videos"], rows[-1]["texts"], rows[-1]["words"]) == (1, 1, 3)


def test_ls_of_a_foreign_tar_and_a_glob(tmp_path, capsys):
    foreign(tmp_path / "1.tar", IMG2DATASET)
    foreign(tmp_path / "2.tar", {"d/x.jpg": JPEG})
    (tmp_path / "2.txt").write_text("no tar")
    assert main(["ls", "--json", str(tmp_path / "*")]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["key"] for row in rows] == ["000000000", "000000001", "d/x"]
    assert rows[0]["url"] == "https://x.example/1"


def test_ls_of_a_damaged_shard_lists_what_is_whole(tmp_path, capsys):
    cut = M3W.content[: M3W.rows[2]["offset"] + BLOCK]
    path = M3W.write(tmp_path, cut)
    assert main(["ls", "--json", str(path)]) == 1
    streams = capsys.readouterr()
    assert len(streams.out.splitlines()) == 1  # the second may have had more members
    assert streams.err.startswith(f"{path}: payload of ")


# show


def test_show_prints_a_sequence_in_reading_order(build, capsys):
    path = build / "m3w" / "m3w-000000.tar"
    assert main(["show", str(path), "1"]) == 0
    key = KEYS[1]
    assert capsys.readouterr().out == (
        f"{path} #1  {key}\n"
        f"url        https://example.org/{key[:4]}\n"
        "title      Geese\n"
        "language   en\n"
        "fetched_at 2024-05-01T00:00:00Z\n"
        "licence    cc-by\n" + "-" * 96 + "\n"
        "# Geese\n\n"
        f"[image {key}.0.jpg  48 x 32 px, {len(JPEG) / 1000:.1f} KB]\n"
        "    url      https://example.org/a.jpg\n"
        "    alt      a goose\n"
        "    caption  One goose.\n"
        "    license  https://example.org/l\n"
        "    credit   Lab / Jane\n"
        "    found    license: link; credit: class\n"
        "    closest  0.300 They rest at ponds.\n\n"
        "Geese fly south. They rest at ponds.\n\n"
        "- pond\N{REPLACEMENT CHARACTER}[31m\n\n"
        "    x = 1\n    y = 2\n\n"
        f"[image {key}.1.jpg  48 x 32 px, {len(JPEG) / 1000:.1f} KB]\n"
        "    url      https://example.org/b.jpg\n\n\n"
    )


def test_show_finds_by_the_beginning_of_a_key(build, capsys):
    assert main(["show", str(build / "m3w" / "m3w-000000.tar"), KEYS[2][:6]]) == 0
    assert f"#2  {KEYS[2]}" in capsys.readouterr().out


def test_show_shows_the_first_unless_told_and_counts_over_shards(build, capsys):
    assert main(["show", str(build)]) == 0
    assert "align-000000.tar #0" in capsys.readouterr().out
    assert main(["show", str(build), "4", "06"]) == 0
    out = capsys.readouterr().out
    assert "m3w-000000.tar #1" in out
    assert "vtp-000000.tar #0" in out


def test_show_prints_a_pair(build, capsys):
    assert main(["show", str(build / "align" / "align-000000.tar"), "0"]) == 0
    out = capsys.readouterr().out
    assert "page_url   https://example.org/page\n" in out
    assert "similarity 0.250\n" in out
    assert "[txt  0.0 KB]\n    two red geese\n" in out


def test_show_as_json(build, capsys):
    assert main(["show", str(build / "align" / "align-000000.tar"), "0", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["key"] == KEYS[0]
    assert shown["members"][0] == {"name": f"{KEYS[0]}.jpg", "offset": 512, "size": len(JPEG)}
    assert shown["json"]["caption"] == shown["texts"][f"{KEYS[0]}.txt"] == "two red geese"


def test_show_extracts_images(build, tmp_path, capsys):
    path = build / "m3w" / "m3w-000000.tar"
    assert main(["show", str(path), "0", "--extract", str(tmp_path / "seen")]) == 0
    names = sorted(child.name for child in (tmp_path / "seen").iterdir())
    assert names == [f"{KEYS[0]}.0.jpg", f"{KEYS[0]}.1.jpg", f"{KEYS[0]}.json"]
    assert (tmp_path / "seen" / names[0]).read_bytes() == JPEG


def test_show_extracts_nothing_under_an_unsafe_name(tmp_path, capsys):
    path = foreign(tmp_path / "x.tar", {"../../a.txt": b"fine", "../../.bashrc": b"bad"})
    assert main(["show", str(path), "0", "1", "--extract", str(tmp_path / "d" / "e")]) == 0
    assert [child.name for child in tmp_path.rglob("*.txt")] == ["a.txt"]
    assert (tmp_path / "d" / "e" / "a.txt").exists()
    assert "not written, unsafe name: '../../.bashrc'" in capsys.readouterr().err


def test_show_of_strange_json_does_not_fail(tmp_path, capsys):
    record = {
        "parts": [3, {"kind": "text", "sentences": [[0, 1]]}, {"kind": "image", "scores": [1]}]
    }
    members = {"a.json": json.dumps(record).encode(), "b.json": b"[" * 9999, "c.json": b"[]"}
    path = foreign(tmp_path / "x.tar", members)
    assert main(["show", str(path), "0", "1", "2"]) == 0
    assert "[not a part: 3]" in capsys.readouterr().out


def test_a_sample_that_is_not_there(build, capsys):
    assert main(["show", str(build), "99", "ffffffff"]) == 1
    assert capsys.readouterr().err == "no sample 99\nno sample ffffffff\n"


# stats


def test_stats_by_corpus(build, capsys):
    assert main(["stats", str(build), "--json"]) == 0
    align, m3w, vtp = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (align["corpus"], m3w["corpus"], vtp["corpus"]) == ("align", "m3w", "vtp")
    assert (m3w["shards"], m3w["samples"], m3w["images"], m3w["words"]) == (1, 3, 6, 45)
    assert m3w["per_sample"]["images"]["median"] == 2
    assert m3w["per_sample"]["score"]["mean"] == 0.3
    assert m3w["languages"] == {"en": 3}
    assert align["largest_hosts"] == {"example.org": 3}
    assert align["per_sample"]["shorter_side_px"]["max"] == 32


def test_stats_as_a_table(build, tmp_path, capsys):
    bad_url = {"a.json": b'{"url": "http://[", "parts": 1}', "a.txt": b"x y"}
    path = foreign(tmp_path / "x.tar", bad_url)
    assert main(["stats", str(build / "m3w" / "m3w-000000.tar"), str(path)]) == 0
    out = capsys.readouterr().out
    assert "m3w: 3 samples in 1 shards\n" in out
    assert "  words                       45\n" in out
    assert "other: 1 samples in 1 shards\n" in out


# view


def test_view_writes_a_page_of_the_first_of_each_corpus(build, tmp_path, capsys):
    page = tmp_path / "new" / "page.html"
    assert main(["view", str(build), "--number", "2", "--output", str(page)]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    content = page.read_text()
    assert re.findall(r'id="sample-([0-9a-f]+)"', content) == [*KEYS[:2], *KEYS[:2], KEYS[0]]
    assert re.findall(r'<section id="(\w+)"', content) == ["align", "m3w", "vtp"]
    assert [child.name for child in page.parent.iterdir()] == ["page.html"]


def test_view_of_keys_and_numbers_as_json(build, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = build / "m3w" / "m3w-000000.tar"
    assert main(["view", str(path), "0", KEYS[2][:8], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "output": "samples.html",
        "bytes": (tmp_path / "samples.html").stat().st_size,
        "samples": [{"shard": str(path), "index": index, "key": KEYS[index]} for index in (0, 2)],
    }


def test_view_replaces_an_older_page(build, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old")
    assert main(["view", str(build), "0", "--output", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")


def test_view_of_a_sample_that_is_not_there_writes_nothing(build, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["view", str(build), "99", "--output", str(page)]) == 1
    assert capsys.readouterr().err == "no sample 99\nno sample to view, no page written\n"
    assert not page.exists()


def test_view_of_damage_shows_the_rest_and_fails(tmp_path, capsys):
    path = M3W.write(tmp_path)
    rewrite(path, lambda members: [*members[:2], *members[3:]])
    page = tmp_path / "page.html"
    assert main(["view", str(path), "--output", str(page)]) == 1
    assert capsys.readouterr().err.startswith(f"{path}: sample 0: ")
    assert page.read_text().count("This sample cannot be read") == 1


def test_view_that_cannot_be_written_is_one_line(build, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for output in (f"{tmp_path}/file/page.html", "nowhere://page.html"):
        assert main(["view", str(build), "--output", output]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{output}: cannot be written: ")


@pytest.mark.parametrize(
    "options",
    [["--number", "0"], ["--number", "x"], ["--output", "m3w.tar"], ["0", "--number", "1"]],
)
def test_wrong_usage_of_view(options, build):
    with pytest.raises(SystemExit) as caught:
        main(["view", str(build), *options])
    assert caught.value.code == 2


# Usage


def test_a_path_without_shards_is_wrong_usage(tmp_path, capsys):
    for argv in (["ls", str(tmp_path)], ["ls", str(tmp_path / "none.tar")], ["show", "1234"]):
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 2
    err = capsys.readouterr().err
    assert f"no shard found at {tmp_path}" in err
    assert "no path among the arguments, only KEY or NUMBER" in err


@pytest.mark.parametrize("argv", [[], ["view", "x"], ["ls"], ["ls", "x", "--nope"]])
def test_wrong_usage(argv):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "inspect_shard verify OUT" in capsys.readouterr().out


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_closed_pipe_ends_quietly(build, monkeypatch):
    monkeypatch.setattr("sys.stdout", Closed())
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert main(["ls", str(build)]) == 0


def test_a_replaced_record_is_still_found_whole(tmp_path, capsys):
    other = Shard("m3w", [replace(sequence(key), parts=(TextPart("only text"),)) for key in KEYS])
    assert faults_of(capsys, other.write(tmp_path)) == []


# sources


def test_sources_of_pairs(build, capsys):
    assert main(["sources", str(build), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["corpus"] for row in rows} <= {"align", "ltip", "vtp"}
    assert all(row["pairs"] > 0 and row["mean_words"] > 0 for row in rows)
    assert main(["sources", str(build)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split("\t")[:3] == ["corpus", "host", "pairs"]
    assert len(lines) == len(rows) > 0
    assert lines[0].split("\t")[1] == rows[0]["host"]
