"""Samples of a corpus's shards by number, in an order that a seed fixes.

The order of an epoch is a function of (seed, corpus, epoch), and a sample is read by its offset in
its tar, so a position is two numbers and going on from it repeats and leaves out nothing.
"""

import random
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import IO, Any

from model.shard_index import index_fault
from schemas.keys import seed_of

SHARDS_AT_ONCE = 8
"""Shards whose samples are shuffled together: a random order whose reads stay near each other."""


class CorpusError(ValueError):
    """Shards that cannot be trained on; the message names the file."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader stands: `index` samples into the epoch, usable or not."""

    epoch: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a sample's members lie in a shard: extension, offset and size of each."""

    key: str
    members: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample's members by extension: `json`, `jpg`, `0.jpg`."""

    key: str
    members: dict[str, bytes]


class Shards:
    """The samples of some tars, by shard and number.

    Args:
        pattern: a glob of tars, local or of any file system that fsspec knows.

    Raises:
        CorpusError: no file matches, one is no tar or not as the index beside it says, or none of
            them holds a sample.
    """

    def __init__(self, pattern: str) -> None:
        import fsspec

        try:
            self._files, paths = fsspec.core.url_to_fs(pattern)
        except (ImportError, ValueError) as error:
            raise CorpusError(f"{pattern}: no such file system: {error}") from error
        self.paths: list[str] = sorted(self._files.glob(paths))
        if not self.paths:
            raise CorpusError(f"{pattern}: no such shards")
        self.entries = [self._index(path) for path in self.paths]
        if not any(self.entries):
            raise CorpusError(f"{pattern}: no sample in {len(self.paths)} shards")

    @property
    def counts(self) -> list[int]:
        """Samples of each shard."""
        return [len(entries) for entries in self.entries]

    def read(self, shard: int, number: int) -> Sample:
        """One sample, all its members."""
        entry = self.entries[shard][number]
        with self._files.open(self.paths[shard], "rb") as stream:
            return Sample(entry.key, {ext: _read(stream, *at) for ext, *at in entry.members})

    def _index(self, path: str) -> list[Entry]:
        """The samples of one tar: members that follow one another up to the first dot."""
        samples: list[tuple[str, list[tuple[str, int, int]]]] = []
        try:
            with (
                self._files.open(path, "rb") as stream,
                tarfile.open(fileobj=stream, mode="r:") as tar,
            ):
                for member in tar:
                    key, _, ext = member.name.partition(".")
                    if not member.isfile() or not ext:
                        continue
                    if not samples or samples[-1][0] != key:
                        samples.append((key, []))
                    samples[-1][1].append((ext, member.offset_data, member.size))
        except (tarfile.TarError, OSError, EOFError) as error:
            raise CorpusError(f"{path}: damaged shard: {error}") from error
        named = [
            (key, [(f"{key}.{ext}", offset, size) for ext, offset, size in members])
            for key, members in samples
        ]
        if fault := index_fault(self._files, path, named):
            raise CorpusError(f"{path}: {fault}")
        return [Entry(key, tuple(members)) for key, members in samples]


def _read(stream: IO[Any], offset: int, size: int) -> bytes:
    stream.seek(offset)
    content: bytes = stream.read(size)
    return content


class Order:
    """The order of an endless run through a corpus, each sample once an epoch.

    Args:
        counts: samples of each shard.
        seed: of the order.
    """

    def __init__(self, counts: Sequence[int], seed: int) -> None:
        self.counts = tuple(counts)
        self.samples = sum(counts)
        self._seed = seed
        self._shards: tuple[int, list[int], list[int]] = (-1, [], [])
        self._group: tuple[tuple[int, int], list[tuple[int, int]]] = ((-1, -1), [])

    def after(self, position: Position) -> Position:
        """The next position."""
        if position.index + 1 < self.samples:
            return Position(position.epoch, position.index + 1)
        return Position(position.epoch + 1, 0)

    def at(self, position: Position) -> tuple[int, int]:
        """Shard and number of the sample at a position."""
        shards, ends = self._epoch(position.epoch)
        group = next(g for g, end in enumerate(ends) if position.index < end)
        start = ends[group - 1] if group else 0
        at_once = shards[group * SHARDS_AT_ONCE : (group + 1) * SHARDS_AT_ONCE]
        return self._shuffled(position.epoch, group, at_once)[position.index - start]

    def _epoch(self, epoch: int) -> tuple[list[int], list[int]]:
        """The shards in this epoch's order, and where each group of them ends."""
        if self._shards[0] != epoch:
            shards = list(range(len(self.counts)))
            random.Random(seed_of(self._seed, "shards", str(epoch))).shuffle(shards)
            groups = range(0, len(shards), SHARDS_AT_ONCE)
            sizes = (sum(self.counts[s] for s in shards[g : g + SHARDS_AT_ONCE]) for g in groups)
            self._shards = (epoch, shards, list(accumulate(sizes)))
        return self._shards[1], self._shards[2]

    def _shuffled(self, epoch: int, group: int, shards: list[int]) -> list[tuple[int, int]]:
        """The samples of one group of shards in this epoch's order."""
        if self._group[0] != (epoch, group):
            samples = [(shard, n) for shard in shards for n in range(self.counts[shard])]
            random.Random(seed_of(self._seed, "samples", str(epoch), str(group))).shuffle(samples)
            self._group = ((epoch, group), samples)
        return self._group[1]
