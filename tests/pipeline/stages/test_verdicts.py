"""A filter's answer becomes a kept item or a decision, never both, never neither."""

import apache_beam as beam

from pipeline.stages.verdicts import DECISIONS, Subject, attempt, decide
from schemas.records import Capture
from schemas.rejection import BadInput, Reason, Why
from schemas.tables import Decision

SUBJECT = Subject("s", lambda c: c.path, lambda c: "k", lambda c: c.url)
ITEM = Capture("u", "image")


def tags(outputs):
    return [o.tag if isinstance(o, beam.pvalue.TaggedOutput) else "kept" for o in outputs]


def test_a_kept_item_has_a_decision():
    outputs = list(decide(ITEM, SUBJECT, lambda item: None))
    assert tags(outputs) == ["kept", DECISIONS]
    assert outputs[0] is ITEM
    assert outputs[1].value == Decision("s", "image", "k", "u", kept=True)


def test_a_rejected_item_is_only_a_decision():
    (output,) = decide(ITEM, SUBJECT, lambda item: Why(Reason.ASPECT, 4.0, 3.0))
    assert output.value.reason == "aspect"
    assert (output.value.value, output.value.limit, output.value.kept) == (4.0, 3.0, False)


def test_a_match_names_its_original_and_stays_where_it_is_flagged():
    why = Why(Reason.EVALUATION_COPY, 0.9, 0.7)
    rows = [SUBJECT.matched(ITEM, why, ("coco", "7"), policy) for policy in ("drop", "flag")]
    assert [row.kept for row in rows] == [False, True]
    for row in rows:
        assert (row.stage, row.kind, row.key, row.url) == ("s", "image", "k", "u")
        assert (row.reason, row.value, row.limit) == ("evaluation_copy", 0.9, 0.7)
        assert (row.eval_set, row.eval_id) == ("coco", "7")


def test_attempts_turn_bad_input_into_decisions():
    def make(item):
        raise BadInput(Reason.NO_CONTENT)

    assert tags(attempt(ITEM, SUBJECT, lambda item: 7)) == ["kept", DECISIONS]
    (output,) = attempt(ITEM, SUBJECT, make)
    assert output.value.reason == "no_content"
