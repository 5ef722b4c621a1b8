"""What the tiny models are taught, from a truth of two pages."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from model.weights.train import split_lessons
from model.weights.web import (
    Lesson,
    Shown,
    read_lessons,
    read_pixels,
    tells_of,
    unique_images,
)

SCENE = {
    "setting": "snow",
    "tint": "",
    "layout": "sides",
    "things": [
        {"kind": "leaf", "colour": "red", "texture": "plain", "place": "left", "count": 2},
        {"kind": "cactus", "colour": "blue", "texture": "plain", "place": "right", "count": 1},
    ],
    "seed": 4,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two red leaves in the snow", True),
        ("A BLUE cactus.", True),
        ("Many blue cacti", True),
        ("Green leaves and a red cactus", True),  # a loose test: both words are there
        ("White snow is all around.", False),
        ("The leaf fell in autumn", False),
        ("A red letter day", False),
        ("IMG_1608.jpg", False),
    ],
)
def test_a_text_tells_of_a_scene_when_it_names_a_thing_with_its_colour(text, expected):
    if text.startswith("Green"):
        assert tells_of(text, {"things": [{"kind": "leaf", "colour": "red"}]}) is True
    else:
        assert tells_of(text, SCENE) is expected


def image_entry(url, **changes):
    return {
        "url": url,
        "sha256": url[-1] * 64,
        "content": True,
        "dead": False,
        "copy_of": None,
        "mismatched": False,
        "alt": "photo",
        "scene": SCENE,
        "description": "Two red leaves and a blue cactus",
        **changes,
    }


def page_entry(url="https://a.example/1", images=(), expect="kept"):
    content = [
        {"kind": "text", "role": "heading", "text": "A title"},
        {"kind": "image", "url": "https://a.example/x", "alt": "photo", "caption": ""},
        {
            "kind": "text",
            "role": "paragraph",
            "text": "The red leaves lie on the left. Tea is served at noon. It was in 1960.",
        },
        {"kind": "video", "url": "https://a.example/v.mp4", "caption": ""},
    ]
    return {"url": url, "expect": expect, "content": content, "images": list(images)}


def write_truth(folder, *pages):
    (folder / "truth.jsonl").write_text("\n".join(json.dumps(page) for page in pages))
    return folder


def test_a_lesson_has_the_texts_that_tell_of_its_images(tmp_path):
    web = write_truth(tmp_path, page_entry(images=[image_entry("https://a.example/x")]))
    (lesson,) = read_lessons(web)
    assert lesson.images[0].texts == (
        "Two red leaves and a blue cactus",
        "The red leaves lie on the left.",
    )
    assert lesson.plain == ("A title", "Tea is served at noon.", "It was in 1960.")
    assert lesson.text.startswith("A title\nThe red leaves")


@pytest.mark.parametrize(
    "changes",
    [{"content": False}, {"dead": True}, {"copy_of": "eval-001"}, {"scene": None}],
)
def test_what_is_no_lesson_is_left_out(tmp_path, changes):
    image = image_entry("https://a.example/x", **changes)
    web = write_truth(tmp_path, page_entry(images=[image]))
    assert read_lessons(web)[0].images == ()


def test_spam_and_foreign_pages_teach_nothing(tmp_path):
    web = write_truth(tmp_path, page_entry(expect="spam"), page_entry(expect="foreign"))
    assert read_lessons(web) == []


def test_a_planted_mismatch_is_kept_apart(tmp_path):
    image = image_entry("https://a.example/x", mismatched=True, alt="Three green boats")
    web = write_truth(tmp_path, page_entry(images=[image]))
    shown = read_lessons(web)[0].images[0]
    assert shown.wrong_alt == "Three green boats"
    assert "Three green boats" not in shown.texts


def shown(name, scene="s", texts=("a text",)):
    return Shown(f"https://a.example/{name}", name, scene, texts[0], texts)


def test_an_image_on_two_pages_is_one_with_all_its_texts():
    one = Lesson(False, "", (shown("a", texts=("x", "y")),), ())
    two = Lesson(False, "", (shown("a", texts=("y", "z")), shown("b")), ())
    images = unique_images([one, two])
    assert [image.texts for image in images] == [("x", "y", "z"), ("a text",)]


def test_no_scene_is_both_learnt_and_asked():
    learnt = Lesson(False, "page", (shown("a", "s1"),), ("same", "same"))
    held = Lesson(True, "other", (shown("b", "s1"), shown("c", "s2")), ())
    lessons = split_lessons([learnt, held])
    assert [image.sha256 for image in lessons.held_images] == ["c"]
    assert (lessons.pages, lessons.held_pages) == (["page"], ["other"])
    assert lessons.plain == ["same"]


def warc_record(url, body):
    http = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + body
    head = (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n"
        "WARC-Record-ID: <urn:uuid:12345678-1234-5678-1234-567812345678>\r\n"
        "WARC-Date: 2024-01-01T00:00:00Z\r\n"
        "Content-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


def test_pixels_come_in_the_images_order_with_alpha_over_white(tmp_path):
    import gzip

    def png(colour):
        stream = io.BytesIO()
        Image.new("RGBA", (20, 10), colour).save(stream, "PNG")
        return stream.getvalue()

    records = [
        warc_record("https://a.example/b", png((0, 0, 0, 0))),
        warc_record("https://a.example/a", png((10, 20, 30, 255))),
    ]
    (tmp_path / "web.warc.gz").write_bytes(b"".join(gzip.compress(r) for r in records))
    pixels = read_pixels(tmp_path, [shown("a"), shown("b")], 8)
    assert pixels.shape == (2, 8, 8, 3)
    assert pixels[0, 4, 4].tolist() == [10, 20, 30]
    assert np.all(pixels[1] == 255)
    with pytest.raises(ValueError, match="lacks 1 images"):
        read_pixels(tmp_path, [shown("z")], 8)
