"""Questions on images: VQAv2, OK-VQA, VizWiz and TextVQA.

Layouts: visualqa.org/vqa_v2_teaser ("input questions format", "annotation format"),
okvqa.allenai.org (the same), vizwiz.org/tasks-and-datasets/vqa, and textvqa.org/dataset (its
release 0.5.1).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.benchmarks.folder import (
    Folder,
    Row,
    examples_of,
    read_json,
    rows_of,
    split_in,
    texts_of,
)
from schemas.benchmarks.items import Example, Lost


def read_vqa(folder: Folder, questions: str, annotations: str) -> Iterator[Example | Lost]:
    """Questions with ten answers each, where the answers are out.

    `{"data_subtype": "val2014", "questions": [{"image_id", "question", "question_id"}]}` in one
    file, `{"annotations": [{"question_id", "answers": [{"answer"}]}]}` in another; images are
    COCO's. Raises LayoutError: not such files.

    Args:
        folder: that holds both, and the images.
        questions: pattern of the names of the first kind of file.
        annotations: of the second; matched by the part of their names that says the split.
    """
    answers: dict[str, dict[object, tuple[str, ...]]] = {}
    for path in folder.named(annotations):
        found = answers.setdefault(_subtype_in(path), {})
        for one in rows_of(read_json(path), path, "annotations"):
            if isinstance(one, dict) and isinstance(one.get("answers"), list):
                found[one.get("question_id")] = texts_of(
                    given.get("answer") for given in one["answers"] if isinstance(given, dict)
                )
    for path in folder.named(questions):
        tree = read_json(path)
        rows = rows_of(tree, path, "questions")
        yield from _asked(folder, path, str(tree.get("data_subtype", "")), rows, answers)


def _asked(
    folder: Folder,
    path: Path,
    subtype: str,
    rows: list[Any],
    answers: dict[str, dict[object, tuple[str, ...]]],
) -> Iterator[Example | Lost]:
    split, named = split_in(path), _subtype_in(path)
    given = answers.get(named, {})
    year = subtype or named  # test-dev's images are those of test2015

    def make(row: Row) -> Example:
        number = int(row["image_id"])
        media = folder.image(f"COCO_{year}_{number:012d}.jpg", f"{number:012d}.jpg")
        name = row["question_id"]
        return Example(
            str(name), (media,), given.get(name, ()), question=row["question"], split=split
        )

    yield from examples_of(rows, split, lambda row: row["question_id"], make)


def _subtype_in(path: Path) -> str:
    """The part of a name that says which images: val2014, test-dev2015."""
    words = [word for word in path.stem.split("_") if word[-4:].isdigit()]
    return words[-1] if words else path.stem


def read_vizwiz(folder: Folder) -> Iterator[Example | Lost]:
    """`Annotations/val.json`: `[{"image", "question", "answers": [{"answer"}]}]`, images beside it.

    Raises LayoutError: not such a file.
    """
    for path in folder.named("train.json", "val.json", "test.json"):
        split = split_in(path)

        def make(row: Row, split: str = split) -> Example:
            media = folder.image(f"{split}/{row['image']}")
            said = texts_of(one["answer"] for one in row.get("answers", ()))
            return Example(row["image"], (media,), said, question=row["question"], split=split)

        yield from examples_of(rows_of(read_json(path), path), split, lambda r: r["image"], make)


def read_textvqa(folder: Folder) -> Iterator[Example | Lost]:
    """`TextVQA_0.5.1_val.json`: `{"data": [{"question_id", "image_id", "question", "answers"}]}`.

    Images of train and val lie in `train_images`, of test in `test_images`. Raises LayoutError:
    not such a file.
    """
    for path in folder.named("TextVQA_*_train.json", "TextVQA_*_val.json", "TextVQA_*_test.json"):
        split = split_in(path)

        def make(row: Row, split: str = split) -> Example:
            media = folder.image(f"{row['image_id']}.jpg")
            said = texts_of(row.get("answers") or ())
            name = str(row["question_id"])
            return Example(name, (media,), said, question=row["question"], split=split)

        rows = rows_of(read_json(path), path, "data")
        yield from examples_of(rows, split, lambda row: row["question_id"], make)
