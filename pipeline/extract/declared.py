"""What a page says itself to be, in its Open Graph and schema.org data: evidence, not proof."""

import re
from collections.abc import Iterable
from enum import Enum

from pipeline.extract.tree import Node


class Kind(Enum):
    """What kind of page it is by its own word."""

    UNKNOWN = "unknown"
    ARTICLE = "article"
    PRODUCT = "product"
    THREAD = "thread"
    LISTING = "listing"


_TYPE = re.compile(r'"@type"\s*+:\s*+\[?+\s*+"([A-Za-z]+)"')
_ARTICLES = frozenset(
    {
        "Article", "NewsArticle", "BlogPosting", "TechArticle", "ScholarlyArticle", "Recipe",
        "HowTo", "ReportageNewsArticle", "AnalysisNewsArticle", "OpinionNewsArticle", "Report",
    }
)  # fmt: skip
_THREADS = frozenset({"DiscussionForumPosting", "QAPage"})
_LISTINGS = frozenset({"CollectionPage", "SearchResultsPage"})
_PRODUCTS = frozenset({"Product", "ProductGroup"})


def declared_kind(notes: Iterable[Node]) -> Kind:
    """The kind that the page declares; a thread or a product is told more surely than an article.

    Args:
        notes: what the page says of itself.
    """
    types: set[str] = set()
    article = False
    for node in notes:
        if node.tag == "script":
            types.update(_TYPE.findall("".join(c for c in node.children if isinstance(c, str))))
        elif node.tag == "meta" and node.get("property") == "og:type":
            article = article or node.get("content").strip().lower() == "article"
    if types & _THREADS:
        return Kind.THREAD
    if types & _LISTINGS and not types & _ARTICLES:
        return Kind.LISTING
    if types & _ARTICLES or article:
        return Kind.ARTICLE
    return Kind.PRODUCT if types & _PRODUCTS else Kind.UNKNOWN
