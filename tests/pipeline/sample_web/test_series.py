"""A web of series: what its pages show and say, and what they never show."""

import json
from hashlib import sha256
from random import Random

import pytest

from pipeline.extract.document import extract_document
from pipeline.page_account import block_row
from pipeline.sample_web import few_shot, series
from pipeline.sample_web.few_shot import QUERIES, SUPPORT, write_few_shot
from pipeline.sample_web.movies import VideoFile
from pipeline.sample_web.scenes import CLASHES, COLOURS, PAINTED
from pipeline.sample_web.series import PALETTE, PICTURES, SIZE_PX, draw_single, held_out, shown
from pipeline.sample_web.voices import KINDS, LEADS, MANNERS, WORDS
from pipeline.sample_web.web import DECKS, build_page, kind_of
from schemas.records import Page

SEED = 7


@pytest.fixture(scope="module")
def pages():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series, "render_movie", lambda movie: VideoFile(b"mp4", 96, 96, 2.0))
        return [build_page(index, SEED, "series") for index in range(40)]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few-shot")
    write_few_shot(folder, SEED)
    return folder


def combinations_of(page):
    shots = [image for image in page.truth["images"] if image["content"]]
    scenes = [shot["scene"] for shot in (*shots, *page.truth["videos"])]
    return [(scene["things"][0]["kind"], scene["things"][0]["colour"]) for scene in scenes]


def examples_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_kinds_of_pages_stand_in_the_decks_shares(pages):
    kinds = [page.truth["kind"] for page in pages]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"series": 36, "clip": 4}
    assert kinds == [kind_of(SEED, index, "series") for index in range(40)]
    assert set(DECKS["series"]) == {"series", "clip"}


def test_a_series_has_a_label_below_each_of_its_pictures(pages):
    for page in pages:
        if page.truth["kind"] != "series":
            continue
        heading, *content = page.truth["content"]
        assert heading["text"] == page.truth["title"]
        pictures, labels = content[::2], content[1::2]
        assert PICTURES[0] <= len(pictures) == len(labels) <= PICTURES[1]
        (lead,) = {label["text"].partition(" ")[0] for label in labels}
        assert lead in LEADS
        for picture, label in zip(pictures, labels, strict=True):
            assert label["text"] == f"{lead} {picture['alt'].removeprefix(lead).strip()}"


def test_a_page_has_few_colours_and_calls_each_by_one_word(pages):
    for page in pages:
        if page.truth["kind"] != "series":
            continue
        shots = [image for image in page.truth["images"] if image["content"]]
        said = {}
        for shot, (_, colour) in zip(shots, combinations_of(page), strict=True):
            (word,) = set(shot["alt"].split()) & set(WORDS[colour])
            said.setdefault(colour, set()).add(word)
        assert len(said) <= PALETTE
        assert all(len(words) == 1 for words in said.values())


def test_the_extraction_gives_what_a_page_says_and_shows_and_nothing_else(pages):
    for page in pages:
        response = page.resources[0]
        found = extract_document(Page("0" * 32, response.url, response.body, response.content_type))
        rows = [block_row(block) for block in found.blocks]
        said = [item.get("text") or item["url"] for item in page.truth["content"]]
        assert [row.get("text") or row["url"] for row in rows] == said


def test_a_picture_is_of_one_thing_and_of_the_size_that_is_said(pages):
    shots = [i for page in pages for i in page.truth["images"] if i["content"]]
    for shot in shots:
        assert len(shot["scene"]["things"]) == 1
        assert (shot["width"], shot["height"]) == SIZE_PX
        assert shot["description"] == shot["alt"]


def test_a_clip_has_one_movie_and_no_picture(pages):
    clips = [page for page in pages if page.truth["kind"] == "clip"]
    for page in clips:
        assert len(page.truth["videos"]) == 1
        assert not any(image["content"] for image in page.truth["images"])
        assert page.truth["content"][-1]["text"] == page.truth["videos"][0]["description"]


def test_pages_never_show_what_is_held_out(pages):
    seen = {pair for page in pages for pair in combinations_of(page)}
    assert seen <= set(shown(SEED))
    assert not seen & held_out(SEED)


@pytest.mark.parametrize("seed", range(5))
def test_no_kind_and_no_colour_is_held_out_whole(seed):
    out, rest = held_out(seed), shown(seed)
    assert len(out) == series.HELD_OUT * len(KINDS)
    assert out.isdisjoint(rest)
    assert len(out) + len(rest) == len(KINDS) * len(COLOURS)
    assert {kind for kind, _ in rest} == set(KINDS)
    assert {colour for _, colour in rest} == set(COLOURS)
    assert held_out(seed) != held_out(seed + 100)


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_a_things_colour_shows(colour):
    for seed in range(30):
        scene = draw_single(Random(seed), ("ball", colour))
        assert colour not in (*CLASHES[scene.setting], scene.tint)
        assert bool(scene.tint) == (scene.setting in PAINTED)


def test_a_page_is_the_same_again(pages):
    again = build_page(3, SEED, "series")
    assert again.resources[0].body == pages[3].resources[0].body
    assert again.truth["images"] == pages[3].truth["images"]


def test_there_is_a_set_for_each_manner_and_its_files_are_there(sets):
    assert {path.name for path in sets.iterdir()} == set(MANNERS)
    for folder in sets.iterdir():
        data, support = (examples_of(folder / f"{name}.jsonl") for name in ("data", "support"))
        assert (len(data), len(support)) == (QUERIES, SUPPORT)
        assert all((folder / example["image"]).is_file() for example in data + support)
        assert len({example["id"] for example in data + support}) == QUERIES + SUPPORT


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Of each set's queries and shots in order, the kinds in colours that they are drawings of."""
    pairs = []

    def note(rng, pair):
        pairs.append(pair)
        return draw_single(rng, pair)

    monkeypatch.setattr(few_shot, "draw_single", note)
    write_few_shot(tmp_path, SEED)
    size = QUERIES + SUPPORT
    sets = [pairs[first : first + size] for first in range(0, len(pairs), size)]
    return [(of[:QUERIES], of[QUERIES:]) for of in sets]


def test_queries_are_of_what_no_page_shows_and_shots_of_what_pages_show(drawn):
    assert len(drawn) == len(MANNERS)
    for queries, shots in drawn:
        assert set(queries) <= held_out(SEED)
        assert set(shots) <= set(shown(SEED))


def test_queries_and_shots_of_a_set_are_of_the_same_few_colours(drawn):
    for queries, shots in drawn:
        colours = {colour for _, colour in queries}
        assert colours == {colour for _, colour in shots}
        assert len(colours) == PALETTE


def test_a_set_calls_a_colour_by_one_word(sets):
    for folder in sets.iterdir():
        examples = examples_of(folder / "data.jsonl") + examples_of(folder / "support.jsonl")
        words = {word for example in examples for word in example["answers"][0].split()}
        assert all(len(words & set(several)) <= 1 for several in WORDS.values())


def test_no_picture_of_the_sets_stands_on_a_page(pages, sets):
    on_pages = {image["sha256"] for page in pages for image in page.truth["images"]}
    in_sets = {sha256(path.read_bytes()).hexdigest() for path in sets.rglob("*.jpg")}
    assert len(in_sets) == len(MANNERS) * (QUERIES + SUPPORT)
    assert not on_pages & in_sets


def test_equal_seeds_give_equal_sets(sets, tmp_path):
    write_few_shot(tmp_path, SEED)
    for path in sets.rglob("*.*"):
        assert (tmp_path / path.relative_to(sets)).read_bytes() == path.read_bytes()
