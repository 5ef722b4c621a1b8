"""What the answers of the laboratory's trainings come to: tables, and a plot."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.evaluate.intervals import interval_of, mean_of
from model.report.markup import Markup, tag
from pipeline.sample_web.voices import MANNERS, WORDS

SHOTS = (0, 2, 4, 8)

COLOUR_OF = {word: colour for colour, words in WORDS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one training.

    Attributes:
        manner: of the set.
        shots: how many stood before the query.
        shown: their labels; with 0 shots those of the two that stand as text.
        right: the query's label.
        said: the answer.
    """

    manner: str
    shots: int
    shown: tuple[str, ...]
    right: str
    said: str

    @property
    def is_exact(self) -> bool:
        """Whether it is the label to the letter."""
        return self.said.strip() == self.right

    @property
    def is_told(self) -> bool:
        """Whether a shot has the label."""
        return self.right in self.shown

    @property
    def in_manner(self) -> bool:
        """Whether it is worded as its set is, whatever colour it names."""
        pattern = re.escape(MANNERS[self.manner]).replace(r"\{c\}", f"({'|'.join(COLOUR_OF)})")
        return bool(re.fullmatch(pattern, self.said.strip()))

    @property
    def has_colour(self) -> bool:
        """Whether it names the query's colour and no other, by any word."""
        return colours_of(self.said) == colours_of(self.right)

    @property
    def sees_all(self) -> float:
        """Chance of one who sees every colour and guesses its word where no shot has it."""
        (colour,) = colours_of(self.right)
        return 1.0 if self.is_told else 1 / len(WORDS[colour])

    @property
    def sees_nothing(self) -> float:
        """Chance of one who sees no picture and says one of the labels of the shots."""
        return self.is_told / len(set(self.shown))


def colours_of(text: str) -> set[str]:
    """The colours that a label names."""
    return {COLOUR_OF[word] for word in text.split() if word in COLOUR_OF}


def read_answers(sets: Path, scores: Path) -> list[Answer]:
    """All answers of one training.

    Args:
        sets: folder of the few-shot sets, one a manner.
        scores: folder of model.evaluate's results, a file a manner.
    """
    found = []
    for manner in MANNERS:
        right = labels_of(sets / manner / "data.jsonl")
        labels = list(labels_of(sets / manner / "support.jsonl").values())
        results = json.loads((scores / f"{manner}.json").read_text("utf-8"))
        found += [
            Answer(
                manner, one["shots"], tuple(labels[n] for n in one["shown"]), right[one["id"]],
                one["said"],
            )
            for one in results["predictions"]
        ]  # fmt: skip
    return found


def labels_of(path: Path) -> dict[str, str]:
    """The label of each example of a set, by its id, in order."""
    examples = map(json.loads, path.read_text("utf-8").splitlines())
    return {example["id"]: example["answers"][0] for example in examples}


@dataclass(frozen=True, slots=True)
class Score:
    """A mean over the queries of all sets, in percent, with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.1f} ({self.low:.1f} to {self.high:.1f})"


def score_of(values: Sequence[float]) -> Score:
    """The mean of some values of 0 to 1."""
    values_N1 = np.array(values, dtype=np.float64)[:, None]
    low, high = interval_of(values_N1, mean_of, seed=0)
    return Score(*(100 * value for value in (mean_of(values_N1), low, high)))


def scores_of(answers: Sequence[Answer], measure: Callable[[Answer], float]) -> list[Score]:
    """A measure of the answers, for each of `SHOTS`."""
    return [score_of([measure(one) for one in answers if one.shots == n]) for n in SHOTS]


def tables_of(answers: Mapping[str, Sequence[Answer]]) -> str:
    """Markdown: exact match with what is to be had, and what else the answers get right.

    Args:
        answers: of each training, by its title.
    """
    first = next(iter(answers.values()))
    exact = [_row(title, scores_of(of, lambda one: one.is_exact)) for title, of in answers.items()]
    exact += [
        _row("(who sees all)", _means(first, lambda one: one.sees_all)),
        _row("(who sees nothing)", _means(first, lambda one: one.sees_nothing)),
    ]
    told = {title: [one for one in of if one.is_told] for title, of in answers.items()}
    parts = [
        ("Exact match:", exact),
        ("Exact match where a shot has the label:", _rows(told, lambda one: one.is_exact)),
        ("Names the colour, by any word:", _rows(answers, lambda one: one.has_colour)),
        ("Worded as the shots are:", _rows(answers, lambda one: one.in_manner)),
    ]
    return "\n\n".join("\n".join((title, "", _HEAD, *rows)) for title, rows in parts)


def _means(answers: Sequence[Answer], measure: Callable[[Answer], float]) -> list[str]:
    return [f"{one.mean:.1f}" for one in scores_of(answers, measure)]


def _rows(answers: Mapping[str, Sequence[Answer]], measure: Callable[[Answer], float]) -> list[str]:
    return [_row(title, _means(of, measure)) for title, of in answers.items()]


def _row(title: str, cells: Sequence[object]) -> str:
    return "| " + " | ".join((title, *map(str, cells))) + " |"


_HEAD = _row("trained on", [f"{n} shots" for n in SHOTS]) + "\n|---" + "|---" * len(SHOTS) + "|"

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640.0, 320.0, 44.0, 36.0, 14.0, 190.0
PAINTS = ("#1b6ca8", "#d1495b", "#edae49", "#3a7d44", "#7d5ba6", "#5b6770")


def plot_of(scores: Mapping[str, Sequence[Score]]) -> Markup:
    """An SVG of exact match by shots, a line a training with its intervals.

    Args:
        scores: of each training, by its title, one for each of `SHOTS`.
    """

    def x(shots: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * shots / SHOTS[-1]

    def y(percent: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * percent / 100

    parts = [tag("rect", width=WIDTH, height=HEIGHT, fill="#ffffff")]
    for percent in range(0, 101, 20):
        parts += [
            tag("line", x1=LEFT, x2=x(SHOTS[-1]), y1=y(percent), y2=y(percent), stroke="#dddddd"),
            tag("text", str(percent), x=LEFT - 8, y=y(percent) + 4, text_anchor="end"),
        ]
    parts += [tag("text", str(n), x=x(n), y=HEIGHT - 18, text_anchor="middle") for n in SHOTS]
    parts.append(tag("text", "shots", x=x(SHOTS[-1] / 2), y=HEIGHT - 3, text_anchor="middle"))
    for number, (title, several) in enumerate(scores.items()):
        paint = PAINTS[number % len(PAINTS)]
        places = [(x(n) + 2 * number - 5, one) for n, one in zip(SHOTS, several, strict=True)]
        points = " ".join(f"{at:.1f},{y(one.mean):.1f}" for at, one in places)
        parts.append(tag("polyline", points=points, fill="none", stroke=paint, stroke_width=2))
        for at, one in places:
            ends = {"x1": at, "x2": at, "y1": y(one.low), "y2": y(one.high)}
            parts.append(tag("line", **ends, stroke=paint, stroke_width=1))
        below = TOP + 12 + 18 * number
        text = tag("text", title, x=WIDTH - RIGHT + 28, y=below + 4)
        key = {"x1": WIDTH - RIGHT + 8, "x2": WIDTH - RIGHT + 22, "y1": below, "y2": below}
        parts += [text, tag("line", **key, stroke=paint, stroke_width=3)]
    return tag(
        "svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        font_family="sans-serif", font_size=12, role="img",
        aria_label="Exact match in percent by shots",
    )  # fmt: skip
