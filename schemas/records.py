"""What flows through a build: pages, documents, media, sequences and pairs, all frozen."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.rejection import Reason


class Role(StrEnum):
    """What a text block is on its page."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_CELL = "table_cell"
    CAPTION = "caption"
    QUOTE = "quote"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Page:
    """One fetched HTML response; its bytes never cross a shuffle.

    Attributes:
        key: content key of URL and body.
        url: absolute, as fetched.
        body: the HTTP body, content encoding removed.
        content_type: the Content-Type header, or "".
        fetched_at: ISO 8601 in UTC, or "" where the input does not say.
    """

    key: str
    url: str
    body: bytes
    content_type: str = ""
    fetched_at: str = ""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """One block of text as a reader sees it; white space is collapsed except in code.

    Attributes:
        text: of the block.
        role: what it is on its page.
        ends_topic: whether the page ends a topic behind it, by a link to the rest of it
            ("more-link", which OBELICS reads as the end of a document).
    """

    text: str
    role: Role = Role.PARAGRAPH
    ends_topic: bool = False


@dataclass(frozen=True, slots=True)
class Rights:
    """What a page says of the rights in one of its images, as found; "" where it says nothing.

    The fields are schema.org's and IPTC's; of several values each stands on a line of its own.

    Attributes:
        license: URL or name of the licence.
        acquire: the page where a licence is to be had.
        credit: whom to name beside the image.
        creator: who made it.
        copyright: the notice, or who holds the copyright.
        found: where each was found, as `license: link; credit: class, json-ld`: `link` and `class`
            in the image's figure or caption, `attribute` on the image, `microdata`, `json-ld`.
    """

    license: str = ""
    acquire: str = ""
    credit: str = ""
    creator: str = ""
    copyright: str = ""
    found: str = ""


NO_RIGHTS = Rights()


@dataclass(frozen=True, slots=True)
class ImageLink:
    """An image where it stands in the page, before anything is fetched.

    Attributes:
        url: absolute.
        alt: the alt text, or "".
        caption: the figure's caption or its like, or "".
        width: declared width in px, 0 where the page does not say.
        height: declared height in px, 0 where the page does not say.
        rights: what the page says of the rights in this image.
        description: a long one that the page gives it elsewhere, or "".
        described_by: where that stands: longdesc, aria, json-ld.
    """

    url: str
    alt: str = ""
    caption: str = ""
    width: int = 0
    height: int = 0
    rights: Rights = NO_RIGHTS
    description: str = ""
    described_by: str = ""


@dataclass(frozen=True, slots=True)
class VideoLink:
    """A video where it stands in the page: its URL, poster and caption ("" where missing)."""

    url: str
    poster: str = ""
    caption: str = ""
    alt: str = ""


Block = TextBlock | ImageLink | VideoLink


@dataclass(frozen=True, slots=True)
class Document:
    """A page parsed to blocks in reading order; media are still links.

    Attributes:
        key: the page's key.
        url: the page's URL.
        title: the page's title, or "".
        language: ISO 639-1 code that the language filter found, or "" before it ran.
        fetched_at: as in Page.
        licence: evidence of a licence as found on the page (URLs of rel=license and the like), but
            for what is said of a single image, which stands there.
        blocks: text, images and videos in reading order.
        headline: that stands over the page's text and apart from it, in no block; or "".
    """

    key: str
    url: str
    title: str
    blocks: tuple[Block, ...]
    language: str = ""
    fetched_at: str = ""
    licence: tuple[str, ...] = ()
    headline: str = ""


@dataclass(frozen=True, slots=True)
class PairLink:
    """A pair before its media is fetched: a text and the link of the media it describes.

    Attributes:
        key: content key of corpus, media URL, page and text.
        corpus: align, ltip or vtp.
        kind: image or video.
        url: of the media, absolute.
        page_url: of the page.
        text: the caption.
        source: where the text stood: alt, caption, longdesc, aria, json-ld or nearby.
        licence: evidence found on the page.
        rights: what the page says of the rights in the image.
    """

    key: str
    corpus: str
    kind: str
    url: str
    page_url: str
    text: str
    source: str = "alt"
    licence: tuple[str, ...] = ()
    rights: Rights = NO_RIGHTS


@dataclass(frozen=True, slots=True)
class Capture:
    """Where the bytes behind a URL already lie: in a WARC of the input, or in a folder of it.

    Attributes:
        url: the URL a page would name.
        path: the WARC file, or the file itself.
        offset: byte offset of the record in the WARC; -1 for a plain file.
    """

    url: str
    path: str
    offset: int = -1


@dataclass(frozen=True, slots=True)
class PackRef:
    """Where some bytes lie in a media pack.

    Attributes:
        sha256: of the bytes, 64 hex digits.
        pack: path of the pack, relative to the build's work folder.
        offset: of the first byte in the pack.
        size: in bytes.
    """

    sha256: str
    pack: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes behind a media URL, kept as they came; `kind` is image or video."""

    url: str
    kind: str
    ref: PackRef


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was decoded, judged and encoded again for the shards.

    Attributes:
        key: sha256 of the bytes as fetched (64 hex digits): one image, whatever URLs name it.
        ref: the encoded JPEG in its pack.
        width: of the encoded image, px.
        height: of the encoded image, px.
        original_width: as fetched, px.
        original_height: as fetched, px.
        phash: 64-bit perceptual hash as 16 hex digits.
    """

    key: str
    ref: PackRef
    width: int
    height: int
    original_width: int
    original_height: int
    phash: str


@dataclass(frozen=True, slots=True)
class Video:
    """A short video, cut and encoded again for the shards.

    Attributes:
        key: sha256 of the source as fetched.
        ref: the encoded MP4 in its pack.
        width: px.
        height: px.
        seconds: duration.
        frame_phashes: perceptual hashes of frames at 1 fps, 16 hex digits each.
    """

    key: str
    ref: PackRef
    width: int
    height: int
    seconds: float
    frame_phashes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A decoded image or video with all the URLs that lead to it, sorted.

    Attributes:
        urls: all that lead to it.
        media: the image or the video.
    """

    urls: tuple[str, ...]
    media: Image | Video


@dataclass(frozen=True, slots=True)
class TakenOut:
    """An image that was taken out, and its documents with it; the figures are its decision's.

    Attributes:
        urls: all that lead to it.
        reason: why it was.
        value: what was measured, None where that is no number.
        limit: what it was held against, None likewise.
        eval_set: of a copy of evaluation data, the set that holds the original; else None.
        eval_id: the original's id in that set; else None.
    """

    urls: tuple[str, ...]
    reason: Reason
    value: float | None = None
    limit: float | None = None
    eval_set: str | None = None
    eval_id: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """The CLIP embedding of an image or video.

    Attributes:
        key: of the media.
        vector: the unit vector as little-endian float32 bytes; of a video, of its frames' mean.
        frames: of a video, the unit vectors of its frames, one behind the other; of an image b"".
    """

    key: str
    vector: bytes
    frames: bytes = b""


@dataclass(frozen=True, slots=True)
class UnsafeScore:
    """How unsafe an image or video is by the recipe's scorer: its key, and 0 to 1."""

    key: str
    score: float


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text between images; `sentences` are [start, end) character spans of `text`."""

    text: str
    role: Role = Role.PARAGRAPH
    sentences: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image at its place in a sequence.

    Attributes:
        url: where the page had it.
        image: the image itself.
        alt: alt text, or "".
        caption: caption tied to the image, or "".
        scores: cosine with each sentence of the sequence in order; empty when not scored.
        rights: what the page says of the rights in this image.
    """

    url: str
    image: Image
    alt: str = ""
    caption: str = ""
    scores: tuple[float, ...] = ()
    rights: Rights = NO_RIGHTS


Part = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class Sequence:
    """Interleaved text and images in natural order: the M3W unit."""

    key: str
    url: str
    title: str
    language: str
    parts: tuple[Part, ...]
    fetched_at: str = ""
    licence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """One image or one video with one text.

    Attributes:
        key: content key of media and text.
        url: of the media.
        page_url: of a page it stood on.
        text: the caption.
        media: the image or the video.
        source: where the text came from, as in PairLink.
        score: cosine of media and text; None when not scored.
        licence: evidence found on the page.
        rights: what the page says of the rights in the image.
        filter_score: cosine by a second scorer, a filter network; None when there was none.
    """

    key: str
    url: str
    page_url: str
    text: str
    media: Image | Video
    source: str = "alt"
    score: float | None = None
    licence: tuple[str, ...] = ()
    rights: Rights = NO_RIGHTS
    filter_score: float | None = None

    @property
    def rank(self) -> float | None:
        """What its pool is ordered by: the filter network's score where one was named."""
        return self.score if self.filter_score is None else self.filter_score
