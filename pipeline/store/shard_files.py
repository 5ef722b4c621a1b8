"""Shards where they lie: tars, globs or a build's output found, and their samples read."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from schemas.manifest import Manifest, ShardEntry, decode_manifest
from schemas.shard import CORPORA
from schemas.tar import Member, read_tar

MANIFEST = "manifest.json"
WORK = "work"


class NoShards(ValueError):
    """Raised for a path under which no shard can be found; names the path."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The members of one key, adjacent in their shard.

    Attributes:
        key: the names' part before the first dot, with the folder if they have one.
        index: 0 for the shard's first sample.
        members: in their order.
    """

    key: str
    index: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class ShardFile:
    """One shard, not yet opened.

    Attributes:
        name: what messages call it: its path as it was found.
        corpus: m3w, align, ltip or vtp; "" for a tar of other making.
        entry: what the manifest of its build says of it, if it was found by one.
        is_listed: False for a tar in a build's output that the manifest does not name.
    """

    files: Any
    path: str
    name: str
    corpus: str
    entry: ShardEntry | None = None
    is_listed: bool = True

    def open(self) -> BinaryIO:
        """The shard's bytes; raises OSError where it cannot be opened."""
        return cast(BinaryIO, self.files.open(self.path, "rb"))

    @property
    def sidecar(self) -> str:
        """The path of the index beside the shard."""
        return self.path.removesuffix(".tar") + ".parquet"

    def read_sidecar(self) -> bytes | None:
        """The index beside the shard; None where there is none."""
        if not self.files.exists(self.sidecar):
            return None
        return cast(bytes, self.files.cat_file(self.sidecar))


def find_shards(paths: Iterable[str]) -> list[ShardFile]:
    """The shards under the given tars, globs and folders, in order, each once.

    A folder with a manifest is a build's output: its shards are those that the manifest names,
    and any other tar in the folders of its corpora.

    Raises:
        NoShards: a path under which there is none.
        ValueError: a manifest that cannot be read.
    """
    found: dict[str, ShardFile] = {}
    for path in paths:
        shards = _find(path)
        if not shards:
            raise NoShards(f"no shard found at {path}")
        for shard in shards:
            found.setdefault(shard.path, shard)
    return list(found.values())


def read_samples(stream: BinaryIO) -> Iterator[Sample]:
    """The samples of a tar in order: runs of members with one key.

    Raises:
        BadInput: as `schemas.tar.read_tar`, after the samples that are whole before the damage.
    """
    key, index = "", 0
    members: list[Member] = []
    for member in read_tar(stream):
        if members and key_of(member.name) != key:
            yield Sample(key, index, tuple(members))
            index, members = index + 1, []
        key = key_of(member.name)
        members.append(member)
    if members:
        yield Sample(key, index, tuple(members))


def write_whole(path: str, content: bytes) -> None:
    """Write a file, local or remote, that has its name only when it is whole.

    Raises:
        OSError: it cannot be written.
    """
    import fsspec

    files, target = fsspec.core.url_to_fs(path)
    files.makedirs(posixpath.dirname(target), exist_ok=True)
    files.pipe_file(f"{target}.part", content)
    files.mv(f"{target}.part", target)


def key_of(name: str) -> str:
    """A member's key as webdataset reads it: its path up to the first dot of its file name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def extension_of(name: str) -> str:
    """What follows the key's dot: `json`, `0.jpg`."""
    return name.rpartition("/")[2].partition(".")[2]


def _find(path: str) -> list[ShardFile]:
    import fsspec

    files, root = fsspec.core.url_to_fs(path)
    if files.isdir(root):
        return _find_in_folder(files, root, path)
    tars = sorted(files.glob(root)) if any(mark in path for mark in "*?[") else [root]
    return [
        ShardFile(files, tar, _shown(path, tar), corpus_of(tar))
        for tar in tars
        if tar.endswith(".tar") and files.isfile(tar)
    ]


def _find_in_folder(files: Any, root: str, shown: str) -> list[ShardFile]:  # noqa: ANN401 - untyped
    root, shown = root.rstrip("/"), shown.rstrip("/")
    tars = sorted(path.removeprefix(root + "/") for path in files.find(root))
    tars = [tar for tar in tars if tar.endswith(".tar") and not tar.startswith(WORK + "/")]
    entries = {entry.path: entry for entry in _read_shard_entries(files, f"{root}/{MANIFEST}")}
    return [
        ShardFile(
            files,
            f"{root}/{tar}",
            f"{shown}/{tar}",
            entries[tar].corpus if tar in entries else corpus_of(tar),
            entries.get(tar),
            is_listed=tar in entries or not entries,
        )
        for tar in sorted({*entries, *tars})
    ]


def _read_shard_entries(files: Any, path: str) -> list[ShardEntry]:  # noqa: ANN401 - untyped
    """The shards of a manifest; none where there is no manifest."""
    if not files.exists(path):
        return []
    try:
        manifest: Manifest = decode_manifest(files.cat_file(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return manifest.shards


def corpus_of(path: str) -> str:
    """The corpus that a shard's file name begins with, or "" for none of ours."""
    word, dash, number = posixpath.basename(path).removesuffix(".tar").rpartition("-")
    return word if dash and number.isdigit() and word in CORPORA else ""


def _shown(asked: str, found: str) -> str:
    """The found path as the user wrote it where one file was asked for."""
    return asked if posixpath.basename(asked) == posixpath.basename(found) else found
