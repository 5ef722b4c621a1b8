import base64
import io
from html.parser import HTMLParser

import fsspec
import pytest
from PIL import Image

from pipeline.report.thumbnails import Thumbnails
from pipeline.report.view import View
from pipeline.store.shard_files import Sample, ShardFile
from schemas.records import TextPart
from schemas.shard import encode_pair, encode_sequence
from schemas.tar import Member

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\x00\u202e"


class Parsed(HTMLParser):
    """Elements with their attributes, and the texts in order; all elements closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, element, attributes):
        self.elements.append((element, dict(attributes)))
        if element not in ("meta", "img", "br"):
            self._open.append(element)

    def handle_endtag(self, element):
        assert self._open.pop() == element

    def handle_data(self, text):
        if self._open and self._open[-1] not in ("style", "title") and text.strip():
            self.texts.append(text.strip())

    def named(self, element):
        return [attributes for name, attributes in self.elements if name == element]


def shard_of(corpus: str) -> ShardFile:
    path = f"{corpus or 'x'}-000000.tar"
    return ShardFile(fsspec.filesystem("memory"), path, path, corpus)


def sample_of(members, index=0) -> Sample:
    return Sample(
        members[0][0].partition(".")[0], index, tuple(Member(n, 0, c) for n, c in members)
    )


@pytest.fixture
def sequence(make):
    record = make.sequence(3, images=12)
    return sample_of(encode_sequence(record, lambda ref: make.jpeg(int(ref.pack), 800)))


def view_of(*samples, corpus="m3w", **more) -> tuple[Parsed, str]:
    view = View(**more)
    faults = [view.add(shard_of(corpus), sample) for sample in samples]
    page = view.render()
    return Parsed(page), "".join(faults)


def test_a_sequence_stands_whole_in_reading_order(sequence):
    parsed, fault = view_of(sequence)
    assert fault == ""
    images = parsed.named("img")
    assert [one["alt"].split(" <")[0] for one in images] == [f"goose {k}" for k in range(12)]
    assert all(one["src"].startswith("data:image/jpeg;base64,") for one in images)
    texts = " ".join(parsed.texts)
    places = [texts.index(part) for part in ("Heading 3", "fly over the pond", "First, look up.")]
    assert places == sorted(places)
    assert "A goose." in parsed.texts
    assert "best sentence 0.250" in texts
    assert parsed.named("details") == []


def test_a_long_sequence_is_not_cut(make):
    parts = tuple(TextPart(f"Paragraph {n}. " + "word " * 100) for n in range(60))
    record = make.sequence(1, images=0)
    members = encode_sequence(type(record)(record.key, record.url, "", "en", parts), None)
    parsed, _ = view_of(sample_of(members))
    assert any(text.startswith("Paragraph 59.") for text in parsed.texts)


def test_images_are_scaled_down(sequence):
    parsed, _ = view_of(sequence)
    content = base64.b64decode(parsed.named("img")[0]["src"].partition(",")[2])
    assert Image.open(io.BytesIO(content)).size == (320, 213)


def test_pairs_are_cards_with_text_and_score(make):
    members = encode_pair(make.pair(5, "align"), lambda ref: make.jpeg(5))
    parsed, _ = view_of(sample_of(members), corpus="align")
    assert [one["class"] for one in parsed.named("article")] == ["card pair"]
    assert any("geese number 5" in text for text in parsed.texts)
    assert any("score\xa00.250" in text for text in parsed.texts)


def test_a_video_can_be_played_and_has_a_poster(make, mp4):
    sample = sample_of(encode_pair(make.pair(1, "vtp", video=mp4), lambda ref: mp4))
    (video,) = view_of(sample, corpus="vtp")[0].named("video")
    assert video["src"].startswith("data:video/mp4;base64,")
    assert video["poster"].startswith("data:image/jpeg;base64,")
    assert "controls" in video
    parsed, _ = view_of(sample, corpus="vtp", thumbnails=Thumbnails(1_000_000, 320, len(mp4) - 1))
    assert parsed.named("video") == []
    assert len(parsed.named("img")) == 1


def test_nothing_is_loaded_and_no_text_becomes_markup(sequence):
    foreign = sample_of(
        [
            (f"{HOSTILE}.txt", HOSTILE.encode()),
            (f"{HOSTILE}.json", f'{{"x": "{HOSTILE}"}}'.encode()),
            (f"{HOSTILE}.bin", b""),
            (f"{HOSTILE}.jpg", b"none"),
        ]
    )
    parsed, _ = view_of(sequence, foreign, corpus="")
    names = {name for name, _ in parsed.elements}
    assert not names & {"script", "iframe", "object", "embed", "link", "form", "base"}
    for name, attributes in parsed.elements:
        assert not [one for one in attributes if one.startswith("on")], name
        assert attributes.get("src", "data:").startswith("data:"), name
    assert parsed.named("meta")[1]["content"].startswith("default-src 'none'")
    assert any("<script>" in text for text in parsed.texts)


def test_samples_of_other_making_are_shown_with_what_they_have(make, mp4):
    members = [("a.jpg", make.jpeg(1)), ("a.txt", b"one goose"), ("a.json", b"[" * 99_999)]
    parsed, fault = view_of(
        sample_of(members), sample_of([("b.mp4", mp4), ("b.cls", b"7")]), corpus=""
    )
    assert fault == ""
    assert len(parsed.named("img")) == 2
    assert {"one goose", "7", "Samples of other making", "[" * 4_000} <= set(parsed.texts)


def test_a_damaged_sample_is_said_to_be_one(sequence):
    broken = Sample(sequence.key, 0, sequence.members[:-1])
    parsed, fault = view_of(broken)
    assert "members are" in fault
    assert "This sample cannot be read" in parsed.texts


def test_a_full_page_says_so(sequence):
    parsed, _ = view_of(sequence, thumbnails=Thumbnails(5_000))
    assert "Too many pictures: the last are not drawn." in parsed.texts
    assert 0 < len(parsed.named("img")) < 12
