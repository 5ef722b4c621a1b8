import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.stages.inputs import InputError
from pipeline.stages.url_map import read_url_map
from schemas.records import Capture


def test_rows_are_captures_beside_the_table(tmp_path):
    rows = {"url": ["http://a/1", "http://a/2", None], "path": ["x/1", "/y/2", "z"]}
    expected = [Capture("http://a/1", f"{tmp_path}/x/1"), Capture("http://a/2", "/y/2")]
    pq.write_table(pa.table(rows), tmp_path / "map.parquet")
    assert list(read_url_map(str(tmp_path / "map.parquet"))) == expected
    (tmp_path / "map.csv").write_text("path,url\nx/1,http://a/1\n/y/2,http://a/2\nz,\n")
    assert list(read_url_map(str(tmp_path / "map.csv"))) == expected
    assert list(read_url_map("")) == []


@pytest.mark.parametrize("content", [b"", b"http://a/1", b"url\nhttp://a/1", b"\xff\xfe", b"PAR1"])
@pytest.mark.parametrize("name", ["map.csv", "map.parquet"])
def test_what_is_no_such_table_is_said(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="no table with url, path"):
        list(read_url_map(str(tmp_path / name)))


def test_a_table_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="no table"):
        list(read_url_map(str(tmp_path / "map.csv")))
