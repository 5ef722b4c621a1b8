"""What the build found unsafe has no picture on the page."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.report.samples import Shown
from pipeline.report.unseen import media_keys, unsafe_keys, without_unsafe
from schemas.records import Image, ImagePart, PackRef, Pair, Sequence, TextPart, Video
from schemas.tables import Decision, to_rows

REF = PackRef("a" * 64, "p", 0, 1)


def image(key):
    return Image(key, REF, 9, 9, 9, 9, "0" * 16)


def sequence(*keys):
    parts = [TextPart("words"), *(ImagePart(f"http://a/{key}", image(key)) for key in keys)]
    return Shown(
        "m3w",
        "k",
        "s",
        Sequence("k", "u", "t", "en", tuple(parts)),
        tuple(f"uri-{k}" for k in keys),
    )


FILM = Shown(
    "vtp", "k", "s", Pair("k", "u", "p", "t", Video("v", REF, 9, 9, 1.0)), ("uri-v",), video="film"
)
DAMAGED = Shown("m3w", "k", "s", None, fault="cut")


def decided(key, *, kept, reason):
    return Decision("unsafe", "image", key, "http://a/", kept, reason, 0.9, 0.5)


@pytest.fixture
def output(tmp_path):
    rows = [
        decided("one", kept=True, reason="unsafe"),
        decided("two", kept=False, reason="unsafe"),
        decided("three", kept=True, reason=None),
    ]
    (tmp_path / "decisions").mkdir()
    pq.write_table(to_rows(Decision, rows), tmp_path / "decisions" / "unsafe-00000.parquet")
    (tmp_path / "decisions" / "copies-00000.parquet").write_bytes(b"is not read")
    return str(tmp_path)


class Disk:
    def list(self, folder):
        return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())

    def open(self, path):
        return Path(path).open("rb")


def test_keys_are_unsafe_whatever_the_policy_made_of_them(output):
    asked = {"one", "two", "three", "four"}
    assert unsafe_keys(output, asked, Disk()) == {"one", "two"}
    assert unsafe_keys(output, {"three"}, Disk()) == set()
    assert unsafe_keys("/no/such/output", set(), Disk()) == set()


def test_the_keys_of_all_that_may_be_shown():
    shown = [sequence("one", "two"), FILM, DAMAGED]
    assert list(media_keys(shown)) == ["one", "two", "v"]


def test_unsafe_media_have_no_picture_and_the_others_theirs():
    shown = without_unsafe(sequence("one", "two", "three"), {"two", "v"})
    assert shown.thumbnails == ("uri-one", "", "uri-three")
    film = without_unsafe(FILM, {"v"})
    assert (film.thumbnails, film.video) == (("",), "")
    for safe in (sequence("one"), FILM, DAMAGED):
        assert without_unsafe(safe, {"two"}) is safe
