"""ALIGN's and LTIP's rules on pairs of an image and a text."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from schemas.recipe import bounded
from schemas.rejection import Reason, Why


@dataclass(frozen=True, slots=True)
class AlignLimits:
    """ALIGN, arXiv 2102.05918, section 3 and appendix A.

    Attributes:
        min_short_side_px: the shorter side must be above it.
        max_aspect: the longer over the shorter side must be below it.
        max_alt_texts_of_image: an image with more different alt texts goes.
        max_images_of_text: an alt text with more different images goes.
        min_words: fewest unigrams.
        max_words: most unigrams.
        frequent_tokens: unigrams and bigrams, together, that count as frequent; those as frequent
            as the last of them count as well.
        sketch_above: where more tokens than this are frequent, a sketch tells them from others
            instead of a join of all texts with all tokens: the counts stay exact, no frequent
            token is taken for a rare one, and a rare one passes for frequent by chance, 0.8 % at
            10 bits; 0: exact always.
        sketch_bits: of the sketch for each frequent token; every worker holds them, 125 MB for
            100 million tokens at 10.
    """

    min_short_side_px: int = 200
    max_aspect: float = 3.0
    max_alt_texts_of_image: int = 1000
    max_images_of_text: int = 10
    min_words: int = 3
    max_words: int = 20
    frequent_tokens: int = 100_000_000
    sketch_above: int = 0
    sketch_bits: int = bounded(10, at_least=1, at_most=64)


@dataclass(frozen=True, slots=True)
class LtipLimits:
    """Flamingo, arXiv 2204.14198, A.3.3: long descriptions, 20.5 tokens in the mean.

    The paper names sites, not thresholds; these ask for what its examples are: sentences.

    Attributes:
        min_words: fewest words.
        max_words: most words.
        min_stop_words: fewest different function words.
        min_alphabetic: share of words that are letters.
        max_capitalised: share of words behind the first that begin with a capital: a list of
            names or a headline is no description.
        hosts: sources: pages of other hosts, which are none of these nor below them, are left out;
            [] takes all. `python -m pipeline.inspect_shard sources OUT` finds them.
        min_host_pairs: a host with fewer pairs is no source, as measured before the filter by
            score; 0: no such limit, as in those below.
        min_host_words: nor one with fewer words a text in the mean.
        min_host_score: nor one with a lower CLIP score in the mean.
        min_host_distinct: nor one with a smaller share of texts that differ.
    """

    min_words: int = 8
    max_words: int = 200
    min_stop_words: int = 2
    min_alphabetic: float = 0.7
    max_capitalised: float = 0.6
    hosts: tuple[str, ...] = ()
    min_host_pairs: int = 0
    min_host_words: float = 0.0
    min_host_score: float = bounded(0.0, at_most=1)
    min_host_distinct: float = bounded(0.0, at_most=1)

    @property
    def judges_hosts(self) -> bool:
        """Whether any limit is on what is measured of a host."""
        return self != self.of_texts

    @property
    def of_texts(self) -> "LtipLimits":
        """These limits without those on what is measured of a host, which come last."""
        return replace(
            self, min_host_pairs=0, min_host_words=0.0, min_host_score=0.0, min_host_distinct=0.0
        )


_WORD = re.compile(r"\w+(?:['’\-]\w+)*")
_FUNCTION_LIST = """
a an the of in on at to with and or is are was were be by for from as that this these it its his her
their near over under behind between into while which who
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_LIST.split())


def align_unigrams(text: str) -> list[str]:
    """The words of an alt text in lower case, as ALIGN's rules count them."""
    return [word.lower() for word in _WORD.findall(text)]


def align_tokens(text: str) -> list[str]:
    """The unigrams and bigrams of an alt text; a bigram is two words with a space between."""
    words = align_unigrams(text)
    return words + [f"{a} {b}" for a, b in pairwise(words)]


def judge_align_image(width: int, height: int, limits: AlignLimits) -> Why | None:
    """Why ALIGN drops an image of this size in px, or None.

    ALIGN, arXiv 2102.05918, section 3: shorter side over 200 px, aspect ratio under 3.
    """
    short, long = sorted((width, height))
    if short <= limits.min_short_side_px:
        return Why(Reason.TOO_SMALL, short, limits.min_short_side_px)
    if long >= limits.max_aspect * short:
        return Why(Reason.ASPECT, round(long / short, 3), limits.max_aspect)
    return None


def judge_align_text(text: str, limits: AlignLimits) -> Why | None:
    """Why ALIGN drops an alt text by its length, or None.

    ALIGN, arXiv 2102.05918, section 3: 3 to 20 unigrams.
    """
    words = len(align_unigrams(text))
    if words < limits.min_words:
        return Why(Reason.CAPTION_LENGTH, words, limits.min_words)
    if words > limits.max_words:
        return Why(Reason.CAPTION_LENGTH, words, limits.max_words)
    return None


def judge_align_counts(
    alt_texts_of_image: int, images_of_text: int, limits: AlignLimits
) -> Why | None:
    """Why ALIGN drops a pair whose image has many alt texts or whose text many images, or None.

    ALIGN, arXiv 2102.05918, section 3: at most 1,000 alt texts of an image, 10 images of a text.
    """
    if alt_texts_of_image > limits.max_alt_texts_of_image:
        return Why(Reason.FREQUENT_ALT_TEXTS, alt_texts_of_image, limits.max_alt_texts_of_image)
    if images_of_text > limits.max_images_of_text:
        return Why(Reason.FREQUENT_TEXT, images_of_text, limits.max_images_of_text)
    return None


def judge_align_tokens(
    text: str, is_frequent: Callable[[str], bool], limits: AlignLimits
) -> Why | None:
    """Why ALIGN drops a text with a rare unigram or bigram, or None.

    ALIGN, arXiv 2102.05918, section 3: all among the 100 million most frequent of the raw data.

    Args:
        text: the alt text.
        is_frequent: whether a token is among the pool's `limits.frequent_tokens` most frequent,
            counted before these rules.
        limits: thresholds.
    """
    for token in align_tokens(text):
        if not is_frequent(token):
            return Why(Reason.RARE_TOKEN, token, limits.frequent_tokens)
    return None


def judge_ltip_text(text: str, limits: LtipLimits) -> Why | None:
    """Why a text is no long description, or None.

    Flamingo, arXiv 2204.14198, A.3.3, gives a mean of 20.5 tokens and no threshold: all are ours.
    """
    words = _WORD.findall(text)
    if len(words) < limits.min_words:
        return Why(Reason.CAPTION_LENGTH, len(words), limits.min_words)
    if len(words) > limits.max_words:
        return Why(Reason.CAPTION_LENGTH, len(words), limits.max_words)
    alphabetic = sum(word[0].isalpha() for word in words) / len(words)
    if alphabetic < limits.min_alphabetic:
        return Why(Reason.FEW_ALPHABETIC, round(alphabetic, 4), limits.min_alphabetic)
    found = len(_FUNCTION_WORDS.intersection(word.lower() for word in words))
    if found < limits.min_stop_words:
        return Why(Reason.FEW_STOP_WORDS, found, limits.min_stop_words)
    capitals = sum(word[0].isupper() for word in words[1:]) / (len(words) - 1 or 1)
    if capitals > limits.max_capitalised:
        return Why(Reason.SYMBOLS, round(capitals, 4), limits.max_capitalised)
    return None


_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
_DATE = (
    rf"(?:{_DAY}{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?!\w)(?:,?\s+\d{{4}})?"
    rf"|{_DAY}\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}})?"
    rf"|{_MONTH},?\s+\d{{4}}|\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}})"
)
# "PARIS, FRANCE - MARCH 3, 2015: ..." and "London, UK – 3 May 2015 - ...".
_DATELINE = re.compile(
    rf"^(?P<place>[A-Z][\w.'’\-]*(?:[ ,/]+[A-Z][\w.'’\-]*){{0,6}}\s*[,\-–—:(]+\s*)?"
    rf"(?i:(?:circa\s+)?{_DATE})\)?\s*[:\-–—.,]+\s*"
)
_PLACE_LINE = re.compile(
    r"^(?:[A-Z][A-Z.'’\-]+(?:[ ,/]+[A-Z][A-Z.'’\-]+){0,5}|"
    r"[A-Z][\w.'’\-]+(?: [A-Z][\w.'’\-]+)?, [A-Z][\w.'’\-]+(?: [A-Z][\w.'’\-]+)?)"
    r"\s*(?:[–—:]|\s-)\s+(?=[A-Z])"
)
_INNER_DATE = re.compile(rf"\s*[,(]?\s*\b(?:on|in|since|circa|dated)?\s*{_DATE}\)?", re.IGNORECASE)


def clean_caption(text: str) -> str:
    """The caption without dates and without the place that a photo agency puts before it."""
    return cleaned_caption(text)[0]


def cleaned_caption(text: str) -> tuple[str, Counter[str]]:
    """The caption without dates and the place before it, and how many of each were taken out.

    Flamingo, arXiv 2204.14198, F.2.1: "automatic text formatting to remove dates and locations
    that were not relevant". A place within the sentence stays: it is what the sentence tells.
    """
    found: Counter[str] = Counter()
    text = " ".join(text.split())
    if line := _DATELINE.match(text):
        text = text[line.end() :]
        found.update(date=1, place=int(line["place"] is not None))
    if line := _PLACE_LINE.match(text):
        text = text[line.end() :]
        found["place"] += 1
    text, dates = _INNER_DATE.subn("", text)
    found["date"] += dates
    text = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))
    text = re.sub(r"([,;:])+(?=[.;:!?])", "", text).strip(" ,;:-–—")
    return text, +found
