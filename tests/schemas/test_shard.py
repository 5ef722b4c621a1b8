import gc
import io
import json
import zlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.keys import make_key, sha256_hex
from schemas.records import (
    NO_RIGHTS,
    Image,
    ImagePart,
    PackRef,
    Pair,
    Rights,
    Role,
    Sequence,
    TextPart,
    Video,
)
from schemas.rejection import BadInput, Reason
from schemas.shard import (
    check_sample,
    decode_pair,
    decode_sequence,
    encode_pair,
    encode_sequence,
    index_row,
    mean_score,
    round_scores,
)
from schemas.tables import SHARD_INDEX
from schemas.tar import TarWriter

KEY = make_key("a page")
JPEG = b"\xff\xd8\xff\xe0 pixels"
MP4 = b"\0\0\0\x20ftypisom frames"


def make_image(name: str, content: bytes = JPEG, phash: str = "0123456789abcdef") -> Image:
    ref = PackRef(sha256_hex(content), name, 0, len(content))
    return Image(sha256_hex(content + b"as fetched"), ref, 320, 240, 640, 480, phash)


def make_video(name: str) -> Video:
    ref = PackRef(sha256_hex(MP4), name, 0, len(MP4))
    return Video(sha256_hex(b"source"), ref, 320, 180, 4.25, ("0" * 16, "f" * 16))


def make_sequence() -> Sequence:
    return Sequence(
        key=KEY,
        url="https://example.org/geese",
        title="Geese",
        language="en",
        parts=(
            TextPart("Geese fly.", Role.HEADING, ((0, 10),)),
            ImagePart(
                "https://example.org/1.jpg",
                make_image(f"{KEY}.0.jpg"),
                "geese",
                "",
                (0.25, -0.5),
                RIGHTS,
            ),
            TextPart("They land. They rest.", Role.PARAGRAPH, ((0, 10), (11, 21))),
            ImagePart("https://example.org/2.jpg", make_image(f"{KEY}.1.jpg")),
        ),
        fetched_at="2024-05-01T00:00:00Z",
        licence=("https://creativecommons.org/licenses/by/4.0/",),
    )


RIGHTS = Rights("https://cc.example/by", credit="Kite\nLab", found="license: link; credit: class")


def make_pair(*, video: bool = False) -> Pair:
    name = f"{KEY}.mp4" if video else f"{KEY}.jpg"
    media = make_video(name) if video else make_image(name)
    url, page = "https://example.org/1", "https://example.org/geese"
    text = "three geese at a pond"
    return Pair(KEY, url, page, text, media, "caption", 0.3125, ("cc-by",), RIGHTS)


def read_media(ref: PackRef) -> bytes:
    return MP4 if ref.pack.endswith(".mp4") else JPEG


def sequence_sample() -> list[tuple[str, bytes]]:
    return encode_sequence(make_sequence(), read_media)


def pair_sample(*, video: bool = False) -> list[tuple[str, bytes]]:
    return encode_pair(make_pair(video=video), read_media)


def changed(content: bytes, **fields: object) -> bytes:
    return json.dumps(json.loads(content) | fields, ensure_ascii=False).encode()


def part_changed(content: bytes, k: int, **fields: object) -> bytes:
    record = json.loads(content)
    record["parts"][k] |= fields
    return json.dumps(record).encode()


# What a sample holds


def test_a_sequence_is_its_json_and_its_images_in_order():
    members = sequence_sample()
    assert [name for name, _ in members] == [f"{KEY}.json", f"{KEY}.0.jpg", f"{KEY}.1.jpg"]
    assert members[1][1] == JPEG
    record = json.loads(members[0][1])
    assert list(record) == [
        *("schema", "key", "url", "title", "language", "fetched_at", "licence", "parts", "digest")
    ]
    assert record["schema"] == "m3w/1"
    assert record["parts"][0] == {
        "kind": "text",
        "text": "Geese fly.",
        "role": "heading",
        "sentences": [[0, 10]],
    }
    assert record["parts"][1]["file"] == f"{KEY}.0.jpg"
    assert record["parts"][1]["scores"] == [0.25, -0.5]
    assert record["parts"][1]["rights"] == {
        "license": "https://cc.example/by",
        "acquire": "",
        "credit": "Kite\nLab",
        "creator": "",
        "copyright": "",
        "found": "license: link; credit: class",
    }


def test_a_pair_has_img2datasets_fields_and_ours():
    members = pair_sample()
    assert [name for name, _ in members] == [f"{KEY}.jpg", f"{KEY}.json", f"{KEY}.txt"]
    assert members[2][1] == b"three geese at a pond"
    record = json.loads(members[1][1])
    assert list(record)[:7] == [
        *("caption", "url", "key", "status", "error_message", "width", "height")
    ]
    assert record["status"] == "success"
    assert record["similarity"] == 0.3125
    assert {"original_width", "original_height", "exif", "sha256", "phash"} < set(record)


def test_a_video_pair_has_its_seconds_and_frames():
    members = pair_sample(video=True)
    assert members[0] == (f"{KEY}.mp4", MP4)
    record = json.loads(members[1][1])
    assert record["seconds"] == 4.25
    assert record["frame_phashes"] == ["0" * 16, "f" * 16]
    assert "phash" not in record


def test_json_is_utf8_and_compact():
    sequence = replace(make_sequence(), title="Gänse — 雁")
    content = encode_sequence(sequence, read_media)[0][1]
    assert "Gänse — 雁".encode() in content
    assert b'","url":"' in content


def test_a_licence_stands_only_where_there_is_evidence():
    sequence, pair = replace(make_sequence(), licence=()), replace(make_pair(), licence=())
    bare_sequence, bare_pair = encode_sequence(sequence, read_media), encode_pair(pair, read_media)
    assert "licence" not in json.loads(bare_sequence[0][1])
    assert "licence" not in json.loads(bare_pair[1][1])
    assert decode_sequence(bare_sequence).licence == decode_pair(bare_pair).licence == ()
    assert json.loads(pair_sample()[1][1])["licence"] == ["cc-by"]


def test_every_image_and_pair_has_its_rights_and_older_samples_go_without():
    parts = json.loads(sequence_sample()[0][1])["parts"]
    assert set(parts[3]["rights"].values()) == {""}
    assert json.loads(pair_sample()[1][1])["rights"] == parts[1]["rights"]
    for sample, place, decode in (
        (sequence_sample(), 0, decode_sequence),
        (pair_sample(), 1, decode_pair),
    ):
        record = json.loads(sample[place][1])
        for holder in (record, *record.get("parts", ())):
            holder.pop("rights", None)
        sample[place] = (sample[place][0], json.dumps(record).encode())
        old = decode(sample)
        images = [old] if place else [p for p in old.parts if isinstance(p, ImagePart)]
        assert {one.rights for one in images} == {NO_RIGHTS}


def test_a_lone_surrogate_keeps_its_place():
    sequence = replace(make_sequence(), parts=(TextPart("a\ud800b", sentences=((0, 3),)),))
    part = decode_sequence(encode_sequence(sequence, read_media)).parts[0]
    assert part.text == "a?b"


def test_no_number_that_json_lacks():
    with pytest.raises(ValueError, match="JSON compliant"):
        encode_pair(replace(make_pair(), score=float("nan")), read_media)


# decode(encode(x)) = x

TEXTS = st.text(max_size=30)
SCORES = st.lists(st.floats(-1, 1, width=16), max_size=6).map(tuple)
KEYS = st.binary(max_size=8).map(make_key)


@st.composite
def text_parts(draw: st.DrawFn) -> TextPart:
    text = draw(TEXTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    spans = tuple(zip(cuts[::2], cuts[1::2], strict=False))
    return TextPart(text, draw(st.sampled_from(Role)), spans)


@st.composite
def image_parts(draw: st.DrawFn) -> ImagePart:
    image = make_image("?", phash=f"{draw(st.integers(0, 2**64 - 1)):016x}")
    rights = Rights(*(draw(TEXTS) for _ in Rights.__slots__))
    return ImagePart(draw(TEXTS), image, draw(TEXTS), draw(TEXTS), draw(SCORES), rights)


@st.composite
def sequences(draw: st.DrawFn) -> Sequence:
    key = draw(KEYS)
    parts = draw(st.lists(text_parts() | image_parts(), max_size=6))
    images = 0
    for index, part in enumerate(parts):
        if isinstance(part, ImagePart):
            parts[index] = replace(part, image=make_image(f"{key}.{images}.jpg"))
            images += 1
    words = [draw(TEXTS) for _ in range(4)]
    licence = tuple(draw(st.lists(TEXTS, max_size=2)))
    return Sequence(key, words[0], words[1], words[2], tuple(parts), words[3], licence)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    pair = make_pair(video=draw(st.booleans()))
    score = draw(st.none() | st.floats(-1, 1))
    text, page_url = draw(TEXTS), draw(TEXTS)
    return replace(pair, text=text, page_url=page_url, score=score)


@settings(deadline=None)
@given(sequences())
def test_a_sequence_comes_back(sequence):
    assert decode_sequence(encode_sequence(sequence, read_media)) == sequence


@settings(deadline=None)
@given(pairs())
def test_a_pair_comes_back(pair):
    assert decode_pair(encode_pair(pair, read_media)) == pair


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), max_size=5))
def test_scores_are_the_nearest_float16(scores):
    expected = np.array(scores, dtype=np.float16).astype(float).tolist()
    assert list(round_scores(scores)) == expected
    assert round_scores(expected) == tuple(expected)


def test_scores_take_five_digits_in_the_json():
    image = ImagePart("u", make_image(f"{KEY}.0.jpg"), scores=(0.1, 0.23339843, -1.0))
    content = encode_sequence(replace(make_sequence(), parts=(image,)), read_media)[0][1]
    assert b'"scores":[0.099976,0.2334,-1.0]' in content


# Faults


def test_a_whole_sample_has_no_faults():
    assert check_sample(sequence_sample(), "m3w") == []
    assert check_sample(pair_sample(), "align") == []
    assert check_sample(pair_sample(), "ltip") == []
    assert check_sample(pair_sample(video=True), "vtp") == []


FIRST = sequence_sample()[0][1]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (changed(FIRST, schema="m3w/2"), "schema must be 'm3w/1', got 'm3w/2'"),
        (changed(FIRST, key="other"), "the JSON's key is 'other'"),
        (changed(FIRST, title=3), "title must be a text, got 3"),
        (changed(FIRST, licence=[3]), "licence must be a list of texts"),
        (changed(FIRST, parts={}), "parts must be a list of parts"),
        (changed(FIRST, parts=[3]), "part 0: kind must be text or image, got None"),
        (part_changed(FIRST, 0, kind="song"), "kind must be text or image, got 'song'"),
        (part_changed(FIRST, 0, role="song"), "role must be one of heading, paragraph"),
        (part_changed(FIRST, 0, sentences=[[0, 99]]), "not [start, end) spans of the text"),
        (part_changed(FIRST, 0, sentences=[[5, 2]]), "not [start, end) spans of the text"),
        (part_changed(FIRST, 0, sentences=[[0, 5], [4, 6]]), "not [start, end) spans"),
        (part_changed(FIRST, 0, sentences=[[0, True]]), "not [start, end) spans"),
        (part_changed(FIRST, 0, sentences=[7]), "not [start, end) spans"),
        (part_changed(FIRST, 1, width=-1), "width must be a whole number of at least 0, got -1"),
        (part_changed(FIRST, 1, phash="xyz"), "phash must be 16 hex digits"),
        (part_changed(FIRST, 1, scores=["a"]), "scores must be a list of numbers"),
        (part_changed(FIRST, 1, file="a.jpg"), "image parts name a.jpg"),
        (part_changed(FIRST, 1, sha256=None), "sha256 must be 64 hex digits, got None"),
        (part_changed(FIRST, 1, rights="cc-by"), "rights must be an object of the texts license"),
        (part_changed(FIRST, 1, rights={"license": ""}), "rights must be an object of the texts"),
        (
            part_changed(FIRST, 1, rights=dict.fromkeys(Rights.__slots__, 3)),
            "rights must be an object of the texts",
        ),
    ],
)
def test_faults_of_a_sequences_json(content, fault):
    sample = [(f"{KEY}.json", content), *sequence_sample()[1:]]
    faults = check_sample(sample, "m3w")
    assert fault in faults[0]
    with pytest.raises(BadInput) as caught:
        decode_sequence(sample)
    assert caught.value.why.reason is Reason.DAMAGED_RECORD


def test_every_missing_field_is_named():
    record = json.loads(FIRST)
    for field in record.keys() - {"licence"}:
        content = json.dumps({name: record[name] for name in record if name != field}).encode()
        faults = check_sample([(f"{KEY}.json", content), *sequence_sample()[1:]], "m3w")
        assert field == "digest" or any(field in fault for fault in faults)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ([], "no members"),
        ([("../a.json", b"")], "unsafe member name '../a.json'"),
        ([("page.json", b"{}")], "key 'page' is not 32 to 64 hex digits"),
        (sequence_sample()[1:], "first member is"),
        (sequence_sample()[:2], "members are"),
        ([*sequence_sample(), (f"{KEY}.2.jpg", JPEG)], "members are"),
        ([*sequence_sample()[::2], sequence_sample()[1]], "members are"),
        ([*sequence_sample()[:2], (f"{KEY}.1.jpg", b"GIF89a")], "not what its name says"),
    ],
)
def test_faults_of_a_sequences_members(members, fault):
    assert fault in check_sample(members, "m3w")[0]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{", "not JSON"),
        (changed(pair_sample()[1][1], caption="other"), "the text is not the JSON's caption"),
        (changed(pair_sample()[1][1], similarity="high"), "similarity must be a number or null"),
        (changed(pair_sample()[1][1], schema="pair/9"), "schema must be 'pair/1'"),
        (changed(pair_sample()[1][1], phash=1), "phash must be 16 hex digits"),
    ],
)
def test_faults_of_a_pairs_json(content, fault):
    image, _, text = pair_sample()
    assert fault in check_sample([image, (f"{KEY}.json", content), text], "align")[0]


def test_faults_of_a_pairs_members():
    image, record, text = pair_sample()
    assert "members are" in check_sample([record, image, text], "align")[0]
    assert "members are" in check_sample([image, record, text], "vtp")[0]
    broken = [(image[0], b"<html>"), record, text]
    assert "not what its name says" in check_sample(broken, "ltip")[0]
    video, record, text = pair_sample(video=True)
    wrong = (record[0], changed(record[1], frame_phashes=["x"]))
    assert "frame_phashes" in check_sample([video, wrong, text], "vtp")[0]
    with pytest.raises(BadInput):
        decode_pair([video, wrong, text])


# The index


def test_an_index_row_says_where_everything_lies():
    stream = io.BytesIO()
    writer = TarWriter(stream)
    writer.add("before.txt", b"x" * 600)
    members = sequence_sample()
    offsets = [writer.add(name, content) for name, content in members]
    end = writer.position
    writer.close()
    row = index_row(make_sequence(), members, offsets)
    assert row["key"] == KEY
    assert row["offset"] == 512 + 1024
    assert row["offset"] + row["size"] == end
    assert [member["name"] for member in row["members"]] == [name for name, _ in members]
    for member, (_, content) in zip(row["members"], members, strict=True):
        start = member["offset"]
        assert stream.getvalue()[start : start + member["size"]] == content
        assert member["crc32"] == zlib.crc32(content)
    assert (row["texts"], row["images"], row["videos"], row["words"]) == (2, 2, 0, 6)
    assert row["score"] == 0.25


def test_index_rows_of_pairs():
    members = pair_sample(video=True)
    row = index_row(make_pair(video=True), members, [512, 1536, 2560])
    assert (row["texts"], row["images"], row["videos"], row["words"]) == (1, 0, 1, 5)
    assert row["score"] == 0.3125
    assert index_row(make_pair(), pair_sample(), [512, 1536, 2560])["images"] == 1


def test_index_rows_fit_their_table():
    rows = [
        index_row(make_sequence(), sequence_sample(), [512, 2048, 3072]),
        index_row(replace(make_pair(), score=None), pair_sample(), [4608, 5632, 6656]),
    ]
    assert pa.Table.from_pylist(rows, SHARD_INDEX).to_pylist() == rows


def test_the_mean_score_is_of_the_best_sentence_of_each_image():
    first, second = (ImagePart("u", make_image("a.jpg"), scores=s) for s in ((0.5, 0.25), (0.0,)))
    unscored = ImagePart("u", make_image("a.jpg"))
    sequence = replace(make_sequence(), parts=(first, TextPart("a"), second, unscored))
    assert mean_score(sequence) == 0.25
    assert mean_score(replace(sequence, parts=(unscored,))) is None
    assert mean_score(make_pair()) == 0.3125


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # webdataset leaves it open
def test_webdataset_reads_the_samples_as_they_are(tmp_path):
    path = tmp_path / "align-000000.tar"
    with path.open("wb") as stream:
        writer = TarWriter(stream)
        for name, content in pair_sample():
            writer.add(name, content)
        writer.close()
    (sample,) = webdataset.WebDataset(str(path), shardshuffle=False).decode()
    gc.collect()
    assert sample["txt"] == "three geese at a pond"
    assert sample["json"]["key"] == sample["__key__"] == KEY
    assert decode_pair([(f"{KEY}.{ext}", content) for ext, content in undecoded(path)]).key == KEY


def undecoded(path) -> list[tuple[str, bytes]]:
    (sample,) = webdataset.WebDataset(str(path), shardshuffle=False)
    gc.collect()
    return [(ext, sample[ext]) for ext in ("jpg", "json", "txt")]


def test_a_filter_networks_score_comes_back_and_is_left_out_where_there_is_none():
    scored = replace(make_pair(), filter_score=0.25)
    assert decode_pair(encode_pair(scored, read_media)).filter_score == 0.25
    plain = encode_pair(make_pair(), read_media)
    assert decode_pair(plain).filter_score is None
    assert not any(b"filter_similarity" in content for _, content in plain)
