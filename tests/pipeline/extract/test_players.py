import pytest

from pipeline.extract.players import is_player_page, player_page


@pytest.mark.parametrize(
    ("src", "page"),
    [
        ("https://www.youtube.com/embed/aBc-12_XyZ0", "https://www.youtube.com/watch?v=aBc-12_XyZ0"),
        ("//www.youtube.com/embed/aBc-12_XyZ0?rel=0", "https://www.youtube.com/watch?v=aBc-12_XyZ0"),
        (" https://www.youtube-nocookie.com/embed/aBc-12_XyZ0/ ", "https://www.youtube.com/watch?v=aBc-12_XyZ0"),
        ("https://player.vimeo.com/video/123456789?h=1", "https://vimeo.com/123456789"),
        ("https://www.dailymotion.com/embed/video/x8abcd", "https://www.dailymotion.com/video/x8abcd"),
        ("https://www.youtube.com/embed/videoseries?list=PL1", ""),
        ("https://www.youtube.com/embed/", ""),
        ("https://evil.example/www.youtube.com/embed/aBc-12_XyZ0", ""),
        ("https://www.youtube.com.evil.example/embed/aBc-12_XyZ0", ""),
        ("https://ads.example/frame.html", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_page_of_a_players_video(src, page):
    assert player_page(src) == page
    assert is_player_page(page) is bool(page)


def test_a_file_is_no_player_page():
    assert not is_player_page("https://cdn.example.net/vimeo.com/v.mp4")
