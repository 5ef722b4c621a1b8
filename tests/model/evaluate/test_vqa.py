import json
from pathlib import Path

import pytest

from model.evaluate.vqa import exact_match, normal_form, vqa_accuracy

GOLDEN = json.loads((Path(__file__).parent / "golden" / "vqa.json").read_text("utf-8"))


@pytest.mark.parametrize("question", GOLDEN["questions"], ids=lambda q: q["said"] or "nothing")
def test_accuracies_are_those_of_the_official_evaluation(question: dict) -> None:
    found = 100 * vqa_accuracy(question["said"], question["answers"])
    assert found == pytest.approx(question["accuracy"], abs=1e-5)  # it rounds


def test_the_overall_accuracy_is_theirs() -> None:
    each = [vqa_accuracy(q["said"], q["answers"]) for q in GOLDEN["questions"]]
    assert 100 * sum(each) / len(each) == pytest.approx(GOLDEN["overall"], abs=1e-5)


def test_normal_forms_are_theirs() -> None:
    theirs = GOLDEN["normal_forms"]
    assert {text: normal_form(text) for text in theirs} == theirs


@pytest.mark.parametrize(
    ("said", "answers", "right"),
    [("The dog.", ["cat", "dog"], 1.0), ("dogs", ["dog"], 0.0), ("Yes\n", ["yes"], 1.0)],
)
def test_an_exact_match_is_one_of_normal_forms(said: str, answers: list[str], right: float) -> None:
    assert exact_match(said, answers) == right
