import numpy as np
import pytest

from dedup import search
from dedup.search import CodeSearch

WAYS = ("scan", "bands", "wide bands")


def go(way: str, monkeypatch) -> None:
    """Codes are searched this way, however few they are."""
    monkeypatch.setattr(search, "SCAN_CODES", 10**9 if way == "scan" else 0)
    monkeypatch.setattr(search, "WIDE_FROM", 0 if way == "wide bands" else 10**9)


def random_codes(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def near_copies(codes: np.ndarray, bits: int, seed: int) -> np.ndarray:
    """Each code with exactly `bits` random bits flipped."""
    rng = np.random.default_rng(seed)
    flips = [sum(1 << int(place) for place in rng.choice(64, bits, replace=False)) for _ in codes]
    return codes ^ np.array(flips, dtype=np.uint64)


def by_hand(queries, codes, radius) -> list[tuple[int, int, int]]:
    apart = np.bitwise_count(queries[:, None] ^ codes)
    return [(q, c, int(apart[q, c])) for q, c in np.argwhere(apart <= radius).tolist()]


def as_tuples(hits) -> list[tuple[int, int, int]]:
    return list(zip(*(column.tolist() for column in hits), strict=True))


@pytest.mark.parametrize("radius", range(search.MAX_RADIUS + 1))
@pytest.mark.parametrize("way", WAYS)
def test_finds_exactly_what_a_scan_finds(radius, way, monkeypatch):
    go(way, monkeypatch)
    codes = random_codes(400, 1)
    queries = np.concatenate(
        [near_copies(codes[:60], bits, bits) for bits in (0, radius, radius + 1)]
        + [random_codes(40, 2)]
    )
    found = as_tuples(CodeSearch(codes).within(queries, radius))
    assert found == by_hand(queries, codes, radius)
    assert {(k, k) for k in range(120)} >= {(q, q) for q, c, _ in found if q == c}
    assert sum(q < 120 and c == q % 60 for q, c, _ in found) == 120


@pytest.mark.parametrize("way", WAYS)
def test_equal_codes_are_all_found(way, monkeypatch):
    go(way, monkeypatch)
    codes = np.array([7, 7, 0, 7], dtype=np.uint64)
    hits = CodeSearch(codes).within(np.array([7], dtype=np.uint64), 0)
    assert hits.codes.tolist() == [0, 1, 3]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_in_or_nothing_asked(way, monkeypatch):
    go(way, monkeypatch)
    nothing = np.zeros(0, dtype=np.uint64)
    assert as_tuples(CodeSearch(nothing).within(random_codes(3, 1), 4)) == []
    assert as_tuples(CodeSearch(random_codes(3, 1)).within(nothing, 4)) == []


def test_a_scan_in_blocks_is_the_same(monkeypatch):
    codes = random_codes(50, 1)
    queries = near_copies(codes, 3, 2)
    whole = as_tuples(CodeSearch(codes).within(queries, 4))
    monkeypatch.setattr(search, "_SCAN_BLOCK", 1)
    assert as_tuples(CodeSearch(codes).within(queries, 4)) == whole


@pytest.mark.parametrize("radius", [-1, 11])
def test_a_radius_out_of_range_is_refused(radius):
    with pytest.raises(ValueError, match="0 to 10"):
        CodeSearch(random_codes(3, 1)).within(random_codes(1, 1), radius)


@pytest.mark.parametrize("way", ["bands", "wide bands"])
def test_a_look_up_in_blocks_is_the_same(way, monkeypatch):
    go(way, monkeypatch)
    codes = random_codes(300, 1)
    queries = near_copies(codes, 8, 2)
    whole = as_tuples(CodeSearch(codes).within(queries, 8))
    assert len(whole) >= 300
    monkeypatch.setattr(search, "_PROBES", 1)
    assert as_tuples(CodeSearch(codes).within(queries, 8)) == whole


@pytest.mark.parametrize("bands", [search.BANDS, search.WIDE_BANDS])
def test_bands_cover_a_code(bands):
    assert sum(bands) == 64
