"""The page names the largest groups of copies: what stayed and what fell to it."""

import pyarrow as pa

from pipeline.report import groups
from pipeline.report.groups import MEMBERS, SHOWN, CopyGroups, groups_table
from schemas.tables import Decision, to_rows


def fallen(stays, number, value=0.9):
    return [
        Decision(
            "duplicates", "document", f"{stays}{k}", f"http://h/{stays}/{k}", kept=False,
            value=value, copy_of=stays, copy_of_url=f"http://h/{stays}",
        )
        for k in range(number)
    ]  # fmt: skip


def folded(*decisions):
    found = CopyGroups()
    for batch in to_rows(Decision, decisions).to_batches(max_chunksize=3):
        found.add(batch)
    return found


def test_the_largest_groups_come_first_with_a_few_of_their_copies():
    kept = Decision("duplicates", "document", "k", "http://h/k", kept=True)
    found = folded(*fallen("small", 1, None), kept, *fallen("large", 9))
    large, small = found.largest()
    assert (large.url, large.count, len(large.copies)) == ("http://h/large", 9, MEMBERS)
    assert (small.count, small.copies[0].jaccard) == (1, 1.0)


def test_the_table_says_how_many_and_how_alike():
    table = "".join(groups_table(folded(*fallen("a", MEMBERS + 2)).largest()))
    assert "http://h/a/0" in table
    assert "0.9" in table
    assert "7 fell to it" in table
    assert "and 2 more" in table
    assert list(groups_table([])) == []


def test_only_so_many_are_shown_and_counted_at_a_time(monkeypatch):
    decisions = [one for k in range(SHOWN + 3) for one in fallen(f"{k:02d}", 1 + (k == 4))]
    assert len(folded(*decisions).largest()) == SHOWN
    monkeypatch.setattr(groups, "_MOST", 4)
    found = folded(*decisions)
    assert len(found.found) <= 4
    assert found.largest()[0].count == 2


def test_a_build_without_copies_has_no_groups():
    found = CopyGroups()
    found.add(pa.RecordBatch.from_pylist([], to_rows(Decision, []).schema))
    assert found.largest() == []
