from pipeline.report.funnel import by_frequency, funnel_table, reason_cards, wording
from pipeline.report.markup import joined
from pipeline.report.verdicts import read_verdicts
from schemas.manifest import StageCount
from schemas.rejection import Reason


def test_no_words_are_kept_for_reasons_that_do_not_exist():
    assert set(wording()["reasons"]) <= {str(reason) for reason in Reason}


def test_bars_of_a_kind_have_one_scale():
    stages = [
        StageCount("read", "page", 50, 50),
        StageCount("screen", "document", 100, 50, {"language": 50}),
        StageCount("text", "document", 50, 50),
    ]
    table = joined(funnel_table(stages))
    assert table.count("width:100%") == 2
    assert table.count("width:50%") == 1


def test_the_most_frequent_reasons_are_named_and_the_rest_counted():
    rejected = {f"reason_{n}": n for n in range(1, 8)}
    table = joined(funnel_table([StageCount("text", "document", 28, 0, rejected)]))
    assert "reason 7</a> 7" in table
    assert "reason 3</a>" not in table
    assert "and 3 more" in table


def test_what_was_replaced_is_told():
    stages = [StageCount("screen", "document", 9, 9, {}, {"email": 3})]
    assert "3 of email replaced" in joined(funnel_table(stages))


def test_each_reason_has_a_card(output, files):
    cards = joined(reason_cards(output.manifest.stages, read_verdicts(output.path, files)))
    assert cards.count("<article") == 3
    assert 'id="text-document-too_few_words"' in cards
    assert "limit 50" in cards
    assert "https://example.org/text/" in cards


def test_names_of_equal_number_are_in_order():
    assert by_frequency({"b": 1, "a": 1, "c": 2}) == [("c", 2), ("a", 1), ("b", 1)]
