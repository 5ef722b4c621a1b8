from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.reader import CorpusError, Order, Position, Shards

MakeTar = Callable[[Path, list[tuple[str, bytes]]], Path]


def epoch_of(order: Order, epoch: int) -> list[tuple[int, int]]:
    return [order.at(Position(epoch, index)) for index in range(order.samples)]


counts = st.lists(st.integers(0, 6), min_size=1, max_size=30).filter(lambda c: sum(c) > 0)


@given(counts, st.integers(0, 100))
def test_each_sample_once_an_epoch(counts: list[int], seed: int) -> None:
    order = Order(counts, seed)
    every = sorted((shard, n) for shard, count in enumerate(counts) for n in range(count))
    assert sorted(epoch_of(order, 0)) == every
    assert sorted(epoch_of(order, 1)) == every


@given(counts, st.integers(0, 3), st.data())
def test_any_position_is_found_without_those_before_it(
    counts: list[int], epoch: int, data: st.DataObject
) -> None:
    walked = epoch_of(Order(counts, 5), epoch)
    index = data.draw(st.integers(0, len(walked) - 1))
    assert Order(counts, 5).at(Position(epoch, index)) == walked[index]


def test_epochs_and_seeds_differ() -> None:
    order = Order([20] * 12, 0)
    assert epoch_of(order, 0) != epoch_of(order, 1)
    assert epoch_of(order, 0) != epoch_of(Order([20] * 12, 1), 0)
    assert epoch_of(order, 0) == epoch_of(Order([20] * 12, 0), 0)


def test_after_the_last_sample_the_next_epoch_begins() -> None:
    order = Order([2, 1], 0)
    assert order.after(Position(0, 1)) == Position(0, 2)
    assert order.after(Position(0, 2)) == Position(1, 0)


def test_samples_are_read_whole(tmp_path: Path, make_tar: MakeTar) -> None:
    one = [("aa.json", b"{}"), ("aa.0.jpg", b"zero"), ("aa.1.jpg", b"one")]
    make_tar(tmp_path / "c-0.tar", [*one, ("bb.txt", b"text")])
    make_tar(tmp_path / "c-1.tar", [("cc.txt", b"more")])
    shards = Shards(str(tmp_path / "*.tar"))
    assert shards.counts == [2, 1]
    assert shards.read(0, 0).members == {"json": b"{}", "0.jpg": b"zero", "1.jpg": b"one"}
    assert shards.read(0, 1).key == "bb"
    assert shards.read(1, 0).members == {"txt": b"more"}


def test_a_file_system_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(CorpusError, match=r"tape://x/\*\.tar: no such file system"):
        Shards("tape://x/*.tar")


def test_shards_of_any_file_system(make_tar: MakeTar, tmp_path: Path) -> None:
    import fsspec

    content = make_tar(tmp_path / "c-0.tar", [("aa.txt", b"text")]).read_bytes()
    fsspec.filesystem("memory").pipe_file("/shards/c-0.tar", content)
    shards = Shards("memory://shards/*.tar")
    assert shards.read(0, 0).members == {"txt": b"text"}


def test_no_file_and_no_sample_are_clear_errors(tmp_path: Path, make_tar: MakeTar) -> None:
    with pytest.raises(CorpusError, match=r"nothing-\*\.tar: no such shards"):
        Shards(str(tmp_path / "nothing-*.tar"))
    make_tar(tmp_path / "empty.tar", [])
    with pytest.raises(CorpusError, match="no sample in 1 shards"):
        Shards(str(tmp_path / "empty.tar"))


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_damaged_shard_is_named(tmp_path: Path, make_tar: MakeTar, damage: str) -> None:
    path = make_tar(tmp_path / "c-0.tar", [("aa.txt", b"x" * 5000), ("bb.txt", b"y" * 5000)])
    whole = path.read_bytes()
    path.write_bytes(whole[:3000] if damage == "cut" else b"\xff" * 4096)
    with pytest.raises(CorpusError, match=r"c-0\.tar: damaged shard"):
        Shards(str(path))
