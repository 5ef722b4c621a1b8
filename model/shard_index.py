"""A shard held against the index beside it, where it has one of ours.

Contents are not read: the builder's `inspect_shard verify` does that. This finds what would train
on the wrong bytes or on fewer of them: a shard cut, mixed up or written anew without its index.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from schemas.tables import SHARD_INDEX

Found = tuple[str, Sequence[tuple[str, int, int]]]
"""A sample's key and its members: name, offset and size of each."""

_HELD = ("key", "members")


def index_fault(files: Any, path: str, samples: Sequence[Found]) -> str | None:  # noqa: ANN401 - fsspec has no types
    """How a tar differs from its index, or None; `X.parquet` beside `X.tar` is one.

    A table of other making there, such as img2dataset's, says nothing about the tar.

    Args:
        files: the file system.
        path: of the tar.
        samples: that were found in it, in order.
    """
    index = f"{path.removesuffix('.tar')}.parquet"
    if not path.endswith(".tar") or not files.exists(index):
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with files.open(index, "rb") as stream:
            table = pq.ParquetFile(stream)
            schema = table.schema_arrow
            if not {*_HELD} <= {*schema.names}:
                return None
            if not all(schema.field(name).equals(SHARD_INDEX.field(name)) for name in _HELD):
                return "its index has other columns than a shard's"
            rows = table.read(columns=list(_HELD), use_threads=False).to_pylist()
    except (pa.ArrowException, OSError) as error:
        return f"its index cannot be read: {str(error).splitlines()[0]}"
    listed = [
        (row["key"], [(one["name"], one["offset"], one["size"]) for one in row["members"]])
        for row in rows
    ]
    return _difference(samples, listed)


def _difference(found: Sequence[Found], listed: Sequence[Found]) -> str | None:
    """The first difference between a tar and its index."""
    if len(found) != len(listed):
        return f"{len(found)} samples, its index has {len(listed)}"
    for number, ((key, members), (listed_key, listed_members)) in enumerate(
        zip(found, listed, strict=True)
    ):
        if key != listed_key:
            return f"sample {number} is {key}, its index has {listed_key}"
        for here, there in zip_longest(members, listed_members):
            if here != there:
                return f"sample {key}: {_told(here)}, its index has {_told(there)}"
    return None


def _told(member: tuple[str, int, int] | None) -> str:
    if member is None:
        return "no further member"
    name, offset, size = member
    return f"{name} of {size} bytes at {offset}"
