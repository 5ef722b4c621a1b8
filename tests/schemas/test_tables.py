import pyarrow as pa
import pytest

from schemas.records import (
    Capture,
    Document,
    Fetched,
    Found,
    Image,
    ImageLink,
    PackRef,
    Pair,
    Rights,
    Role,
    TextBlock,
    Video,
    VideoLink,
)
from schemas.rejection import Reason, Rejection, Why
from schemas.tables import (
    Decision,
    FetchRow,
    arrow_schema,
    rejected,
    row_reader,
    to_rows,
    told,
)

REF = PackRef("ab" * 32, "fetch-1/packs/x.tar", 512, 9)
IMAGE = Image("cd" * 32, REF, 3, 4, 30, 40, "0f" * 8)
VIDEO = Video("ef" * 32, REF, 3, 4, 2.5, ("00" * 8,))
RECORDS = [
    Capture("http://a/b.jpg", "x.warc.gz", 17),
    Fetched("http://a/b.jpg", "image", REF),
    Document(
        "k",
        "http://a/",
        "A",
        (
            TextBlock("Hi", Role.HEADING),
            ImageLink("http://a/b.jpg", "b", "c", 5, 6, Rights("l", found="license: link")),
            ImageLink("http://a/c.jpg"),
            VideoLink("http://a/v.mp4"),
        ),
        "en",
        "2024",
        ("http://cc/",),
    ),
    Document("k2", "http://a/", "", ()),
    Pair("k", "http://a/b.jpg", "http://a/", "a cup", IMAGE, "alt", 0.25, ()),
    Found(("http://a/b.jpg",), IMAGE),
    Found(("http://a/b.mp4",), VIDEO),
    FetchRow("http://a/b.jpg", "image", "web", "http://a/c.jpg", 200, bytes=9, ref=REF),
    FetchRow("http://a/b.jpg", "image", "web", status=404, **told(Why(Reason.NOT_FOUND, 404))),
    Pair("k", "http://a/b.mp4", "http://a/", "a cup", VIDEO, "caption", None, ("x",)),
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_row_becomes_the_record_it_was(record):
    table = to_rows(type(record), [record])
    assert table.schema == arrow_schema(type(record))
    (row,) = table.to_pylist()
    assert row_reader(type(record))(row) == record


def test_unions_share_a_struct():
    blocks = arrow_schema(Document).field("blocks").type.value_type
    names = [blocks.field(i).name for i in range(blocks.num_fields)]
    assert names == [
        "kind",
        "text",
        "role",
        "ends_topic",
        "url",
        "alt",
        "caption",
        "width",
        "height",
        "rights",
        "description",
        "described_by",
        "poster",
    ]
    assert arrow_schema(Decision).field("kept").type == pa.bool_()


def test_a_rejection_becomes_a_decision():
    small = Rejection("image", "k", "u", Why(Reason.TOO_SMALL, 30, 64))
    assert rejected("media", small) == Decision(
        "media", "image", "k", "u", kept=False, reason="too_small", value=30.0, limit=64.0
    )
    wordless = Rejection("page", "k", "u", Why(Reason.LANGUAGE, 0.0, 0.65, "no word"))
    decision = rejected("screen", wordless)
    assert (decision.value, decision.limit, decision.detail) == (0.0, 0.65, "no word")
    foreign = Rejection("document", "k", "u", Why(Reason.LANGUAGE, "de", "en"), "coco", "7")
    decision = rejected("screen", foreign)
    assert (decision.value, decision.limit, decision.detail) == (None, None, "de; en")
    assert (decision.eval_set, decision.eval_id) == ("coco", "7")


def test_a_row_of_a_fetch_gives_its_reason_back():
    why = Why(Reason.TOO_SMALL, 40, 64, "40 x 50 px")
    row = FetchRow("http://a/b.jpg", "image", "web", **told(why))
    assert row.why == Why(Reason.TOO_SMALL, 40.0, 64.0, "40 x 50 px")
    assert rejected("s", Rejection("image", "k", "u", row.why)) == rejected(
        "s", Rejection("image", "k", "u", why)
    )
    assert FetchRow("http://a/b.jpg", "image", "web").why is None
