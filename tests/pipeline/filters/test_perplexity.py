import math
import sys
import types

import pytest

from pipeline.filters import perplexity as module
from pipeline.filters.perplexity import (
    NoLanguageModel,
    Perplexity,
    plain_text,
    read_perplexity,
    require_packages,
)


class Model:
    """Each piece has a probability of one in ten, the end of the line of one in a hundred."""

    def __init__(self, path="model"):
        self.path = path

    def score(self, line):
        return -len(line.split()) - 2.0


class Pieces:
    def __init__(self, model_file="pieces"):
        self.path = model_file

    def encode_as_pieces(self, text):
        return text.split()


def test_perplexity_is_of_a_piece():
    expected = 10 ** ((4 + 2) / 5)
    assert Perplexity(Model(), Pieces())("one two three four") == round(expected, 1)
    assert math.isclose(Perplexity(Model(), Pieces())(""), 100.0)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (" In 2024 “he” said — so\nit was… ", 'In 0000 "he" said  -  so it was...'),
        ("a\u00a0b\u3000c", "a b c"),
    ],
)
def test_texts_as_the_model_knows_them(text, plain):
    assert plain_text(text) == plain


def test_the_models_are_read(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "kenlm", types.SimpleNamespace(Model=Model))
    monkeypatch.setitem(
        sys.modules, "sentencepiece", types.SimpleNamespace(SentencePieceProcessor=Pieces)
    )
    read = read_perplexity("a.arpa", "b.model")
    assert (read.model.path, read.pieces.path) == ("a.arpa", "b.model")


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(NoLanguageModel, match="kenlm and sentencepiece"):
        require_packages()
