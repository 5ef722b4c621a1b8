"""What a page says itself to be, in its Open Graph and schema.org data: evidence, not proof."""

import re
from enum import Enum

from pipeline.extract.tree import Node


class Kind(Enum):
    """What kind of page it is by its own word."""

    UNKNOWN = "unknown"
    ARTICLE = "article"
    PRODUCT = "product"
    THREAD = "thread"


_TYPE = re.compile(r'"@type"\s*:\s*\[?\s*"([A-Za-z]+)"')
_ARTICLES = frozenset(
    {
        "Article", "NewsArticle", "BlogPosting", "TechArticle", "ScholarlyArticle", "Recipe",
        "HowTo", "ReportageNewsArticle", "AnalysisNewsArticle", "OpinionNewsArticle", "Report",
    }
)  # fmt: skip
_THREADS = frozenset({"DiscussionForumPosting", "QAPage"})
_PRODUCTS = frozenset({"Product", "ProductGroup"})


def declared_kind(root: Node) -> Kind:
    """The kind that the page declares; a thread or a product is told more surely than an article."""
    types, article = _declared(root)
    if types & _THREADS:
        return Kind.THREAD
    if types & _ARTICLES or article:
        return Kind.ARTICLE
    return Kind.PRODUCT if types & _PRODUCTS else Kind.UNKNOWN


def _declared(root: Node) -> tuple[set[str], bool]:
    """The schema.org types of the page's scripts, and whether Open Graph says article."""
    types: set[str] = set()
    article = False
    stack: list[Node] = [root]
    while stack:
        node = stack.pop()
        if node.tag == "meta":
            if node.get("property") == "og:type":
                article = article or node.get("content").strip().lower() == "article"
        elif node.tag == "script":
            types.update(_TYPE.findall("".join(c for c in node.children if isinstance(c, str))))
        else:
            stack.extend(c for c in node.children if isinstance(c, Node))
    return types, article
