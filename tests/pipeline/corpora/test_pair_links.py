"""The texts that a page ties to its media, judged before any download."""

import apache_beam as beam

from pipeline.corpora.pair_links import PairLimits, judged_links, nearest_text, pair_links
from pipeline.filters.pairs import LtipLimits
from pipeline.stages.verdicts import DECISIONS, REPLACED
from schemas.records import Document, ImageLink, Rights, TextBlock, VideoLink

LONG = "A red cup stands on the left side of a wooden table near the window"
RIGHTS = Rights("http://cc/", found="license: link")
BLOCKS = (
    TextBlock("A boat crosses the blue lake in the evening."),
    VideoLink("http://a/v.mp4"),
    ImageLink("http://a/1.jpg", "a red cup on a table", f"PARIS, FRANCE - MARCH 3, 2015: {LONG}."),
    ImageLink("http://a/2.jpg", "cup", rights=RIGHTS),
    ImageLink("http://a/3.jpg"),
    VideoLink("http://a/w.mp4", caption="Two fish swim to the right."),
    VideoLink("http://a/x.mp4"),
)
DOCUMENT = Document("d", "http://a/", "", BLOCKS, licence=("http://cc/",))
CORPORA = ("align", "ltip", "vtp")


def test_each_corpus_takes_its_own_text():
    links = [
        (link.corpus, link.url[-5:], link.text, link.source)
        for link in pair_links(DOCUMENT, CORPORA)
    ]
    assert links == [
        ("vtp", "v.mp4", "A boat crosses the blue lake in the evening.", "nearby"),
        ("align", "1.jpg"[-5:], "a red cup on a table", "alt"),
        ("ltip", "1.jpg", f"{LONG}.", "caption"),
        ("align", "2.jpg", "cup", "alt"),
        ("ltip", "2.jpg", "cup", "alt"),
        ("vtp", "w.mp4", "Two fish swim to the right.", "caption"),
    ]
    assert {link.corpus for link in pair_links(DOCUMENT, ("vtp",))} == {"vtp"}
    assert all(link.licence == ("http://cc/",) for link in pair_links(DOCUMENT, CORPORA))
    stated = [link.url for link in pair_links(DOCUMENT, CORPORA) if link.rights == RIGHTS]
    assert stated == ["http://a/2.jpg"] * 2


def test_ltip_takes_a_description_that_says_more_than_the_alt_text():
    images = [
        ImageLink("http://a/1.jpg", "a cup", "", description=LONG, described_by="json-ld"),
        ImageLink("http://a/2.jpg", LONG, "", description="A cup.", described_by="json-ld"),
        ImageLink("http://a/3.jpg", "", "A boat.", description=LONG, described_by="longdesc"),
    ]
    document = Document("d", "http://a/", "", tuple(images))
    links = [(link.text, link.source) for link in pair_links(document, ("ltip",))]
    assert links == [(LONG, "json-ld"), (LONG, "alt"), ("A boat.", "caption")]
    assert [link.text for link in pair_links(document, ("align",))] == ["a cup", LONG]


def test_only_listed_sources_are_taken():
    limits = PairLimits(ltip=LtipLimits(hosts=("b",)))
    decided = [
        o.value for o in judged_links(DOCUMENT, limits) if getattr(o, "tag", "") == DECISIONS
    ]
    told = [(d.reason, d.detail) for d in decided if d.stage == "ltip_text"]
    assert told == [("source", "a; not listed")] * 2


def test_keys_tell_corpora_apart():
    keys = [link.key for link in pair_links(DOCUMENT, CORPORA)]
    assert len(set(keys)) == len(keys)


def test_nearby_is_before_or_after():
    assert nearest_text(DOCUMENT, 1) == BLOCKS[0].text
    assert nearest_text(Document("d", "", "", (VideoLink("v"), TextBlock("After."))), 0) == "After."
    assert nearest_text(DOCUMENT, 6) == ""


def test_every_link_is_decided_once():
    outputs = list(judged_links(DOCUMENT, PairLimits()))
    kept = [o for o in outputs if not isinstance(o, beam.pvalue.TaggedOutput)]
    read = [o for o in outputs if getattr(o, "tag", "") == "read"]
    decided = [o.value for o in outputs if getattr(o, "tag", "") == DECISIONS]
    assert len(read) == len(decided) == 6
    cut = [o.value for o in outputs if getattr(o, "tag", "") == REPLACED]
    assert cut == [(("ltip_text", "pair", "date"), 1), (("ltip_text", "pair", "place"), 1)]
    assert sorted(d.key for d in decided if d.kept) == sorted(link.key for link in kept)
    assert {d.reason for d in decided if not d.kept} == {"caption_length"}
    assert {d.stage for d in decided} == {"align_text", "ltip_text", "vtp_text"}
