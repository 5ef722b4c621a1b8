"""The web as a whole: kinds, idioms, copies and near-duplicates in their shares."""

from collections import Counter

import pytest

from pipeline.sample_web.evaluation import draw_evaluation_set, reserved_signatures
from pipeline.sample_web.idioms import IDIOMS
from pipeline.sample_web.pictures import TRANSFORMS
from pipeline.sample_web.scenes import mirror_scene, signature_of
from pipeline.sample_web.studio import Studio
from pipeline.sample_web.web import CHARSETS, DECK, kind_of

SEED = 7


def test_every_idiom_occurs(small_pages):
    seen = {image["idiom"] for page in small_pages for image in page.truth["images"]}
    assert seen >= {*IDIOMS, "two_in_order", "chrome"}


def test_every_kind_occurs_as_often_as_the_deck_says(small_pages):
    kinds = Counter(page.truth["kind"] for page in small_pages)
    assert {kind: kinds[kind] for kind in DECK} == {k: 3 * n for k, n in DECK.items()}
    assert sum(DECK.values()) == 40


def test_the_first_page_is_never_a_copy():
    assert all(kind_of(seed, 0) != "near_duplicate" for seed in range(60))


def test_languages_and_charsets(small_pages):
    languages = {p.truth["language"] for p in small_pages if p.truth["kind"] == "foreign"}
    assert languages == {"de", "fr", "es"}
    assert {page.truth["charset"] for page in small_pages} == {"utf-8", *CHARSETS}


def test_several_hosts(small_pages):
    hosts = {page.truth["host"] for page in small_pages}
    assert len(hosts) >= 8
    assert all(host.endswith(".example") for host in hosts)


def test_every_kept_page_has_a_good_first_image(kept_pages):
    for truth in kept_pages:
        good = [i for i in truth["images"] if i["content"] and not i["mismatched"]]
        assert good, truth["url"]


def test_junk_images_of_every_purpose_occur(small_pages):
    images = [image for page in small_pages for image in page.truth["images"]]
    purposes = {image["purpose"] for image in images}
    assert purposes >= {"content", "logo", "icon", "pixel", "advert", "placeholder", "thumbnail"}
    assert purposes >= {"variant", "flat", "tiny", "banner"}
    assert any(image["dead"] for image in images)
    assert any(image["mismatched"] for image in images)
    tiny = [image for image in images if image["purpose"] == "tiny"]
    assert all(min(image["width"], image["height"]) < 64 for image in tiny)
    banners = [image for image in images if image["purpose"] == "banner"]
    assert all(image["width"] > 3 * image["height"] for image in banners)


def test_about_two_in_a_hundred_images_are_copies(small_pages):
    images = [i for page in small_pages for i in page.truth["images"] if i["content"]]
    copies = [image for image in images if image["copy_of"]]
    assert 0.01 < len(copies) / len(images) < 0.035
    assert {image["transform"] for image in copies} == set(TRANSFORMS)


def test_reserved_scenes_occur_in_copies_alone(monkeypatch):
    from pipeline.sample_web import scenes, studio

    reserved = draw_evaluation_set(SEED)[0].scene
    free = Studio(SEED, 5).subject
    answers = iter([reserved, free])
    monkeypatch.setattr(studio, "draw_scene", lambda rng: next(answers))
    assert studio.draw_free_scene(scenes.Random(0), SEED) == free
    assert signature_of(reserved) in reserved_signatures(SEED)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_truth_of_a_copy_says_what_it_shows(transform, monkeypatch):
    from pipeline.sample_web import studio

    monkeypatch.setattr(studio, "TRANSFORMS", (transform,))
    shot = Studio(SEED, 3).rare("copy")
    original = next(i for i in draw_evaluation_set(SEED) if i.id == shot.copy_of).scene
    expected = mirror_scene(original) if transform == "flipped" else original
    assert shot.scene == expected
    assert shot.transform == transform


def shingles(truth, n):
    words = " ".join(i["text"] for i in truth["content"] if i["kind"] == "text").split()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def jaccard(first, second, n):
    a, b = shingles(first, n), shingles(second, n)
    return len(a & b) / len(a | b)


def test_near_duplicates_are_near_and_strangers_are_not(small_pages):
    truths = {page.truth["url"]: page.truth for page in small_pages}
    copies = [truth for truth in truths.values() if truth["duplicate_of"]]
    assert len(copies) == 6
    for copy in copies:
        original = truths[copy["duplicate_of"]]
        assert original["expect"] == "kept"
        assert original["host"] != copy["host"]
        assert 0.8 < jaccard(original, copy, 13) < 1
        assert {i["sha256"] for i in original["images"] if i["content"]} == {
            i["sha256"] for i in copy["images"] if i["content"]
        }
    strangers = [truth for truth in truths.values() if truth["expect"] == "kept"][:25]
    for i, first in enumerate(strangers):
        assert all(jaccard(first, second, 5) < 0.2 for second in strangers[:i])


def test_mismatched_images_say_something_else(small_pages):
    wrong = [i for page in small_pages for i in page.truth["images"] if i["mismatched"]]
    assert wrong
    assert all(image["alt"] != image["description"] for image in wrong)


def test_text_survives_every_charset(small_pages):
    from pipeline.sample_web.web import _LETTERS

    shown = [
        page
        for page in small_pages
        if any(item.get("text") == _LETTERS for item in page.truth["content"])
    ]
    assert {page.truth["charset"] for page in shown} >= set(CHARSETS) - {"utf-8"}
