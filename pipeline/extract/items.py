"""What a walk over a page finds: texts and media in reading order, and what it left unread."""

from dataclasses import dataclass, field

from pipeline.extract.tree import Node
from schemas.records import Role

_ENDS = ".!?:;…\u3002\uff01\uff1f"
"""Marks that end a sentence or lead on to what follows it, in Latin and in East Asian scripts."""


def ends_sentence(text: str) -> bool:
    """Whether a text ends as a sentence does."""
    return text.endswith(tuple(_ENDS))


def is_sentence(text: str) -> bool:
    """Whether a text ends with one full stop, as no label of a control does."""
    return text.endswith((".", "\u3002")) and not text.endswith("..")


@dataclass(slots=True, eq=False)
class Item:
    """A text, an image or a video where it stands.

    Attributes:
        node: the block that a text belongs to, the element of an image or a video.
        text: of a text item; "" of others.
        role: of a text item.
        links: characters of the text that are links.
        anchors: pieces of text that are links.
        url: of an image or a video.
        is_video: whether it is of a video, or of the page of one.
        zones: the marked elements around it, outermost first.
        href: of the link around an image.
        score: how much it counts for the content around it.
        kept: whether it is content, as far as is known.
        carded: whether it stands in a card that advertises another page.
        why: it is not kept, "" where it is.
        ends_topic: whether a link to the rest of a topic stands behind a text.
    """

    node: Node
    text: str = ""
    role: Role = Role.PARAGRAPH
    links: int = 0
    anchors: int = 0
    url: str = ""
    is_video: bool = False
    poster: str = ""
    zones: tuple[Node, ...] = ()
    href: str = ""
    score: float = 0.0
    kept: bool = True
    carded: bool = False
    why: str = ""
    ends_topic: bool = False

    @property
    def is_text(self) -> bool:
        """Whether this is text and no media."""
        return not self.url

    def cut(self, why: str) -> None:
        """Marks it as not kept; of several reasons the first stays."""
        if self.kept:
            self.kept, self.why = False, why


@dataclass(frozen=True, slots=True)
class Fold:
    """An element of boilerplate that the walk left unread, and what held where it stands.

    Attributes:
        node: the folded element.
        at: how many items stand before it.
        zones: the marked elements around it, outermost first, itself the last.
    """

    node: Node
    at: int
    role: Role
    zones: tuple[Node, ...]
    href: str


@dataclass(frozen=True, slots=True)
class Missed:
    """An element that became no item though a reader may have seen it.

    Attributes:
        node: the element; what it says or names is looked up where somebody asks.
        why: it is left out, "" where its own names tell.
        after: the item before it, None where it comes first.
    """

    node: Node
    why: str
    after: Item | None


@dataclass(slots=True)
class Walk:
    """What one walk over a page found.

    Attributes:
        items: in reading order.
        nodes: the elements visited, parents before children.
        outer: the marked elements around each element whose region is not plain, outer ones first.
        folds: what was left unread, in reading order.
        missed: what became no item.
        notes: what elements that were left unread at first say of the page and its images.
    """

    items: list[Item] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    outer: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    folds: list[Fold] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    notes: list[Node] = field(default_factory=list)
