import pytest

from pipeline.stages.damage import damage_lines
from schemas.tables import Decision

SIZES = {"a.warc.gz": 900, "b.warc": 500}


def damaged(detail, reason="damaged_record", url="a.warc.gz"):
    return Decision("read", "page", "k", url, kept=False, reason=reason, detail=detail)


@pytest.mark.parametrize(
    ("detail", "line"),
    [
        ("a.warc.gz@12-40", "at least 1 record lost: bytes 12 to 40 (28 bytes); all else was read"),
        ("a.warc.gz@0-900", "at least 1 record lost: nothing of its 900 bytes can be read"),
        (
            "a.warc.gz@0-899",
            "at least 1 record lost: bytes 0 to 899 (899 bytes); all else was read",
        ),
        (
            "a.warc.gz@7",
            "at least 1 record lost: the record at byte 7 is cut or damaged; all else was read",
        ),
        (
            "a.warc.gz@7 digest",
            "at least 1 record lost: the record at byte 7 is not what its digest says;"
            " all else was read",
        ),
        (
            "a.warc.gz: no such file",
            "at least 1 record lost: no such file; all else was read",
        ),
        (
            "a.warc.gz row 3",
            "at least 1 record lost: row 3 names no record; all else was read",
        ),
    ],
)
def test_each_kind_of_damage_is_told(detail, line):
    assert damage_lines([damaged(detail)], SIZES) == [f"damaged: a.warc.gz: {line}"]


def test_one_line_a_file_with_the_first_places():
    rows = [damaged(f"a.warc.gz@{at}-{at + 5}") for at in (300, 20, 100, 7, 500)]
    rows += [damaged("b.warc@1-9"), Decision("read", "page", "k", "u", kept=True)]
    rows += [damaged("too short", reason="no_content")]
    assert damage_lines(rows, SIZES) == [
        "damaged: a.warc.gz: at least 5 records lost: bytes 7 to 12 (5 bytes);"
        " bytes 20 to 25 (5 bytes); bytes 100 to 105 (5 bytes); and 2 more places;"
        " all else was read",
        "damaged: b.warc: at least 1 record lost: bytes 1 to 9 (8 bytes); all else was read",
    ]


def test_lines_of_lists_and_bad_urls_elsewhere():
    rows = [damaged("/x/a.txt:3: 'nothing'", reason="bad_url"), damaged("host", reason="bad_url")]
    assert damage_lines(rows, SIZES) == [
        "damaged: /x/a.txt: at least 1 line lost: line 3 is no URL: 'nothing'; all else was read"
    ]
