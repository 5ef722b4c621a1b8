"""Which of a page's items are its content: regions weighed, then the richest container."""

import re

from pipeline.extract.cards import find_cards, is_portrait, leads_away
from pipeline.extract.declared import Kind
from pipeline.extract.images import declared_side
from pipeline.extract.items import Item, Walk
from pipeline.extract.labels import drop_labels, drop_link_runs
from pipeline.extract.regions import drop_regions, needed_folds
from pipeline.extract.sections import drop_sections
from pipeline.extract.tree import Node
from pipeline.extract.walk import Walker
from schemas.records import Role

_IMAGE_SCORE = 60.0
"""A content image counts as much for its block as a line of text."""
_ICON_PX = 48
_PHOTOGRAPH = re.compile(r"\.jpe?g(?:$|[?#])", re.IGNORECASE)
_SIGN = re.compile(
    r"^\s*\[?(?:note|tip|warning|caution|important|info(?:rmation)?|hint|prev(?:ious)?|next|home|up|"
    r"down|back|top|menu|search|close|icon|logo|arrow|external link|rss|print|email|bullet)\]?\s*$",
    re.IGNORECASE,
)
_EMOJI = re.compile(r"emoji|smiley|emoticon", re.IGNORECASE)
_HANDS_ON = re.compile(
    r"/(?:share|sharer|sharer\.php|sharing/\S+|sharearticle|intent/\w+|submit|pin/create/\w+)/?\?"
    r"(?:\S*&)?(?:u|url|text|mini|title)=",
    re.IGNORECASE,
)
"""A link that hands the page on to others: it carries its address or its title."""
_BADGE = re.compile(r"/badges?/|[/_.-]badge\.svg(?:$|[?#])", re.IGNORECASE)
"""Of a picture that says in a word how a program or a shop fares."""
_BADGES = 300
_ARTICLE = 400.0
"""So much prose outside of cards makes a page an article, whatever else it holds."""
_DECLARED_ARTICLE = 150.0
"""So much prose suffices where the page says that it is an article."""
_LEAVES = frozenset(
    {
        "p", "li", "blockquote", "pre", "td", "th", "dd", "dt", "span", "figure",
        "dl", "ul", "ol",
    }
)  # fmt: skip
"""No container: what stands beside them belongs to the same text."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LEAD_ITEMS = 40
"""So far before the text is the headline looked for."""
_HEADLINE = 12
"""A shorter heading may say the same as a title by chance."""
_BEFORE = 0.8
"""The text before a headline is another's, unless it is nearly as long as what follows."""
_LINE = 80.0
"""A line of prose."""
_SHARE = 0.9
"""The container is the deepest element with this share of the page's score."""


def choose_content(walker: Walker, kind: Kind = Kind.UNKNOWN, title: str = "") -> list[Item]:
    """The items that are the page's content, in reading order.

    Args:
        walker: that has walked the page; it reads more where what it read does not suffice.
        kind: of page, as it says itself.
        title: of the page: where the text begins, where a heading says the same.
    """
    walk = walker.found
    _weigh(walk)
    prose: dict[Node, int] = {}
    while unread := needed_folds(walk, kind, prose):
        walker.unfold(unread)
        _weigh(walk)
    drop_regions(walk, kind)
    drop_labels(walk)
    if _is_article(walk, kind):
        drop_sections(walk)
        drop_link_runs(walk)
        _drop_before_headline(walk.items, title)
        for item in walk.items:
            if item.carded:
                item.cut("card of another page")
    else:
        for item in walk.items:
            item.score = float(len(item.text)) if item.is_text else item.score
    inside = _inside(walk.items, _container(walk))
    return _lead(walk.items, inside) + [item for item in inside if item.kept]


def _drop_before_headline(items: list[Item], title: str) -> None:
    """Marks the texts before the headline as not kept, where more prose stands behind it."""
    kept = [item for item in items if item.kept and not item.carded]
    at = next((i for i, item in enumerate(kept) if _is_headline(item, title)), 0)
    before = sum(item.score for item in kept[:at] if item.is_text)
    if before < _BEFORE * sum(item.score for item in kept[at:] if item.is_text):
        for item in kept[:at]:
            if item.is_text:
                item.cut("before the headline")


def _is_headline(item: Item, title: str) -> bool:
    """Whether a heading says what the page's title says, give or take the name of the site."""
    if item.role is not Role.HEADING or len(item.text) < _HEADLINE:
        return False
    return item.text.casefold() in title.casefold()


def _lead(items: list[Item], inside: list[Item]) -> list[Item]:
    """What stands between the headline and the text: the lead picture, the summary, a section.

    The headline is the heading of the highest rank, the nearest of its rank. That of the page, an
    h1, says what the document's title says and is left out here.
    """
    if not inside:
        return []
    end = items.index(inside[0])
    start, rank = end, "h9"
    for index in range(end - 1, max(-1, end - _LEAD_ITEMS), -1):
        item = items[index]
        if item.kept and not item.carded and item.role is Role.HEADING:
            own = _rank(item.node)
            if own < rank:
                start, rank = index, own
    return [item for item in items[start:end] if item.kept and not item.carded and _leads(item)]


def headline_of(walk: Walk, inside: list[Item]) -> str:
    """The page's headline where it stands apart from its text, "" where the text holds one.

    Args:
        walk: over the page, its content chosen.
        inside: the content.
    """
    if any(item.role is Role.HEADING and _rank(item.node) == "h1" for item in inside):
        return ""
    end = walk.items.index(inside[0])
    for item in reversed(walk.items[max(0, end - _LEAD_ITEMS) : end]):
        if item.kept and item.role is Role.HEADING and _rank(item.node) == "h1":
            return item.text
    return ""


def _rank(node: Node | None) -> str:
    """The tag of the heading that a heading's text stands in."""
    while node is not None and node.tag not in _HEADINGS:
        node = node.parent
    return node.tag if node is not None else "h6"


def _leads(item: Item) -> bool:
    if not item.is_text:
        return item.score > 0 and not is_portrait(item)
    if item.role is Role.HEADING:
        return _rank(item.node) != "h1"
    if item.role is Role.CAPTION or item.score >= _LINE:
        return True
    return item.score > 0 and item.text.endswith((":", "\uff1a"))


def _weigh(walk: Walk) -> None:
    for item in walk.items:
        item.score = _score(item)
    memo: dict[Node, bool] = dict.fromkeys(find_cards(walk), True)
    for item in walk.items:
        item.carded = _is_under(item.node, memo)


def _is_article(walk: Walk, kind: Kind) -> bool:
    """Whether the page has prose of its own, beside what it advertises of other pages."""
    if kind is Kind.LISTING:
        return False
    prose = carded = 0.0
    everything = 1
    for item in walk.items:
        if item.kept:
            everything += len(item.text)
            carded += len(item.text) if item.carded else 0
            prose += item.score if item.is_text and not item.carded else 0.0
    if kind is Kind.ARTICLE and prose >= _DECLARED_ARTICLE:
        return True
    return prose >= _ARTICLE and carded < 0.6 * everything


def _score(item: Item) -> float:
    if not item.is_text:
        return 0.0 if is_icon(item) or leads_away(item.href) else _IMAGE_SCORE
    length = len(item.text)
    plain = length - item.links
    if item.role is Role.HEADING or plain < 20 or item.links * 2 > length:
        return 0.0
    return plain * (1.0 if length >= 80 else 0.5)


def is_icon(item: Item) -> bool:
    """Whether the page itself says that the image is no picture: by its declared size or its alt.

    "[Note]", "Next" and their like are signs that stand beside a text on every page of a site; a
    picture declared to be large is none, whatever it is called, and no sign is a photograph.
    """
    node = item.node
    width, height = declared_side(node, "width"), declared_side(node, "height")
    short = min(width or height, height or width)
    if 0 < short <= _ICON_PX:
        return True
    if short > 2 * _ICON_PX:
        return False
    if _EMOJI.search(node.get("class")) or _HANDS_ON.search(item.href) or _is_badge(item.url):
        return True
    alt = node.get("alt")
    return bool(alt) and bool(_SIGN.match(alt)) and not _PHOTOGRAPH.search(item.url)


def _is_badge(url: str) -> bool:
    return "badge" in url[:_BADGES] and _BADGE.search(url[:_BADGES]) is not None


def _scores_under(walk: Walk) -> list[float]:
    """The score of the kept items under each element, by its index."""
    scores = [0.0] * len(walk.nodes)
    for item in walk.items:
        if item.kept:
            node: Node | None = item.node
            while node is not None and node.index < 0:
                node = node.parent
            if node is not None:
                scores[node.index] += item.score
    for index in range(len(scores) - 1, -1, -1):
        if scores[index]:
            parent = walk.nodes[index].parent
            if parent is not None and parent.index >= 0:
                scores[parent.index] += scores[index]
    return scores


def _container(walk: Walk) -> Node:
    """The deepest element that holds nearly all of the score of the kept items."""
    scores = _scores_under(walk)
    container = walk.nodes[0]
    least = _SHARE * scores[container.index]
    while True:
        children = [c for c in container.children if isinstance(c, Node) and c.index >= 0]
        best = max(children, key=lambda c: scores[c.index], default=None)
        if best is None or scores[best.index] == 0 or best.tag in _LEAVES:
            return container
        if scores[best.index] < least:
            return container
        container = best


def _inside(items: list[Item], container: Node) -> list[Item]:
    memo: dict[Node, bool] = {container: True}
    return [item for item in items if _is_under(item.node, memo)]


def _is_under(node: Node, memo: dict[Node, bool]) -> bool:
    """Whether the node or one around it is marked in `memo`, which remembers the answers."""
    path: list[Node] = []
    at: Node | None = node
    while at is not None and at not in memo:
        path.append(at)
        at = at.parent
    answer = memo[at] if at is not None else False
    for passed in path:
        memo[passed] = answer
    return answer
