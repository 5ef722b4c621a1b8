"""A sketch finds all that it holds, and errs on others as often as it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.filters.token_sketch import (
    TokenSketch,
    block_count,
    fill_block,
    place_of,
    sketch_error,
)


def sketch_of(tokens, bits=10, blocks=None):
    count = blocks or block_count(len(tokens))
    hashes = {}
    for token in tokens:
        block, place = place_of(token, count)
        hashes.setdefault(block, []).append(place)
    return TokenSketch({block: fill_block(h, bits) for block, h in hashes.items()}, count, bits)


@given(st.lists(st.text(), unique=True, max_size=80), st.integers(1, 20), st.integers(1, 5))
def test_what_it_holds_is_found(tokens, bits, blocks):
    sketch = sketch_of(tokens, bits, blocks)
    assert all(token in sketch for token in tokens)
    assert sketch == sketch_of(tokens[::-1], bits, blocks)


@pytest.mark.parametrize("bits", [1, 4, 10])
def test_what_it_does_not_hold_passes_as_often_as_it_says(bits):
    sketch = sketch_of([f"in {n}" for n in range(20_000)], bits, blocks=3)
    passed = sum(f"out {n}" in sketch for n in range(20_000)) / 20_000
    assert passed == pytest.approx(sketch_error(bits), rel=0.15)


def test_nothing_is_in_an_empty_one():
    assert "a" not in sketch_of([])
    assert (block_count(0), block_count(65_536)) == (1, 2)
    assert sketch_error(10) == pytest.approx(0.0082, abs=5e-5)


def test_its_size_is_its_tokens():
    assert len(fill_block([(n, 2 * n + 1) for n in range(100)], 10)) == 125
