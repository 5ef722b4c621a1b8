"""Rows come back as they were, and nothing that a kill or a disk did to them is believed."""

import numpy as np
import pytest

from pipeline.store.vectors import Vectors
from schemas.keys import make_key

KEYS = [make_key("text", str(number)) for number in range(50)]
ROWS = np.random.default_rng(0).standard_normal((50, 6)).astype(np.float32)


def test_rows_are_found_by_their_writer_and_by_the_next_build(tmp_path):
    writer = Vectors(tmp_path / "new", "a")
    assert writer.find(KEYS[0]) is None
    writer.add(KEYS[:20], ROWS[:20])
    writer.add(KEYS[20:], ROWS[20:])
    other = Vectors(tmp_path / "new", "b")
    for vectors in (writer, other):
        assert all(
            np.array_equal(vectors.find(key), row) for key, row in zip(KEYS, ROWS, strict=True)
        )
        assert vectors.find(make_key("no such")) is None


def test_keys_with_zeros_at_their_ends_are_keys_of_their_own(tmp_path):
    keys = ["ab" + "00" * 15, "00" * 16, "00" * 15 + "ab"]
    Vectors(tmp_path, "a").add(keys[:2], ROWS[:2])
    found = Vectors(tmp_path, "b")
    assert np.array_equal(found.find(keys[0]), ROWS[0])
    assert np.array_equal(found.find(keys[1]), ROWS[1])
    assert found.find(keys[2]) is None


@pytest.mark.parametrize("suffix", [".keys", ".rows"])
def test_a_file_cut_anywhere_gives_whole_rows_or_none(tmp_path, suffix):
    Vectors(tmp_path, "a").add(KEYS[:5], ROWS[:5])
    path = tmp_path / f"a{suffix}"
    content = path.read_bytes()
    for cut in range(len(content)):
        path.write_bytes(content[:cut])
        found = [Vectors(tmp_path, "b").find(key) for key in KEYS[:5]]
        whole = cut // (len(content) // 5)
        assert [row is not None for row in found] == [k < whole for k in range(5)]
        assert all(np.array_equal(found[k], ROWS[k]) for k in range(whole))


def test_a_changed_row_is_not_believed(tmp_path):
    Vectors(tmp_path, "a").add(KEYS[:3], ROWS[:3])
    path = tmp_path / "a.rows"
    content = bytearray(path.read_bytes())
    content[24 + 3] ^= 1
    path.write_bytes(content)
    found = Vectors(tmp_path, "b")
    assert found.find(KEYS[1]) is None
    assert np.array_equal(found.find(KEYS[2]), ROWS[2])


def test_a_second_writer_under_the_same_name_is_refused(tmp_path):
    Vectors(tmp_path, "a").add(KEYS[:1], ROWS[:1])
    with pytest.raises(FileExistsError):
        Vectors(tmp_path, "a").add(KEYS[1:2], ROWS[1:2])
