"""Captions of images: COCO and Flickr30k.

Layouts: COCO's own `captions_val2014.json` (cocodataset.org, "data format"), and the splits of
Karpathy and Fei-Fei (arXiv 1412.2306; cs.stanford.edu/people/karpathy/deepimagesent),
`dataset_coco.json` and `dataset_flickr30k.json`, which the field evaluates on. Flickr30k also as
its authors' `results_20130124.token`, as `results.csv` of its copies with bars between columns, and
as the copy with Karpathy's splits in `flickr_annotations_30k.csv`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from schemas.benchmarks.folder import (
    Folder,
    Row,
    examples_of,
    read_csv,
    read_json,
    read_lines,
    rows_of,
    split_in,
    texts_of,
)
from schemas.benchmarks.items import Example, LayoutError, Lost

KARPATHY_SPLITS = {"restval": "train"}
"""Karpathy's rest of COCO's validation images, which everybody adds to the training split."""


def read_karpathy(folder: Folder, pattern: str) -> Iterator[Example | Lost]:
    """Images with their sentences: `{"images": [{"filename", "split", "sentences": [{"raw"}]}]}`.

    COCO's have `filepath` (val2014) and `cocoid` as well. Raises LayoutError: not such a file.
    """

    def make(row: Row) -> Example:
        parent = row.get("filepath")
        name = row["filename"]
        media = folder.image(f"{parent}/{name}" if parent else name)
        said = texts_of(sentence["raw"] for sentence in row["sentences"])
        return Example(_karpathy_id(row), (media,), said, split=_karpathy_split(row))

    for path in folder.named(pattern)[:1]:
        rows = rows_of(read_json(path), path, "images")
        yield from examples_of(rows, _karpathy_split, _karpathy_id, make)


def _karpathy_id(row: Row) -> str:
    return str(row["cocoid"] if "cocoid" in row else row["filename"])


def _karpathy_split(row: Row) -> str:
    split = str(row.get("split", ""))
    return KARPATHY_SPLITS.get(split, split)


def read_coco(folder: Folder) -> Iterator[Example | Lost]:
    """Images with captions, and test images without.

    `captions_val2014.json`: `{"images": [{"id", "file_name"}], "annotations": [{"image_id",
    "caption"}]}`; `image_info_test2014.json` has no annotations. Raises LayoutError: not such a
    file.
    """
    for path in folder.named("captions_*.json", "image_info_*.json"):
        tree = read_json(path)
        captions: dict[object, list[object]] = {}
        if "captions_" in path.name:
            for one in rows_of(tree, path, "annotations"):
                captions.setdefault(one.get("image_id"), []).append(one.get("caption"))
        split = split_in(path)

        def make(row: Row, split: str = split, captions: dict = captions) -> Example:  # type: ignore[type-arg]
            media = folder.image(row["file_name"])
            return Example(
                str(row["id"]), (media,), texts_of(captions.get(row["id"], ())), split=split
            )

        yield from examples_of(rows_of(tree, path, "images"), split, lambda row: row["id"], make)


def read_flickr_annotations(folder: Folder) -> Iterator[Example | Lost]:
    """`flickr_annotations_30k.csv`: columns raw (a JSON list of captions), split, filename.

    Raises LayoutError: not such a file.
    """

    def make(row: Row) -> Example:
        media = folder.image(row["filename"])
        said = texts_of(json.loads(row["raw"]))
        return Example(row["filename"], (media,), said, split=row["split"])

    for path in folder.named("flickr_annotations_30k.csv")[:1]:
        rows = read_csv(path, ("raw", "split", "filename"))
        yield from examples_of(rows, lambda row: row["split"], lambda row: row["filename"], make)


def read_flickr_token(folder: Folder) -> Iterator[Example | Lost]:
    """`results_20130124.token`: `1000092795.jpg#0`, a tab, the caption; five lines an image.

    Raises LayoutError: a line without a tab.
    """
    for path in folder.named("*.token")[:1]:
        captions: dict[str, list[object]] = {}
        for number, line in enumerate(read_lines(path), 1):
            name, tab, caption = line.partition("\t")
            if line.strip():
                if not tab:
                    raise LayoutError(f"{path}:{number}: no tab between name and caption")
                captions.setdefault(name.rpartition("#")[0] or name, []).append(caption)
        yield from _grouped(folder, captions)


def read_flickr_csv(folder: Folder) -> Iterator[Example | Lost]:
    """`results.csv`: image_name, comment_number and comment with bars between; five rows an image.

    Raises LayoutError: not such a file.
    """
    for path in folder.named("results.csv")[:1]:
        delimiter = _delimiter_of(path)
        captions: dict[str, list[object]] = {}
        for row in read_csv(path, ("image_name", "comment"), delimiter):
            captions.setdefault(row["image_name"].strip(), []).append(row["comment"])
        yield from _grouped(folder, captions)


def _delimiter_of(path: Path) -> str:
    lines = read_lines(path)
    return "|" if lines and "|" in lines[0] else ","


def _grouped(folder: Folder, captions: dict[str, list[object]]) -> Iterator[Example | Lost]:
    """Examples of files without a split: all belong to `all`."""

    def make(row: Row) -> Example:
        return Example(
            row["name"], (folder.image(row["name"]),), texts_of(row["said"]), split="all"
        )

    rows = [{"name": name, "said": said} for name, said in captions.items()]
    yield from examples_of(rows, "all", lambda row: row["name"], make)
