"""Players of the big video hosts: the page of the video that an embedded player shows.

Such a page is no file that could be fetched; it is kept as a link, with its caption and place.
"""

import re
from urllib.parse import unquote

_ID = r"([\w-]{5,40})(?=$|[?&#/])"
_WEB = r"(?:https?:)?//"
_YOUTUBE = "https://www.youtube.com/watch?v="
_VIMEO = "https://vimeo.com/"
_BRIGHTCOVE = "https://players.brightcove.net/"
_DAILYMOTION = "https://www.dailymotion.com/video/"
_PLAYERS = tuple(
    (re.compile(_WEB + address), page)
    for address, page in (
        (
            rf"(?:www\.|m\.)?youtube(?:-nocookie)?\.com/(?:embed|v|shorts)/(?!videoseries){_ID}",
            _YOUTUBE,
        ),
        (rf"(?:www\.|m\.)?youtube\.com/watch\?(?:[^#]*&)?v={_ID}", _YOUTUBE),
        (rf"youtu\.be/{_ID}", _YOUTUBE),
        (rf"player\.vimeo\.com/video/{_ID}", _VIMEO),
        (r"(?:www\.)?vimeo\.com/(\d{5,12})(?=$|[?#])", _VIMEO),
        (rf"(?:www\.)?dailymotion\.com/(?:embed/)?video/{_ID}", _DAILYMOTION),
        (
            rf"geo\.dailymotion\.com/player(?:/\w{{1,20}})?\.html\?(?:[^#]*&)?video={_ID}",
            _DAILYMOTION,
        ),
        (
            r"embed(?:-ssl)?\.ted\.com/talks/(?:lang/[\w-]{2,10}/)?(\w{5,200})(?=$|[?#])",
            "https://www.ted.com/talks/",
        ),
        (rf"streamable\.com/(?:[eos]/)?{_ID}", "https://streamable.com/"),
        (rf"rutube\.ru/(?:play|video)/embed/{_ID}", "https://rutube.ru/video/"),
        (r"archive\.org/embed/([\w.-]{3,100})(?=$|[?&#/])", "https://archive.org/details/"),
        (
            r"players\.brightcove\.net/(\d{3,20}/[\w-]{3,80}/index\.html\?(?:[^#]*&)?videoId=[\w:-]{3,60})",
            _BRIGHTCOVE,
        ),
        (
            rf"(?:www\.)?tiktok\.com/(?:embed(?:/v\d)?|player/v\d)/{_ID}",
            "https://www.tiktok.com/@/video/",
        ),
        (r"player\.twitch\.tv/\?(?:[^#]*&)?video=v?(\d{5,40})", "https://www.twitch.tv/videos/"),
        (
            r"clips\.twitch\.tv/embed\?(?:[^#]*&)?clip=([\w-]{5,100})",
            "https://clips.twitch.tv/",
        ),
        (
            rf"fast\.wistia\.(?:net|com)/embed/(?:iframe|medias)/{_ID}",
            "https://fast.wistia.net/embed/iframe/",
        ),
        (
            r"player\.bilibili\.com/player\.html\?(?:[^#]*&)?bvid=(BV\w{5,20})",
            "https://www.bilibili.com/video/",
        ),
    )
)
_ELEMENTS = {
    "lite-youtube": ("videoid", _YOUTUBE),
    "amp-youtube": ("data-videoid", _YOUTUBE),
    "youtube-video": ("video-id", _YOUTUBE),
    "lite-vimeo": ("videoid", _VIMEO),
    "amp-vimeo": ("data-videoid", _VIMEO),
    "amp-dailymotion": ("data-videoid", _DAILYMOTION),
}
_FACEBOOK = re.compile(_WEB + r"(?:www\.)?facebook\.com/plugins/video\.php\?")
_FACEBOOK_VIDEO = re.compile(r"/videos/(?:[^/?&#]{1,200}/)?(\d{1,40})|[?&]v=(\d{1,40})")
_FACEBOOK_PAGE = "https://www.facebook.com/watch/?v="
_VK = re.compile(
    _WEB
    + r"(?:www\.)?vk(?:video)?\.(?:com|ru)/video_ext\.php\?"
    + r"(?:[^#]*&)?oid=(-?\d{1,20})&(?:[^#]*&)?id=(\d{1,20})"
)
_VK_PAGE = "https://vk.com/video"
_LONGEST = 2048
"""A longer address is no player's."""
_WHOLE_NAME = re.compile(r"[\w:-]{3,60}")
_WHOLE_ID = re.compile(r"[\w-]{5,40}")
_PAGES = (*(page for _, page in _PLAYERS), _FACEBOOK_PAGE, _VK_PAGE)
PLAYER_TAGS = frozenset(_ELEMENTS)
"""Elements of their own that scripts make players of."""


def player_page(src: str) -> str:
    """The page of the video that a player's address shows, "" where it is no known player's."""
    src = src.strip()
    if "//" not in src[:8] or len(src) > _LONGEST:
        return ""
    if "%2F" in src or "%2f" in src:
        src = unquote(src)
    for pattern, page in _PLAYERS:
        if found := pattern.match(src):
            return page + found[1]
    if _FACEBOOK.match(src) and (video := _FACEBOOK_VIDEO.search(src)):
        return _FACEBOOK_PAGE + (video[1] or video[2])
    if video := _VK.match(src):
        return f"{_VK_PAGE}{video[1]}_{video[2]}"
    return ""


def video_page(attrs: dict[str, str | None]) -> str:
    """The page of the video that a video element names by the numbers of its host, or ""."""
    account, video = attrs.get("data-account") or "", attrs.get("data-video-id") or ""
    player = attrs.get("data-player") or "default"
    if not (account.isdigit() and _WHOLE_NAME.fullmatch(video) and _WHOLE_NAME.fullmatch(player)):
        return ""
    return f"{_BRIGHTCOVE}{account}/{player}_default/index.html?videoId={video}"


def element_page(tag: str, attrs: dict[str, str | None]) -> str:
    """The page of the video that an element of PLAYER_TAGS shows, "" where it names none."""
    name, page = _ELEMENTS[tag]
    video = attrs.get(name) or ""
    return page + video if _WHOLE_ID.fullmatch(video) else ""


def is_player_page(url: str) -> bool:
    """Whether a URL is one that `player_page` gives: a page, not a file of moving pictures."""
    return url.startswith(_PAGES)
