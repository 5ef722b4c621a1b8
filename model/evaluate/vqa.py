"""VQA accuracy: an answer is right when three of the other people gave it (arXiv 1505.00468, 3).

The numbers are those of the official evaluation, its rules of normal form included, as they are
and not as they were meant: in its table of contractions "Im" has a capital that no normalised
answer has, and answers on which all people agree are compared as they stand.
"""

import re
from collections.abc import Sequence

ENOUGH = 3
"""People that must agree."""

FEWEST_ANSWERS = ENOUGH + 1
"""With fewer, no answer could be fully right: each person is held against the others."""

_ARTICLES = frozenset(["a", "an", "the"])

_NUMBERS = "zero one two three four five six seven eight nine ten"

_DIGITS = {word: str(number) for number, word in enumerate(_NUMBERS.split())} | {"none": "0"}

_CONTRACTED = """
    'ow's'at 'twas ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't
    hadn't've hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am
    might've mightn't mightn't've must've mustn't needn't not've o'clock oughtn't shan't she'd've
    should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've
    someone'll someone's something'd something'd've something'll that's there'd there'd've there're
    there's they'd they'd've they'll they're they've wasn't we'd've we've weren't what'll what're
    what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're
    why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll you'd you'd've you'll you're
    you've
"""
"""Words that get back an apostrophe that was left out."""

_WITHOUT_APOSTROPHE = {
    word[:place] + word[place + 1 :]: word
    for word in _CONTRACTED.split()
    for place, letter in enumerate(word)
    if letter == "'"
} | {"somebody'd": "somebodyd"}

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_DIGITS_AROUND_COMMA = re.compile(r"\d,\d")
_PERIOD = re.compile(r"\.(?!\d)")


def normal_form(answer: str) -> str:
    """An answer without articles and marks, numbers as digits, in small letters."""
    words = (_DIGITS.get(word, word) for word in _without_marks(answer).lower().split())
    kept = (word for word in words if word not in _ARTICLES)
    return " ".join(_WITHOUT_APOSTROPHE.get(word, word) for word in kept)


def _without_marks(answer: str) -> str:
    """Marks go where one stands beside a space, and become a space between words."""
    together = _DIGITS_AROUND_COMMA.search(answer) is not None
    text = answer
    for mark in _MARKS:
        loose = f"{mark} " in answer or f" {mark}" in answer
        text = text.replace(mark, "" if loose or together else " ")
    return _PERIOD.sub("", text)


def vqa_accuracy(said: str, answers: Sequence[str]) -> float:
    """How right an answer is, 0 to 1: the mean over the people, each held against the others."""
    said, *given = (_on_one_line(text) for text in (said, *answers))
    if len(set(given)) > 1:
        said, *given = (normal_form(text) for text in (said, *given))
    same = given.count(said)
    others = len(given) - same
    right = others * min(1.0, same / ENOUGH) + same * min(1.0, (same - 1) / ENOUGH)
    return right / len(given)


def exact_match(said: str, answers: Sequence[str]) -> float:
    """1 where an answer has the normal form of one of those given, else 0."""
    return float(same_answers(said, answers) > 0)


def same_answers(said: str, answers: Sequence[str]) -> int:
    """How many of the answers given have the normal form of what was said."""
    form = normal_form(_on_one_line(said))
    return sum(normal_form(_on_one_line(answer)) == form for answer in answers)


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()
