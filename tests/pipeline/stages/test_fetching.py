from pipeline.filters.urls import UrlLimits
from pipeline.media.opt_outs import OptOuts
from pipeline.stages.fetching import MediaUrl, document_links, judge_media_url, one_media_url
from schemas.records import Capture, Document, ImageLink, TextBlock, VideoLink
from schemas.rejection import Reason, Why

LIMITS = UrlLimits()
NOBODY = OptOuts()


def test_every_image_and_video_of_a_document_is_a_link():
    blocks = (
        TextBlock("a"),
        ImageLink("http://a.example/i.jpg"),
        VideoLink("http://a.example/v.mp4"),
    )
    document = Document("key", "http://a.example/", "title", blocks)
    assert list(document_links(document)) == [
        ("http://a.example/i.jpg", "image"),
        ("http://a.example/v.mp4", "video"),
    ]


def test_a_url_is_fetched_once_from_the_first_of_its_captures():
    url = "http://a.example/i.jpg"
    first, second = Capture(url, "a.warc", 10), Capture(url, "b.warc", 0)
    groups = {"kinds": ["video", "image", "image"], "captures": [second, first]}
    assert list(one_media_url(url, groups)) == [MediaUrl(url, "image", first)]
    assert list(one_media_url(url, {"kinds": [], "captures": [first]})) == []
    assert list(one_media_url(url, {"kinds": ["video"], "captures": []})) == [
        MediaUrl(url, "video")
    ]


def test_the_page_of_a_player_is_no_file_to_fetch():
    page = MediaUrl("https://www.youtube.com/watch?v=aBc-12_XyZ0", "video")
    assert judge_media_url(page, LIMITS, NOBODY) == Why(Reason.PLAYER_PAGE, "www.youtube.com")
    assert judge_media_url(MediaUrl("https://a.example/v.mp4", "video"), LIMITS, NOBODY) is None


def test_words_speak_against_images_alone():
    why = judge_media_url(MediaUrl("https://a.example/logo.png", "image"), LIMITS, NOBODY)
    assert why is not None
    assert why.reason is Reason.URL_WORDS
    assert judge_media_url(MediaUrl("https://a.example/logo.mp4", "video"), LIMITS, NOBODY) is None
