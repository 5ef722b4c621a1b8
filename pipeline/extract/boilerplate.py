"""What the names of an element tell of it: navigation, sharing, comments, advertisements."""

import re
from enum import IntEnum
from functools import lru_cache

from pipeline.extract.tree import Node


class Region(IntEnum):
    """What part of a page an element is, as its tag, role, class and id say."""

    PLAIN = 0
    CONTENT = 1  # named as the page's content
    WEAK = 2  # boilerplate unless it holds most of the page's text
    COMMENTS = 3  # what readers wrote: boilerplate beside an article, content of a forum
    CUT = 4  # never content
    HIDDEN = 5  # not seen by a reader


_CUT_TAGS = frozenset(
    {"nav", "button", "select", "input", "textarea", "object", "embed", "applet", "iframe",
     "audio", "dialog", "menu", "svg", "option", "optgroup", "progress", "meter", "title", "meta",
     "link", "base", "script"}
)  # fmt: skip
_CUT_ROLES = frozenset(
    {"navigation", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar", "alert",
     "tablist", "tooltip", "button", "status"}
)  # fmt: skip
_WEAK_ROLES = frozenset({"banner", "contentinfo", "complementary"})
_WEAK_TAGS = frozenset({"footer", "aside", "header", "form"})

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

# Words of class and id, read off the conventions of page templates in general.
_CUT_LIST = """
nav navbar navigation navi menu submenu breadcrumb breadcrumbs crumbs pagination pager paginator
cookie cookies gdpr consent advert adverts advertisement advertisements adsense advertising adslot
dfp sponsored taboola outbrain zergnet share sharing sharebar sharethis addtoany addthis sharedaddy
socials newsletter subscribe subscription signup optin popup modal overlay lightbox tooltip
dropdown skip skiplink noprint paywall printfriendly backtotop searchform searchbox toolbar
megamenu offcanvas flyout masthead login signin promo promos promobox taglist tagcloud disqus
editsection navbox catlinks noindex
"""
_WEAK_LIST = """
sidebar side rail footer foot header related recommended recommendation recommendations recirc
recirculation trending popular social follow promotion promoted banner ad ads author bio byline
meta metadata postmeta tags tag categories category copyright legal disclaimer mostread readmore
teaser teasers upsell crosssell crosslinks seealso rating ratings vote votes utility topbar
bottombar toc infobox print email donate donation survey poll help feedback action actions
controls complementary linkbox outlinks extras suggested similar sponsor sponsors partner partners
timestamp dateline tools jumplinks cta
"""
_COMMENT_LIST = "comment comments commentlist respond replies reviews talkback"
_CONTENT_LIST = """
article articlebody entry post posts story storybody content maincontent main body text
documentation markdown prose recipe steps instructions product description thread message question
answer
"""
_CUT_WORDS = frozenset(_CUT_LIST.split())
_WEAK_WORDS = frozenset(_WEAK_LIST.split())
_COMMENT_WORDS = frozenset(_COMMENT_LIST.split())
_CONTENT_WORDS = frozenset(_CONTENT_LIST.split())
_STATE_WORDS = frozenset({"has", "with", "no", "not", "without", "show", "open", "enabled"})
_SHOWN_NAMES = re.compile(r"(?<![\w-])(?:sm|md|lg|xl|\w*desktop):(?!hidden)\w")
_HIDDEN_NAMES = re.compile(
    r"(?<![\w:-])(?:sr-only|visually-?hidden|screen-reader(?:-text)?|element-invisible|"
    r"is-hidden|hidden|hide|d-none|noprint|print-only|assistive-text)(?![\w-])"
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def region_of(node: Node) -> Region:
    """The region that an element's own tag and attributes claim."""
    tag, attrs = node.tag, node.attrs
    if tag in _CUT_TAGS:
        return Region.CUT
    if not attrs:
        return Region.WEAK if tag in _WEAK_TAGS else Region.PLAIN
    if _is_hidden(node):
        return Region.HIDDEN
    role = attrs.get("role")
    if role:
        if role in _CUT_ROLES:
            return Region.CUT
        if role in _WEAK_ROLES:
            return Region.WEAK
        if role in {"main", "article"}:
            return Region.CONTENT
    if tag in {"html", "body", "main", "article"}:
        return Region.PLAIN
    names = f"{attrs.get('class') or ''} {attrs.get('id') or ''}"
    named = _named(names) if names != " " else Region.PLAIN
    if tag in _WEAK_TAGS and named < Region.WEAK:
        return Region.WEAK
    return named


def _is_hidden(node: Node) -> bool:
    attrs = node.attrs
    if "hidden" in attrs and attrs["hidden"] != "until-found":
        return True
    if attrs.get("aria-hidden") == "true" and node.tag not in {"img", "figure", "picture"}:
        return True
    style = attrs.get("style")
    return bool(style and _HIDDEN_STYLE.search(style))


@lru_cache(maxsize=32768)
def _named(names: str) -> Region:
    """The region that class and id name; the strongest of them wins."""
    if _HIDDEN_NAMES.search(names) and not _SHOWN_NAMES.search(names):
        return Region.HIDDEN
    return max(map(_named_by, names.split()), default=Region.PLAIN)


def _named_by(name: str) -> Region:
    """The region that one class or id names.

    What a page says to have ("has-sidebar", "with-comments") tells of the page, not the element.
    """
    words = {w.lower() for w in _WORD.findall(name)}
    if words & _STATE_WORDS:
        return Region.PLAIN
    content = bool(words & _CONTENT_WORDS)
    if words & _CUT_WORDS:
        return Region.WEAK if content else Region.CUT
    if words & _COMMENT_WORDS:
        return Region.COMMENTS
    if words & _WEAK_WORDS:
        return Region.WEAK
    return Region.CONTENT if content else Region.PLAIN
