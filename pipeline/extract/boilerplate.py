"""What the names of an element tell of it: navigation, sharing, comments, advertisements."""

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final


class Region(IntEnum):
    """What part of a page an element is, as its tag, role, class and id say."""

    PLAIN = 0
    CONTENT = 1  # named as the page's content
    HEADER = 2  # of the page: boilerplate; of an article: its head
    WEAK = 3  # boilerplate, but the name is used for other things too
    COMMENTS = 4  # what readers wrote: boilerplate beside an article, content of a forum
    CUT = 5  # boilerplate
    HIDDEN = 6  # not seen by a reader


# Looked up a few times an element: a member of an enum takes five times as long as a name.
PLAIN: Final = Region.PLAIN
CUT: Final = Region.CUT
_HIDDEN: Final = Region.HIDDEN

_BY_TAG = dict.fromkeys(("nav", "dialog", "menu", "footer", "aside"), Region.CUT) | {
    "header": Region.HEADER,
    "form": Region.WEAK,
}
_CUT_ROLES = frozenset(
    {
        "navigation", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar",
        "tablist", "tooltip", "button", "contentinfo", "complementary", "status",
    }
)  # fmt: skip
_MAIN_TAGS = frozenset({"html", "body", "main", "article", "figcaption"})

# Words of class and id, read off the conventions of page templates in general.
_CUT_LIST = """
nav navbar navigation navi menu submenu breadcrumb breadcrumbs crumbs crumb pagination pager
paginator cookie cookies gdpr consent advert adverts advertisement advertisements adsense
advertising adslot dfp sponsored taboola outbrain zergnet share sharing sharebar sharethis addtoany
addthis sharedaddy socials newsletter subscribe subscription signup optin popup modal overlay
lightbox tooltip dropdown skip skiplink printfriendly backtotop searchform
searchbox toolbar megamenu offcanvas flyout masthead login signin promo promos promobox taglist
tagcloud disqus editsection hatnote navbox catlinks noindex sidebar sidebars footer colophon related
navheader navfooter topnav sidenav subnav mainnav leftnav rightnav sitenav globalnav mobilenav
footernav headernav navmenu navlinks navlist navbuttons prevnext nextprev sitefooter pagefooter
recommended recommendation recommendations recirc recirculation trending mostread mostpopular
readmore upsell crosssell crosslinks seealso footnotes jumplinks
"""
_WEAK_LIST = """
rail foot popular social follow promotion promoted banner ad ads author bio byline meta
metadata postmeta tags tag categories copyright legal disclaimer teaser teasers rating
ratings vote votes topbar bottombar toc print email donate donation survey poll
help feedback action actions controls complementary linkbox outlinks extras suggested similar
sponsor sponsors partner partners timestamp dateline tools cta
"""
_MANUAL_LIST = "tools help controls extras"
"""Of these the words that a manual uses of its subject: with sentences and pictures, its text."""
_COMMENT_LIST = "comment comments commentlist respond replies talkback"
_CONTENT_LIST = """
article articlebody entry post posts story storybody content maincontent main body text
documentation markdown prose recipe steps instructions product description thread message
question answer listicle
"""
_CUT_WORDS = frozenset(_CUT_LIST.split())
_WEAK_WORDS = frozenset(_WEAK_LIST.split())
_MANUAL_WORDS = frozenset(_MANUAL_LIST.split())
_COMMENT_WORDS = frozenset(_COMMENT_LIST.split())
_CONTENT_WORDS = frozenset(_CONTENT_LIST.split())
_HEAD_WORDS = frozenset({"header", "head"})
_TELLING = _CUT_WORDS | _WEAK_WORDS | _COMMENT_WORDS | _CONTENT_WORDS | _HEAD_WORDS
"""Most names have none of these."""
_STATE_WORDS = frozenset({"has", "w", "with", "no", "not", "without", "show", "open", "enabled"})
_FOLD_LIST = """
accordion accordions tab tabs tabpanel panel panels collapse collapsible faq faqs answer expandable
expander toggle foldable disclosure
"""
_FOLD_WORDS = frozenset(_FOLD_LIST.split())
"""Names of what a reader unfolds: hidden at first, content all the same."""
_FOLD_ROLES = frozenset({"tabpanel", "region"})
_KIND_WORDS = frozenset(
    {
        "recipe",
        "steps",
        "step",
        "instructions",
        "lesson",
        "shot",
        "screenshot",
        "needed",
        "ingredients",
        "price",
        "prices",
    }
)
"""What the last word of a name says of a thing's kind: a cookie recipe is a recipe."""
_PART_WORDS = frozenset({"card", "section", "panel", "tile", "block"})
"""A part's own footer is a part of the text."""
_HASHED = re.compile(r"(?=[^\W_]*\d)(?=[^\W_]*[a-zA-Z])[^\W_]{5,}")
"""A part of a name that a tool made: letters in it mean nothing."""
_OPENERS = frozenset({"a", "figure", "img", "picture"})
_OPENS = re.compile(r"lightbox|popup|pop-up|modal|overlay", re.IGNORECASE)
"""A picture or a link of such a name opens one, and is none itself."""
_DIGIT = re.compile("[0-9]")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MOST_WORDS = 4
"""A longer name is a slug: the words of a heading, not of a template."""

_HIDDEN_NAMES = re.compile(
    r"(?<![\w:-])(?:sr-only|visually-?hidden|screen-reader(?:-text)?|element-invisible|"
    r"is-hidden|hidden|hide|d-none|print-only|assistive-text)(?![\w-])"
)
_SHOWN_NAMES = re.compile(r"(?<![\w-])(?:sm|md|lg|xl|\w*desktop):(?!hidden)\w")
_HIDING = frozenset({"hidden", "aria-hidden", "style"})
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def region_by_tag(tag: str) -> Region:
    """The region that an element without attributes claims."""
    return _BY_TAG.get(tag, PLAIN)


def region_of(tag: str, attrs: dict[str, str | None]) -> Region:
    """The region that an element's own tag and attributes claim."""
    region = _BY_TAG.get(tag, PLAIN)
    if not _HIDING.isdisjoint(attrs) and _is_hidden(tag, attrs):
        return PLAIN if _is_folded(attrs) else _HIDDEN
    if "role" in attrs:
        region = max(region, _by_role(attrs["role"]))
    if tag in _MAIN_TAGS:
        return region
    names = attrs.get("class")
    if names and (named := _named(names)) > region:
        region = named if tag not in _OPENERS else _opened(names)
    names = attrs.get("id")
    if names and (named := _named(names)) > region:
        region = named
    return region


def _opened(names: str) -> Region:
    """The region that a picture's or a link's names claim, but for what they say it opens."""
    return _named(_OPENS.sub("", names))


def _by_role(role: str | None) -> Region:
    if not role:
        return PLAIN
    if role in _CUT_ROLES:
        return CUT
    return Region.HEADER if role == "banner" else PLAIN


def _is_hidden(tag: str, attrs: dict[str, str | None]) -> bool:
    if "hidden" in attrs and attrs["hidden"] != "until-found":
        return True
    if attrs.get("aria-hidden") == "true" and tag not in {"img", "figure", "picture"}:
        return True
    style = attrs.get("style")
    return bool(style) and _hides(style)


@lru_cache(maxsize=4096)
def _hides(style: str) -> bool:
    return _HIDDEN_STYLE.search(style) is not None


def _is_folded(attrs: dict[str, str | None]) -> bool:
    """Whether a hidden element is the panel of a tab or an accordion."""
    if attrs.get("role") in _FOLD_ROLES:
        return True
    names = f"{attrs.get('class') or ''} {attrs.get('id') or ''}"
    return any(word.lower() in _FOLD_WORDS for word in _WORD.findall(names))


def _may_hide(names: str) -> bool:
    """Whether a part of a hiding name stands in some names: pages hold thousands that differ."""
    return (
        "hid" in names or "-only" in names or "d-none" in names
        or "-text" in names or "screen-" in names or "-invisible" in names
    )  # fmt: skip


@lru_cache(maxsize=32768)
def _named(names: str) -> Region:
    """The region that class and id name; the strongest of them wins."""
    if _may_hide(names) and _HIDDEN_NAMES.search(names) and not _SHOWN_NAMES.search(names):
        return _HIDDEN
    words = _WORD.findall(names)
    if _TELLING.isdisjoint(words if names.islower() else map(str.lower, words)):  # as of most
        return PLAIN
    return max(map(_named_by, names.split()), default=PLAIN)


@lru_cache(maxsize=65536)
def _named_by(name: str) -> Region:
    """The region that one class or id names.

    What a page says to have ("has-sidebar", "with-comments") tells of the page, not the element;
    a name with a colon or a bracket tells of its looks; a long one is a heading's slug.
    """
    if ":" in name or "[" in name or "/" in name:
        return PLAIN
    if _DIGIT.search(name):
        name = _HASHED.sub("", name)
    words = _WORD.findall(name) if name.islower() else [w.lower() for w in _WORD.findall(name)]
    if _TELLING.isdisjoint(words) or len(words) > _MOST_WORDS:
        return PLAIN
    if not _STATE_WORDS.isdisjoint(words):
        return PLAIN
    return _told_by(words)


def says_little(attrs: dict[str, str | None]) -> bool:
    """Whether the names of a weak region are those of the parts of a manual just as well."""
    names = f"{attrs.get('class') or ''} {attrs.get('id') or ''}"
    words = {word.lower() for word in _WORD.findall(names)}
    return (words & _WEAK_WORDS) <= _MANUAL_WORDS


def _told_by(words: list[str]) -> Region:
    """The region that the words of a name tell."""
    content = not _CONTENT_WORDS.isdisjoint(words)
    if words[-1] in _KIND_WORDS and len(words) > 1:
        return Region.CONTENT if content else PLAIN
    if words[-1] == "footer" and not _PART_WORDS.isdisjoint(words):
        return PLAIN
    if not _CUT_WORDS.isdisjoint(words):
        if not _FOLD_WORDS.isdisjoint(words) and "dropdown" in words:
            return PLAIN
        return Region.WEAK if content and words[-1] in _CONTENT_WORDS else CUT
    if not _COMMENT_WORDS.isdisjoint(words):
        return Region.COMMENTS
    if not _WEAK_WORDS.isdisjoint(words):
        return Region.WEAK
    return Region.CONTENT if _HEAD_WORDS.isdisjoint(words) else Region.HEADER
