import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.evaluation_texts import (
    FEWEST_WORDS,
    NGRAM,
    EvaluationText,
    EvaluationTextLimits,
    TextIndex,
    TextMatch,
)
from dedup.index import UnusableIndex
from dedup.minhash import word_count

QUESTION = "what is the small brown dog in the red coat looking at while it waits by the old door"
CAPTION = "a cat asleep on a warm blue car bonnet"  # nine words
OTHERS = " ".join(f"word{n}" for n in range(300))


def index_of(*texts: str, name: str = "set") -> TextIndex:
    return TextIndex.build(EvaluationText(name, f"{n}", text) for n, text in enumerate(texts))


def words(text: str, start: int, end: int) -> str:
    return " ".join(text.split()[start:end])


def test_a_whole_text_in_a_long_page() -> None:
    index = index_of(QUESTION, CAPTION)
    page = f"{OTHERS}. {QUESTION.upper()}? {OTHERS}"
    assert index.match(page, 0.5) == TextMatch("set", "0", 1.0)
    assert (
        index.match(f"{OTHERS} -- A cat, asleep on a warm (blue) car bonnet!", 0.5).eval_id == "1"
    )
    assert index.match(OTHERS, 0.01) is None
    assert index.match("", 0.01) is None


def test_half_a_text_is_half_of_its_ngrams() -> None:
    """19 words are seven 13-grams; the first 16 hold four of them."""
    assert len(QUESTION.split()) == 19
    index = index_of(QUESTION)
    found = index.match(f"{OTHERS} {words(QUESTION, 0, 16)} {OTHERS}", 0.5)
    assert found == TextMatch("set", "0", round(4 / 7, 4))
    assert index.match(f"{OTHERS} {words(QUESTION, 0, 15)} {OTHERS}", 0.5) is None
    assert index.match(words(QUESTION, 0, 15), 0.4).containment == round(3 / 7, 4)
    assert index.match(words(QUESTION, 0, 12), 0.01) is None


def test_a_text_of_few_words_may_lack_one() -> None:
    index = index_of(CAPTION)
    for place in range(9):
        said = CAPTION.split()
        del said[place]
        assert index.match(f"see {' '.join(said)} there", 1.0).eval_id == "0"
        del said[min(place, 7)]
        assert index.match(" ".join(said), 0.01) is None
    assert index.match(CAPTION.replace("warm", "cold"), 0.01) is None
    assert index.match(f"see {CAPTION} there", 1.0).eval_id == "0"


def test_eight_words_and_more_than_thirteen_lack_none() -> None:
    eight, fourteen = words(QUESTION, 0, 8), words(QUESTION, 0, 14)
    index = index_of(eight, fourteen)
    assert index.match(words(eight, 1, 8), 0.01) is None
    assert index.match(eight, 1.0).eval_id == "0"
    assert index.match(fourteen, 1.0) == TextMatch("set", "0", 1.0)
    lacking = fourteen.split()
    del lacking[7]
    assert index.match(" ".join(lacking), 0.01) is None


def test_shorter_texts_are_counted_not_held() -> None:
    index = index_of("what is the man doing?", CAPTION, "yes", "")
    assert len(index) == 1
    assert index.short == {"set": 3}
    assert index.match("what is the man doing?", 0.01) is None


def test_the_most_contained_counts_and_the_first_by_name_of_equals() -> None:
    longer = f"{QUESTION} and then it goes home again with the girl next door"
    texts = [("b", "1", QUESTION), ("a", "2", longer), ("a", "1", CAPTION)]
    index = TextIndex.build(EvaluationText(*one) for one in texts)
    assert index.match(QUESTION, 0.1) == TextMatch("b", "1", 1.0)
    assert index.match(f"{QUESTION} {CAPTION}", 0.1) == TextMatch("a", "1", 1.0)
    assert index.sets == {"a": 2, "b": 1}


def test_one_text_of_two_sets_is_held_under_the_first() -> None:
    one = EvaluationText("z", "9", CAPTION)
    other = EvaluationText("a", "1", f"{CAPTION}.")
    for order in ([one, other], [other, one]):
        index = TextIndex.build(order)
        assert index.names == (("a", "1"),)


TEXTS = st.lists(st.text("abc ", max_size=60), max_size=6)


@given(TEXTS, st.randoms(use_true_random=False))
def test_an_index_does_not_depend_on_order_and_reads_back(texts, rng) -> None:
    made = [EvaluationText(f"s{n % 2}", f"{n}", text) for n, text in enumerate(texts)]
    shuffled = list(made)
    rng.shuffle(shuffled)
    content = TextIndex.build(made).encode()
    assert TextIndex.build(shuffled).encode() == content
    index, size = TextIndex.decode(content + b"more", "x")
    assert size == len(content)
    assert index.encode() == content


@given(st.lists(st.text("aB3_-'é²日İß", min_size=1, max_size=4), min_size=9, max_size=13))
def test_words_are_cut_as_minhash_cuts_them(said) -> None:
    text = " ".join(said)
    index = index_of(text)
    if 8 < word_count(text) <= NGRAM:
        for lacking in range(len(said)):
            if word_count(said[lacking]) == 1:
                rest = " ".join(said[:lacking] + said[lacking + 1 :])
                assert index.match(rest, 1.0) is not None


PLACES = st.integers(0, 12)


@given(st.integers(FEWEST_WORDS, 40), st.integers(0, 40), st.integers(0, 40))
def test_containment_is_the_share_of_ngrams(count: int, start: int, length: int) -> None:
    text = [f"w{n}" for n in range(count)]
    index = index_of(" ".join(text))
    part = text[start : start + length]
    width = min(NGRAM, count)
    expected = max(0, len(part) - width + 1) / (count - width + 1)
    if FEWEST_WORDS < count <= NGRAM and len(part) == count - 1:
        expected = 1.0
    found = index.match(" ".join(["before", *part, "behind"]), 0.001)
    assert (found.containment if found else 0.0) == pytest.approx(expected, abs=1e-4)


def test_sections_that_are_not_whole_are_refused() -> None:
    content = index_of(QUESTION, CAPTION).encode()
    wrong = {
        "cut: ": content[:-3],
        "changed since it was made": content[:-1] + bytes([content[-1] ^ 1]),
        "changed in the header": content.replace(b'"texts":2', b'"texts":3'),
        "cut or changed in the header": content[:40],
        "of another version": content.replace(b"texts 2\n", b"texts 9\n"),
    }
    for why, damaged in wrong.items():
        with pytest.raises(UnusableIndex, match=f"name: .*{why}"):
            TextIndex.decode(damaged, "name")


def test_an_index_of_nothing() -> None:
    index = index_of()
    assert len(index) == 0
    assert index.match(QUESTION, 0.5) is None
    assert TextIndex.decode(index.encode(), "x")[0].hashes.dtype == np.uint64


def test_limits_know_two_policies() -> None:
    assert EvaluationTextLimits().policy == "drop"
    with pytest.raises(ValueError, match="policy must be drop or flag, got keep"):
        EvaluationTextLimits(policy="keep")
