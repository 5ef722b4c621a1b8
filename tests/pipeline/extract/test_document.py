import json
from pathlib import Path

import pytest

from pipeline.extract.document import account_for, extract_document
from pipeline.page_account import block_row
from schemas.records import Page

GOLDEN = sorted(Path(__file__).parent.joinpath("golden").glob("*.json"))


def test_the_suite_is_whole():
    assert len(GOLDEN) >= 74


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_page(path):
    golden = json.loads(path.read_text(encoding="utf-8"))
    body = "\n".join(golden["html"]).encode()
    document = extract_document(Page("key", golden["url"], body, "text/html; charset=utf-8"))
    assert [block_row(block) for block in document.blocks] == golden["blocks"]


PROSE = (
    "The kettle stood on the stove of the old house for thirty years, and nobody ever looked {}."
)


def document_of(inside):
    html = (
        f"<html><head><title>How to brew tea - Tea World</title></head><body>{inside}</body></html>"
    )
    return extract_document(Page("key", "https://example.org/tea", html.encode()))


def test_a_headline_apart_from_its_text_is_kept_by_itself():
    prose = "".join(f"<p>{PROSE.format(word)}</p>" for word in ("inside", "under it", "behind it"))
    apart = document_of(
        f"<article><h1>How to brew tea</h1><div class='entry-content'>{prose}</div></article>"
    )
    assert apart.headline == "How to brew tea"
    assert apart.blocks[0].text == PROSE.format("inside")
    within = document_of(f"<article><h1>How to brew tea</h1>{prose}</article>")
    assert within.headline == ""
    assert within.blocks[0].text == "How to brew tea"
    none = document_of(f"<article><h2>Tea</h2><div>{prose}</div></article>")
    assert none.headline == ""


def test_all_of_a_page_is_accounted_for():
    page = Page(
        "key",
        "https://example.org/tea",
        b"<h1>Tea in the old house</h1><nav class='menu'><a href='/'>Home</a></nav><div>"
        + b"".join(f"<p>{PROSE.format(i)}</p>".encode() for i in range(5))
        + b"<p>Advertisement</p></div>",
    )
    document, passages = account_for(page)
    assert tuple(p.block for p in passages if p.block) == document.blocks
    cut = {p.what: p.why for p in passages if not p.block}
    assert cut["Tea in the old house"] == "headline, kept by itself"
    assert cut["Advertisement"] == "label of a template"
    assert 'boilerplate <nav class="menu">' in cut.values()
    assert document == extract_document(page)
