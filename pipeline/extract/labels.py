"""Texts that a template says and not the page: labels of its controls, credits, what it repeats."""

import re
from collections.abc import Container, Iterator, Mapping
from itertools import islice

from pipeline.extract.anchors import HEADINGS
from pipeline.extract.asides import words_under
from pipeline.extract.items import Item, Walk, ends_sentence, is_sentence
from pipeline.extract.tree import Node
from schemas.records import Role

# All patterns are held against text in small letters: an alternative is then passed over by its
# first letter, which takes a third of the time of patterns that ignore case.
_LABEL = re.compile(
    r"^\W*(?:close|caption|captions|image|photos?|video|adverti[sz]ements?|advert|ad|sponsored|"
    r"(?:image|photo|slide|page)? ?\d{1,3} (?:of|/) ?\d{1,3}|print|"
    r"loading(?: (?:posts?|comments?|more|content|results?|products?|videos?))?|my account|"
    r"(?:prev(?:ious)?|next)(?: (?:post|article|page|story))?|e-?mail|copy link|save|"
    r"media playback is (?:un|not )supported on (?:your|this) device|play video|watch video|"
    r"(?:read|show|load|view|see) (?:more|less|all)|continue reading|story continues.{0,30}|"
    r"share(?: this)?(?: (?:article|story|post|page|on .{0,30}))?|tweet|pin it|whatsapp|"
    r"enlarge (?:image|photo|picture)|"
    r"(?:click|tap) (?:here )?to (?:enlarge|expand|view|share|zoom|tweet).{0,40}|"
    r"(?:article|story) continues (?:after|below).{0,40}|back to (?:top|results)|"
    r"leave a (?:comment|reply)|(?:no |\d+ )?comments?(?: \d+)?)\W*$"
)
"""What templates say of their own controls, in whole."""
_CREDIT = re.compile(
    r"^\W*(?:(?:photo|image|picture|foto|photograph)s?(?: (?:credit|copyright|courtesy|source))?"
    r"(?: ?[:/©]| by\b| via\b| courtesy\b| copyright\b| credit\b)|credit ?:|©)"
)
_DRAWN = re.compile(r"[\s.…·•*_=~|+#–—-]++")
"""A line drawn with signs."""
_LONGEST_CREDIT = 120
_TEASER = re.compile(
    r"^\W*(?:related|see also|read(?: more| also| next| this)?|more(?: on| from)?|also|watch|"
    r"listen|don.t miss|recommended|click here|subscribe|sign up|download)\b"
)
_LONGEST_TEASER = 240
_CALL = re.compile(
    r"^\W*(?:follow .{0,80}\bon (?:twitter|facebook|instagram|linkedin|youtube)|follow (?:us|@)|"
    r"subscribe (?:to|now|today|for)|sign up (?:for|to|now)|"
    r"get .{0,60}\b(?:newsletters?|inbox|app)\b|"
    r"like (?:us|this (?:story|article|post))|click here (?:to|for)|this slideshow requires|"
    r"no products in (?:the|your) (?:cart|basket)|your (?:cart|basket|bag) is (?:currently )?empty|"
    r"get short url|have a (?:tip|story)|(?:e-?mail|contact) .{0,40}\bat \S+@|enter your e-?mail)"
)
"""What a site asks of its readers."""
_LONGEST_CALL = 200
_REPEATED = 40
"""A text at least so many characters long is said once."""
_OPENING = 60
"""Two captions are one where they begin alike so far and one of them holds no more than that."""
_SIZE = re.compile(
    r"(?:^|[-_])(?:\d{2,4}x\d{2,4}|\d{2,4}px|[whs]\d{2,4}|small|medium|large|big|full|scaled|"
    r"thumb(?:nail)?|tn|preview|original|orig|[sml])(?=$|[-_])"
)
"""Marks of a size in a file's name."""
_CUT_SHORT = re.compile(r"\s*(?:\.{2,}|…)\s*(?:(?:read |show |see )?more)?\W*$")
_MOST_ALIKE = 50
"""So many captions that begin alike are held against the next: each of n against all is n^2."""
_MENU_MARKS = "|•·»/"
_MENU_MARK = 3
"""Characters of a mark between two links, with its spaces."""
_STEP_WORDS = 3
_LOOKED_AT = 30
_RUN = 3
"""So many links in a row are a list of other pages."""


def drop_repeated(items: list[Item], captions: Mapping[int, list[Item]]) -> None:
    """Marks as not kept what the page has said before in the same words.

    Galleries say a caption once beside the small picture and once beside the large one; the caption
    of another picture stays, though it says the same. A page that repeats itself throughout is left
    as it is: the repetition filter judges it.

    Args:
        items: of the page.
        captions: of the media among them, by their indices.
    """
    _drop_captions(items, captions)
    said: set[str] = set()
    again: list[Item] = []
    for item in items:
        if item.kept and len(item.text) >= _REPEATED and item.role is not Role.CAPTION:
            if item.text in said:
                again.append(item)
            said.add(item.text)
    if sum(len(item.text) for item in again) * 4 <= sum(map(len, said)):
        for item in again:
            item.cut("said before")


def _drop_captions(items: list[Item], captions: Mapping[int, list[Item]]) -> None:
    """Marks a caption as not kept where it was said before, unless of another picture alone."""
    pictures: dict[Item, set[str]] = {}
    for index, tied in captions.items():
        for caption in tied:
            pictures.setdefault(caption, set()).add(_picture_of(items[index].url))
    said: dict[str, list[tuple[str, set[str]]]] = {}
    for item in items:
        if not item.kept or item.role is not Role.CAPTION:
            continue
        shown = pictures.get(item, set())
        alike = said.setdefault(item.text[:_OPENING], [])
        if any(
            (not shown or not before or shown & before) and _is_beginning(item.text, text)
            for text, before in alike
        ):
            item.cut("said before")
        elif len(alike) < _MOST_ALIKE:
            alike.append((item.text, shown))


def _picture_of(url: str) -> str:
    """What the versions of a picture share in their names: the file's, without marks of a size."""
    name = url.partition("?")[0].rstrip("/").rpartition("/")[2].lower()
    return _SIZE.sub("", name.partition(".")[0])


def _is_beginning(one: str, other: str) -> bool:
    """Whether the shorter of two texts is where the longer begins, as it says by "…" at its end."""
    short, long = sorted((one, other), key=len)
    return long.startswith(_CUT_SHORT.sub("", short).rstrip(". "))


def drop_doubled(items: list[Item], captioned: Container[int]) -> None:
    """Marks as not kept an image right behind the same one: carousels hold their slides twice.

    Args:
        items: the page's content.
        captioned: the indices of those with a caption: of two alike such a one stays.
    """
    before = -1
    for index, item in enumerate(items):
        if not item.kept:
            continue
        if not item.is_text and before >= 0 and items[before].url == item.url:
            if before in captioned or index not in captioned:
                item.cut("said before")
                continue
            items[before].cut("said before")
        before = index


def drop_labels(walk: Walk) -> None:
    """Marks labels, credits and teasers of other pages as not kept."""
    for item in walk.items:
        if item.kept and item.is_text:
            if item.role is Role.CODE:
                if _is_gutter(item.text):
                    item.cut("numbers of lines")
            elif is_label(item):
                item.cut("label of a template")


def _is_gutter(code: str) -> bool:
    """Whether a code block is only the numbers of another's lines, each one more than the last."""
    numbers = code.split()
    if len(numbers) < 2 or not code.isascii() or not all(map(str.isdigit, numbers)):
        return False
    first = int(numbers[0])
    return numbers == [str(n) for n in range(first, first + len(numbers))]


def is_label(item: Item) -> bool:
    """Whether a text is one of a template's own, as its words say."""
    text = item.text
    if item.anchors > _RUN and _is_menu(item):
        return True
    if item.role is Role.PARAGRAPH and (
        _DRAWN.fullmatch(text) or (len(text) <= 4 and not any(map(str.isalpha, text)))
    ):
        return True
    if len(text) > _LONGEST_TEASER:
        return False
    small = text.lower()
    if len(text) <= 80 and not _is_entry(item) and _LABEL.match(small):
        return not _is_said(item)
    if item.role is Role.CAPTION:
        return False
    if item.role is not Role.HEADING and _asks_or_credits(text, small):
        return not _is_step(item)
    return item.links * 2 > len(text) and bool(_TEASER.match(small))


def _is_said(item: Item) -> bool:
    """Whether a label's words are a step of instructions, or a sentence: "Print."."""
    if item.links:
        return False
    if " " in item.text:
        return is_sentence(item.text) or _is_step(item)
    return is_sentence(item.text) or (_is_step(item) and _is_among_steps(item.node))


def _is_step(item: Item) -> bool:
    """Whether a text without a link stands in a numbered list, as steps do and controls do not."""
    if item.links or item.role is not Role.LIST_ITEM:
        return False
    node: Node | None = item.node
    while node is not None and node.tag != "li":
        node = node.parent
    return node is not None and node.parent is not None and node.parent.tag == "ol"


def _is_among_steps(step: Node) -> bool:
    """Whether another item of a numbered list says more than a control does, and is no link."""
    while step.tag != "li" and step.parent is not None:
        step = step.parent
    others = step.parent.children if step.parent is not None else []
    for other in islice(others, _LOOKED_AT):
        if isinstance(other, Node) and other is not step:
            words = words_under(other).split()
            if len(words) >= _STEP_WORDS and not is_label(Item(other, " ".join(words))):
                return True
    return False


def _is_entry(item: Item) -> bool:
    """Whether a text is a term, a table's cell or a heading, where any word may be meant."""
    return item.role in {Role.TABLE_CELL, Role.HEADING} or item.node.tag in {"dt", "dd"}


def _is_menu(item: Item) -> bool:
    """Whether a text is a row of links with a mark between any two: "Home | About | Contact"."""
    marks = sum(item.text.count(f" {mark} ") for mark in _MENU_MARKS)
    return marks >= _RUN and item.links + _MENU_MARK * marks >= len(item.text) - _MENU_MARK


def _asks_or_credits(text: str, small: str) -> bool:
    """Whether a text, also given in small letters, asks readers for something or names an owner.

    What follows "image:" or "photos by" is a name in a credit, and begins with no small letter.
    """
    if len(text) <= _LONGEST_CALL and _CALL.match(small):
        return True
    credit = _CREDIT.match(small) if len(text) <= _LONGEST_CREDIT else None
    if credit is None:
        return False
    named = text[credit.end() :].lstrip()
    return not (named[:1].islower() and " " in named and ends_sentence(named))


def drop_link_runs(walk: Walk) -> None:
    """Marks texts as not kept that are links to other pages, three and more in a row."""
    headed: dict[Node, bool] = {}
    rest = [item for item in walk.items if item.kept and not _is_value(item, headed)]
    for start, end in _linked_runs(rest):
        run = rest[start:end]
        others = [item for item in run if item.role is not Role.HEADING]
        if len(others) >= _RUN or any(item.anchors > _RUN for item in others):
            for item in run:
                item.cut("row of links")
            if start and _ends_there(rest[start - 1], rest[end] if end < len(rest) else None):
                rest[start - 1].cut("heading of a row of links")


def _ends_there(heading: Item, behind: Item | None) -> bool:
    """Whether a heading has nothing under it before the item behind, another of its rank."""
    if heading.role is not Role.HEADING or heading.node.tag not in HEADINGS:
        return False
    return behind is None or (
        behind.role is Role.HEADING and behind.node.tag <= heading.node.tag != "h1"
    )


def _is_value(item: Item, headed: dict[Node, bool]) -> bool:
    """Whether a header cell says what a text is: in its row of a table, or in the table's first.

    `headed` remembers which rows and which tables have one.
    """
    row = item.node.parent if item.role is Role.TABLE_CELL else None
    if row is None or row.tag != "tr":
        return False
    if row not in headed:
        headed[row] = _has_header(row)
        table = row.parent
        if table is not None and table not in headed:
            first = next((r for r in table.children if isinstance(r, Node)), row)
            headed[table] = first.tag == "tr" and _has_header(first)
        headed[row] = headed[row] or (table is not None and headed[table])
    return headed[row]


def _has_header(row: Node) -> bool:
    return any(isinstance(cell, Node) and cell.tag == "th" for cell in row.children)


def _linked_runs(items: list[Item]) -> Iterator[tuple[int, int]]:
    """Where runs of texts that are links begin, and where they have ended."""
    start = -1
    for index, item in enumerate(items):
        if item.is_text and (item.links * 5 > len(item.text) * 4):
            start = index if start < 0 else start
        elif start >= 0:
            yield start, index
            start = -1
    if start >= 0:
        yield start, len(items)
