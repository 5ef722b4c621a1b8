"""Arrow schemas of every table at rest, and records as their rows.

The schemas follow from the records' annotations, so that a record and its table cannot drift
apart. A union of records (the blocks of a document) becomes one struct with a `kind` column and
the fields of all of them, empty where a kind has no such field.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import pyarrow as pa

from schemas.records import PackRef
from schemas.rejection import Measure, Reason, Rejection, Why

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """One row of the decisions table: what a stage made of an item, and why.

    Attributes:
        stage: name of the stage that decided.
        kind: page, document, image, pair or video.
        key: the item's content key.
        url: where it came from.
        kept: whether it went on.
        reason: why not; None when kept.
        value: the number measured, where it is one.
        limit: the number it was held against, where it is one.
        detail: what was measured, where it is a word: a language, a URL's word.
        eval_set: the evaluation set that holds the original of a copy.
        eval_id: the original's id there.
        copy_of: the key of the document that stayed in its stead.
        copy_of_url: that document's URL.
    """

    stage: str
    kind: str
    key: str
    url: str
    kept: bool
    reason: str | None = None
    value: float | None = None
    limit: float | None = None
    detail: str | None = None
    eval_set: str | None = None
    eval_id: str | None = None
    copy_of: str | None = None
    copy_of_url: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class FetchRow:
    """One row of the table of fetches: what came of asking for a URL.

    Attributes:
        url: as a page or a list names it.
        kind: page, image or video: what it was asked for as.
        source: `web` where it was asked for; `input` where the input itself holds its bytes; ""
            where its URL alone spoke against it.
        final_url: after redirects; the URL that refused where one did.
        status: of the last HTTP answer, 0 where there was none.
        reason: why there are no bytes; None where there are.
        value: the number measured, where it is one.
        limit: the number it was held against, where it is one.
        detail: what was measured, where it is a word.
        time: when the outcome was there, ISO 8601 in UTC; "" where nothing was asked.
        seconds: spent in requests, waiting for the host's turn not counted.
        wire_bytes: of bodies, read from the network, those of refused answers too.
        bytes: of the content as kept, its content encoding removed; 0 where there is none.
        content_type: as the server says, or "".
        format: of an image, by its first bytes; "" where they do not tell.
        width: of an image, px as stored; 0 where its first bytes do not tell.
        height: the same.
        ref: where the bytes lie, below the work folder, under their sha256; None without bytes.
    """

    url: str
    kind: str
    source: str
    final_url: str = ""
    status: int = 0
    reason: str | None = None
    value: float | None = None
    limit: float | None = None
    detail: str | None = None
    time: str = ""
    seconds: float = 0.0
    wire_bytes: int = 0
    bytes: int = 0
    content_type: str = ""
    format: str = ""
    width: int = 0
    height: int = 0
    ref: PackRef | None = None

    @property
    def why(self) -> Why | None:
        """Why there are no bytes, None where there are."""
        if self.reason is None:
            return None
        return Why(Reason(self.reason), self.value, self.limit, self.detail)


def told(why: Why | None) -> dict[str, typing.Any]:
    """The columns that tell a reason: `reason`, `value`, `limit`, `detail`."""
    if why is None:
        return dict.fromkeys(("reason", "value", "limit", "detail"))
    words = [word for word in (why.value, why.limit, why.detail) if isinstance(word, str) and word]
    return {
        "reason": str(why.reason),
        "value": _number(why.value),
        "limit": _number(why.limit),
        "detail": "; ".join(words) or None,
    }


def rejected(stage: str, rejection: Rejection) -> Decision:
    """The decisions row of a rejection."""
    return Decision(
        stage,
        rejection.kind,
        rejection.key,
        rejection.url,
        kept=False,
        **told(rejection.why),
        eval_set=rejection.eval_set,
        eval_id=rejection.eval_id,
    )


def _number(measure: Measure) -> float | None:
    """A measure as the number it is, if it is one."""
    return None if measure is None or isinstance(measure, str) else float(measure)


SHARD_INDEX = pa.schema(
    [
        ("key", pa.string()),
        ("url", pa.string()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        (
            "members",
            pa.list_(
                pa.struct(
                    [
                        ("name", pa.string()),
                        ("offset", pa.int64()),
                        ("size", pa.int64()),
                        ("crc32", pa.int64()),
                    ]
                )
            ),
        ),
        ("texts", pa.int64()),
        ("images", pa.int64()),
        ("videos", pa.int64()),
        ("words", pa.int64()),
        ("score", pa.float64()),
    ]
)
"""The sidecar of a shard: a row a sample, in the shard's order (offsets in bytes of the tar)."""


@functools.cache
def arrow_schema(record: type) -> pa.Schema:
    """The Arrow schema of a table of the given records."""
    return pa.schema(list(_struct(record)))


@functools.cache
def row_writer(record: type) -> Callable[[Any], dict[str, Any]]:
    """A function that turns a record of the given type into a row of its table."""
    hints = typing.get_type_hints(record)
    writers = [(field.name, _writer(hints[field.name])) for field in dataclasses.fields(record)]
    return lambda value: {name: write(getattr(value, name)) for name, write in writers}


@functools.cache
def row_reader(record: type) -> Callable[[dict[str, Any]], Any]:
    """A function that turns a row of a table back into the record it was."""
    hints = typing.get_type_hints(record)
    readers = [(field.name, _reader(hints[field.name])) for field in _fields(record)]
    return lambda row: record(**{name: read(row[name]) for name, read in readers})


def to_rows(record: type, values: Iterable[object]) -> pa.Table:
    """A table of the given records."""
    write = row_writer(record)
    return pa.Table.from_pylist([write(value) for value in values], arrow_schema(record))


def _kinds(hint: Any) -> list[Any]:  # noqa: ANN401 - a type hint
    """The members of a union, None left out; the hint itself where it is none."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [arg for arg in typing.get_args(hint) if arg is not type(None)]
    return [hint]


def _kind_name(record: type) -> str:
    """What the `kind` column of a union calls one of its records."""
    return record.__name__


def _struct(record: type) -> pa.StructType:
    """The Arrow struct of a record."""
    hints = typing.get_type_hints(record)
    return pa.struct([(field.name, _arrow(hints[field.name])) for field in _fields(record)])


def _fields(record: type) -> tuple["dataclasses.Field[Any]", ...]:
    """The fields of a record."""
    return dataclasses.fields(record)


def _arrow(hint: Any) -> pa.DataType:  # noqa: ANN401 - a type hint
    """The Arrow type of an annotation."""
    kinds = _kinds(hint)
    if len(kinds) > 1:
        merged = {field.name: field for kind in kinds for field in _struct(kind)}
        return pa.struct([("kind", pa.string()), *merged.values()])
    kind = kinds[0]
    if typing.get_origin(kind) is tuple:
        return pa.list_(_arrow(typing.get_args(kind)[0]))
    if dataclasses.is_dataclass(kind):
        return _struct(typing.cast(type, kind))
    return pa.string() if issubclass(kind, Enum) else _SCALARS[kind]


def _writer(hint: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - a type hint
    """A function that turns a value of the annotation into what Arrow takes."""
    kinds = _kinds(hint)
    if len(kinds) > 1:
        by_type = {kind: row_writer(kind) for kind in kinds}
        return lambda value: {"kind": _kind_name(type(value)), **by_type[type(value)](value)}
    kind = kinds[0]
    if typing.get_origin(kind) is tuple:
        inner = _writer(typing.get_args(kind)[0])
        return lambda value: [inner(item) for item in value]
    if dataclasses.is_dataclass(kind):
        write = row_writer(typing.cast(type, kind))
        return lambda value: None if value is None else write(value)
    if issubclass(kind, Enum):
        return str
    return lambda value: value


def _reader(hint: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - a type hint
    """A function that turns what Arrow gives back into a value of the annotation."""
    kinds = _kinds(hint)
    if len(kinds) > 1:
        readers = {_kind_name(kind): row_reader(kind) for kind in kinds}
        return lambda row: readers[row["kind"]](row)
    kind = kinds[0]
    if typing.get_origin(kind) is tuple:
        inner = _reader(typing.get_args(kind)[0])
        return lambda value: tuple([inner(item) for item in value])
    if dataclasses.is_dataclass(kind):
        read = row_reader(typing.cast(type, kind))
        return lambda value: None if value is None else read(value)
    if issubclass(kind, Enum):
        return lambda value: kind(value)
    return lambda value: value
