"""Players of the big video hosts: the page of the video that an embedded player shows.

Such a page is no file that could be fetched; it is kept as a link, with its caption and place.
"""

import re

_ID = r"([\w-]{5,40})(?=$|[?&#/])"
_PLAYERS = (
    (
        re.compile(
            rf"(?:https?:)?//(?:www\.)?youtube(?:-nocookie)?\.com/(?:embed|v|shorts)/(?!videoseries){_ID}"
        ),
        "https://www.youtube.com/watch?v=",
    ),
    (re.compile(rf"(?:https?:)?//player\.vimeo\.com/video/{_ID}"), "https://vimeo.com/"),
    (
        re.compile(rf"(?:https?:)?//(?:www\.)?dailymotion\.com/embed/video/{_ID}"),
        "https://www.dailymotion.com/video/",
    ),
)


def player_page(src: str) -> str:
    """The page of the video that a player's address shows, "" where it is no known player's."""
    for pattern, page in _PLAYERS:
        if found := pattern.match(src.strip()):
            return page + found[1]
    return ""


def is_player_page(url: str) -> bool:
    """Whether a URL is one that `player_page` gives: a page, not a file of moving pictures."""
    return any(url.startswith(page) for _, page in _PLAYERS)
