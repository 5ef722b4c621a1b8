import pytest

from schemas.manifest import Manifest, ShardEntry, StageCount, decode_manifest, encode_manifest

MANIFEST = Manifest(
    software="x 1",
    recipe_name="m3w",
    recipe_digest="d",
    recipe={"seed": 1},
    overrides=[],
    inputs=[{"pattern": "a"}],
    models=[],
    stages=[StageCount("read", "page", 3, 2, {"not_html": 1})],
    shards=[ShardEntry("m3w", "m3w/m3w-000000.tar", 2, 10240, "ab")],
    thresholds={"align": 0.25},
    pools={"align": {"scored": 9}},
)


def test_round_trip():
    assert decode_manifest(encode_manifest(MANIFEST)) == MANIFEST
    assert encode_manifest(MANIFEST) == encode_manifest(decode_manifest(encode_manifest(MANIFEST)))


def test_counts_add_up():
    assert MANIFEST.stages[0].adds_up
    assert not StageCount("read", "page", 3, 2).adds_up


@pytest.mark.parametrize(
    "content",
    [b"[]", b"3", b'{"version": "other"}', b'{"version": "m3w-build/1"}', b"{"],
)
def test_anything_else_is_refused(content):
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one of them
        decode_manifest(content)


def test_an_unknown_field_is_refused():
    content = encode_manifest(MANIFEST).replace(b'"overrides"', b'"overrule"')
    with pytest.raises(ValueError, match="not a whole manifest"):
        decode_manifest(content)
