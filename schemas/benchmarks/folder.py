"""A benchmark's folder: annotation files by pattern, images and videos by name, wherever they lie.

Publishers ship archives, users unpack them as they like: beside the annotations, in a folder of
their own, linked to from elsewhere. So the folder is walked once, links followed, and a file is
known by its name, and by its parents where several have one name.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.benchmarks.items import Example, LayoutError, Lost, Media, Unusable

_IMAGES = """
.avif .bmp .gif .ico .jp2 .jpeg .jpg .pgm .png .ppm .tif .tiff .webp
"""
IMAGE_SUFFIXES = frozenset(_IMAGES.split())
_VIDEOS = """
.avi .flv .m4v .mkv .mov .mp4 .mpeg .mpg .webm .wmv
"""
VIDEO_SUFFIXES = frozenset(_VIDEOS.split())

SPLITS = {"training": "train", "validation": "val", "validate": "val", "dev": "val"}
"""What publishers call train and val."""

NOT_SO = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What Python raises where a tree of JSON is of another shape than the code takes it to be."""

Row = Mapping[str, Any]
Make = Callable[[Row], Example]


class Folder:
    """All files under a folder.

    Args:
        root: the folder.

    Raises:
        LayoutError: there is no such folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise LayoutError(f"{root}: no such folder")
        self.root = root

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Paths of all files from the root, with `/`, sorted."""
        return tuple(sorted(_walk(self.root)))

    @cached_property
    def files(self) -> dict[str, list[str]]:
        """The paths by the name of the file, hidden ones left out."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            name = path.rpartition("/")[2]
            if not name.startswith("."):
                found.setdefault(name, []).append(path)
        return found

    @cached_property
    def stems(self) -> dict[str, list[str]]:
        """Paths of videos by their name without its suffix."""
        found: dict[str, list[str]] = {}
        for name, paths in self.files.items():
            stem, dot, suffix = name.rpartition(".")
            if f"{dot}{suffix.lower()}" in VIDEO_SUFFIXES:
                found.setdefault(stem, []).extend(paths)
        return found

    def named(self, *patterns: str) -> list[Path]:
        """The files whose names are like one of the patterns, the nearest to the root first."""
        paths = [
            path
            for name, same in self.files.items()
            if any(fnmatchcase(name, pattern) for pattern in patterns)
            for path in same
        ]
        return [self.root / path for path in sorted(paths, key=lambda p: (p.count("/"), p))]

    def image(self, *names: str) -> Media:
        """The image with the first of some names that is there; a name may have parents.

        Where there is none, its `fault` says so.
        """
        for name in names:
            path = _with_parents(self.files.get(PurePosixPath(name).name, []), name)
            if path is not None:
                return Media(self.root / path)
        fault = f"no file {' or '.join(names)} under {self.root}"
        return Media(self.root / names[0], fault=fault)

    def video(self, *stems: str, start_s: object = None, end_s: object = None) -> Media:
        """The video with the first of some names, suffix left out, that is there.

        Args:
            stems: names, perhaps with parents, without their suffix.
            start_s: seconds where it begins, as number or text; None for the whole video.
            end_s: seconds where it ends.

        Where there is none, its `fault` says so.

        Raises:
            Unusable: it ends before it begins, or that is no number.
        """
        start, end = _seconds(start_s), _seconds(end_s)
        if start is not None and end is not None and end <= start:
            raise Unusable(f"ends at {end} s, begins at {start} s")
        for stem in stems:
            path = _with_parents(self.stems.get(PurePosixPath(stem).name, []), stem, suffixed=True)
            if path is not None:
                return Media(self.root / path, True, start, end)
        fault = f"no video {' or '.join(stems)} under {self.root}"
        return Media(self.root / stems[0], True, start, end, fault)


def _walk(root: Path) -> Iterator[str]:
    """Paths from the root of all files, a folder that several links lead to once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(root, followlinks=True):
        state = os.stat(place)  # noqa: PTH116 - of hundreds of thousands of folders
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        inside = PurePosixPath(Path(place).relative_to(root).as_posix())
        before = "" if str(inside) == "." else f"{inside}/"
        yield from (f"{before}{name}" for name in names)


def _with_parents(paths: list[str], name: str, *, suffixed: bool = False) -> str | None:
    """The path that ends in a name with its parents; without such, the first; None for no path."""
    for path in paths:
        whole = path.rpartition(".")[0] if suffixed else path
        if f"/{whole}".endswith(f"/{name}"):
            return path
    return paths[0] if paths else None


def _seconds(value: object) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unusable(f"{value!r} is no number of seconds")
    try:
        return float(value)
    except ValueError:
        raise Unusable(f"{value!r} is no number of seconds") from None


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """What a JSON file holds.

    Raises:
        LayoutError: it cannot be read, or is not JSON.
    """
    try:
        return json.loads(_text_of(path))
    except json.JSONDecodeError as error:
        raise LayoutError(f"{path}: not JSON: {error}") from None


def read_json_lines(path: Path) -> Iterator[Any]:
    """What each line of a file holds.

    Raises:
        LayoutError: the file cannot be read, or a line is not JSON.
    """
    for number, line in enumerate(_text_of(path).splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise LayoutError(f"{path}:{number}: not JSON: {error}") from None


def read_csv(path: Path, needs: Iterable[str] = (), delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a table with a head.

    Raises:
        LayoutError: it cannot be read, or a column that is needed is not there.
    """
    reader = csv.DictReader(
        io.StringIO(_text_of(path), newline=""), delimiter=delimiter, skipinitialspace=True
    )
    try:
        columns = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        missing = [name for name in needs if name not in columns]
        if missing:
            raise LayoutError(f"{path}: no column {', '.join(missing)} among {', '.join(columns)}")
        return list(reader)
    except csv.Error as error:
        raise LayoutError(f"{path}:{reader.line_num}: {error}") from None


def read_lines(path: Path) -> list[str]:
    """The lines of a text file.

    Raises:
        LayoutError: it cannot be read.
    """
    return _text_of(path).splitlines()


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LayoutError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise LayoutError(f"{path}: not UTF-8") from None


def rows_of(tree: object, path: Path, *keys: str) -> list[Any]:
    """The list in a tree of JSON below some keys.

    Raises:
        LayoutError: there is none.
    """
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    if not isinstance(tree, list):
        raise LayoutError(f"{path}: no list at {'.'.join(keys) or 'its top'}")
    return tree


def examples_of(
    rows: Iterable[Any],
    split: str | Callable[[Any], str],
    id_of: Callable[[Any], object],
    make: Make,
) -> Iterator[Example | Lost]:
    """An example of each row, or why there is none.

    Args:
        rows: of an annotation file.
        split: that they belong to, or a row's.
        id_of: a row's id; where it has none, the place of the row is its id.
        make: an example from a row. May raise Unusable, or, where a row is not as it should be,
            what Python raises for a missing key or a value of another kind.
    """
    for place, row in enumerate(rows):
        try:
            name = str(id_of(row))
            of_row = split if isinstance(split, str) else split(row)
        except NOT_SO as error:
            yield Lost(f"row {place}", "", f"not as the layout says: {error!r}")
            continue
        try:
            example = make(row)
        except Unusable as error:
            yield Lost(name, of_row, str(error))
        except NOT_SO as error:
            yield Lost(name, of_row, f"not as the layout says: {error!r}")
        else:
            faults = [media.fault for media in example.media if media.fault]
            lost = Lost(example.id, example.split, "; ".join(faults), tuple(example.texts()))
            yield lost if faults else example


def split_in(path: Path) -> str:
    """The split that a file's name tells, as its last word that names one; its stem otherwise."""
    words = path.stem.lower().replace("-", "_").replace(".", "_").split("_")
    for word in reversed(words):
        named = SPLITS.get(word, word)
        for split in ("train", "val", "test"):
            if named == split or (named.startswith(split) and named[len(split) :].isdigit()):
                return split
    return path.stem


def texts_of(values: Iterable[object]) -> tuple[str, ...]:
    """The texts among some values, spaces around them and empty ones left out."""
    return tuple(text for value in values if (text := str("" if value is None else value).strip()))
