import json

import pytest

from pipeline.extract.linked_data import things, values_of
from pipeline.extract.tree import Node


def script(content):
    node = Node("script", {"type": "application/ld+json"}, None)
    node.children.append(content if isinstance(content, str) else json.dumps(content))
    return node


GRAPH = {
    "@graph": [
        {"@type": "Article", "name": "a", "image": {"@type": ["ImageObject"], "name": "b"}},
        {"@type": "https://schema.org/ImageObject", "name": "c", "creator": {"name": "d"}},
        {"@type": 3, "name": "e"},
    ]
}


def test_what_describes_images_is_told_from_the_rest():
    of_page = [thing.get("name") for thing in things(script(GRAPH), images=False)]
    assert of_page == [None, "a", "e"]
    of_images = [thing.get("name") for thing in things(script(GRAPH), images=True)]
    assert of_images == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", "\n"),
        ("<!--", "-->"),
        ("\n<!-- ", " --> "),
        ("//<![CDATA[\n", "\n//]]>"),
        ("/* <![CDATA[ */", "/* ]]> */\n"),
        (" <![CDATA[", "]]> "),
    ],
)
def test_what_old_templates_put_around_a_script_is_taken_off(before, behind):
    content = f'{before}{{"name": "<!-- a --> ]]> b"}}{behind}'
    (thing,) = things(script(content), images=False)
    assert thing == {"name": "<!-- a --> ]]> b"}


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "3", '"text"', "null"])
def test_a_script_without_objects_gives_none(content):
    assert list(things(script(content), images=False)) == []
    assert list(things(script(content), images=True)) == []


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a  b\n", ["a b"]),
        (["a", "b"], ["a", "b"]),
        ({"url": "u", "name": "n"}, ["u"]),
        ({"name": "n"}, ["n"]),
        ({"@value": "v", "url": "u"}, ["v"]),
        ([{"name": "n"}, 3, None, " ", {}], ["n"]),
        ({"name": ["n"]}, []),
        ("x" * 900, ["x" * 500]),
    ],
)
def test_a_field_is_a_text_an_object_or_several(value, texts):
    assert list(values_of({"field": value}, "field", ("url", "name"))) == texts
    assert list(values_of({}, "field", ("url",))) == []
