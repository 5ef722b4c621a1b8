"""The files behind a build's `--input` patterns: WARC files, folders of HTML, lists of URLs."""

import fnmatch
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from pipeline.stages.beam_files import is_local

WARC = "warc"
FOLDER = "folder"
URLS = "urls"

_KINDS = {
    "*.warc": WARC,
    "*.warc.gz": WARC,
    "*.txt": URLS,
    "*.csv": URLS,
    "*.parquet": URLS,
}
_EXTRACTS = ("*.wet", "*.wet.gz", "*.wat", "*.wat.gz")


class InputError(ValueError):
    """An input that cannot be built from; the message names it."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file or folder to build from.

    Attributes:
        kind: WARC, FOLDER or URLS.
        path: as it is opened.
        size: bytes; of a folder, of all its files.
        stamp: time of the last change in seconds; of a folder, the newest of its files.
        files: 1, or the number of files in a folder.
    """

    kind: str
    path: str
    size: int
    stamp: float
    files: int = 1


def resolve_inputs(patterns: Iterable[str]) -> list[Input]:
    """The inputs that some paths and patterns name, sorted, each once.

    Raises:
        InputError: a pattern that matches nothing, or a file that is no input.
    """
    found: dict[str, Input] = {}
    for pattern in patterns:
        matches = _match(pattern)
        if not matches:
            raise InputError(f"--input {pattern}: no such file or folder")
        found.update({item.path: item for item in matches})
    return [found[path] for path in sorted(found)]


def _match(pattern: str) -> list[Input]:
    """The inputs of one pattern."""
    if is_local(pattern) and Path(pattern).is_dir():
        return [_folder(Path(pattern))]
    (result,) = FileSystems.match([pattern])
    return [
        Input(_kind(one.path), one.path, one.size_in_bytes, one.last_updated_in_seconds or 0.0)
        for one in result.metadata_list
        if not one.path.endswith("/") and not (is_local(one.path) and Path(one.path).is_dir())
    ]


def _folder(folder: Path) -> Input:
    """A folder of HTML and its media."""
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    if not stats:
        raise InputError(f"--input {folder}: the folder is empty")
    return Input(
        FOLDER,
        str(folder),
        sum(stat.st_size for stat in stats),
        max(stat.st_mtime for stat in stats),
        len(stats),
    )


def _kind(path: str) -> str:
    """What kind of input a file is, by its name."""
    name = posixpath.basename(path).lower()
    if any(fnmatch.fnmatch(name, pattern) for pattern in _EXTRACTS) or ".warc.w" in name:
        raise InputError(
            f"--input {path}: WET and WAT files hold no HTML; give the WARC files they were made of"
        )
    for pattern, kind in _KINDS.items():
        if fnmatch.fnmatch(name, pattern):
            return kind
    known = ", ".join(_KINDS)
    raise InputError(f"--input {path}: not an input; known are {known}, and folders of HTML")
