from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.filters.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["One is here.", "Two is there!", "Three?", "And four"],
        ["Dr. Smith met Mrs. Jones on Jan. 5.", "They spoke."],
        ["J. R. R. Tolkien wrote it.", "I did not."],
        ["See Fig. 3 for e.g. the plan.", "It is old."],
        ["It costs 3.50 euros.", "Cheap!"],
        ["He said: “It works!”", "Then he left."],
        ["Wait... there is more.", "Yes."],
        ["2. Press the button.", "3. Let go."],
        ["The U.S. Army came.", "It stayed."],
        ["今日は晴れ。", "明日は雨。"],
    ],
)
def test_sentences(sentences):
    text = " ".join(sentences)
    assert [text[a:b] for a, b in split_sentences(text)] == sentences


def test_a_line_break_ends_a_sentence():
    text = "A heading\n\nA sentence goes\non here. "
    assert [text[a:b] for a, b in split_sentences(text)] == [
        "A heading",
        "A sentence goes",
        "on here.",
    ]


@given(st.text(alphabet='aA .!?\n"…1', max_size=60))
def test_spans_are_in_order_apart_and_hold_all_but_space(text):
    spans = split_sentences(text)
    assert all(a < b for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
