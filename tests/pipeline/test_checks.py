import pytest

from pipeline.checks import (
    BuildFailed,
    by_reason,
    check_counts,
    check_pages,
    damage_of,
    nothing_made,
)
from pipeline.recipe import ErrorLimits
from pipeline.stages.inputs import WARC, Input
from pipeline.stages.run import StageResult
from schemas.manifest import Manifest, ShardEntry, StageCount
from schemas.tables import Decision

INPUTS = [Input(WARC, f"{name}.warc", 9, 0.0) for name in "abcd"]


def result(*counts):
    return StageResult("read", "read-1", "1", 0.0, {}, {}, list(counts), [])


def manifest(counts, shards=()):
    return Manifest("s", "r", "d", {}, [], [], [], counts, list(shards))


def test_an_input_without_a_page_is_named():
    with pytest.raises(BuildFailed) as caught:
        check_pages(result(), INPUTS)
    assert str(caught.value) == "the input holds no HTML page: a.warc, b.warc, c.warc, …"


def test_pages_of_which_none_could_be_read_are_counted_by_reason():
    with pytest.raises(BuildFailed) as caught:
        check_pages(
            result(StageCount("read", "page", 4, 0, {"no_content": 1, "bad_status": 3})), INPUTS[:1]
        )
    assert str(caught.value) == (
        "no page of the input could be read: a.warc: bad_status 3, no_content 1"
    )


def test_one_page_that_could_be_read_is_enough():
    check_pages(result(StageCount("read", "page", 4, 1, {"no_content": 3})), INPUTS)
    with pytest.raises(BuildFailed):
        check_pages(result(StageCount("read", "image", 4, 4)), INPUTS)


def test_items_that_went_missing_fail_the_build():
    with pytest.raises(BuildFailed, match="stage read: 1 of 4 items unaccounted for"):
        check_counts(result(StageCount("read", "page", 4, 3)), ErrorLimits(), None)


class NoFiles:
    """A work folder without decisions."""

    def paths(self, *_):
        return []


@pytest.mark.parametrize(
    "reason", ["truncated_record", "empty_body", "no_content", "too_many_bytes", "parse_error"]
)
def test_pages_of_which_nothing_can_be_had_are_in_error(reason):
    count = StageCount("read", "page", 41, 1, {reason: 40})
    with pytest.raises(BuildFailed, match="40 of 41 pages in error"):
        check_counts(result(count), ErrorLimits(), NoFiles())
    check_counts(result(count), ErrorLimits(parse_share=1), NoFiles())
    check_counts(result(StageCount("read", "page", 41, 1, {"not_html": 40})), ErrorLimits(), None)


def test_a_build_without_a_sample_tells_what_each_stage_dropped():
    counts = [
        StageCount("read", "page", 3, 3),
        StageCount("text", "document", 3, 0, {"too_few_words": 2, "language": 1}),
    ]
    nothing, where = nothing_made(manifest(counts), "out")
    assert nothing == (
        "no sample came out: text dropped 3 of 3 documents (too_few_words 2, language 1)"
    )
    assert "out/decisions, out/report/index.html" in where
    assert "stage had anything to reject" in nothing_made(manifest(counts[:1]), "out")[0]
    shards = [ShardEntry("m3w", "m3w/m3w-000000.tar", 1, 9, "0")]
    assert nothing_made(manifest(counts, shards), "out") == []


def test_of_very_many_damaged_files_the_first_are_told(monkeypatch):
    rows = [
        Decision(
            "read", "page", "k", "u", kept=False, reason="damaged_record", detail=f"{n:02}@1-5"
        )
        for n in range(25)
    ]
    monkeypatch.setattr("pipeline.checks._decisions", lambda *_: rows)
    count = StageCount("read", "page", 26, 1, {"damaged_record": 25})
    lines = damage_of(result(count), INPUTS, None)
    assert len(lines) == 21
    assert lines[0].startswith("damaged: 00: ")
    assert lines[-1] == "damaged: 5 more files; all stand in the decisions"
    assert (
        damage_of(result(StageCount("read", "page", 1, 0, {"no_content": 1})), INPUTS, None) == []
    )


def test_the_most_frequent_reason_comes_first():
    assert by_reason({"a": 1, "c": 2, "b": 2}) == "b 2, c 2, a 1"
