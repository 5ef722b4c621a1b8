"""What enters and what leaves, by the indexes of shards."""

from dataclasses import replace

import pytest

from pipeline.corpora.what_if import all_there, changed_keys, changes, what_if_lines
from pipeline.stages.shards import _sidecar, write_samples
from schemas.manifest import Manifest
from schemas.records import Image, PackRef, Pair, Sequence, TextPart
from schemas.shard import encode_pair, encode_sequence

MANIFEST = Manifest("x", "tiny", "d", {"similarity": {"keep": 0.8}, "seed": 0}, [], [], [], [], [])
AFTER = replace(MANIFEST, recipe={"similarity": {"keep": 0.2}, "seed": 0})


def pair(number, text="a red cup"):
    image = Image("c" * 64, PackRef("a" * 64, "p", 0, 2), 4, 4, 4, 4, "0" * 16)
    url = f"http://a/{number}.jpg"
    return Pair(f"{number:032x}", url, "http://a/", text, image, score=number / 16)


def sequence(number):
    return Sequence(f"{number:032x}", f"http://a/{number}", "", "en", (TextPart("Words."),))


def shard(path, records):
    encode = encode_pair if isinstance(records[0], Pair) else encode_sequence
    with path.open("wb") as stream:
        rows = write_samples(stream, ((one, encode(one, lambda ref: b"jp")) for one in records))
    path.with_suffix(".parquet").write_bytes(_sidecar(rows))
    return str(path)


@pytest.fixture
def tars(tmp_path):
    had = [shard(tmp_path / "0.tar", [pair(n) for n in range(5)])]
    long = [pair(n, "word\n" * 40) for n in (6, 5)]
    has = [shard(tmp_path / "1.tar", [pair(4)]), shard(tmp_path / "2.tar", long)]
    had_m3w = [shard(tmp_path / "3.tar", [sequence(1)])]
    return {"align": had, "m3w": had_m3w}, {"align": has, "m3w": []}


def test_what_enters_and_what_leaves(tars):
    align, m3w = changes(*tars)
    assert (align.before, align.after, align.enters, align.leaves) == (5, 3, 2, 4)
    assert [one.url for one in align.leaving] == [f"http://a/{n}.jpg" for n in range(3)]
    assert [one.score for one in align.entering] == [5 / 16, 6 / 16]
    assert (m3w.before, m3w.after, m3w.leaves) == (1, 0, 1)
    assert (m3w.leaving[0].text, m3w.leaving[0].score) == ("", None)


def test_it_is_told_with_settings_thresholds_and_examples(tars):
    pools = {"align": {"scored": 9}}
    before = replace(MANIFEST, thresholds={"align": 0.25}, pools=pools)
    lines = list(what_if_lines(changes(*tars), before, replace(AFTER, pools=pools)))
    assert lines[0] == "what changes with similarity.keep 0.8 -> 0.2:"
    assert lines[1] == (
        "align          5 -> 3 samples: 2 enter, 4 leave; least score 0.2500 -> none, 9 scored"
    )
    assert lines[4] == "  leaves  0.0000 a red cup http://a/0.jpg"
    assert "word … http://a/5.jpg" in lines[2]
    assert lines[7] == "m3w            1 -> 0 samples: 0 enter, 1 leave"
    assert lines[8] == "  leaves  http://a/1"
    (head,) = what_if_lines([], MANIFEST, MANIFEST)
    assert "other inputs or other code" in head


def test_keys_that_differ():
    assert list(changed_keys({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4}})) == [
        ("a.c", 2, 4),
        ("d", 3, None),
    ]


def test_shards_that_are_gone_say_nothing(tars, tmp_path):
    assert all(all_there(one) for one in tars)
    (tmp_path / "0.parquet").unlink()
    assert not all_there(tars[0])
