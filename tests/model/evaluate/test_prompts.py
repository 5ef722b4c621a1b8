from pathlib import Path

import pytest

from model.evaluate.prompts import Writer
from model.evaluate.tasks import TASKS
from model.windows import Vocabulary
from schemas.benchmarks.items import Example, Media

WORDS = Vocabulary(eoc=-1, image=-2, bos=-3, eos=-4)
SPECIAL = {-1: "<EOC>", -2: "<image>", -3: "<BOS>"}


def encode(text: str) -> list[int]:
    return list(text.encode())


def read(tokens: tuple[int, ...]) -> str:
    return "".join(SPECIAL.get(token) or chr(token) for token in tokens)


def media(name: str) -> tuple[Media, ...]:
    return (Media(Path(name)),)


SHOTS = [
    Example("1", media("a"), ("a cat", "cats"), question="what?", text="ha"),
    Example("2", media("b"), ("no", "yes", "yes"), question="is it?", text="ho {x}"),
]
QUERY = Example("3", media("c"), ("a",), question="where?", text="he")


@pytest.mark.parametrize(
    ("task", "prompt"),
    [
        ("caption", "Output: a cat<EOC><image>Output: yes<EOC><image>Output:"),
        ("classify", "Output: a cat<EOC><image>Output: yes<EOC><image>Output:"),
        (
            "vqa",
            "Question: what? Answer: a cat<EOC><image>Question: is it? Answer: yes<EOC>"
            "<image>Question: where? Answer:",
        ),
        (
            "hateful",
            'is an image with written: "ha" on it. Is it hateful? Answer: a cat<EOC>'
            '<image>is an image with written: "ho {x}" on it. Is it hateful? Answer: yes<EOC>'
            '<image>is an image with written: "he" on it. Is it hateful? Answer:',
        ),
    ],
)
def test_prompts_are_the_papers(task: str, prompt: str) -> None:
    found = Writer(TASKS[task], encode, WORDS).prompt(SHOTS, QUERY)
    assert read(found.tokens) == f"<BOS><image>{prompt}"
    assert found.media == (*media("a"), *media("b"), *media("c"))


def test_two_examples_without_images_stand_before_a_query_alone() -> None:
    found = Writer(TASKS["caption"], encode, WORDS).prompt(SHOTS, QUERY, with_media=False)
    assert read(found.tokens) == "<BOS>Output: a cat<EOC>Output: yes<EOC><image>Output:"
    assert found.media == media("c")


def test_a_dialogue_tells_what_was_said_before() -> None:
    query = Example("4", media("d"), ("b",), history=(("q", "a"), ("r", "s")), question="t")
    found = Writer(TASKS["dialogue"], encode, Vocabulary(-1, -2, None, None)).prompt([], query)
    assert (
        read(found.tokens)
        == "<image>Question: q Answer: a Question: r Answer: s Question: t Answer:"
    )


def test_several_images_stand_together() -> None:
    query = Example("5", (*media("a"), *media("b")), ("x",))
    found = Writer(TASKS["caption"], encode, WORDS).prompt([query], QUERY)
    assert read(found.tokens) == "<BOS><image><image>Output: x<EOC><image>Output:"
    assert len(found.media) == 3


def test_an_answer_goes_on_from_its_prompt() -> None:
    writer = Writer(TASKS["caption"], encode, WORDS)
    assert read(writer.answer(" a cat ")) == " a cat<EOC>"
