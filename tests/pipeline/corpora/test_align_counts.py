"""ALIGN's rules over a whole corpus, beside a recount that is slow and obvious."""

import json
import re
from collections import Counter
from dataclasses import dataclass

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.corpora.align_counts import (
    TokenPool,
    count_group,
    judge_text,
    texts_of_token,
    token_pool_of,
)
from pipeline.corpora.pair_links import PairLimits
from pipeline.corpora.pairs import TOKENS, BuildPairs
from pipeline.filters.pairs import AlignLimits
from pipeline.filters.token_sketch import sketch_error
from pipeline.sample_web.__main__ import main as sample_web
from schemas.records import Found, Image, PackRef, PairLink

REF = PackRef("a" * 64, "p.tar", 0, 9)


@dataclass(frozen=True)
class Seen:
    """An image on a page, as a recount sees it."""

    page: str
    url: str
    content: str
    width: int
    height: int
    alt: str


def tokens_of(text):
    words = re.findall(r"\w+(?:['’-]\w+)*", text.lower())
    return words + [f"{words[i]} {words[i + 1]}" for i in range(len(words) - 1)]


def recount(seen, limits):
    """What becomes of each image on each page: "" for kept, or the reason; all counted anew."""
    fate, pairs = {}, {}
    for one in sorted(seen, key=lambda one: (one.page, one.url)):
        short, long = min(one.width, one.height), max(one.width, one.height)
        if short <= limits.min_short_side_px:
            fate[one] = "too_small"
        elif long / short >= limits.max_aspect:
            fate[one] = "aspect"
        elif (one.content, one.alt) in pairs:
            fate[one] = "duplicate_pair"
        else:
            pairs[one.content, one.alt] = one
    counts = Counter(token for _, alt in pairs for token in tokens_of(alt))
    # The K most frequent, and those as frequent as the last of them.
    best = sorted(counts.values(), reverse=True)[: limits.frequent_tokens]
    for (content, alt), one in pairs.items():
        if sum(c == content for c, _ in pairs) > limits.max_alt_texts_of_image:
            fate[one] = "frequent_alt_texts"
        elif sum(a == alt for _, a in pairs) > limits.max_images_of_text:
            fate[one] = "frequent_text"
        elif any(counts[token] < best[-1] for token in tokens_of(alt)):
            fate[one] = "rare_token"
        else:
            fate[one] = ""
    return fate


def linked(seen):
    return [
        PairLink(f"{n:032x}", "align", "image", one.url, one.page, one.alt)
        for n, one in enumerate(seen)
    ]


def found(seen):
    urls = {}
    for one in seen:
        urls.setdefault((one.content, one.width, one.height), set()).add(one.url)
    return [
        Found(tuple(sorted(of_image)), Image(key, REF, 64, 64, width, height, "0" * 16))
        for (key, width, height), of_image in urls.items()
    ]


def check(seen, limits, pool=None):
    """Holds the transform against the recount."""
    fate = recount(seen, limits)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        inputs = {
            "links": pipeline | "L" >> beam.Create(linked(seen)),
            "found": pipeline | "F" >> beam.Create(found(seen)),
            "embedded": pipeline | "E" >> beam.Create([]),
        }
        scored, _, decisions, tables = inputs | BuildPairs("align", PairLimits(align=limits))
        kept = scored | beam.Map(lambda one: (one[0].page_url, one[0].url))
        told = decisions | beam.Flatten() | beam.Map(lambda d: (d.url, d.reason or ""))
        expected = [(one.page, one.url) for one, why in fate.items() if not why]
        assert_that(kept, equal_to(expected), "kept")
        assert_that(told, equal_to([(one.url, why) for one, why in fate.items()]), "told")
        if pool is not None:
            assert_that(tables[TOKENS][1], equal_to([pool]), "pool")
    return Counter(fate.values())


WORDS = st.sampled_from(["a", "red", "blue", "cup", "boat", "on", "the", "sea"])
TEXTS = st.lists(WORDS, min_size=3, max_size=6).map(" ".join)
SIZES = st.sampled_from([(300, 400), (300, 400), (900, 300), (200, 300)])


@st.composite
def corpora(draw):
    """Some pages that show some images, under a few texts each."""
    texts = draw(st.lists(TEXTS, min_size=2, max_size=8))
    images = draw(st.lists(SIZES, min_size=1, max_size=6))
    shown = st.tuples(st.integers(0, 5), st.integers(0, len(images) - 1), st.sampled_from(texts))
    return [
        Seen(f"http://p/{page}", f"http://i/{image}", f"{image:064x}", *images[image], alt)
        for page, image, alt in sorted(draw(st.sets(shown, min_size=5, max_size=80)))
    ]


@pytest.mark.beam
@settings(  # an example is a pipeline: shrinking one takes minutes
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(corpora(), st.integers(1, 4), st.integers(1, 4), st.integers(1, 25))
def test_any_corpus_is_judged_as_a_slow_recount_judges_it(seen, alt_texts, images, frequent):
    limits = AlignLimits(
        max_alt_texts_of_image=alt_texts, max_images_of_text=images, frequent_tokens=frequent
    )
    assert check(seen, limits).total() == len(seen)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """Images of the made-up web with their alt texts, by its own truth."""
    folder = tmp_path_factory.mktemp("web")
    assert sample_web(["--output", str(folder), "--pages", "30", "--seed", "2"]) == 0
    seen = {}
    for page in map(json.loads, (folder / "truth.jsonl").read_text().splitlines()):
        images = {image["url"]: image for image in page["images"]}
        for item in page["content"]:
            if item["kind"] == "image" and len(tokens_of(item["alt"])) >= 3 and item["alt"]:
                file = images[item["url"]]
                if not file["width"]:
                    continue  # not to be had
                sides = file["width"], file["height"]
                one = Seen(page["url"], item["url"], file["sha256"], *sides, item["alt"])
                seen[page["url"], item["url"]] = one
    return list(seen.values())


@pytest.mark.beam
@pytest.mark.slow
def test_the_made_up_web_is_judged_as_a_slow_recount_judges_it(made_up):
    limits = AlignLimits(max_alt_texts_of_image=1, max_images_of_text=2, frequent_tokens=260)
    fates = check(made_up, limits)
    assert set(fates) >= {"", "too_small", "frequent_text", "rare_token"}
    assert fates[""] > 0


@pytest.mark.beam
def test_a_sketch_lets_no_frequent_token_go_and_few_rare_ones_pass():
    """300 texts of frequent words and 300 with a rare one each; 16 bits a token."""
    alts = [f"a red cup {n % 5}" for n in range(300)] + [f"a red cup x{n}" for n in range(300)]
    seen = [
        Seen(f"http://p/{n}", f"http://i/{n}", f"{n:064x}", 300, 300, alt)
        for n, alt in enumerate(alts)
    ]
    limits = AlignLimits(
        frequent_tokens=15, max_images_of_text=1000, sketch_above=14, sketch_bits=16
    )
    # 5 unigrams and bigrams of all, then 5 digits and 5 bigrams of them: 15 are frequent.
    pool = TokenPool(4200, 5 + 10 + 600, 60, 15, sketch_error(16))
    assert sketch_error(16) < 0.001
    assert check(seen, limits, pool) == {"": 300, "rare_token": 300}


def test_the_place_of_the_last_frequent_token():
    limits = AlignLimits(frequent_tokens=3, sketch_above=2)
    assert token_pool_of({}, limits) == TokenPool(0, 0, 0, 0)
    # One token with 9 occurrences, four with 2, one with 1: the third place is one of the four.
    sketched = TokenPool(18, 6, 2, 5, sketch_error(10))
    assert token_pool_of({9: 1, 2: 4, 1: 1}, limits) == sketched
    assert token_pool_of({9: 2}, limits) == TokenPool(18, 2, 9, 2)
    assert token_pool_of({1: 9}, limits) == TokenPool(9, 9, 1, 9)
    exact = AlignLimits(frequent_tokens=3)
    assert token_pool_of({9: 1, 2: 4, 1: 1}, exact) == TokenPool(18, 6, 2, 5)


class Stream:
    """A group that can be gone through again and again and never be held."""

    def __init__(self, make):
        self._make = make

    def __iter__(self):
        return self._make()


def test_groups_are_streamed():
    many = Stream(lambda: iter(range(50_000)))
    assert sum(size == 50_000 for _, size in count_group("a", many)) == 50_000
    texts = Stream(lambda: (None if n == 7 else str(n) for n in range(20)))
    assert len(list(texts_of_token("rare", texts))) == 19
    assert list(texts_of_token("frequent", Stream(lambda: iter(["a", "b"])))) == []
    pairs = Stream(lambda: ((None, 1) for _ in range(20_000)))
    limits = AlignLimits(max_images_of_text=20_000)
    judged = judge_text(("a b c", pairs), TokenPool(0, 0, 0, 0), {}, limits)
    assert sum(pair is None for pair in judged) == 20_000
