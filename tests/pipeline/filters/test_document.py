from pipeline.filters.document import (
    DocumentLimits,
    document_text,
    judge_document,
    without_pii,
)
from schemas.records import Document, ImageLink, Role, TextBlock, VideoLink
from schemas.rejection import Reason

LIMITS = DocumentLimits()
PROSE = (
    "The red kite soars over the valley in the early morning, and it hardly ever beats its wings.",
    "When the sun has warmed the slopes, the birds rise with the air and are lost to sight.",
    "In the evening they come back to the old oaks by the river, where they have slept for years.",
)


def document(*texts, url="https://example.org/kites"):
    blocks = [TextBlock(t) for t in texts]
    return Document("k", url, "Kites", (blocks[0], ImageLink("https://x/a.jpg"), *blocks[1:]))


def test_the_text_is_one_block_a_line():
    made = Document(
        "k", "u", "", (TextBlock("a", Role.HEADING), ImageLink("i", "alt"), TextBlock("b"))
    )
    assert document_text(made) == "a\nb"


def test_prose_passes_with_its_language():
    made = document(*PROSE)
    assert judge_document(made, LIMITS) is None
    assert judge_document(made, LIMITS, ("en", 0.9)) is None


def test_the_first_rule_that_fails_is_told():
    assert reason(document(*PROSE, url="https://example.org/porn")) is Reason.URL_WORDS
    assert (
        reason(document("Die Vögel steigen mit der warmen Luft.", "Und dann?")) is Reason.LANGUAGE
    )
    assert reason(document(PROSE[0])) is Reason.TOO_FEW_WORDS
    assert reason(document(*PROSE, *PROSE)) is Reason.REPEATED_LINES
    assert reason(document(*PROSE), ("en", 0.3)) is Reason.LANGUAGE


def test_explicit_texts_are_told():
    assert reason(document(*PROSE, "So much porn, xxx.")) is Reason.FLAGGED_WORDS


def test_personal_data_leave_every_text_but_no_url():
    mail = "a@b.example"
    blocks = (
        TextBlock(f"Ask {mail}."),
        ImageLink(f"http://x/{mail}.jpg", mail, f"By {mail}", 3, 4),
        VideoLink("http://x/v.mp4", "", f"{mail} and {mail}", "alt"),
    )
    document = Document("k", f"http://x/{mail}", f"Of {mail}", blocks, headline=f"Now {mail}")
    clean, counts = without_pii(document)
    assert counts == {"email": 7}
    assert (clean.title, clean.url) == ("Of <EMAIL>", f"http://x/{mail}")
    assert clean.headline == "Now <EMAIL>"
    assert clean.blocks == (
        TextBlock("Ask <EMAIL>."),
        ImageLink(f"http://x/{mail}.jpg", "<EMAIL>", "By <EMAIL>", 3, 4),
        VideoLink("http://x/v.mp4", "", "<EMAIL> and <EMAIL>", "alt"),
    )
    assert without_pii(clean) == (clean, {})


def reason(made, language=None):
    why = judge_document(made, LIMITS, language)
    return why.reason if why else None
