"""The digest that a sample carries of itself, so that it can be checked without its shard's index.

It is the last field of the sample's JSON, over the JSON's bytes without it and the contents of the
other members in their order. The `sha256` fields beside it are those of media as they were fetched,
before they were encoded anew: they say nothing of the bytes in the shard.
"""

import re
from collections.abc import Iterable

from schemas.keys import KEY_HEX, make_key

_FIELD = b',"digest":"%s"}'
_FIELD_BYTES = len(_FIELD % bytes(KEY_HEX))
_AT_END = re.compile(rb',"digest":"([0-9a-f]{32})"\}')


def add_digest(content: bytes, others: Iterable[bytes]) -> bytes:
    """The JSON object with the sample's digest as its last field.

    Args:
        content: the bytes of an object with one field at least, no space at its end.
        others: contents of the sample's other members, in their order.
    """
    return content[:-1] + _FIELD % make_key(content, *others).encode()


def holds_digest(content: bytes, others: Iterable[bytes]) -> bool | None:
    """Whether a sample is as it was when `add_digest` sealed it; None where it has no digest."""
    field = _AT_END.fullmatch(content, max(0, len(content) - _FIELD_BYTES))
    if field is None:
        return None
    return make_key(content[:-_FIELD_BYTES] + b"}", *others).encode() == field[1]
