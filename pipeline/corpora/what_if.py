"""What another recipe changes in a finished output: which samples enter, and which leave."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from pipeline.stages.beam_files import FILES
from pipeline.store.shard_text import printable
from schemas.manifest import Manifest

EXAMPLES = 3
"""Samples that are shown of those that enter, and of those that leave."""

_WIDTH = 90

Tars = Mapping[str, Sequence[str]]
"""The paths of each corpus's tars."""

Keys = npt.NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class Example:
    """A sample that enters or leaves: its score, its URL, and its text where it is a pair."""

    score: float | None
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a corpus.

    Attributes:
        corpus: its name.
        before: samples that it had.
        after: samples that it has.
        enters: number of samples that it had not.
        leaves: number of samples that it has no more.
        entering: the first few by key.
        leaving: likewise.
    """

    corpus: str
    before: int
    after: int
    enters: int
    leaves: int
    entering: tuple[Example, ...]
    leaving: tuple[Example, ...]


def changes(before: Tars, after: Tars) -> list[Change]:
    """What became of each corpus, by the indexes of its shards: 32 bytes of memory a sample."""
    return [
        _change(corpus, before.get(corpus, ()), after.get(corpus, ()))
        for corpus in dict.fromkeys([*before, *after])
    ]


def all_there(tars: Tars) -> bool:
    """Whether all tars and their indexes lie where they are said to."""
    paths = [path for of_corpus in tars.values() for path in of_corpus]
    return all(FILES.exists(path) and FILES.exists(_index(path)) for path in paths)


def what_if_lines(made: Iterable[Change], before: Manifest, after: Manifest) -> Iterator[str]:
    """Changes as a user reads them: the settings, counts and thresholds, and examples."""
    settings = [
        f"{key} {old} -> {new}" for key, old, new in changed_keys(before.recipe, after.recipe)
    ]
    yield f"what changes with {', '.join(settings) or 'other inputs or other code'}:"
    for change in made:
        yield (
            f"{change.corpus:<8}{change.before:>8} -> {change.after} samples: "
            f"{change.enters} enter, {change.leaves} leave{_thresholds(change, before, after)}"
        )
        for word, examples in (("enters", change.entering), ("leaves", change.leaving)):
            for one in examples:
                score = "" if one.score is None else f"{one.score:.4f} "
                text = f"{one.text} " if one.text else ""
                yield printable(f"  {word}  {score}{_cut(text)}{one.url}")


def changed_keys(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """(key, old value, new value) of what two recipes do not share."""
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from changed_keys(old, new, f"{prefix}{name}.")
        elif old != new:
            yield f"{prefix}{name}", old, new


def _change(corpus: str, before: Sequence[str], after: Sequence[str]) -> Change:
    had, has = _keys(before), _keys(after)
    enters, leaves = np.setdiff1d(has, had), np.setdiff1d(had, has)
    return Change(
        corpus,
        len(had),
        len(has),
        len(enters),
        len(leaves),
        tuple(_examples(after, enters)),
        tuple(_examples(before, leaves)),
    )


def _keys(tars: Iterable[str]) -> Keys:
    """The keys of all samples, 32 hex digits each."""
    found = []
    for tar in tars:
        with FILES.open(_index(tar)) as stream:
            keys = pq.read_table(stream, columns=["key"]).column("key").to_pylist()
        found.append(np.array(keys, dtype="S32"))
    return np.concatenate(found) if found else np.empty(0, dtype="S32")


def _examples(tars: Iterable[str], keys: Keys) -> Iterator[Example]:
    """The samples of the first few keys, in their order."""
    wanted = [key.decode() for key in keys[:EXAMPLES]]
    found: dict[str, Example] = {}
    for tar in tars if wanted else ():
        with FILES.open(_index(tar)) as stream:
            rows = pq.read_table(stream, filters=[("key", "in", wanted)]).to_pylist()
        for row in rows:
            found[row["key"]] = Example(row["score"], row["url"], _text(tar, row["members"]))
    yield from (found[key] for key in wanted)


def _text(tar: str, members: Iterable[dict[str, Any]]) -> str:
    """The text of a pair; "" of a sequence."""
    for member in members:
        if member["name"].endswith(".txt"):
            with FILES.open(tar) as stream:
                stream.seek(member["offset"])
                return stream.read(member["size"]).decode("utf-8", "replace")
    return ""


def _thresholds(change: Change, before: Manifest, after: Manifest) -> str:
    """The resolved scores before and after, where there is one."""
    scores = [manifest.thresholds.get(change.corpus) for manifest in (before, after)]
    if scores == [None, None]:
        return ""
    old, new = ("none" if score is None else f"{score:.4f}" for score in scores)
    size = after.pools.get(change.corpus, {}).get("scored", 0)
    return f"; least score {old} -> {new}, {size:.0f} scored"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return f"{line[:_WIDTH]}… " if len(line) > _WIDTH else f"{line} " * bool(line)


def _index(tar: str) -> str:
    return f"{tar.removesuffix('.tar')}.parquet"
