"""Shards held against the index beside them before anything is trained on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.reader import CorpusError, Shards
from model.train import main
from schemas.keys import make_key, sha256_hex
from schemas.records import Image, ImagePart, PackRef, Role, Sequence, TextPart
from schemas.shard import encode_sequence, index_row
from schemas.tables import SHARD_INDEX
from schemas.tar import TarWriter

KEYS = [make_key(f"page {n}") for n in range(3)]


def sequence_of(key: str, images: int) -> Sequence:
    ref = PackRef(sha256_hex(b"pixels"), "pack", 0, 6)
    image = Image(sha256_hex(b"fetched"), ref, 32, 24, 64, 48, "0" * 16)
    parts = [ImagePart(f"http://example.org/{n}.jpg", image) for n in range(images)]
    text = TextPart("Geese fly.", Role.PARAGRAPH, ((0, 10),))
    when = "2024-05-01T00:00:00Z"
    return Sequence(key, "http://example.org/", "Geese", "en", (text, *parts), when)


def write_index(path: Path, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows, SHARD_INDEX), path)


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    """The index of a shard of three sequences as the builder writes them, beside it."""
    found: list[dict[str, Any]] = []
    with (tmp_path / "m3w-000000.tar").open("wb") as stream:
        tar = TarWriter(stream)
        for images, key in enumerate(KEYS):
            sequence = sequence_of(key, 1 + images)
            members = encode_sequence(sequence, lambda _: b"pixels")
            offsets = [tar.add(name, content) for name, content in members]
            found.append(dict(index_row(sequence, members, offsets)))
        tar.close()
    write_index(tmp_path / "m3w-000000.parquet", found)
    return found


def test_a_shard_that_is_as_its_index_says_is_read(rows: list, tmp_path: Path) -> None:
    shards = Shards(str(tmp_path / "*.tar"))
    assert shards.counts == [3]
    assert sorted(shards.read(0, 2).members) == ["0.jpg", "1.jpg", "2.jpg", "json"]


def change_count(rows: list[dict[str, Any]]) -> str:
    del rows[1]
    return "3 samples, its index has 2"


def change_key(rows: list[dict[str, Any]]) -> str:
    rows[0], rows[1] = rows[1], rows[0]
    return f"sample 0 is {KEYS[0]}, its index has {KEYS[1]}"


def change_size(rows: list[dict[str, Any]]) -> str:
    member = rows[2]["members"][1]
    name, at = member["name"], member["offset"]
    member["size"] += 1
    told = f"{name} of 6 bytes at {at}, its index has {name} of 7 bytes at {at}"
    return f"sample {KEYS[2]}: {told}"


def change_offset(rows: list[dict[str, Any]]) -> str:
    member = rows[1]["members"][0]
    member["offset"] += 512
    return (
        f"at {member['offset'] - 512}, its index has {member['name']} of {member['size']} bytes at"
    )


def change_name(rows: list[dict[str, Any]]) -> str:
    member = rows[1]["members"][1]
    member["name"] = f"{KEYS[1]}.0.png"
    return f"{KEYS[1]}.0.jpg of 6 bytes at {member['offset']}, its index has {KEYS[1]}.0.png"


def drop_member(rows: list[dict[str, Any]]) -> str:
    rows[2]["members"].pop()
    return "its index has no further member"


def add_member(rows: list[dict[str, Any]]) -> str:
    rows[0]["members"].append({**rows[0]["members"][-1], "name": f"{KEYS[0]}.1.jpg"})
    return f"no further member, its index has {KEYS[0]}.1.jpg"


@pytest.mark.parametrize(
    "change",
    [change_count, change_key, change_size, change_offset, change_name, drop_member, add_member],
)
def test_a_difference_is_told_with_the_shard(
    change: Callable[[list], str], rows: list, tmp_path: Path
) -> None:
    told = change(rows)
    write_index(tmp_path / "m3w-000000.parquet", rows)
    with pytest.raises(CorpusError) as caught:
        Shards(str(tmp_path / "*.tar"))
    assert str(caught.value).startswith(f"{tmp_path / 'm3w-000000.tar'}: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_shard_cut_at_the_end_of_a_sample_is_found(rows: list, tmp_path: Path) -> None:
    """Without the index it would be a whole tar with fewer samples."""
    path = tmp_path / "m3w-000000.tar"
    path.write_bytes(path.read_bytes()[: rows[2]["offset"]] + bytes(1024))
    with pytest.raises(CorpusError, match="2 samples, its index has 3"):
        Shards(str(path))
    (tmp_path / "m3w-000000.parquet").unlink()
    assert Shards(str(path)).counts == [2]


def test_an_index_that_cannot_be_read_is_told(rows: list, tmp_path: Path) -> None:
    index = tmp_path / "m3w-000000.parquet"
    index.write_bytes(index.read_bytes()[:200])
    with pytest.raises(CorpusError, match=r"m3w-000000\.tar: its index cannot be read: "):
        Shards(str(tmp_path / "*.tar"))
    columns = {"key": ["a"], "members": [["a.json"]]}
    pq.write_table(pa.table(columns), index)
    with pytest.raises(CorpusError, match="its index has other columns than a shard's"):
        Shards(str(tmp_path / "*.tar"))


def test_a_table_of_other_making_says_nothing(rows: list, tmp_path: Path) -> None:
    columns = {"url": ["http://example.org/"], "key": ["000000000"], "status": ["success"]}
    pq.write_table(pa.table(columns), tmp_path / "m3w-000000.parquet")
    assert Shards(str(tmp_path / "*.tar")).counts == [3]


def test_an_index_is_found_on_any_file_system(rows: list, tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/held/a.tar", (tmp_path / "m3w-000000.tar").read_bytes())
    memory.pipe_file("/held/a.parquet", (tmp_path / "m3w-000000.parquet").read_bytes())
    assert Shards("memory://held/*.tar").counts == [3]
    write_index(tmp_path / "other.parquet", rows[:2])
    memory.pipe_file("/held/a.parquet", (tmp_path / "other.parquet").read_bytes())
    with pytest.raises(CorpusError, match="3 samples, its index has 2"):
        Shards("memory://held/*.tar")


def test_a_run_ends_before_its_first_step(
    rows: list, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_size(rows)
    write_index(tmp_path / "m3w-000000.parquet", rows)
    data = f"m3w={tmp_path / '*.tar'}"
    arguments = ["--recipe", "tiny", "--data", data, "--output", str(tmp_path / "run")]
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"model.train: {tmp_path / 'm3w-000000.tar'}: sample {KEYS[2]}: ")
    assert told.count("\n") == 1
    assert not (tmp_path / "run").exists()
