import pytest

from pipeline.report.verdicts import EXAMPLES, Verdicts, fold_decisions, read_verdicts
from schemas.keys import make_key
from schemas.tables import Decision, to_rows


def refusal(number: int, reason: str = "too_few_words", **more) -> Decision:
    key = make_key(str(number))
    url = f"https://example.org/{number}"
    return Decision("text", "document", key, url, kept=False, reason=reason, **more)


def fold(decisions, parts=1) -> Verdicts:
    verdicts = Verdicts()
    size = -(-len(decisions) // parts)
    for start in range(0, len(decisions), size):
        (batch,) = to_rows(Decision, decisions[start : start + size]).to_batches()
        fold_decisions(verdicts, batch)
    return verdicts


def test_counts_of_an_output(output, files):
    verdicts = read_verdicts(output.path, files)
    assert verdicts.rows == 61 + 61 + 5
    assert verdicts.kept == {
        ("read", "page"): 61,
        ("text", "document"): 40,
        ("copies", "image"): 3,
    }
    assert {key: one.count for key, one in verdicts.refused.items()} == {
        ("text", "document", "too_few_words"): 20,
        ("text", "document", "language"): 1,
        ("copies", "image", "evaluation_copy"): 2,
    }


def test_matches_are_listed_with_set_and_id(output, files):
    verdicts = read_verdicts(output.path, files)
    assert verdicts.copies == {"coco": 2}
    assert {one.eval_id for one in verdicts.removals} == {"val/3.jpg", "val/4.jpg"}
    assert {(one.value, one.limit) for one in verdicts.removals} == {(2.0, 4.0), (0.9731, 0.94)}


def test_what_is_only_flagged_is_counted_apart():
    more = {"reason": "evaluation_text", "eval_set": "coco", "eval_id": "test/1"}
    decisions = [
        Decision("eval_texts", "document", make_key(str(n)), "u", kept=n > 1, **more)
        for n in range(5)
    ]
    verdicts = fold(decisions, 2)
    assert (verdicts.copies, verdicts.flagged) == ({"coco": 2}, {"coco": 3})
    assert (len(verdicts.removals), len(verdicts.flags)) == (2, 3)
    assert verdicts.kept == {("eval_texts", "document"): 3}


@pytest.mark.parametrize("parts", [2, 7])
def test_batches_do_not_matter(parts):
    decisions = [
        refusal(
            n, "symbols" if n % 3 else "bullets", value=n / 7, limit=float(n % 2), detail=str(n)
        )
        for n in range(60)
    ]
    assert fold(decisions, parts) == fold(decisions)


def test_values_are_kept_apart_by_their_limit():
    verdicts = fold([refusal(n, value=float(n), limit=3.0 if n < 3 else 10.0) for n in range(20)])
    spreads = verdicts.refused["text", "document", "too_few_words"].spreads
    assert {limit: spread.count for limit, spread in spreads.items()} == {3.0: 3, 10.0: 17}


def test_limits_without_end_do_not_fill_the_memory():
    verdicts = fold([refusal(n, value=1.0, limit=float(n)) for n in range(500)])
    spreads = verdicts.refused["text", "document", "too_few_words"].spreads
    assert len(spreads) <= 9
    assert sum(spread.count for spread in spreads.values()) == 500


def test_details_are_counted():
    verdicts = fold([refusal(n, "language", detail="de" if n % 2 else "fr") for n in range(9)])
    assert verdicts.refused["text", "document", "language"].details == {"fr": 5, "de": 4}


def test_examples_are_those_with_the_smallest_keys():
    verdicts = fold([refusal(n) for n in range(100)], parts=5)
    shown = [one.key for one in verdicts.refused["text", "document", "too_few_words"].examples]
    assert shown == sorted(make_key(str(n)) for n in range(100))[:EXAMPLES]


def test_a_rejection_without_a_reason_is_counted_too():
    verdicts = fold([refusal(1, None)])
    assert verdicts.refused["text", "document", ""].count == 1
