"""The files behind a build's `--input` patterns: WARC files, lists of them, HTML, lists of URLs."""

import fnmatch
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from pipeline.extract.derived import derived_form
from pipeline.stages.beam_files import FILES, has_client, is_local, no_client
from pipeline.stages.url_lists import require_urls
from pipeline.stages.warc_lists import (
    RANGE_COLUMNS,
    InputError,
    columns_of,
    first_missing,
    locate,
    read_paths,
    read_ranges,
)
from pipeline.store.web_file import is_web
from schemas.rejection import Rejection

__all__ = ["FOLDER", "RANGES", "URLS", "WARC", "Input", "InputError", "resolve_inputs"]

WARC = "warc"
FOLDER = "folder"
URLS = "urls"
RANGES = "ranges"
_PATHS = "paths"
_TABLE = "table"

_KINDS = {
    "*.warc": WARC,
    "*.warc.gz": WARC,
    "*.paths": _PATHS,
    "*.paths.gz": _PATHS,
    "*.txt": URLS,
    "*.csv": _TABLE,
    "*.parquet": _TABLE,
}
_EXTRACTS = ("*.wet", "*.wet.gz", "*.wat", "*.wat.gz", "wet.paths*", "wat.paths*")
_LOOKED_INTO = 200


@dataclass(frozen=True, slots=True)
class Input:
    """One file or folder to build from.

    Attributes:
        kind: WARC, FOLDER, URLS or RANGES.
        path: as it is opened.
        size: bytes; of a folder, of all its files; 0 of a file in a bucket that a list names.
        stamp: time of the last change in seconds; of a folder, the newest of its files.
        files: 1, or the number of files in a folder.
    """

    kind: str
    path: str
    size: int
    stamp: float
    files: int = 1


def resolve_inputs(
    patterns: Iterable[str], warc_base: str = "", offline: bool = False
) -> list[Input]:
    """The inputs that some paths and patterns name, sorted, each once.

    Args:
        patterns: of files and folders.
        warc_base: where the relative paths of lists begin, "" for beside the list.
        offline: no file may lie on a web server.

    Raises:
        InputError: a pattern that matches nothing, or a file that is no input.
    """
    found: dict[str, Input] = {}
    for pattern in patterns:
        _refuse_web([pattern] if offline else [])
        matches = _match(pattern)
        if not matches:
            raise InputError(f"--input {pattern}: no such file or folder")
        _require_readable(matches)
        items = _unlisted(matches, warc_base)
        _refuse_web([item.path for item in items] if offline else [])
        _look_into([item for item in items if item.kind == WARC])
        for item in items:
            if item.kind == URLS:
                require_urls(item.path)
        found.update({item.path: item for item in items})
    return [found[path] for path in sorted(found)]


def _refuse_web(paths: list[str]) -> None:
    """Raises InputError on a path on a web server."""
    for path in filter(is_web, paths):
        raise InputError(f"--input {path}: lies on the web, and --offline opens no socket")


def _match(pattern: str) -> list[Input]:
    """The inputs of one pattern."""
    if is_local(pattern) and Path(pattern).is_dir():
        return [_folder(Path(pattern))]
    if is_web(pattern):
        return [Input(_kind(pattern), pattern, _web_size(pattern), 0.0)]
    if not has_client(pattern):
        raise InputError(f"--input {pattern}: {no_client(pattern)}")
    (result,) = FileSystems.match([pattern])
    return [
        Input(_kind(one.path), one.path, one.size_in_bytes, one.last_updated_in_seconds or 0.0)
        for one in result.metadata_list
        if not one.path.endswith("/") and not (is_local(one.path) and Path(one.path).is_dir())
    ]


def _require_readable(items: list[Input]) -> None:
    """Raises InputError on a file or folder of this machine that cannot be opened."""
    for path in (item.path for item in items if is_local(item.path)):
        try:
            if Path(path).is_dir():
                next(Path(path).iterdir(), None)
            else:
                FILES.open(path).close()
        except OSError as error:
            raise InputError(f"--input {path}: cannot be read: {error.strerror or error}") from None


def _web_size(path: str) -> int:
    """The bytes of a file on a web server."""
    try:
        with FILES.open(path) as stream:
            return stream.seek(0, 2)
    except FileNotFoundError as error:
        raise InputError(f"--input {error}") from None


def _folder(folder: Path) -> Input:
    """A folder of HTML and its media."""
    try:
        stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    except OSError as error:
        raise InputError(f"--input {folder}: cannot be read: {error}") from None
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
        raise _derived(path, "WET and WAT files")
    for pattern, kind in _KINDS.items():
        if fnmatch.fnmatch(name, pattern):
            return kind
    known = ", ".join(_KINDS)
    raise InputError(f"--input {path}: not an input; known are {known}, and folders of HTML")


def _derived(path: str, what: str) -> InputError:
    return InputError(
        f"--input {path}: {what} hold no HTML; give the WARC files they were made of"
        " (warc.paths in place of wet.paths or wat.paths)"
    )


def _unlisted(items: list[Input], base: str) -> list[Input]:
    """The inputs with the files in place of lists of files, and tables told by their columns."""
    made: list[Input] = []
    for item in items:
        if item.kind == _PATHS:
            made += _listed(item.path, base)
        elif item.kind == _TABLE:
            made.append(_table(item, base))
        else:
            made.append(item)
    return made


def _look_into(files: list[Input]) -> None:
    """Raises InputError on WET or WAT under another name, seen in the first files."""
    local = [item for item in files if is_local(item.path)]
    for item in local[:_LOOKED_INTO] or files[:1]:
        try:
            with FILES.open(item.path) as stream:
                form = derived_form(stream)
        except FileNotFoundError as error:
            raise InputError(f"--input {error}") from None
        except PermissionError as error:
            raise InputError(f"--input {item.path}: cannot be read: {error.strerror}") from None
        if form:
            raise _derived(item.path, f"{form} files")


def _listed(source: str, base: str) -> list[Input]:
    """The WARC files that a list names."""
    lines = read_paths(source)
    if not lines:
        raise InputError(f"--input {source}: the list is empty")
    paths = [locate(line, source, base) for line in lines]
    for path in paths:
        if _kind(path) != WARC:
            raise InputError(f"--input {source}: {path} is no WARC file (*.warc, *.warc.gz)")
    _require(source, paths)
    return [_warc(path) for path in paths]


def _warc(path: str) -> Input:
    if not is_local(path):
        return Input(WARC, path, 0, 0.0)
    stat = Path(path).stat()
    return Input(WARC, path, stat.st_size, stat.st_mtime)


def _require(source: str, paths: Iterable[str]) -> None:
    missing = first_missing(paths)
    if missing is not None:
        raise InputError(
            f"--input {source}: no such file: {missing} (paths are looked for beside the list,"
            " then under read.warc_base; Common Crawl's is https://data.commoncrawl.org/)"
        )


def _table(item: Input, base: str) -> Input:
    """A table as the list of records or of URLs that its columns make it."""
    columns = columns_of(item.path)
    if set(RANGE_COLUMNS) <= set(columns):
        first = islice(read_ranges(item.path, base), 20)
        _require(item.path, (path for path, place in first if not isinstance(place, Rejection)))
        return replace(item, kind=RANGES)
    if "url" in columns:
        return replace(item, kind=URLS)
    raise InputError(
        f"--input {item.path}: no column url, nor {', '.join(RANGE_COLUMNS)};"
        f" its columns are {ascii(', '.join(columns[:12]))[1:-1][:200] or 'none'}"
    )
