"""A sketch of the frequent tokens of a pool: Bloom filters that never miss one (Bloom, 1970).

A frequent token is always found; a rare one passes for frequent by chance, `sketch_error` of the
bits spent on a token. A count-min sketch would err on the counts themselves, and then on the place
of the K-th token too; here the counts and the place are exact, and only the question that is asked
of every token of every text, whether it is among the frequent, is answered from a sketch.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

Hashes = tuple[int, int]
"""Two hashes of a token, 64 bits each."""

_TOKENS_PER_BLOCK = 65_536
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class TokenSketch:
    """The frequent tokens of a pool, as far as bits tell; `token in sketch`.

    Attributes:
        blocks: a Bloom filter by number; a block without a token is left out.
        count: of blocks.
        bits: spent on a token.
    """

    blocks: Mapping[int, bytes]
    count: int
    bits: int

    def __contains__(self, token: object) -> bool:
        block, (first, second) = place_of(str(token), self.count)
        filled = self.blocks.get(block)
        if not filled:
            return False
        size = len(filled) * 8
        places = ((first + turn * second & _MASK) % size for turn in range(_hashes(self.bits)))
        return all(filled[place >> 3] >> (7 - (place & 7)) & 1 for place in places)


def sketch_error(bits: int) -> float:
    """The chance that a rare token passes for a frequent one: 0.0082 at 10 bits a token."""
    hashes = _hashes(bits)
    return float((1 - math.exp(-hashes / bits)) ** hashes)


def block_count(tokens: int) -> int:
    """The number of blocks for so many tokens, each of some 80 KB at 10 bits."""
    return 1 + tokens // _TOKENS_PER_BLOCK


def place_of(token: str, blocks: int) -> tuple[int, Hashes]:
    """The block of a token among so many, and its hashes there."""
    digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=24).digest()
    block, first, second = (int.from_bytes(digest[at : at + 8], "big") for at in (0, 8, 16))
    return block % blocks, (first, second | 1)


def fill_block(hashes: Iterable[Hashes], bits: int) -> bytes:
    """The Bloom filter of a block's tokens, with so many bits for each; the same in any order."""
    rows = np.array(list(hashes), dtype=np.uint64)
    size = -(-len(rows) * bits // 8) * 8
    filled = np.zeros(size, dtype=bool)
    for turn in range(_hashes(bits)):
        # uint64 wraps around, as the mask does where a token is looked up.
        filled[(rows[:, 0] + np.uint64(turn) * rows[:, 1]) % np.uint64(size)] = True
    return np.packbits(filled).tobytes()


def _hashes(bits: int) -> int:
    """The number of hashes that errs least at so many bits a token."""
    return max(1, round(bits * math.log(2)))
