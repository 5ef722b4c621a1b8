from hypothesis import given
from hypothesis import strategies as st

from schemas.keys import KEY_HEX, bucket_of, make_key, seed_of, sha256_hex


def test_parts_do_not_run_together():
    assert make_key("ab", "c") != make_key("a", "bc") != make_key("abc")
    assert make_key("a") == make_key(b"a")
    assert make_key("\ud800")  # a lone surrogate from a broken page is no crash


@given(st.text(), st.integers(1, 1000))
def test_keys_are_hex_and_buckets_in_range(text, buckets):
    key = make_key(text)
    assert len(key) == KEY_HEX
    assert set(key) <= set("0123456789abcdef")
    assert 0 <= bucket_of(key, buckets) < buckets


def test_buckets_follow_the_keys_order():
    keys = sorted(make_key(str(i)) for i in range(100))
    buckets = [bucket_of(key, 7) for key in keys]
    assert buckets == sorted(buckets)
    assert set(buckets) == set(range(7))


def test_seeds_depend_on_seed_and_item():
    assert seed_of(1, "a") != seed_of(2, "a") != seed_of(2, "b")
    assert seed_of(1, "a") == seed_of(1, "a")


def test_sha256():
    assert sha256_hex(b"").startswith("e3b0c44298fc")
