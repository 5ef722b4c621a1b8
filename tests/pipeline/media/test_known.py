from dataclasses import replace

import pytest

from pipeline.media.image import ImageLimits
from pipeline.media.known import Memory, known_row
from pipeline.media.outcome import FetchLimits
from pipeline.store.ledger import Retry
from schemas.records import PackRef
from schemas.rejection import Reason, Why
from schemas.tables import FetchRow, told

FETCH, IMAGE = FetchLimits(), ImageLimits()
MEMORY = Memory("2026-02-01", (), FETCH, IMAGE)
REF = PackRef("ab" * 32, "media/packs/x-000.tar", 512, 9)
GOOD = FetchRow(
    "http://a/",
    "image",
    "web",
    time="2026-03-01",
    bytes=9,
    format="JPEG",
    width=300,
    height=200,
    ref=REF,
)


def failed(reason, value=None, limit=None, detail=None, **fields):
    why = told(Why(reason, value, limit, detail))
    return FetchRow("http://a/", "image", "web", time="2026-03-01", **why, **fields)


def known(row, memory=MEMORY, kind="image", **limits):
    changed = replace(memory, fetch=replace(FETCH, **limits))
    return known_row([row], kind, changed)


def test_what_was_fetched_is_known_for_so_long():
    assert known(GOOD) is GOOD
    assert known(replace(GOOD, time="2026-01-31")) is None
    assert known(GOOD, kind="page") is None
    assert known_row([], "image", MEMORY) is None


def test_the_newest_row_counts():
    older = replace(failed(Reason.TIMEOUT), time="2026-02-02")
    assert known_row([GOOD, older], "image", MEMORY) is GOOD
    assert known_row(
        [replace(GOOD, time="2026-02-02"), failed(Reason.ROBOTS)], "image", MEMORY
    ) == (failed(Reason.ROBOTS))


def test_what_is_to_be_asked_again_is_not_known():
    memory = replace(MEMORY, retries=(Retry(("timeout",), "2026-03-01", ("image",)),))
    assert known(failed(Reason.TIMEOUT, None, 30.0), memory) is None
    assert known(failed(Reason.NOT_FOUND, 404), memory) is not None
    assert known(replace(failed(Reason.TIMEOUT, None, 30.0), time="2026-03-02"), memory) is not None
    assert known(GOOD, memory) is GOOD


HELD = [
    (failed(Reason.NOT_FOUND, 404), {}, True),
    (failed(Reason.CONNECTION, "ECONNREFUSED"), {}, True),
    (failed(Reason.TIMEOUT, None, 30.0), {}, True),
    (failed(Reason.TIMEOUT, None, 30.0), {"total_timeout_s": 60.0}, False),
    (failed(Reason.TOO_MANY_BYTES, 30 << 20, 20 << 20), {}, True),
    (failed(Reason.TOO_MANY_BYTES, 30 << 20, 20 << 20), {"max_bytes": 40 << 20}, False),
    (
        failed(Reason.TOO_MANY_BYTES, 30 << 20, 20 << 20, content_type="video/mp4"),
        {"max_video_bytes": 40 << 20},
        False,
    ),
    (failed(Reason.REDIRECTS, 6, 5), {}, True),
    (failed(Reason.REDIRECTS, 6, 5), {"max_redirects": 9}, False),
    (failed(Reason.ROBOTS, "disallow"), {}, True),
    (failed(Reason.ROBOTS, "disallow"), {"respect_robots": False}, False),
    (failed(Reason.ROBOTS, 100.0, 60.0), {"max_wait_s": 120.0}, False),
    (failed(Reason.OPT_OUT, "noai"), {}, True),
    (failed(Reason.OPT_OUT, "noai"), {"opt_out_words": ("noindex",)}, False),
    (failed(Reason.OPT_OUT, "tdmrep.json"), {}, True),
    (failed(Reason.OPT_OUT, "tdmrep.json"), {"respect_tdm": False}, False),
    (failed(Reason.OPT_OUT, "opt-out list", detail="URL"), {}, False),
    (failed(Reason.FORBIDDEN_ADDRESS, "10.0.0.1"), {}, True),
    (failed(Reason.FORBIDDEN_ADDRESS, "10.0.0.1"), {"allowed_private": ("10.0.0.0/8",)}, False),
    (failed(Reason.FORBIDDEN_ADDRESS, "not an address"), {}, True),
]


@pytest.mark.parametrize(("row", "limits", "holds"), HELD)
def test_a_failure_holds_while_the_recipe_would_have_it_fail(row, limits, holds):
    assert known(row, **limits) == (row if holds else None)


def test_bytes_are_held_against_the_limits_of_now():
    small = known(GOOD, max_bytes=8)
    assert (small.reason, small.value, small.ref) == ("too_many_bytes", 9, None)
    strict = replace(MEMORY, image=replace(IMAGE, min_side_px=250))
    out = known_row([GOOD], "image", strict)
    assert (out.reason, out.value, out.limit, out.ref) == ("too_small", 200, 250, None)
    assert out.detail == "300 x 200 px"


def test_images_that_were_too_small_are_asked_for_where_they_are_large_enough():
    why = Why(Reason.TOO_SMALL, 40, 64, "50 x 40 px")
    row = failed(*(why.reason, why.value, why.limit, why.detail), format="PNG", width=50, height=40)
    assert known(row) == row
    assert known_row([row], "image", replace(MEMORY, image=replace(IMAGE, min_side_px=32))) is None
    less = replace(MEMORY, image=replace(IMAGE, formats=("JPEG",)))
    assert known_row([row], "image", less).reason == "format"
