"""Documents without their bad paragraphs, every paragraph accounted for."""

import sys
import types

from apache_beam.pvalue import TaggedOutput

from pipeline.filters import perplexity
from pipeline.filters.flagged import FlaggedLimits
from pipeline.filters.obelics import ObelicsLimits, WordLists
from pipeline.stages import paragraphs
from pipeline.stages.paragraphs import ObelicsSettings, filter_paragraphs, filtered, lists_of
from schemas.records import Document, ImageLink, Role, TextBlock

GOOD = (
    "When the sun has warmed the slopes, the birds rise with the air and are lost to sight. In "
    "the evening they come back to the old oaks by the river, where they have slept for years."
)
BLOCKS = (
    TextBlock("The kites", Role.HEADING),
    ImageLink("http://x/a.jpg"),
    TextBlock("Share this now"),
    TextBlock(GOOD),
)
PAGE = Document("k" * 32, "http://x/", "", BLOCKS)


def test_bad_paragraphs_go_and_images_stay():
    kept, verdicts, why = filter_paragraphs(PAGE, WordLists(), ObelicsLimits())
    assert kept.blocks == (BLOCKS[0], BLOCKS[1], BLOCKS[3])
    assert [str(verdict.reason) if verdict else None for verdict in verdicts] == [
        None,
        "too_few_words",
        None,
    ]
    assert why is None


def outputs(page):
    tagged = {"kept": [], "read": [], "decisions": []}
    for one in filtered(page, ObelicsSettings()):
        tag, value = (one.tag, one.value) if isinstance(one, TaggedOutput) else ("kept", one)
        tagged[tag].append(value)
    return tagged


def test_every_paragraph_is_accounted_for():
    found = outputs(PAGE)
    assert found["read"] == [("paragraphs", "paragraph")] * 3 + [("obelics", "document")]
    rows = found["decisions"]
    assert [(row.stage, row.kept) for row in rows] == [
        ("paragraphs", True),
        ("paragraphs", False),
        ("paragraphs", True),
        ("obelics", True),
    ]
    assert len({row.key for row in rows}) == 4
    assert (rows[1].reason, rows[1].value, rows[1].limit) == ("too_few_words", 3, 4)


def test_a_document_of_bad_paragraphs_goes():
    found = outputs(Document("k" * 32, "http://x/", "", BLOCKS[:3]))
    assert found["kept"] == []
    assert found["decisions"][-1].reason == "too_few_words"


def test_lists_come_from_the_recipes_files(tmp_path, monkeypatch):
    assert lists_of(ObelicsSettings()).common is None
    common, flagged = tmp_path / "common.txt", tmp_path / "flagged.txt"
    common.write_text("the\nkite\n")
    flagged.write_text("egg\n")
    monkeypatch.setattr(perplexity, "find_spec", lambda name: name)
    loaded = types.SimpleNamespace(Model=str, SentencePieceProcessor=lambda model_file: model_file)
    monkeypatch.setitem(sys.modules, "kenlm", loaded)
    monkeypatch.setitem(sys.modules, "sentencepiece", loaded)
    limits = ObelicsLimits(
        common_words_file=str(common), perplexity_model="a", perplexity_pieces="b"
    )
    lists = lists_of(ObelicsSettings(limits, FlaggedLimits(words_file=str(flagged))))
    assert lists.common == {"the", "kite"}
    assert lists.flagged == {"egg"}
    assert (lists.perplexity.model, lists.perplexity.pieces) == ("a", "b")
    paragraphs._perplexity.cache_clear()
