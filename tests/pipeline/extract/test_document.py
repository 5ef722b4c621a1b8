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


def test_what_a_reader_sees_and_no_block_keeps_is_told():
    inside = (
        "<img src='spacer.gif' alt='A spacer'><iframe src='https://maps.example.org/embed'></iframe>"
        "<audio src='call.mp3'></audio><svg><text>Words in a drawing</text></svg>"
        "<object data='game.swf' type='application/x-shockwave-flash'></object>"
        "<p>It costs five <span class='sr-only'>(in the currency of this country)</span> crowns.</p>"
    )
    prose = "".join(f"<p>{PROSE.format(i)}</p>" for i in range(3))
    page = Page("key", "https://example.org/tea", f"<article>{prose}{inside}</article>".encode())
    document, passages = account_for(page)
    told = [(p.what, p.why) for p in passages if not p.block]
    assert told == [
        ("spacer.gif", "names no picture"),
        ("https://maps.example.org/embed", "frame of another page"),
        ("call.mp3", "sound"),
        ("Words in a drawing", "words of a drawing"),
        ("game.swf", "plug-in"),
        ("(in the currency of this country)", 'hidden <span class="sr-only">'),
    ]
    assert passages[2].what == PROSE.format(2)
    assert passages[3].what == "spacer.gif"
    assert document.blocks[-1].text == "It costs five crowns."


def test_a_page_of_shadow_roots_within_shadow_roots_ends():
    inside = "<template shadowrootmode='open'><p>Deep down.</p>" * 300 + "</template>" * 300
    prose = "".join(f"<p>{PROSE.format(i)}</p>" for i in range(3))
    texts = [block.text for block in document_of(f"{prose}<div>{inside}</div>").blocks]
    assert texts.count("Deep down.") in range(1, 301)


def test_a_hidden_part_among_endless_spaces_is_read_in_time():
    spaces = " " * 200_000
    prose = "".join(f"<p>{PROSE.format(i)}</p>" for i in range(3))
    document = document_of(
        f"{prose}<p>One{spaces}<b hidden></b><i>two</i>{spaces}<span hidden>x</span>.</p>"
    )
    assert document.blocks[-1].text.split()[:2] == ["One", "two"]
