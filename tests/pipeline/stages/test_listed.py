"""What a hash list has is refused before it is kept; a list that changed is asked anew."""

import hashlib

from pipeline.media.hash_lists import read_hash_lists
from pipeline.media.outcome import Outcome
from pipeline.stages.listed import still_listed, without_listed
from schemas.rejection import Reason, Why
from schemas.tables import FetchRow, told

DIGEST = hashlib.sha256(b"bad").hexdigest()
LISTS = read_hash_lists(["l"], {"l": DIGEST.encode()}.__getitem__)
NONE = read_hash_lists([], None)


def outcome(body):
    return Outcome("http://a/", "http://a/", 200, body, "image/png", None, 0.1, 3)


def test_listed_bytes_are_gone_with_a_reason():
    refused = without_listed(outcome(b"bad"), LISTS)
    assert refused.body is None
    assert refused.why == Why(Reason.LISTED_HASH, detail=f"sha256 {DIGEST}")
    assert (refused.status, refused.wire_bytes) == (200, 3)


def test_all_others_are_what_they_were():
    for one in (outcome(b"good"), outcome(None), outcome(b"")):
        assert without_listed(one, LISTS) is one
    assert without_listed(outcome(b"bad"), NONE).body == b"bad"


def test_a_row_holds_as_long_as_a_list_has_its_digest():
    why = without_listed(outcome(b"bad"), LISTS).why
    row = FetchRow("http://a/", "image", "web", **told(why))
    assert still_listed(row, LISTS)
    assert not still_listed(row, NONE)
    assert still_listed(FetchRow("http://a/", "image", "web", reason="timeout"), NONE)
    assert still_listed(FetchRow("http://a/", "image", "web"), NONE)
