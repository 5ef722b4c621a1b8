"""Dialogues on images, VisDial v1.0, and memes, HatefulMemes.

Layouts: visualdialog.org/data (with the dense annotations that NDCG is scored by), and the readme
of the Hateful Memes challenge (arXiv 2005.04790; hatefulmemeschallenge.com): lines of JSON beside
a folder `img`.
"""

from collections.abc import Iterator
from pathlib import Path

from schemas.benchmarks.folder import (
    SPLITS,
    Folder,
    Row,
    examples_of,
    read_json,
    read_json_lines,
    rows_of,
    split_in,
    texts_of,
)
from schemas.benchmarks.items import Example, Lost, Unusable

Relevance = dict[tuple[str, int], tuple[float, ...]]
"""Of the candidates of an image's round, counted from 1."""


def read_visdial(folder: Folder) -> Iterator[Example | Lost]:
    """One example a round of each dialogue, the rounds before it as its history.

    `visdial_1.0_val.json`: `{"data": {"dialogs": [{"image_id", "caption", "dialog": [{"question",
    "answer", "answer_options", "gt_index"}]}], "questions": [...], "answers": [...]}}`, rounds
    naming questions and answers by number; `visdial_1.0_val_dense_annotations.json`:
    `[{"image_id", "round_id", "gt_relevance"}]`. Images: `VisualDialog_val2018_000000185565.jpg`,
    of train COCO's of 2014. Raises LayoutError: not such files.
    """
    for path in folder.named("visdial_*_train.json", "visdial_*_val.json", "visdial_*_test.json"):
        tree = read_json(path)
        questions = rows_of(tree, path, "data", "questions")
        answers = rows_of(tree, path, "data", "answers")
        relevance = _relevance(folder, split_in(path))
        for dialog in rows_of(tree, path, "data", "dialogs"):
            yield from _rounds(folder, split_in(path), dialog, (questions, answers), relevance)


def _relevance(folder: Folder, split: str) -> Relevance:
    """What the dense annotations of a split say; the training split's call it `relevance`."""
    found: Relevance = {}
    for path in folder.named(f"visdial_*_{split}_dense_*.json"):
        for row in rows_of(read_json(path), path):
            given = row.get("gt_relevance") or row.get("relevance") or ()
            found[str(row["image_id"]), int(row["round_id"])] = tuple(map(float, given))
    return found


def _rounds(
    folder: Folder,
    split: str,
    dialog: Row,
    words: tuple[list[str], list[str]],
    relevance: Relevance,
) -> Iterator[Example | Lost]:
    questions, answers = words
    history: list[tuple[str, str]] = []

    def make(row: Row) -> Example:
        number, place = row["image"], row["place"]
        turn = row["turn"]
        question = f"{questions[turn['question']]}?"
        options = tuple(answers[option] for option in turn.get("answer_options", ()))
        said = answers[turn["answer"]] if "answer" in turn else ""
        before = tuple(history)
        history.append((question, said))
        media = folder.image(
            f"VisualDialog_{split}2018_{number:012d}.jpg",
            f"COCO_train2014_{number:012d}.jpg",
            f"COCO_val2014_{number:012d}.jpg",
        )
        return Example(
            f"{number}:{place}",
            (media,),
            texts_of([said]),
            options,
            question,
            str(dialog.get("caption", "")),
            before,
            relevance.get((str(number), place), ()),
            split,
        )

    image = dialog["image_id"]
    rows = [
        {"image": image, "place": place, "turn": turn}
        for place, turn in enumerate(dialog["dialog"], 1)
    ]
    yield from examples_of(rows, split, lambda row: f"{row['image']}:{row['place']}", make)


MEMES = ("train.jsonl", "dev*.jsonl", "test*.jsonl")
"""The files of HatefulMemes: dev_seen and test_unseen among them."""


def read_memes(folder: Folder) -> Iterator[Example | Lost]:
    """`{"id", "img": "img/42953.png", "label": 0 or 1, "text"}` a line; test files have no label.

    The split is train, or the file's name: dev_seen, test_seen, test_unseen. Raises LayoutError:
    a line that is not JSON.
    """
    for path in folder.named(*MEMES):
        split = _meme_split(path)

        def make(row: Row, split: str = split) -> Example:
            media = folder.image(row["img"])
            said: tuple[str, ...] = ()
            if row.get("label") is not None:
                said = (_hateful(row["label"]),)
            name = str(row["id"])
            return Example(name, (media,), said, ("yes", "no"), text=row["text"], split=split)

        yield from examples_of(read_json_lines(path), split, lambda row: row["id"], make)


def _meme_split(path: Path) -> str:
    return SPLITS.get(path.stem, path.stem)


def _hateful(label: object) -> str:
    if label not in (0, 1):
        raise Unusable(f"label must be 0 or 1, got {label!r}")
    return "yes" if label == 1 else "no"
