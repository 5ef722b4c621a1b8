"""The table in a MATLAB file of version 5: what ImageNet's devkit keeps its classes in.

Only what `meta.mat` needs: one array of structs with numbers and texts, compressed or not (MATLAB's
"MAT-File Level 5 File Format"). Other kinds of array are passed over as None.
"""

import struct
import zlib
from collections.abc import Iterator
from math import prod

from schemas.benchmarks.items import LayoutError

Value = float | str | None

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED, _SINGLE = 14, 15, 4
_STRUCT, _TEXT = 2, 4
_NUMBERS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}


def read_structs(content: bytes, name: str) -> list[dict[str, Value]]:
    """The structs of the first array of structs in a file, field by field.

    Raises:
        LayoutError: it is no such file, or is cut.
    """
    try:
        for kind, body in _elements(content[_HEADER_BYTES:]):
            whole = zlib.decompress(body) if kind == _COMPRESSED else b""
            inner = next(_elements(whole))[1] if whole else body
            found = _structs(inner)
            if found:
                return found
    except (struct.error, zlib.error, StopIteration, ValueError, IndexError, KeyError) as error:
        raise LayoutError(f"{name}: no MATLAB file of version 5, or cut: {error!r}") from None
    raise LayoutError(f"{name}: no array of structs")


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, bytes) of elements one after the other; small ones hold their bytes in the tag."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<II", content, at)
        if kind >> 16:
            yield kind & 0xFFFF, content[at + _SINGLE : at + _SINGLE + (kind >> 16)]
            at += 8
            continue
        body = content[at + 8 : at + 8 + size]
        if len(body) < size:
            raise ValueError("cut")
        yield kind, body
        # Elements begin at multiples of 8, but for what follows a compressed one.
        at += 8 + (size if kind == _COMPRESSED else size + -size % 8)


def _structs(matrix: bytes) -> list[dict[str, Value]]:
    parts = _elements(matrix)
    flags, dimensions = next(parts)[1], next(parts)[1]
    if flags[0] != _STRUCT:
        return []
    next(parts)  # the array's name
    width = struct.unpack("<i", next(parts)[1])[0]
    named = next(parts)[1]
    fields = [
        named[at : at + width].split(b"\0")[0].decode("ascii") for at in range(0, len(named), width)
    ]
    count = prod(struct.unpack(f"<{len(dimensions) // 4}i", dimensions))
    return [{field: _value(next(parts)[1]) for field in fields} for _ in range(count)]


def _value(matrix: bytes) -> Value:
    """A text, or the first number of an array; None for other kinds and empty ones."""
    parts = _elements(matrix)
    flags = next(parts)[1]
    _, _ = next(parts), next(parts)  # dimensions, name
    kind, body = next(parts, (0, b""))
    if flags[0] == _TEXT:
        return body.decode(_TEXTS[kind]) if body else ""
    if kind not in _NUMBERS or not body:
        return None
    number: float = struct.unpack_from(f"<{_NUMBERS[kind]}", body)[0]
    return number
