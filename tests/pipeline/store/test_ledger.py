import pyarrow.parquet as pq
import pytest

from pipeline.store.ledger import (
    LedgerWriter,
    Retry,
    leftovers,
    read_retries,
    retried,
    row_files,
    write_retries,
)
from pipeline.store.packs import read_packed
from schemas.tables import FetchRow, row_reader


def row(number):
    return FetchRow(f"http://a.example/{number}", "image", "web", time="2026")


def files(root):
    return sorted(str(path) for path in root.rglob("*") if path.is_file())


def stored(root):
    read = row_reader(FetchRow)
    return [read(one) for path in row_files(files(root)) for one in pq.read_table(path).to_pylist()]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_rows_are_given_away_once_they_are_safe(tmp_path):
    clock = Clock()
    writer = LedgerWriter(str(tmp_path), clock=clock)
    assert writer.add(row(1), b"one") == []
    assert writer.add(row(2), None) == []
    assert stored(tmp_path) == []
    clock.now = 0.2
    safe = writer.add(row(3), b"one")
    assert [one.url[-1] for one in safe] == ["1", "2", "3"]
    assert stored(tmp_path) == safe
    assert safe[0].ref == safe[2].ref  # equal content once
    assert safe[1].ref is None
    assert read_packed(str(tmp_path), safe[0].ref) == b"one"
    (again,) = [writer.add(row(4), b"one"), writer.close()][1]
    assert again.ref == safe[0].ref  # of an earlier step
    assert writer.close() == []


def test_steps_grow_with_the_work(tmp_path):
    writer = LedgerWriter(str(tmp_path), clock=Clock())
    sizes = [len(safe) for n in range(4000) if (safe := writer.add(row(n), None))]
    assert sizes[0] == 8
    assert 35 <= sizes[-1] <= 40
    assert max(sizes) <= 0.011 * 4000


def test_steps_are_bounded_in_bytes(tmp_path):
    writer = LedgerWriter(str(tmp_path), clock=Clock(), step_bytes=5)
    assert len(writer.add(row(1), b"123456")) == 1


def test_what_was_open_is_lost_and_nothing_else(tmp_path):
    writer = LedgerWriter(str(tmp_path), clock=Clock())
    writer.add(row(1), b"one")
    writer.close()
    writer.add(row(2), b"two")
    open_pack = [path for path in files(tmp_path) if path.endswith(".part")]
    assert leftovers(files(tmp_path)) == open_pack
    assert len(open_pack) == 1
    writer.abort()
    assert leftovers(files(tmp_path)) == []
    assert [one.url for one in stored(tmp_path)] == ["http://a.example/1"]


def test_a_pack_that_no_row_speaks_of_is_a_leftover(tmp_path):
    writer = LedgerWriter(str(tmp_path), clock=Clock())
    writer.add(row(1), b"one")
    writer.close()
    (rows,) = (tmp_path / "media" / "rows").iterdir()
    rows.unlink()
    assert leftovers(files(tmp_path)) == files(tmp_path)
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("kinds", [("page",), ("image", "video")])
def test_retries_are_written_down(tmp_path, kinds):
    assert read_retries(str(tmp_path)) == ()
    retries = (
        Retry(("timeout",), "2026-01-01", ("page",)),
        Retry(("robots", "timeout"), "2026-01-02", ("image",)),
    )
    write_retries(str(tmp_path), retries)
    assert read_retries(str(tmp_path)) == retries
    assert retried(retries, *kinds) == [retries[0] if kinds == ("page",) else retries[1]]
