import gc
import io
import tarfile
from collections.abc import Iterator

import pytest
import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rejection import BadInput, Reason
from schemas.tar import BLOCK, MAX_CONTENT, Member, TarWriter, is_safe_name, padded, read_tar

NAMES = st.from_regex(r"[0-9a-f]{32}\.(?:json|txt|[0-9]\.jpg)", fullmatch=True)
FILES = st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=5)


def make_tar(files: list[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    writer = TarWriter(stream)
    for name, content in files:
        writer.add(name, content)
    writer.close()
    return stream.getvalue()


def read_all(content: bytes) -> list[tuple[str, bytes]]:
    return [(member.name, member.content) for member in read_tar(io.BytesIO(content))]


def foreign_tar(files: list[tuple[str, bytes]], tar_format: int, mtime: float = 1.5) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tar_format) as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = mtime
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@settings(deadline=None)
@given(FILES)
def test_what_was_written_is_read(files):
    assert read_all(make_tar(files)) == files


@settings(deadline=None)
@given(FILES)
def test_tarfile_reads_the_same_at_the_same_offsets(files):
    content = make_tar(files)
    ours = list(read_tar(io.BytesIO(content)))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        theirs = [
            Member(info.name, info.offset_data, tar.extractfile(info).read())
            for info in tar.getmembers()
        ]
    assert ours == theirs


def test_add_answers_the_offset_of_the_content():
    stream = io.BytesIO()
    writer = TarWriter(stream)
    offsets = [writer.add("a.txt", b"x" * 700), writer.add("b.txt", b"yz")]
    writer.close()
    assert offsets == [512, 512 + 1024 + 512]
    assert stream.getvalue()[offsets[1] :][:2] == b"yz"
    assert writer.position == len(stream.getvalue())


def test_metadata_is_fixed():
    with tarfile.open(fileobj=io.BytesIO(make_tar([("a.txt", b"x")]))) as tar:
        info = tar.getmember("a.txt")
    assert (info.mtime, info.uid, info.gid, info.mode) == (0, 0, 0, 0o644)
    assert (info.uname, info.gname) == ("", "")


def test_closing_twice_writes_one_end():
    stream = io.BytesIO()
    writer = TarWriter(stream)
    writer.close()
    writer.close()
    assert stream.getvalue() == bytes(2 * BLOCK)


def test_a_closed_tar_takes_no_more():
    writer = TarWriter(io.BytesIO())
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.add("a.txt", b"")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "/a", "a/b", "a\\b", ".a", "-a", "a..b", "a\n", "é", "a b", "x" * 101],
)
def test_unsafe_names_are_refused(name):
    assert not is_safe_name(name)
    with pytest.raises(ValueError, match="safe name"):
        TarWriter(io.BytesIO()).add(name, b"")


@pytest.mark.parametrize("name", ["a.txt", "0af.0.jpg", "x" * 100, "A_b-c.json"])
def test_safe_names_are_taken(name):
    assert read_all(make_tar([(name, b"x")])) == [(name, b"x")]


class Huge(bytes):
    def __len__(self) -> int:
        return MAX_CONTENT + 1


def test_a_content_that_a_header_cannot_count_is_refused():
    with pytest.raises(ValueError, match="at most"):
        TarWriter(io.BytesIO()).add("a.bin", Huge())


def test_padded():
    assert [padded(size) for size in (0, 1, 512, 513)] == [0, 512, 512, 1024]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # webdataset leaves it open
def test_webdataset_reads_it(tmp_path):
    path = tmp_path / "m3w-000000.tar"
    path.write_bytes(make_tar([("ab.json", b"{}"), ("ab.0.jpg", b"x"), ("cd.json", b"[]")]))
    samples = list(webdataset.WebDataset(str(path), shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == ["ab", "cd"]
    assert samples[0]["0.jpg"] == b"x"
    gc.collect()


# What others write


LONG = "folder/" * 40 + "name.txt"


@pytest.mark.parametrize(
    "tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
)
def test_other_writers_tars_are_read(tar_format):
    files = [("a.jpg", b"1" * 513), ("folder/b.json", b"{}"), ("c.txt", b"")]
    assert read_all(foreign_tar(files, tar_format)) == files


@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read(tar_format):
    files = [(LONG, b"x"), ("ü.txt", b"y"), ("plain.txt", b"z")]
    assert read_all(foreign_tar(files, tar_format)) == files


def test_a_ustar_prefix_belongs_to_the_name():
    name = "p" * 90 + "/" + "n" * 60
    assert read_all(foreign_tar([(name, b"x")], tarfile.USTAR_FORMAT)) == [(name, b"x")]


def test_webdatasets_own_writer_is_read():
    stream = io.BytesIO()
    with webdataset.TarWriter(stream) as writer:
        writer.write({"__key__": "ab", "txt": "hello", "json": {"a": 1}})
    assert read_all(stream.getvalue()) == [("ab.json", b'{"a": 1}'), ("ab.txt", b"hello")]


def test_folders_are_passed_over_and_links_refused():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        link = tarfile.TarInfo("link")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        tar.addfile(link)
    assert damage(stream.getvalue()) == "member of type b'2', not a file at byte 1024"


# Damage


def damage(content: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        read_all(content)
    assert caught.value.why.reason is Reason.DAMAGED_RECORD
    return str(caught.value.why.value)


TAR = make_tar([("ab.txt", b"x" * 700), ("cd.txt", b"y")])


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def header_and_padding_bits() -> Iterator[int]:
    payloads = [range(512, 512 + 700), range(2048, 2048 + 1)]
    for bit in range(0, len(TAR) * 8, 3):
        if not any(bit // 8 in payload for payload in payloads):
            yield bit


def test_any_flipped_bit_outside_the_payload_is_seen():
    for bit in header_and_padding_bits():
        assert damage(flipped(TAR, bit))


def test_a_cut_at_any_block_is_seen():
    for size in range(0, len(TAR), BLOCK):
        assert damage(TAR[:size])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no end blocks at byte 0"),
        (TAR[:100], "header cut short at byte 0"),
        (TAR[:600], "payload of 700 bytes cut short at byte 512"),
        (TAR[:1300], "payload of 700 bytes cut short at byte 512"),
        (TAR[:-1024], "no end blocks at byte 2560"),
        (TAR[:-512], "no second end block at byte 3072"),
        (TAR + bytes(512) + b"x", "bytes after the end blocks at byte 3584"),
        (b"\x80" + TAR[1:], "bad header checksum at byte 0"),
        (TAR[:1215] + b"x" + TAR[1216:], "padding not zero after the payload at byte 512"),
    ],
)
def test_damage_is_named_with_its_place(content, what):
    assert damage(content) == what


def with_header(content: bytes, **fields: bytes) -> bytes:
    """The tar with fields of its first header replaced and the checksum made right."""
    places = {"size": 124, "kind": 156}
    block = bytearray(content[:BLOCK])
    for field, value in fields.items():
        block[places[field] : places[field] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content[BLOCK:]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (with_header(TAR, size=b"\x80" + bytes(11)), "bad size at byte 0"),
        (
            with_header(TAR, size=b"77777777777\0"),
            "payload of 8589934591 bytes cut short at byte 512",
        ),
        (
            with_header(TAR, kind=b"L", size=b"00077777777\0"),
            "name header of 16777215 bytes at byte 512",
        ),
        (with_header(TAR, kind=b"x"), "bad pax header at byte 512"),
    ],
)
def test_lying_headers_are_refused(content, what):
    assert damage(content) == what


def pax(record: bytes) -> bytes:
    block = make_tar([("p", record)])[:1024]
    return with_header(block, kind=b"x") + TAR


@pytest.mark.parametrize("record", [b"12 path=a", b"0 path=ab\n", b"99999999 path=a\n"])
def test_bad_pax_records_are_refused(record):
    assert damage(pax(record)).startswith("bad pax header")


@pytest.mark.parametrize("size", [b"-1", b"a", b"9" * 30])
def test_a_bad_pax_size_is_refused(size):
    record = b" size=" + size + b"\n"
    length = len(record) + 2
    assert damage(pax(b"%02d" % length + record)).startswith("bad size in a pax header")


def test_a_global_pax_header_is_passed_over():
    block = with_header(make_tar([("g", b"12 comment=a\n")])[:1024], kind=b"g")
    assert [name for name, _ in read_all(block + TAR)] == ["ab.txt", "cd.txt"]


class Dribble(io.BytesIO):
    """A raw stream: gives less than it was asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 100) if size and size > 0 else size)


def test_a_stream_that_gives_little_at_once_is_read():
    assert [member.name for member in read_tar(Dribble(TAR))] == ["ab.txt", "cd.txt"]
