import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.fingerprint import RADIUS, turn_codes
from dedup.index import MAGIC, EvaluationIndex, Item, Match, UnusableIndex

WORDS = st.text(max_size=6)
ITEMS = st.builds(
    Item, WORDS, WORDS, st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3).map(tuple)
)


def codes_of(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


A, B = 0x0123456789ABCDEF, 0xFEDCBA9876543210_0F0F & (2**64 - 1)
ITEM_A = Item("coco", "a.jpg", (A,))
ITEM_B = Item("flickr", "b.jpg", (B, 0x5555AAAA3333CCCC))


def make_index() -> EvaluationIndex:
    return EvaluationIndex.build([ITEM_B, ITEM_A])


def test_the_same_code_is_a_match():
    assert make_index().match(codes_of(A, 12345, B)) == [
        Match("coco", "a.jpg", 0, RADIUS),
        None,
        Match("flickr", "b.jpg", 0, RADIUS),
    ]


def test_any_view_of_an_item_counts():
    (match,) = make_index().match(codes_of(0x5555AAAA3333CCCC ^ 0b11))
    assert match == Match("flickr", "b.jpg", 2, RADIUS)


@pytest.mark.parametrize("turn", range(8))
def test_turned_copies_are_matches(turn):
    turned = turn_codes(codes_of(A))[turn]
    assert make_index().match(turned) == [Match("coco", "a.jpg", 0, RADIUS)]


def test_the_radius_is_held():
    index = make_index()
    assert index.match(codes_of(A ^ 0b1111))[0].distance == 4
    assert index.match(codes_of(A ^ 0b11111)) == [None]
    assert index.match(codes_of(A ^ 0b11111), radius=5)[0] == Match("coco", "a.jpg", 5, 5)
    with pytest.raises(ValueError, match="0 to 10"):
        EvaluationIndex.build([ITEM_A], radius=11)


def test_the_nearest_then_the_first_by_name_wins():
    items = [Item("b", "1", (A,)), Item("a", "2", (A,)), Item("a", "1", (A ^ 1,))]
    index = EvaluationIndex.build(items)
    assert index.match(codes_of(A)) == [Match("a", "2", 0, RADIUS)]
    assert index.match(codes_of(A ^ 1)) == [Match("a", "1", 0, RADIUS)]


def test_an_empty_index_matches_nothing():
    index = EvaluationIndex.build([])
    assert len(index) == 0
    assert index.match(codes_of(A)) == [None]
    assert make_index().match(codes_of()) == []
    assert EvaluationIndex.decode(index.encode()).match(codes_of(A)) == [None]


@given(st.lists(ITEMS, max_size=6))
def test_an_index_comes_back_whatever_the_order(items):
    index = EvaluationIndex.build(items)
    again = EvaluationIndex.decode(index.encode())
    ordered = sorted(items, key=lambda item: (item.eval_set, item.eval_id))
    assert list(again.items()) == list(index.items()) == ordered
    assert again.sets == index.sets
    assert again.radius == index.radius


@given(st.permutations([ITEM_A, ITEM_B, Item("x", "y", (3, 4))]))
def test_the_file_does_not_depend_on_the_order(items):
    assert EvaluationIndex.build(items).encode() == EvaluationIndex.build(items[::-1]).encode()


def test_saved_and_loaded(tmp_path):
    path = tmp_path / "eval.index"
    make_index().save(path)
    assert [child.name for child in tmp_path.iterdir()] == ["eval.index"]
    assert EvaluationIndex.load(path).match(codes_of(A))[0].eval_id == "a.jpg"


# What is refused


def refusal(content: bytes) -> str:
    with pytest.raises(UnusableIndex) as caught:
        EvaluationIndex.decode(content, "eval.index")
    assert str(caught.value) == f"eval.index: {caught.value.why}"
    assert caught.value.name == "eval.index"
    return caught.value.why


def test_other_files_are_refused(tmp_path):
    assert refusal(b"") == "not an evaluation index"
    assert refusal(b"\x89PNG\r\n") == "not an evaluation index"
    with pytest.raises(FileNotFoundError):
        EvaluationIndex.load(tmp_path / "none")


def test_another_version_is_refused():
    content = make_index().encode().replace(MAGIC + b" 1\n", MAGIC + b" 2\n")
    assert refusal(content) == "of version 2, this program reads version 1"


def test_another_descriptor_is_refused():
    index = make_index()
    object.__setattr__(index, "descriptor", "sscd/1")
    assert refusal(index.encode()) == (
        "made with descriptor 'sscd/1', this one is 'phash64-signs/1'"
    )


def test_every_cut_is_refused():
    content = make_index().encode()
    for size in range(len(content)):
        refusal(content[:size])
    assert refusal(content[:-1]).startswith("cut: ")
    assert refusal(content + b"x").startswith("cut: ")


def test_every_flipped_bit_is_refused():
    content = make_index().encode()
    for bit in range(0, len(content) * 8, 5):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        refusal(bytes(changed))
    assert refusal(content[:-1] + b"?") == "changed since it was made: sha256 differs"
