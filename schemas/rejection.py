"""Why an item did not pass: a reason, the value measured, the limit it broke."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Every reason for which this project drops something; the word stands in the decisions."""

    # Reading and parsing
    NOT_HTML = "not_html"
    BAD_STATUS = "bad_status"
    EMPTY_BODY = "empty_body"
    TOO_MANY_BYTES = "too_many_bytes"
    BAD_ENCODING = "bad_encoding"
    DAMAGED_RECORD = "damaged_record"
    TRUNCATED_RECORD = "truncated_record"
    REVISIT = "revisit"
    PARSE_ERROR = "parse_error"
    NO_CONTENT = "no_content"

    # Text
    LANGUAGE = "language"
    URL_WORDS = "url_words"
    FLAGGED_WORDS = "flagged_words"
    TOO_FEW_WORDS = "too_few_words"
    TOO_MANY_WORDS = "too_many_words"
    WORD_LENGTH = "word_length"
    SYMBOLS = "symbols"
    BULLETS = "bullets"
    ELLIPSES = "ellipses"
    FEW_ALPHABETIC = "few_alphabetic"
    FEW_STOP_WORDS = "few_stop_words"
    REPEATED_LINES = "repeated_lines"
    REPEATED_PARAGRAPHS = "repeated_paragraphs"
    REPEATED_NGRAMS = "repeated_ngrams"
    REPEATED_CHARACTERS = "repeated_characters"
    SPECIAL_CHARACTERS = "special_characters"
    PUNCTUATION = "punctuation"
    SPAM_WORDS = "spam_words"
    UNCOMMON_WORDS = "uncommon_words"
    PERPLEXITY = "perplexity"

    # Copies
    DUPLICATE_URL = "duplicate_url"
    DUPLICATE_TEXT = "duplicate_text"
    NEAR_DUPLICATE = "near_duplicate"
    REPEATED_ON_HOST = "repeated_on_host"
    DUPLICATE_IMAGE = "duplicate_image"
    DUPLICATE_PAIR = "duplicate_pair"
    FREQUENT_IMAGE = "frequent_image"
    EVALUATION_COPY = "evaluation_copy"
    EVALUATION_TEXT = "evaluation_text"

    # Fetching
    BAD_URL = "bad_url"
    ROBOTS = "robots"
    OPT_OUT = "opt_out"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNRESOLVED_HOST = "unresolved_host"
    NOT_FOUND = "not_found"
    HTTP_STATUS = "http_status"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    REDIRECTS = "redirects"
    OFFLINE = "offline"

    # Images and videos
    NOT_MEDIA = "not_media"
    FORMAT = "format"
    PLAYER_PAGE = "player_page"
    UNDECODABLE = "undecodable"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    ASPECT = "aspect"
    SINGLE_COLOUR = "single_colour"
    BLURRED = "blurred"
    TEXT_ONLY = "text_only"
    LISTED_HASH = "listed_hash"
    UNSAFE = "unsafe"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"

    # Sequences and pairs
    NO_MEDIA = "no_media"
    NO_TEXT = "no_text"
    TOO_MANY_IMAGES = "too_many_images"
    SOURCE = "source"
    CAPTION_LENGTH = "caption_length"
    FREQUENT_TEXT = "frequent_text"
    FREQUENT_ALT_TEXTS = "frequent_alt_texts"
    RARE_TOKEN = "rare_token"  # noqa: S105 - a reason, not a password
    LOW_SIMILARITY = "low_similarity"


Measure = float | int | str | None


@dataclass(frozen=True, slots=True)
class Why:
    """The answer of a filter that says no.

    Attributes:
        reason: the rule that was broken.
        value: what was measured, in the unit that the rule's name implies.
        limit: the limit it was held against, from the recipe.
        detail: what else tells it, in words: the word that was found, the rule of several.
    """

    reason: Reason
    value: Measure = None
    limit: Measure = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A dropped item, as the decisions table keeps it.

    Attributes:
        kind: page, document, image, pair or video.
        key: the item's content key.
        url: where it came from.
        why: the reason with value and limit.
        eval_set: for evaluation copies, the set that holds the original.
        eval_id: the original's id in that set.
    """

    kind: str
    key: str
    url: str
    why: Why
    eval_set: str | None = None
    eval_id: str | None = None


class BadInput(ValueError):
    """Raised by parsers and decoders on input that cannot be used; carries the reason."""

    def __init__(
        self,
        reason: Reason,
        value: Measure = None,
        limit: Measure = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(f"{reason}: {value}" if value is not None else str(reason))
        self.why = Why(reason, value, limit, detail)
