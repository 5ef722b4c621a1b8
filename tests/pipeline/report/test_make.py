import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.report.make import make_report
from schemas.keys import make_key
from schemas.manifest import StageCount

VOID = {"meta", "img", "br"}


class Parsed(HTMLParser):
    """The page's elements, checked to be closed in the order in which they were opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements, self.attributes, self.texts, self._open = [], [], [], []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, element, attributes):
        self.elements.append(element)
        self.attributes += attributes
        if element not in VOID:
            self._open.append(element)

    def handle_endtag(self, element):
        assert self._open.pop() == element

    def handle_data(self, text):
        if text.strip():
            self.texts.append(text.strip())


@pytest.fixture
def page(output, files) -> str:
    return make_report(output.path, output.manifest, files).decode()


def test_page_is_well_formed_and_has_every_section(page):
    parsed = Parsed(page)
    ids = [value for name, value in parsed.attributes if name == "id"]
    sections = ["corpora", "funnel", "reasons", "evaluation", "m3w", "align", "provenance"]
    assert [one for one in ids if one in sections] == sections
    assert len(set(ids)) == len(ids)


def test_links_within_the_page_lead_somewhere(page):
    parsed = Parsed(page)
    ids = {value for name, value in parsed.attributes if name == "id"}
    anchors = {v[1:] for name, v in parsed.attributes if name == "href" and v.startswith("#")}
    assert anchors
    assert anchors <= ids


def test_no_text_of_a_page_becomes_markup(page):
    parsed = Parsed(page)
    assert "script" not in parsed.elements
    assert "<script" not in page
    assert any("<script>alert('canary')</script>" in text for text in parsed.texts)


def test_nothing_is_loaded_and_only_the_web_is_linked(page):
    parsed = Parsed(page)
    sources = [value for name, value in parsed.attributes if name in ("src", "srcset", "data")]
    assert sources
    assert all(value.startswith("data:image/jpeg;base64,") for value in sources)
    links = [value for name, value in parsed.attributes if name == "href"]
    assert all(value.startswith(("#", "https://", "http://")) for value in links)
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    assert "default-src 'none'" in page


def test_equal_output_gives_equal_bytes(output, files):
    first = make_report(output.path, output.manifest, files)
    assert make_report(output.path, output.manifest, files) == first
    assert output.path.encode() not in first


def test_the_order_of_keys_in_a_manifest_does_not_matter(output, files):
    recipe = dict(reversed(output.manifest.recipe.items()))
    inputs = [dict(reversed(one.items())) for one in output.manifest.inputs]
    turned = replace(output.manifest, recipe=recipe, inputs=inputs)
    first = make_report(output.path, output.manifest, files)
    assert make_report(output.path, turned, files) == first


def test_a_dozen_sequences_and_all_of_few_pairs_are_shown(page):
    assert page.count('class="card sequence"') == 12
    assert page.count('class="card pair"') == 10


def test_number_of_samples_can_be_chosen(output, files):
    page = make_report(output.path, output.manifest, files, samples_per_corpus=2).decode()
    assert page.count('class="card sequence"') == 2
    assert page.count('class="card pair"') == 4 + 6
    by_lot, lowest = page.split("The lowest scores that were kept")
    assert by_lot.count('class="card pair"') == 4
    scores = [float(score) for score in re.findall(r"score\s(0\.\d+)", lowest)]
    assert scores == [0.2, 0.21, 0.22, 0.23, 0.24, 0.25]


def test_removed_copies_are_shown_where_their_bytes_are_had(output, files, picture):
    key = make_key("copies", "image", "3")
    asked = []

    def find(keys):
        asked.append(set(keys))
        yield key, picture

    without = make_report(output.path, output.manifest, files).decode()
    page = make_report(output.path, output.manifest, files, find_media=find).decode()
    assert asked == [{make_key("copies", "image", str(number)) for number in (3, 4)}]
    assert page.count("data:image/jpeg") == without.count("data:image/jpeg") + 1


def test_removed_copies_say_what_decided(page):
    assert "0.9731 of at least 0.94" in page


def test_a_removed_copy_stands_beside_its_original(output, files, picture):
    asked = []

    def find(names):
        asked.append(set(names))
        yield from ((name, picture) for name in names)

    without = make_report(output.path, output.manifest, files).decode()
    page = make_report(output.path, output.manifest, files, find_originals=find).decode()
    (names,) = asked
    assert names
    assert page.count("data:image/jpeg") >= without.count("data:image/jpeg") + 1
    assert "<th>original</th>" in page


def test_a_damaged_sample_is_said_to_be_damaged(output, files):
    shard = Path(output.path) / "m3w/m3w-000000.tar"
    shard.write_bytes(b"\0" * shard.stat().st_size)
    page = make_report(output.path, output.manifest, files).decode()
    assert page.count("This sample cannot be read") == 6
    assert "is damaged" in page


def test_counts_that_do_not_fit_are_said(output, files):
    stages = [StageCount("text", "document", 70, 40, {"too_few_words": 20, "language": 1})]
    manifest = replace(output.manifest, stages=stages)
    page = make_report(output.path, manifest, files).decode()
    assert "9 of 70 items are unaccounted for" in page


def test_an_output_without_samples_or_decisions_has_a_page(tmp_path, output, files):
    empty = replace(output.manifest, stages=[], shards=[], models=[], thresholds={})
    page = make_report(str(tmp_path / "empty"), empty, files).decode()
    Parsed(page)
    assert "No evaluation index was given" in page
    assert "The recipe asks for m3w" in page
