"""Digests of what must not be kept, by the user's own lists."""

import hashlib

import pytest

from pipeline.media.hash_lists import BadHashList, HashLists, read_hash_lists
from schemas.rejection import Reason, Why

BODIES = [f"body {number}".encode() for number in range(300)]


def lists(text: str) -> HashLists:
    return read_hash_lists(["list.txt"], {"list.txt": text.encode()}.__getitem__)


@pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
def test_each_kind_of_digest_finds_its_bytes_and_no_others(name):
    listed = BODIES[::2]
    found = lists("\n".join(hashlib.new(name, body).hexdigest() for body in listed))
    for body in listed:
        digest = hashlib.new(name, body).hexdigest()
        assert found.judge(body) == Why(Reason.LISTED_HASH, detail=f"{name} {digest}")
        assert found.names(f"{name} {digest}")
    assert not any(found.judge(body) for body in BODIES[1::2])
    assert not found.names(f"{name} {hashlib.new(name, BODIES[1]).hexdigest()}")


def test_kinds_may_be_mixed_over_files_with_comments_and_capitals():
    files = {
        "a": b"\xef\xbb\xbf# of an authority\n\n" + hashlib.md5(b"a").hexdigest().encode(),
        "b": f"  {hashlib.sha256(b'b').hexdigest().upper()}  # one\r\n".encode(),
    }
    found = read_hash_lists(files, files.__getitem__)
    assert found.judge(b"a").detail.startswith("md5 ")
    assert found.judge(b"b").detail.startswith("sha256 ")
    assert found.judge(b"c") is None


def test_digests_that_end_in_zeros_are_whole_ones():
    digest = bytes(range(1, 31)) + b"\0\0"
    found = lists(digest.hex())
    assert found.names(f"sha256 {digest.hex()}")
    assert not found.names(f"sha256 {(digest[:-1] + b'1').hex()}")
    assert not found.names(f"sha1 {digest[:20].hex()}")


def test_without_lists_nothing_is_listed_and_nothing_hashed(monkeypatch):
    monkeypatch.setattr(hashlib, "sha256", None)
    assert HashLists().judge(b"a") is None
    assert read_hash_lists([], None).judge(b"a") is None
    assert not HashLists().names("no digest")


@pytest.mark.parametrize(
    "line", ["abc", "xyz", "d41d8cd98f00b204e9800998ecf8427e  file.jpg", "ab cd" * 16, "é" * 32]
)
def test_a_line_that_is_no_digest_is_an_error_with_its_place(line):
    with pytest.raises(BadHashList, match=r"^list.txt, line 3: not a SHA-256, SHA-1 or MD5 digest"):
        lists(f"# list\n{hashlib.md5(b'a').hexdigest()}\n{line}\n")
