import json
import time

import pytest

from pipeline.extract.guards import is_guarded, trim
from pipeline.extract.limits import ExtractLimits
from pipeline.extract.tree import Node, folded_prose, parse_html, unfold
from schemas.rejection import BadInput, Reason

LIMITS = ExtractLimits()
TEXT = "<p>This text must stay.</p>"


def flat(node):
    """The tree as nested lists, without attributes."""
    out, stack = [], [(node, None)]
    root = out
    stack = [(node, root)]
    while stack:
        at, into = stack.pop()
        for child in at.children:
            if isinstance(child, Node):
                inner = [child.tag]
                into.append(inner)
                stack.append((child, inner))
            elif child.strip():
                into.append(" ".join(child.split()))
    return out


def words(node):
    out, stack = [], [node]
    while stack:
        at = stack.pop()
        if isinstance(at, str):
            out.append(at)
        else:
            if at.folded is not None:
                unfold(at, LIMITS)
            stack.extend(reversed(at.children))
    return " ".join("".join(out).split())


def test_text_elements_give_their_content_to_the_element_around():
    tree = parse_html("<p>one <b>two <i>three</i></b> four <span>five</span></p>", LIMITS)
    assert words(tree.body) == "one two three four five"
    assert flat(tree.body) == [["p", "one", "two", "three", "four", ["span", "five"]]]


def test_unseen_elements_part_words_and_say_nothing():
    html = "<p>one<script>x</script>two<select><option>no</select>three<style>p{}</style></p>"
    assert words(parse_html(html, LIMITS).body) == "onetwo three"


def test_a_button_is_read_where_it_is_a_heading():
    html = "<h3><button>Why?</button></h3><p>Because<button>Copy</button></p>"
    assert words(parse_html(html, LIMITS).body) == "Why?Because"


def test_notes_hold_what_the_page_says_of_itself():
    html = (
        '<head><title>T</title><base href="/x/"><meta name=a content=b><link rel=license href=l>'
        '<script type="application/ld+json">{"a": 1}</script><script>no()</script></head>'
        '<body><a rel="license" href="l">L</a><a href="/other">O</a></body>'
    )
    notes = parse_html(html, LIMITS).notes
    assert [n.tag for n in notes] == ["title", "base", "meta", "link", "script", "a"]
    assert json.loads("".join(notes[4].children)) == {"a": 1}


SLOW = ExtractLimits(fast_characters=0)


@pytest.mark.parametrize(
    "html",
    [
        "<h1>A</h1><p>b <em>c</em> d<br>e</p><ul><li>f<li>g</ul>",
        "<table><tr><td>a<td>b</table><pre>x\n y</pre>",
        "<figure><img src=a.jpg alt='x'><figcaption>cap</figcaption></figure>",
        "<div>one<button>no</button>two<select><option>no</select></div>",
        "<details><summary>s</summary>body</details>",
        "<ruby>a<rt>" * 200 + TEXT,
        "<div>a<rtc>b<p>c</div>",
    ],
)
def test_both_parsers_serve_the_same_tree(html):
    fast, slow = parse_html(html, LIMITS).body, parse_html(html, SLOW).body
    assert words(fast) == words(slow)
    assert flat(fast) == flat(slow)


@pytest.mark.shared
def test_both_parsers_see_the_same_text_on_real_pages(shared_data):
    pages = sorted((shared_data / "site-gimp-help").glob("*.html"))[::40]
    same = 0
    for path in pages:
        html = path.read_text(encoding="utf-8")
        same += words(parse_html(html, LIMITS).body) == words(parse_html(html, SLOW).body)
    assert same >= 0.97 * len(pages)


HOSTILE = {
    "deep": "<div>" * 100_000 + TEXT + "</div>" * 100_000,
    "deep, never closed": "<div>" * 100_000 + TEXT,
    "deep behind stray ends": "<div></b>" * 50_000 + TEXT,
    "capitals": "<DIV>" * 50_000 + TEXT,
    "long attribute": '<div x="' + "a" * 11_000_000 + '"></div>' + TEXT,
    "many attributes": "<div " + " ".join(f'a{i}=">"' for i in range(100_000)) + "></div>" + TEXT,
    "open tags": TEXT + "<a " * 100_000,
    "open comments": TEXT + "<!--a" * 100_000,
    "open quote": TEXT + '<div a="' + "x>" * 500_000,
    "options": "<select>" + "<option>a" * 50_000 + "</select>" + TEXT,
    "formatting": "<b><p>" * 3_000 + TEXT,
    "tables": "<table><tr><td>" * 10_000 + TEXT,
    "angles": TEXT + "<" * 1_000_000,
    "ruby": "<ruby>a<rt>" * 10_000 + TEXT,
    "zeros": TEXT.replace("text", "te\0xt"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_are_quick_and_lose_no_text(name):
    start = time.process_time()
    tree = parse_html(HOSTILE[name], LIMITS)
    assert "This text must stay." in words(tree.body)
    assert time.process_time() - start < 5


def test_too_many_elements_are_a_reason():
    with pytest.raises(BadInput) as bad:
        parse_html("<p>x</p>" * 200, ExtractLimits(max_elements=100))
    assert bad.value.why.reason is Reason.PARSE_ERROR


def test_unclosed_paragraphs_and_scripts_are_no_depth():
    html = "<p>x<li>y<br>" * 5_000 + "<script>if (a<b) { '<div>'.repeat(9) }</script>" * 2_000
    assert not is_guarded(html.encode(), LIMITS)


def test_trim_keeps_text_and_bounds_depth_and_attributes():
    limits = ExtractLimits(fast_depth=2, fast_attributes=1, fast_tag_characters=16_000)
    html = "<div><div><div>deep</div></div></div>"
    assert trim(html, limits) == "<div><div>deep</div></div>"
    tag = "<p " + "a=1 " * 600 + ">x"
    assert trim(tag, limits) == "<p a=1>x"
    assert trim("<script>'<div>'</script>x", limits) == "<script>'<div>'</script>x"


def folds(node):
    """The folded nodes under a node, in the page's order."""
    inside = [child for child in node.children if isinstance(child, Node)]
    return [
        fold for child in inside for fold in ([child] if child.folded is not None else folds(child))
    ]


def test_what_a_name_gives_away_as_boilerplate_stays_folded():
    html = "<p>text</p><nav>one <a href=x>two</a></nav><div class=sidebar><p>three</div><p>four"
    tree = parse_html(html, LIMITS)
    assert [node.tag for node in folds(tree.body)] == ["nav", "div"]
    assert flat(tree.body) == [["p", "text"], ["nav"], ["div"], ["p", "four"]]
    unfold(tree.body.children[1], LIMITS)
    assert flat(tree.body.children[1]) == ["one", ["a", "two"]]
    assert [node.tag for node in folds(tree.body)] == ["div"]


@pytest.mark.parametrize(
    "html",
    [
        "<div class=sidebar><h1>The headline</h1></div>",
        "<p>a <span class=tooltip>b <a href=x>c</a></span></p>",
        "<figure class=share><img src=a.jpg></figure>",
        "<article><p>text</p></article>",
        "<nav></nav>",
    ],
)
def test_headlines_inline_elements_and_figures_are_read_at_once(html):
    assert folds(parse_html(html, LIMITS).body) == []


def test_a_folded_element_that_holds_too_much_is_refused_when_it_is_read():
    tree = parse_html("<nav>" + "<p>x</p>" * 200 + "</nav>", ExtractLimits(max_elements=100))
    with pytest.raises(BadInput, match="too many elements"):
        unfold(tree.body.children[0], ExtractLimits(max_elements=100))


def test_prose_under_a_folded_element_is_what_stands_in_no_link_script_or_label():
    html = (
        "<nav><p>A sentence that is long enough.</p><a href=x>A link that is long enough too</a>"
        "<script>and so is this script here</script><b>short</b></nav>"
    )
    (fold,) = folds(parse_html(html, LIMITS).body)
    assert folded_prose(fold, 20) == len("A sentence that is long enough.")
    assert folded_prose(fold, 40) == 0


def test_a_folded_element_still_says_what_the_page_is():
    html = (
        "<footer><p>some text</p><a rel='license nofollow' href='https://a.example/'>CC</a>"
        '<script type="application/ld+json">{"@type": "Article"}</script></footer>'
    )
    notes = parse_html(html, LIMITS).notes
    assert [note.tag for note in notes] == ["a", "script"]
    assert notes[0].get("rel") == "license nofollow"
    assert notes[1].children == ['{"@type": "Article"}']
