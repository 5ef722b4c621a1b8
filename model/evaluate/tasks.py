"""What is asked of an example of an evaluation set: the tasks with the paper's prompts (A.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from schemas.benchmarks.items import Example


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of question.

    Attributes:
        name: as the command takes it.
        prompt: what stands between image and answer; {question} and {text} are an example's.
        is_closed: whether the answer is the likeliest of some candidates, or whatever is said.
        metric: by which its sets are scored where nobody says otherwise.
        needs: fields of an example that it cannot do without.
        classes: the candidates of an example that names none; empty for all answers of the sets.
    """

    name: str
    prompt: str
    is_closed: bool
    metric: str
    needs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def ask(self, example: Example) -> str:
        """The text between an example's images and its answer."""
        before = "".join(f"Question: {q} Answer: {a} " for q, a in example.history)
        return before + self.prompt.format(question=example.question, text=example.text)


_QUESTION = "Question: {question} Answer:"
_MEME = 'is an image with written: "{text}" on it. Is it hateful? Answer:'
_ASKED, _CHOSEN = ("question",), ("question", "candidates")

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Task("caption", "Output:", False, "cider"),
            Task("vqa", _QUESTION, False, "vqa", _ASKED),
            Task("choice", _QUESTION, True, "accuracy", _CHOSEN),
            Task("classify", "Output:", True, "accuracy"),
            Task("dialogue", _QUESTION, True, "ndcg", _CHOSEN),
            Task("rareact", "Caption:", True, "mwap", ("candidates", "kind")),
            Task("hateful", _MEME, True, "auc", ("text",), ("yes", "no")),
        )
    }
)
"""The tasks by name; each takes images or videos."""
