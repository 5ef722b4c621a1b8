"""Embeddings kept between builds: unit rows by the key of what was embedded, on a local disk.

A folder holds the rows of one model and one way to compute. Each writer appends to two files that
nobody else has: `NAME.rows`, and `NAME.keys`, which speaks of a row only once it is written. So a
killed writer leaves at most a row that no key speaks of; and a row is held against its crc32 before
it is believed. Whatever is missing or damaged is embedded anew: the folder is safe to delete.
"""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]

_ENTRY = np.dtype([("key", "S16"), ("numbers", "<u4"), ("crc32", "<u4")])
_REMEMBERED = 1_000_000
"""Rows written by this writer that it finds again: some 100 MB of keys."""


class Vectors:
    """The rows of one folder, to read and to add to."""

    def __init__(self, folder: Path, name: str) -> None:
        """Opens what is there.

        Args:
            folder: made with the first row.
            name: of this writer's files, unique in the folder.
        """
        self._folder, self._name = folder, name
        self._files = [_read(path) for path in sorted(folder.glob("*.keys"))]
        self._own: dict[bytes, tuple[int, int]] = {}
        self._size = 0

    def find(self, key: str) -> Rows | None:
        """The row of a key of 32 hex digits, [numbers]; None where there is none."""
        wanted = bytes.fromhex(key)
        if wanted in self._own:
            offset, numbers = self._own[wanted]
            with self._path.open("rb") as stream:
                stream.seek(offset)
                return np.frombuffer(stream.read(4 * numbers), "<f4").astype(np.float32)
        for entries, rows in self._files:
            at = int(np.searchsorted(entries["key"], np.array(wanted, "S16")))
            if at < len(entries) and entries["key"][at] == np.array(wanted, "S16"):
                row = rows[int(entries["row"][at])]
                if zlib.crc32(row.tobytes()) == entries["crc32"][at]:
                    return np.array(row, np.float32)
        return None

    def add(self, keys: Sequence[str], rows: Rows) -> None:
        """Keeps rows, [keys, numbers]; they are there once this returns."""
        if not keys:
            return
        mode = "ab"
        if not self._size:
            self._folder.mkdir(parents=True, exist_ok=True)
            mode = "xb"
        stored = np.ascontiguousarray(rows, "<f4")
        entries = np.zeros(len(keys), _ENTRY)
        for number, (key, row) in enumerate(zip(keys, stored, strict=True)):
            entries[number] = bytes.fromhex(key), len(row), zlib.crc32(row.tobytes())
            if len(self._own) < _REMEMBERED:
                self._own[bytes.fromhex(key)] = self._size + number * row.nbytes, len(row)
        for path, array in ((self._path, stored), (self._path.with_suffix(".keys"), entries)):
            with path.open(mode) as stream:
                stream.write(array.tobytes())
        self._size += stored.nbytes

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._name}.rows"


def _read(path: Path) -> tuple[npt.NDArray[np.void], Rows]:
    """The entries of a file by key, each with the number of its row, and the rows."""
    content = path.read_bytes()
    entries = np.frombuffer(content[: len(content) // _ENTRY.itemsize * _ENTRY.itemsize], _ENTRY)
    rows_path = path.with_suffix(".rows")
    numbers = int(entries["numbers"][0]) if len(entries) else 0
    whole = rows_path.stat().st_size // (4 * numbers) if numbers and rows_path.exists() else 0
    entries = entries[:whole]
    found = np.zeros(len(entries), [("key", "S16"), ("crc32", "<u4"), ("row", "<u8")])
    found["key"], found["crc32"] = entries["key"], entries["crc32"]
    found["row"] = np.arange(len(entries))
    rows = (
        np.memmap(rows_path, "<f4", "r", shape=(len(entries), numbers))
        if len(entries)
        else np.zeros((0, 0), np.float32)
    )
    return found[np.argsort(found["key"], kind="stable")], rows
