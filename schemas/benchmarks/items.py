"""One thing that a benchmark asks: what it is about, what is asked, what people said."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Media:
    """One image or one video, by its file.

    Attributes:
        path: of the file.
        is_video: whether it is one.
        start_s: where in a video that which is asked about begins; None for the whole video.
        end_s: where it ends.
        fault: why the file cannot be had; empty where it is there.
    """

    path: Path
    is_video: bool = False
    start_s: float | None = None
    end_s: float | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One thing to answer, or to show answered.

    Attributes:
        id: within its set.
        media: what it is about, in order.
        answers: what people said; of a close-ended task the right one. Empty where the publisher
            keeps them.
        candidates: what may be said; empty where anything may.
        question: of question answering.
        text: that stands in the image, for hateful memes; the caption that a dialogue began with.
        history: of a dialogue, questions and answers before this one.
        relevance: of each candidate, how right people found it, 0 to 1.
        split: train, val or test, or as the publisher calls another one.
        kind: of question, or of annotation, where the set tells several apart.
    """

    id: str
    media: tuple[Media, ...]
    answers: tuple[str, ...]
    candidates: tuple[str, ...] = ()
    question: str = ""
    text: str = ""
    history: tuple[tuple[str, str], ...] = ()
    relevance: tuple[float, ...] = ()
    split: str = ""
    kind: str = ""

    @property
    def shown_answer(self) -> str:
        """What a shot says: the commonest answer, of equally common ones the first."""
        return max(self.answers, key=self.answers.count)

    def texts(self) -> Iterator[str]:
        """What people wrote for this example, which no training text should hold.

        Candidates are left out, being taken from other examples or made by a template; so is the
        history, whose turns are examples themselves.
        """
        yield from (text for text in (self.question, *self.answers, self.text) if text.strip())


@dataclass(frozen=True, slots=True)
class Lost:
    """An example that cannot be used, and why: its file is missing, its row is not as it should be.

    Attributes:
        id: within its set, as far as it is known.
        split: as in `Example`.
        why: in words.
        texts: of the example, where only its file is missing: a corpus should not hold them either.
    """

    id: str
    split: str
    why: str
    texts: tuple[str, ...] = ()


class LayoutError(ValueError):
    """A folder that does not hold a benchmark as asked for; says what was looked for, or found."""


class Unusable(ValueError):
    """Raised while an example is read that cannot be; the message says why."""
