"""The pages of the made-up web by their number: page i is the same for any number of pages."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial
from random import Random
from urllib.parse import urlsplit

from pipeline.sample_web.idioms import IDIOMS
from pipeline.sample_web.junk import EXPECT, JUNK, write_foreign
from pipeline.sample_web.kinds import KINDS, Draft
from pipeline.sample_web.parts import BuiltPage, Resource
from pipeline.sample_web.prose import Prose
from pipeline.sample_web.series import SERIES
from pipeline.sample_web.sites import SITES, Frame, Site, dress
from pipeline.sample_web.studio import THUMBS, Studio, paint_thumb
from pipeline.sample_web.writer import PageWriter
from schemas.keys import seed_of

LANGUAGES = ("de", "fr", "es")
DECK = {
    "article": 10,
    "howto": 6,
    "gallery": 4,
    "product": 4,
    "table": 3,
    "news": 5,
    "foreign": 2,
    "near_duplicate": 2,
    "spam_repetition": 1,
    "spam_keywords": 1,
    "too_short": 1,
    "no_media": 1,
}
"""Pages of each kind among forty of the usual web."""

DECKS = {"web": DECK, "series": {"series": 9, "clip": 1}}
"""What a web may be made of; `series` is the laboratory's (docs/laboratory.md)."""

_AUTHORS = {**KINDS, **JUNK, **SERIES}

CHARSETS = (
    "utf-8-header",
    "utf-8-meta",
    "latin-1-header",
    "cp1252-meta",
    "utf-16-bom",
    "utf-8-bom",
)
"""Ways to say, or not to say, what a page is encoded in; most pages say UTF-8 twice."""

_ODD_CHARSET = 5
"""Of each eight pages, the one that takes its turn among `CHARSETS`."""

_LETTERS = (
    "The café “Zum Füllhorn” – run by Zoë and Søren Ångström – sent crêpes, a piñata and a bill "
    "for 30 €; nobody’s guess was right about the façade."
)
"""Letters that come out wrong where a page's encoding is mistaken."""


@lru_cache(maxsize=65536)
def kind_of(seed: int, index: int, deck_name: str = "web") -> str:
    """The kind of a page: as many pages as a deck has hold each kind as often as it says."""
    counts = DECKS[deck_name]
    size = sum(counts.values())
    deck = [kind for kind, count in counts.items() for _ in range(count)]
    Random(seed_of(seed, "deck", str(index // size))).shuffle(deck)
    kind = deck[index % size]
    if kind == "near_duplicate" and _original_of(seed, index) < 0:
        return "article"
    return kind


def _original_of(seed: int, index: int) -> int:
    """The page that a near-duplicate copies: one worth keeping shortly before it; -1 if none."""
    earlier = [i for i in range(max(0, index - 30), index) if kind_of(seed, i) in KINDS]
    return Random(seed_of(seed, "original", str(index))).choice(earlier) if earlier else -1


def build_page(index: int, seed: int, deck_name: str = "web") -> BuiltPage:
    """Page number `index` of the web of `seed`, with its truth and all that it links.

    Args:
        index: of the page.
        seed: of the web.
        deck_name: a name of `DECKS`.
    """
    kind = kind_of(seed, index, deck_name)
    if kind == "near_duplicate":
        return _build_copy(index, seed)
    return _build(index, seed, kind, _site_for(kind, index, seed))


def _site_for(kind: str, index: int, seed: int) -> Site:
    rng = Random(seed_of(seed, "site", str(index)))
    if kind == "foreign":
        return SITES[rng.choice(("notes", "blog", "museum"))]
    return SITES[rng.choice(_AUTHORS[kind][1])]


def _build_copy(index: int, seed: int) -> BuiltPage:
    """An earlier page on another host, with a few words changed."""
    original = _original_of(seed, index)
    kind = kind_of(seed, original)
    copy = _build(original, seed, kind, SITES["mirror"], copy_index=index)
    told = {"kind": "near_duplicate", "expect": "near_duplicate"}
    truth = {**copy.truth, **told, "index": index, "duplicate_of": _url_of(original, seed)}
    return BuiltPage(truth, copy.resources)


def _prose_of(studio: Studio) -> Prose:
    return Prose(Random(seed_of(studio.seed, "prose", str(studio.index))), studio.subject)


def _url_of(index: int, seed: int) -> str:
    """The URL of a page that is no copy."""
    title = _prose_of(Studio(seed, index)).cast["title"]
    return _page_url(_site_for(kind_of(seed, index), index, seed), title, index)


def _build(index: int, seed: int, kind: str, site: Site, copy_index: int = -1) -> BuiltPage:
    """The page in a site's template; `copy_index` is the number of the page that copies it."""
    number = index if copy_index < 0 else copy_index
    studio = Studio(seed, index)
    prose = _prose_of(studio)
    url = _page_url(site, prose.cast["title"], number)
    idiom = list(IDIOMS)[index % len(IDIOMS)]
    markup = Random(seed_of(seed, "markup", str(index)))
    writer = PageWriter(url, markup, idiom, edited=() if copy_index < 0 else (3,))
    draft = Draft(studio, prose, writer, Random(seed_of(seed, "plan", str(index))))
    language = _language(seed, index) if kind == "foreign" else "en"
    title = _author(kind, language)(draft)
    if index % 8 == _ODD_CHARSET and kind in KINDS:
        writer.paragraph(_LETTERS)
    chrome = Random(seed_of(seed, "chrome", str(number)))
    charset = _charset_of(number)
    thumbs = tuple(
        paint_thumb(seed, site.name, chrome.randrange(THUMBS)) for _ in range(chrome.randint(2, 4))
    )
    html = dress(Frame(site, writer, title, _meta_of(charset), thumbs, chrome))
    page = _response(url, html, charset)
    truth = {
        "index": number,
        "url": url,
        "host": urlsplit(url).hostname,
        "kind": kind,
        "language": language,
        "expect": "foreign" if kind == "foreign" else EXPECT.get(kind, "kept"),
        "duplicate_of": None,
        "charset": charset,
        "title": title,
        "content": writer.ledger.content,
        "images": list(writer.ledger.images.values()),
        "videos": writer.ledger.videos,
    }
    return BuiltPage(truth, (page, *writer.ledger.resources.values()))


def _author(kind: str, language: str) -> Callable[[Draft], str]:
    if kind == "foreign":
        return partial(write_foreign, language=language)
    return _AUTHORS[kind][0]


def _language(seed: int, index: int) -> str:
    """The languages take turns, so that twenty pages of a kind hold them all."""
    before = sum(kind_of(seed, i) == "foreign" for i in range(index - index % 40, index))
    return LANGUAGES[(index // 40 * DECK["foreign"] + before) % len(LANGUAGES)]


def _page_url(site: Site, title: str, number: int) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return f"{site.origin}{site.folder.format(n=number % 7)}{slug}-{number}.html"


def _charset_of(number: int) -> str:
    return CHARSETS[number // 8 % len(CHARSETS)] if number % 8 == _ODD_CHARSET else "utf-8"


def _meta_of(charset: str) -> str:
    return {"utf-8": "utf-8", "utf-8-meta": "utf-8", "cp1252-meta": "windows-1252"}.get(charset, "")


def _response(url: str, html: str, charset: str) -> Resource:
    """The page's bytes and headers in the given charset."""
    codec, _, said = charset.rpartition("-") if charset != "utf-8" else ("utf-8", "", "header")
    codec = {"utf-8": "utf-8-sig" if said == "bom" else "utf-8"}.get(codec, codec)
    body = html.encode(codec, "xmlcharrefreplace")
    label = "iso-8859-1" if codec == "latin-1" else codec
    declared = f"; charset={label}" if said == "header" else ""
    return Resource(url, f"text/html{declared}", body)
