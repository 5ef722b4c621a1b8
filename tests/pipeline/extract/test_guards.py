from dataclasses import replace

import pytest

from pipeline.extract.guards import count_opened, is_guarded, trim
from pipeline.extract.limits import ExtractLimits

LIMITS = ExtractLimits()
MANY = " ".join(f"a{number}" for number in range(300))


@pytest.mark.parametrize(
    "html",
    [
        f"<p {MANY}>x",
        f"<P {MANY}>x",
        f"<p {MANY}",
        f"<script {MANY}>x</script>",
        f"<svg:g {MANY}/>",
        f"<script>if (a < b) x = '<p>'</script><p {MANY}>",
        f"<!-- > --><p {MANY}>",
    ],
)
def test_a_tag_of_too_many_attributes_is_guarded(html):
    assert is_guarded(html.encode(), LIMITS)


@pytest.mark.parametrize(
    "html",
    [
        f"</p {MANY}>x",
        "<p " + " ".join(f'a{number}="<b>"' for number in range(300)) + ">x",
        "<p " + " ".join(f"a{number}='>'" for number in range(300)) + ">x",
        f"<p title='a > b' {MANY}>",
    ],
)
def test_what_a_quick_look_does_not_see_is_found_where_anything_else_calls_for_a_closer_one(html):
    assert is_guarded((html + "<br>" * 20_000).encode(), LIMITS)


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{MANY}</p>" * 10,
        f"<!-- <p {MANY}> -->",
        f"<script>x = '<p {MANY}>'</script>",
        f"<TEXTAREA>x = <p {MANY}></TEXTAREA>",
        f"<title><p {MANY}></title>",
        f"<p title='<p {MANY}>'>",
        "<div>" * 600 + "</div>" * 600,
        "<option>" * 3000,
    ],
)
def test_what_is_no_tag_or_not_so_many_is_not_guarded(html):
    assert not is_guarded(html.encode(), LIMITS)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 21_000,
        "<div>x" * 600 + "<p>y</p>" * 11_000,
        "<div></x>" * 11_000,
        "<Div>" * 21_000,
    ],
)
def test_deep_nesting_among_many_tags_is_guarded(html):
    assert is_guarded(html.encode(), LIMITS)


def test_many_tags_side_by_side_are_not_deep():
    assert not is_guarded(("<div><b>x</b></div>" * 20_000).encode(), LIMITS)
    assert not is_guarded(("<p>x<li>y<br>" * 20_000).encode(), LIMITS)


def test_options_of_menus_and_characters_are_counted():
    assert is_guarded(("<option>x" * 5000).encode(), LIMITS)
    assert is_guarded(("<OPTION>x" * 5000).encode(), LIMITS)
    assert is_guarded(("x" * 101).encode(), replace(LIMITS, fast_characters=100))
    assert (
        is_guarded(f"<p title='{'x' * 101}'>".encode(), replace(LIMITS, fast_tag_characters=100))
        is False
    )
    assert is_guarded(
        f"<p title='{'x' * 2000}'>".encode(), replace(LIMITS, fast_tag_characters=100)
    )


def test_a_raw_element_is_trimmed_of_its_attributes_and_keeps_its_content():
    limits = replace(LIMITS, fast_attributes=2)
    html = f"<script {MANY}>let x = 1</script><p>text</p>"
    assert trim(html, limits) == "<script a0 a1>let x = 1</script><p>text</p>"
    assert not is_guarded(trim(html, limits).encode(), limits)


def test_opened_elements_are_counted():
    assert count_opened("<p>a<b>c</b><br/><script>'<p>'</script></p><P>") == 5
