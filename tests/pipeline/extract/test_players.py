import pytest

from pipeline.extract.players import element_page, is_player_page, player_page


@pytest.mark.parametrize(
    ("src", "page"),
    [
        ("https://www.youtube.com/embed/aBc-12_XyZ0", "https://www.youtube.com/watch?v=aBc-12_XyZ0"),
        ("//www.youtube.com/embed/aBc-12_XyZ0?rel=0", "https://www.youtube.com/watch?v=aBc-12_XyZ0"),
        (" https://www.youtube-nocookie.com/embed/aBc-12_XyZ0/ ", "https://www.youtube.com/watch?v=aBc-12_XyZ0"),
        ("https://player.vimeo.com/video/123456789?h=1", "https://vimeo.com/123456789"),
        ("https://www.dailymotion.com/embed/video/x8abcd", "https://www.dailymotion.com/video/x8abcd"),
        ("https://www.tiktok.com/embed/v2/7000000000000000000", "https://www.tiktok.com/@/video/7000000000000000000"),
        ("https://www.facebook.com/plugins/video.php?height=3&href=https%3A%2F%2Fwww.facebook.com%2Fx%2Fvideos%2F123456%2F&w=1", "https://www.facebook.com/watch/?v=123456"),
        ("https://www.facebook.com/plugins/video.php?href=https://www.facebook.com/watch/?v=123456", "https://www.facebook.com/watch/?v=123456"),
        ("https://www.facebook.com/plugins/post.php?href=https%3A%2F%2Fwww.facebook.com%2Fx%2Fposts%2F1", ""),
        ("https://player.twitch.tv/?parent=a.example&video=v12345678", "https://www.twitch.tv/videos/12345678"),
        ("https://player.twitch.tv/?channel=somebody", ""),
        ("https://clips.twitch.tv/embed?clip=FunnyKite-a_B1&parent=a.example", "https://clips.twitch.tv/FunnyKite-a_B1"),
        ("https://fast.wistia.net/embed/iframe/abcdefghij?seo=false", "https://fast.wistia.net/embed/iframe/abcdefghij"),
        ("//player.bilibili.com/player.html?aid=1&bvid=BV1xx411c7mD&page=1", "https://www.bilibili.com/video/BV1xx411c7mD"),
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


@pytest.mark.parametrize(
    ("tag", "name", "page"),
    [
        ("lite-youtube", "videoid", "https://www.youtube.com/watch?v="),
        ("amp-youtube", "data-videoid", "https://www.youtube.com/watch?v="),
        ("amp-vimeo", "data-videoid", "https://vimeo.com/"),
    ],
)
def test_elements_of_their_own_name_their_video(tag, name, page):
    assert element_page(tag, {name: "aBc-12_XyZ0"}) == f"{page}aBc-12_XyZ0"
    assert element_page(tag, {name: "a/b?c"}) == ""
    assert element_page(tag, {}) == ""
    assert is_player_page(element_page(tag, {name: "aBc-12_XyZ0"}))


def test_an_endless_address_is_no_players():
    src = "https://www.facebook.com/plugins/video.php?href=" + "facebook.com/videos/" * 100_000
    assert player_page(src) == ""
