"""Which images leave their pages by score, and that each is accounted for."""

from dataclasses import replace

from pipeline.corpora.m3w_select import (
    best_scores,
    judge_likeness,
    select_images,
)
from schemas.records import Image, ImagePart, PackRef, Sequence, TextPart
from schemas.rejection import Reason, Why
from schemas.tables import Decision

MEDIA = Image("c" * 64, PackRef("a" * 64, "p", 0, 1), 4, 4, 4, 4, "0" * 16)


def part(url, *scores):
    return ImagePart(url, MEDIA, scores=scores)


PAGE = Sequence(
    "0" * 32,
    "http://a/",
    "",
    "en",
    (part("low", 0.125, 0.25), TextPart("One. Two."), part("high", 0.5, 0.0)),
)


def test_an_image_is_judged_by_its_best_sentence():
    assert [*best_scores(PAGE)] == [0.25, 0.5]
    low, _, high = PAGE.parts
    assert judge_likeness(low, 0.25) is None
    assert judge_likeness(low, 0.3) == Why(Reason.LOW_SIMILARITY, 0.25, 0.3)
    assert judge_likeness(high, 0.3) is None
    assert judge_likeness(low, None) is None
    assert judge_likeness(part("unscored"), 0.9) is None


def outputs(threshold):
    """Main output, reads and decisions of the page."""
    tagged = {"read": [], "decisions": []}
    main = []
    for item in select_images(PAGE, threshold):
        if isinstance(item, Sequence):
            main.append(item)
        else:
            tagged[item.tag].append(item.value)
    return main, tagged["read"], tagged["decisions"]


def test_all_stay_without_a_threshold():
    main, read, decisions = outputs(None)
    assert main == [PAGE]
    assert len(read) == len(decisions) == 3
    assert all(decision.kept for decision in decisions)


def test_the_text_stays_with_the_images_that_do():
    main, _, decisions = outputs(0.3)
    assert main == [replace(PAGE, parts=PAGE.parts[1:])]
    (lost,) = [one for one in decisions if not one.kept]
    assert isinstance(lost, Decision)
    assert (lost.stage, lost.kind, lost.url) == ("m3w_similarity", "image", "low")
    assert (lost.reason, lost.value, lost.limit) == ("low_similarity", 0.25, 0.3)


def test_a_page_without_an_image_left_makes_no_sample():
    main, read, decisions = outputs(0.75)
    assert main == []
    assert [one.reason for one in decisions] == ["low_similarity", "low_similarity", "no_media"]
    assert read == [("m3w_similarity", kind) for kind in ("document", "image", "image")]
