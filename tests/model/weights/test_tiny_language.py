"""The tiny language model's lessons: pieces of a stream, or whole texts as rows."""

from dataclasses import replace

import torch

from model.weights.tiny_language import (
    LanguageLessons,
    token_rows,
    token_stream,
    train_language_on_rows,
)
from model.weights.tiny_tokenizer import BOS_ID, EOS_ID, PAD_ID

LESSONS = replace(LanguageLessons(), steps=25, batch=2, dim=16, layers=1, heads=2, ffw=16)


def letters(texts):
    return [[3 + ord(letter) - ord("a") for letter in text] for text in texts]


def test_a_stream_is_all_texts_between_their_marks():
    assert token_stream(letters, ["ab", "c"]).tolist() == [
        BOS_ID, 3, 4, EOS_ID, BOS_ID, 5, EOS_ID,
    ]  # fmt: skip


def test_rows_are_texts_between_their_marks_padded_to_the_longest():
    assert token_rows(letters, ["ab", "c"]).tolist() == [
        [BOS_ID, 3, 4, EOS_ID],
        [BOS_ID, 5, EOS_ID, PAD_ID],
    ]


def test_equal_seeds_give_equal_weights_and_progress_is_told():
    rows_NL, told = token_rows(letters, ["abc", "d", "ef"]), []
    one, other = (train_language_on_rows(rows_NL, LESSONS, 5, told.append) for _ in range(2))
    assert all(map(torch.equal, one.parameters(), other.parameters()))
    assert len(told) == 2
    assert told[0].startswith("language: step 25 of 25, loss ")


def test_padding_is_not_learnt_from():
    rows_NL = token_rows(letters, ["abc", "abcabc"])
    wider_NL = torch.nn.functional.pad(rows_NL, (0, 5), value=PAD_ID)
    one, other = (train_language_on_rows(rows, LESSONS, 5, print) for rows in (rows_NL, wider_NL))
    for mine, its in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, its, atol=1e-4)


def test_weights_are_drawn_as_wide_as_is_asked():
    rows_NL = token_rows(letters, ["abc"])
    wide = replace(LESSONS, spread=0.5, learning_rate=1e-6, weight_decay=0.0)
    model = train_language_on_rows(rows_NL, wide, 5, print)
    assert 0.45 < float(model.get_input_embeddings().weight.detach().std()) < 0.55
