import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sample_digest import add_digest, holds_digest

CONTENT = b'{"key":"goose","text":"two geese"}'
OTHERS = (b"pixels", b"two geese")


@given(st.dictionaries(st.text(), st.integers(), min_size=1), st.lists(st.binary()))
def test_what_is_sealed_holds_and_is_read_as_before(record, others):
    sealed = add_digest(json.dumps(record).encode(), others)
    assert holds_digest(sealed, others) is True
    assert json.loads(sealed) == record | {"digest": json.loads(sealed)["digest"]}
    assert list(json.loads(sealed))[-1] == "digest" or "digest" in record


def test_every_changed_byte_is_noticed():
    sealed = add_digest(CONTENT, OTHERS)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert holds_digest(bytes(changed), OTHERS) is not True, place


@pytest.mark.parametrize("others", [(), OTHERS[:1], OTHERS[::-1], (b"pixelst", b"wo geese")])
def test_other_members_missing_swapped_or_changed_are_noticed(others):
    assert holds_digest(add_digest(CONTENT, OTHERS), others) is False


@pytest.mark.parametrize("content", [b"", b"}", CONTENT, b'{"digest":"0"}', CONTENT + b"\n"])
def test_no_digest_is_no_verdict(content):
    assert holds_digest(content, OTHERS) is None
