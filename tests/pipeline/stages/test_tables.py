"""Tables come back as they went, a file a bundle, named only when whole."""

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.stages import tables
from pipeline.stages.tables import ReadTable, WriteTable, read_rows
from schemas.records import Capture

pytestmark = pytest.mark.beam


def test_what_is_written_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 7)
    rows = [Capture(f"http://a/{i}", "p", i) for i in range(50)]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = pipeline | beam.Create(rows) | WriteTable(Capture, str(tmp_path), "stage-1", "captures")
    paths = sorted(str(path) for path in tmp_path.rglob("*"))
    files = [path for path in paths if path.endswith(".parquet")]
    assert files
    assert not [path for path in paths if path.endswith(".part")]
    assert sorted(row.offset for path in files for row in read_rows(path, Capture)) == list(
        range(50)
    )
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        read = pipeline | ReadTable(Capture, tuple(files))
        assert_that(read, equal_to(rows))


def test_an_empty_table_has_no_file(tmp_path):
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = pipeline | beam.Create([]) | WriteTable(Capture, str(tmp_path), "stage-1", "captures")
    assert not list(tmp_path.rglob("*.parquet"))
