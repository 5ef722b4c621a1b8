"""Evaluation sets as JSON lines: one example a line, its files beside it.

    {"image": "a.jpg", "answers": ["a red circle"]}
    {"video": "b.mp4", "question": "what moves?", "answers": ["a dog", "dog", "the dog", "dogs"]}
    {"images": ["c.jpg", "d.jpg"], "question": "which?", "answers": ["left"],
     "candidates": ["left", "right"]}

Further keys: `id` (the line's number where there is none), `text` (that stands in a meme),
`history` (a dialogue's [question, answer] pairs), `relevance` (one number a candidate), `kind` (of
question, as NExT-QA has them, or of a clip, as RareAct has: "1:cut:laptop"), `start_s` and `end_s`
(the part of a video that is asked about).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.evaluate.tasks import Task
from schemas.benchmarks.items import Example, Media

_MEDIA = ("image", "images", "video")
_SPAN = ("start_s", "end_s")
_KEYS = (
    *("id", *_MEDIA, *_SPAN, "question", "text", "history", "answers", "candidates"),
    *("relevance", "kind"),
)


class SetError(ValueError):
    """An evaluation set that cannot be used; the message names the file, and the line or file."""


def read_set(path: Path, task: Task) -> list[Example]:
    """The examples of a set, in order; every file that they name is there.

    Raises:
        SetError: the file cannot be read, is empty, or a line is no example of the task.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SetError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SetError(f"{path}: not UTF-8") from error
    examples: dict[str, Example] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            example = _example_of(line, str(number), path.parent, task)
        except ValueError as error:
            raise SetError(f"{path}:{number}: {error}") from None
        if example.id in examples:
            raise SetError(f"{path}:{number}: the id {example.id} was there before")
        examples[example.id] = example
    if not examples:
        raise SetError(f"{path}: no examples")
    return list(examples.values())


def with_candidates(examples: list[Example], classes: tuple[str, ...]) -> list[Example]:
    """Examples that may be answered by the given classes where they name no candidates."""
    return [one if one.candidates else replace(one, candidates=classes) for one in examples]


def _example_of(line: str, number: str, folder: Path, task: Task) -> Example:
    """One line's example.

    Raises:
        ValueError: it is none; the message says why.
    """
    try:
        tree = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise ValueError("not a JSON object")
    for key in tree:
        if key not in _KEYS:
            raise ValueError(f"unknown key {key} (known: {', '.join(_KEYS)})")
    for key in task.needs:
        if not tree.get(key):
            raise ValueError(f"{task.name} needs {key}")
    example = Example(
        id=str(number if tree.get("id") is None else tree["id"]),
        media=_media_of(tree, folder),
        answers=_texts(tree, "answers"),
        candidates=_texts(tree, "candidates"),
        question=_value(tree, "question", _is_text, "a string") or "",
        text=_value(tree, "text", _is_text, "a string") or "",
        history=tuple(
            (question, answer)
            for question, answer in _value(tree, "history", _is_history, "pairs of strings") or ()
        ),
        relevance=tuple(_value(tree, "relevance", _is_numbers, "a list of numbers") or ()),
        kind=_value(tree, "kind", _is_text, "a string") or "",
    )
    if not example.answers:
        raise ValueError("no answers")
    if example.candidates and not set(example.answers) & set(example.candidates):
        raise ValueError(f"no answer is among the candidates: {example.answers[0]}")
    return example


def _media_of(tree: Mapping[str, Any], folder: Path) -> tuple[Media, ...]:
    named = [key for key in _MEDIA if key in tree]
    if len(named) != 1:
        raise ValueError(f"expected one of {', '.join(_MEDIA)}")
    key = named[0]
    paths = _texts(tree, key) if key == "images" else (_value(tree, key, _is_text, "a string"),)
    if not all(paths) or not paths:
        raise ValueError(f"{key} names no file")
    start, end = (_value(tree, name, _is_number, "a number") for name in _SPAN)
    if (start, end) != (None, None) and (
        key != "video" or start is None or not end or end <= start
    ):
        raise ValueError("start_s and end_s must be a part of a video, the start first")
    media = tuple(Media(folder / path, key == "video", start, end) for path in paths)
    for one in media:
        if not one.path.is_file():
            raise ValueError(f"no file {one.path}")
    return media


def _texts(tree: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_value(tree, key, _is_texts, "a list of strings") or ())


def _value(tree: Mapping[str, Any], key: str, fits: Callable[[Any], bool], kind: str) -> Any:  # noqa: ANN401 - JSON
    """A key's value, or None.

    Raises:
        ValueError: it is of another kind.
    """
    value = tree.get(key)
    if value is not None and not fits(value):
        raise ValueError(f"{key} must be {kind}")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _is_history(value: object) -> bool:
    return isinstance(value, list) and all(_is_texts(pair) and len(pair) == 2 for pair in value)
