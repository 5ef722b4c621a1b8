import io
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.store.files import LOCAL
from pipeline.store.packs import UNFINISHED, PackReader, PackWriter, read_packed
from schemas.keys import sha256_hex
from schemas.records import PackRef
from schemas.rejection import BadInput, Reason


def write(root, contents, name="fetch-1/packs/a", **options):
    with PackWriter(str(root), name, **options) as writer:
        return [writer.add(content, "jpg") for content in contents]


def files(root):
    return sorted(str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file())


def test_what_was_packed_is_read_back(tmp_path):
    contents = [b"one", b"", b"two" * 1000, bytes(512)]
    refs = write(tmp_path, contents)
    assert [read_packed(str(tmp_path), ref) for ref in refs] == contents
    assert {ref.pack for ref in refs} == {"fetch-1/packs/a-000.tar"}
    assert [(ref.sha256, ref.size) for ref in refs] == [
        (sha256_hex(content), len(content)) for content in contents
    ]


def test_equal_content_is_kept_once(tmp_path):
    refs = write(tmp_path, [b"one", b"two", b"one"])
    assert refs[0] == refs[2]
    with tarfile.open(tmp_path / refs[0].pack) as tar:
        assert tar.getnames() == [f"{sha256_hex(content)}.jpg" for content in (b"one", b"two")]


def test_a_pack_is_a_plain_tar_with_nothing_of_its_maker(tmp_path):
    (ref,) = write(tmp_path, [b"one"])
    with tarfile.open(tmp_path / ref.pack) as tar:
        (member,) = tar.getmembers()
    assert (member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "")
    assert not member.pax_headers
    assert member.offset_data == ref.offset


def test_equal_contents_make_equal_packs(tmp_path):
    one, two = (write(tmp_path, [b"one", b"two"], name) for name in ("a", "b"))
    packs = [(tmp_path / refs[0].pack).read_bytes() for refs in (one, two)]
    assert packs[0] == packs[1]


def test_a_full_pack_is_followed_by_the_next(tmp_path):
    contents = [bytes([n]) * 1000 for n in range(5)]
    refs = write(tmp_path, contents, "a", max_bytes=3000)
    assert [ref.pack for ref in refs] == [
        "a-000.tar",
        "a-000.tar",
        "a-001.tar",
        "a-001.tar",
        "a-002.tar",
    ]
    with PackReader(str(tmp_path)) as reader:
        assert [reader.read(ref) for ref in refs] == contents


def test_the_packs_are_told_at_the_end(tmp_path):
    writer = PackWriter(str(tmp_path), "a", max_bytes=1)
    writer.add(b"one")
    writer.add(b"two")
    assert writer.close() == ("a-000.tar", "a-001.tar")
    assert writer.close() == ("a-000.tar", "a-001.tar")


def test_nothing_added_is_nothing_written(tmp_path):
    assert PackWriter(str(tmp_path), "a").close() == ()
    assert files(tmp_path) == []


def test_a_pack_has_its_name_only_when_it_is_whole(tmp_path):
    writer = PackWriter(str(tmp_path), "a")
    writer.add(b"one")
    assert files(tmp_path) == ["a-000.tar" + UNFINISHED]
    writer.close()
    assert files(tmp_path) == ["a-000.tar"]


def test_an_error_leaves_no_pack(tmp_path):
    def fail(writer):
        writer.add(b"one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), PackWriter(str(tmp_path), "a") as writer:
        fail(writer)
    assert files(tmp_path) == []


def test_a_full_disk_leaves_no_pack(tmp_path):
    class FullDisk:
        def create(self, path):
            return FullFile(path, "wb")

        open, publish, remove = LOCAL.open, LOCAL.publish, LOCAL.remove

    class FullFile(io.FileIO):
        def write(self, content):
            if self.tell() + len(content) > 2000:
                raise OSError(28, "No space left on device")
            return super().write(content)

    with (
        pytest.raises(OSError, match="No space"),
        PackWriter(str(tmp_path), "a", files=FullDisk()) as writer,
    ):
        writer.add(bytes(4000))
    assert files(tmp_path) == []


@pytest.mark.parametrize("suffix", ["../x", "", "a.b", "JPG", "jpg/", "aaaaaaaaa"])
def test_a_suffix_is_a_plain_ending(tmp_path, suffix):
    with pytest.raises(ValueError, match="suffix"):
        PackWriter(str(tmp_path), "a").add(b"one", suffix)


def test_a_changed_byte_is_seen(tmp_path):
    (ref,) = write(tmp_path, [b"one"])
    path = tmp_path / ref.pack
    content = bytearray(path.read_bytes())
    content[ref.offset] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_packed(str(tmp_path), ref)
    assert caught.value.why.reason is Reason.DAMAGED_RECORD


def test_a_pack_cut_short_is_seen(tmp_path):
    (ref,) = write(tmp_path, [b"one" * 500])
    path = tmp_path / ref.pack
    path.write_bytes(path.read_bytes()[:1000])
    for wrong in (ref, replace(ref, offset=10**9), replace(ref, size=10**6)):
        with pytest.raises(BadInput, match="damaged_record"):
            read_packed(str(tmp_path), wrong)


def test_a_missing_pack_is_no_fault_of_the_record(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_packed(str(tmp_path), PackRef("0" * 64, "gone.tar", 0, 1))


def test_a_reader_keeps_few_packs_open(tmp_path):
    opened = []

    class Counting:
        create, publish, remove = LOCAL.create, LOCAL.publish, LOCAL.remove

        def open(self, path):
            stream = LOCAL.open(path)
            opened.append(stream)
            return stream

    refs = [write(tmp_path, [b"%d" % n], f"p{n}")[0] for n in range(6)]
    with PackReader(str(tmp_path), files=Counting(), max_open=2) as reader:
        for ref in [*refs, *refs[::-1], refs[0]]:
            assert reader.read(ref)
            assert sum(not stream.closed for stream in opened) <= 2
    assert all(stream.closed for stream in opened)
    assert len(opened) == 10  # of 13 reads three find their pack open


def test_a_killed_writer_leaves_no_pack(tmp_path):
    code = (
        "import os, sys; from pipeline.store.packs import PackWriter\n"
        "writer = PackWriter(sys.argv[1], 'a', max_bytes=2000)\n"
        "for n in range(5): writer.add(bytes([n]) * 1000)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    assert files(tmp_path) == ["a-000.tar", "a-001.tar", "a-002.tar" + UNFINISHED]
    for name in ("a-000.tar", "a-001.tar"):
        with tarfile.open(tmp_path / name) as tar:
            assert len(tar.getmembers()) == 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=2000), max_size=12), st.integers(1, 6000))
def test_read_undoes_write(tmp_path_factory, contents, max_bytes):
    root = tmp_path_factory.mktemp("packs")
    refs = write(root, contents, "a", max_bytes=max_bytes)
    with PackReader(str(root)) as reader:
        assert [reader.read(ref) for ref in refs] == contents
