"""The few things that packs need of a file system, so that a bucket can stand in for a disk."""

import os
from pathlib import Path
from typing import BinaryIO, Protocol


class Files(Protocol):
    """Where bytes lie: a local disk, or a bucket behind Beam's FileSystems."""

    def create(self, path: str) -> BinaryIO:
        """A new file open for writing; missing folders are made."""

    def open(self, path: str) -> BinaryIO:
        """A file open for reading, seekable; raises OSError where there is none."""

    def publish(self, temp: str, final: str) -> None:
        """Give a closed file its final name in one step, over whatever stood there."""

    def remove(self, path: str) -> None:
        """Delete a file if it is there."""


class LocalFiles:
    """Files on a local disk; what is published is on the disk before it has its name."""

    def create(self, path: str) -> BinaryIO:
        """A new local file, open for writing."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return Path(path).open("wb")

    def open(self, path: str) -> BinaryIO:
        """A local file, open for reading."""
        return Path(path).open("rb")

    def publish(self, temp: str, final: str) -> None:
        """Flush the file to the disk, rename it, and flush the folder that names it."""
        _sync(temp)
        Path(temp).replace(final)
        _sync(str(Path(final).parent))

    def remove(self, path: str) -> None:
        """Delete a local file if it is there."""
        Path(path).unlink(missing_ok=True)


LOCAL = LocalFiles()
"""The local disk."""


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
