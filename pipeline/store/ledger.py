"""The ledger of a build's fetches: what was asked for stays known, whatever becomes of the process.

It lies below the work folder and outlives stages. A step is one pack of bytes and one file of rows
that say what came of which URL; the pack gets its name first, so that no row speaks of bytes that
are not there. A killed build loses the step that was open and what was still on its way.
"""

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.store.files import LOCAL, Files
from pipeline.store.packs import UNFINISHED, PackWriter
from schemas.records import PackRef
from schemas.tables import FetchRow, to_rows

LEDGER = "media"
"""The ledger's folder, below the work folder."""

STEP_BYTES = 256 << 20
_FIRST_STEP_S = 0.1
_LONGEST_STEP_S = 60.0
_FIRST_STEP_ROWS = 8
_STEP_SHARE = 0.01
"""A step is closed after this share of the rows, or of the time, that its writer has seen: what a
kill loses is a small share of the work at any time, and the number of steps grows with the work's
logarithm."""

_PACKS, _ROWS = f"{LEDGER}/packs", f"{LEDGER}/rows"
_RETRIES = f"{LEDGER}/retries.json"
_PACK_END = "-000.tar"


class LedgerWriter:
    """Rows and bytes of one worker on their way into the ledger, a step at a time."""

    def __init__(
        self,
        root: str,
        *,
        files: Files = LOCAL,
        step_bytes: int = STEP_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A writer; nothing is on disk before the first step is closed.

        Args:
            root: the work folder.
            files: where the bytes go.
            step_bytes: a step of more content is closed.
            clock: in seconds.
        """
        self._root, self._files, self._step_bytes, self._clock = root, files, step_bytes, clock
        self._begun = self._opened = clock()
        self._refs: dict[str, PackRef] = {}
        self._count = 0
        self._begin()

    def add(self, row: FetchRow, body: bytes | None, digest: str = "") -> list[FetchRow]:
        """Takes a row and its content; the rows that are safe by now, with their refs.

        Args:
            row: without its ref.
            body: the content, None where there is none.
            digest: its sha256 where that is known already.
        """
        if not self._rows:
            self._opened = self._clock()
        ref = None
        if body is not None:
            ref = self._refs.get(digest) or self._packs.add(body)
            ref = self._refs.setdefault(ref.sha256, ref)
            self._bytes += len(body)
        self._rows.append(dataclasses.replace(row, ref=ref))
        self._count += 1
        return self.close() if self._is_full() else []

    def close(self) -> list[FetchRow]:
        """The rows of the open step, now safe; the next row begins another."""
        rows = self._rows
        if rows:
            self._packs.close()
            path = f"{self._root}/{_ROWS}/{self._name}.parquet"
            stream = pa.BufferOutputStream()
            pq.write_table(to_rows(FetchRow, rows), stream, compression="zstd")
            _write(self._files, path, stream.getvalue().to_pybytes())
            self._begin()
        return rows

    def abort(self) -> None:
        """Throws the open step away."""
        self._packs.abort()
        self._begin()

    def _is_full(self) -> bool:
        now = self._clock()
        step_s = min(_LONGEST_STEP_S, max(_FIRST_STEP_S, _STEP_SHARE * (now - self._begun)))
        step_rows = max(_FIRST_STEP_ROWS, _STEP_SHARE * self._count)
        return (
            self._bytes >= self._step_bytes
            or len(self._rows) >= step_rows
            or now - self._opened >= step_s
        )

    def _begin(self) -> None:
        self._name = uuid.uuid4().hex
        self._rows: list[FetchRow] = []
        self._bytes = 0
        # One pack a step, whatever it holds: a pack and its rows go by the same name.
        self._packs = PackWriter(
            self._root, f"{_PACKS}/{self._name}", files=self._files, max_bytes=1 << 62
        )


def row_files(paths: Iterable[str]) -> tuple[str, ...]:
    """Those of the files below the work folder that hold rows of the ledger."""
    return tuple(path for path in paths if f"/{_ROWS}/" in path and path.endswith(".parquet"))


def leftovers(paths: Iterable[str]) -> list[str]:
    """Those of the ledger's files that a killed build left and no row will ever speak of."""
    paths = list(paths)
    steps = {path.rpartition("/")[2].removesuffix(".parquet") for path in row_files(paths)}
    return [
        path
        for path in paths
        if path.endswith(UNFINISHED)
        or (f"/{_PACKS}/" in path and path.rpartition("/")[2].removesuffix(_PACK_END) not in steps)
    ]


@dataclass(frozen=True, slots=True)
class Retry:
    """Failures that are to be asked for again.

    Attributes:
        reasons: of the failures.
        before: ISO 8601 in UTC; what failed at or before then is asked for again.
        kinds: page, image, video: of what such failures there were.
    """

    reasons: tuple[str, ...]
    before: str
    kinds: tuple[str, ...]


def read_retries(root: str, files: Files = LOCAL) -> tuple[Retry, ...]:
    """All retries that were ever asked for, in their order."""
    try:
        with files.open(f"{root}/{_RETRIES}") as stream:
            tree = json.loads(stream.read())
    except (FileNotFoundError, NotADirectoryError):  # the latter is told where it is written to
        return ()
    return tuple(Retry(tuple(one["reasons"]), one["before"], tuple(one["kinds"])) for one in tree)


def retried(retries: Iterable[Retry], *kinds: str) -> list[Retry]:
    """Those of the retries that concern what is asked for as one of some kinds."""
    return [retry for retry in retries if set(kinds) & set(retry.kinds)]


def write_retries(root: str, retries: Iterable[Retry], files: Files = LOCAL) -> None:
    """Keeps retries, so that a build that is killed and begun again without them goes on."""
    tree = [dataclasses.asdict(retry) for retry in retries]
    _write(files, f"{root}/{_RETRIES}", json.dumps(tree, indent=1).encode())


def _write(files: Files, path: str, content: bytes) -> None:
    with files.create(path + UNFINISHED) as stream:
        stream.write(content)
    files.publish(path + UNFINISHED, path)
