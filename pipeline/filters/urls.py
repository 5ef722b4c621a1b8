"""Verdicts on URLs alone, before anything is parsed or fetched."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from dedup.canonical_url import TRACKING
from schemas.rejection import Reason, Why

_LONG_WORD = 4
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@dataclass(frozen=True, slots=True)
class UrlLimits:
    """OBELICS, arXiv 2306.16527, A.1, and MMC4: words in URLs that drop a page or an image.

    The papers match substrings; here a word must stand between marks, so that Sussex, lexicon
    and catalogous pass.

    Attributes:
        page_words: that drop a page.
        image_words: that drop an image.
        tracking_parameters: of a query; URLs that differ in these alone are of one page, whose
            newest capture stays. One that ends in `*` stands for all that begin so.
    """

    page_words: tuple[str, ...] = ("porn", "sex", "xxx")
    image_words: tuple[str, ...] = (
        "logo", "button", "icon", "plugin", "widget", "avatar", "porn", "sex", "xxx",
    )  # fmt: skip
    tracking_parameters: tuple[str, ...] = TRACKING


def judge_page_url(url: str, limits: UrlLimits) -> Why | None:
    """Why the page's URL, host and path, speaks against it, or None.

    OBELICS, arXiv 2306.16527, A.1, drops pages by words in their URL. Held against are those of
    `limits.page_words`, 0 of them may be there; that a word stands between marks is ours.
    """
    return _judge(url, limits.page_words, with_host=True)


def judge_image_url(url: str, limits: UrlLimits) -> Why | None:
    """Why the image's path speaks against it, or None; the host counts for adult words only.

    OBELICS, arXiv 2306.16527, A.1, and MMC4 (arXiv 2304.06939) drop images by words in their URL:
    logo, button, icon, plugin, widget; avatar is MINT-1T's, that a word
    stands between marks is ours.
    """
    host_words = tuple(word for word in limits.image_words if word in limits.page_words)
    return _judge(url, limits.image_words, with_host=False) or _judge(
        url, host_words, with_host=True
    )


def _judge(url: str, words: tuple[str, ...], *, with_host: bool) -> Why | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return Why(Reason.BAD_URL, url[:200])
    text = f"{parts.netloc if with_host else ''}/{unquote(parts.path)}"
    tokens = map(str.lower, _TOKEN.findall(text))
    found = [token for token in tokens if token in words or token.removesuffix("s") in words]
    if with_host:
        found += [name for name in _joined_words(parts.netloc, words) if name not in found]
    return Why(Reason.URL_WORDS, len(found), 0, " ".join(found)) if found else None


def _joined_words(host: str, words: tuple[str, ...]) -> list[str]:
    """Names of a host that one of the words begins or ends: hosts join what paths part.

    Words of three letters are too short for that: "sex" ends Essex.
    """
    long = tuple(word for word in words if len(word) >= _LONG_WORD)
    names = re.split(r"[.\-:]", host.lower())
    return [name for name in names if name.startswith(long) or name.endswith(long)] if long else []
