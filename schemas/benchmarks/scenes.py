"""Captions of videos, VATEX and YouCook2, and actions in them, RareAct and Kinetics.

Layouts: the pages eric-xw.github.io/vatex-website (download) and youcook2.eecs.umich.edu, the
readmes of github.com/antoine77340/RareAct and cvdfoundation/kinetics-dataset, whose archives
torchvision's `Kinetics` sorts into a folder a class.
"""

from collections.abc import Iterator

from schemas.benchmarks.folder import (
    SPLITS,
    VIDEO_SUFFIXES,
    Folder,
    Row,
    examples_of,
    read_csv,
    read_json,
    rows_of,
    split_in,
    texts_of,
)
from schemas.benchmarks.items import Example, LayoutError, Lost, Media

RAREACT_ACTION = "a person {verb} {noun}"
"""An action in the words of the paper's prompt (2204.14198, A.2)."""


def read_vatex(folder: Folder) -> Iterator[Example | Lost]:
    """`vatex_validation_v1.0.json`: `[{"videoID": "Ptf_2VRj-V0_000122_000132", "enCap": [ten]}]`.

    Videos are cut, `VIDEOID.mp4`; the private test has no captions. Raises LayoutError: not such
    a file.
    """
    for path in folder.named("vatex_*.json"):
        split = "private_test" if "private" in path.name else split_in(path)

        def make(row: Row, split: str = split) -> Example:
            name = row["videoID"]
            return Example(name, (folder.video(name),), texts_of(row.get("enCap", ())), split=split)

        rows = rows_of(read_json(path), path)
        yield from examples_of(rows, split, lambda row: row["videoID"], make)


def read_youcook2(folder: Folder) -> Iterator[Example | Lost]:
    """One example a step of a recipe.

    `youcookii_annotations_trainval.json`: `{"database": {VIDEO: {"subset": "training",
    "recipe_type", "annotations": [{"segment": [s, s], "id", "sentence"}]}}}`; videos lie in
    `raw_videos/SUBSET/RECIPE_TYPE/VIDEO.*`. Raises LayoutError: not such a file.
    """
    for path in folder.named("youcookii_annotations_*.json"):
        tree = read_json(path)
        database = tree.get("database") if isinstance(tree, dict) else None
        if not isinstance(database, dict):
            raise LayoutError(f"{path}: no database")
        for video, about in database.items():
            subset = str(about.get("subset", ""))
            split = SPLITS.get(subset, "test" if subset == "testing" else subset)
            steps = [step | {"video": video} for step in about.get("annotations", ())]
            yield from examples_of(steps, split, _step_id, _StepMaker(folder, split))


def _step_id(row: Row) -> str:
    return f"{row['video']}:{row['id']}"


class _StepMaker:
    """Makes examples of the steps of a split."""

    def __init__(self, folder: Folder, split: str) -> None:
        self._folder, self._split = folder, split

    def __call__(self, row: Row) -> Example:
        start, end = row["segment"]
        media = self._folder.video(row["video"], start_s=start, end_s=end)
        return Example(_step_id(row), (media,), texts_of([row.get("sentence")]), split=self._split)


def read_rareact(folder: Folder) -> Iterator[Example | Lost]:
    """`rareact.csv`: columns id, video_id, start, end, class_id, verb, noun, annotation.

    `annotation` says whether the action is seen: 1 yes; 2, 3, 4 only its verb, only its noun, both
    apart; 0 no. With verb and noun it is the example's `kind`, `1:cut:laptop`; the candidates are
    all actions, by class_id. Videos: `VIDEO_ID.mp4`, not cut. Raises LayoutError: a column is
    missing.
    """
    needs = ("id", "video_id", "start", "end", "class_id", "verb", "noun", "annotation")
    for path in folder.named("rareact.csv")[:1]:
        rows = read_csv(path, needs)
        actions = {_class_of(row): RAREACT_ACTION.format(**row) for row in rows}
        candidates = tuple(actions[number] for number in sorted(actions))

        def make(row: Row, candidates: tuple[str, ...] = candidates) -> Example:
            media = folder.video(row["video_id"], start_s=row["start"], end_s=row["end"])
            action = RAREACT_ACTION.format(**row)
            kind = f"{int(row['annotation'])}:{row['verb']}:{row['noun']}"
            return Example(row["id"], (media,), (action,), candidates, split="test", kind=kind)

        yield from examples_of(rows, "test", lambda row: row["id"], make)


def _class_of(row: Row) -> int:
    try:
        return int(row["class_id"])
    except ValueError:
        raise LayoutError(f"rareact.csv: class_id {row['class_id']!r} is no number") from None


KINETICS_FILES = ("train.csv", "val.csv", "validate.csv", "test.csv", "kinetics*.csv")


def read_kinetics(folder: Folder) -> Iterator[Example | Lost]:
    """`val.csv`: columns label, youtube_id, time_start, time_end, split.

    Videos are cut, `--07WQ2iBlw_000001_000011.mp4`, or whole, `--07WQ2iBlw.mp4`. Raises
    LayoutError: a column is missing.
    """

    def make(row: Row) -> Example:
        start, end = int(float(row["time_start"])), int(float(row["time_end"]))
        name = row["youtube_id"]
        cut = f"{name}_{start:06d}_{end:06d}"
        is_cut = cut in folder.stems
        media = folder.video(cut) if is_cut else folder.video(name, start_s=start, end_s=end)
        return Example(cut, (media,), texts_of([row.get("label")]), split=_split_of(row))

    for path in folder.named(*KINETICS_FILES):
        rows = read_csv(path, ("youtube_id", "time_start", "time_end", "split"))
        yield from examples_of(rows, _split_of, lambda row: row["youtube_id"], make)


def _split_of(row: Row) -> str:
    return SPLITS.get(row["split"]) or str(row["split"])


def read_kinetics_folders(folder: Folder) -> Iterator[Example | Lost]:
    """Videos in a folder a class, in a folder a split: `val/air_drumming/NAME.mp4`."""
    for paths in list(folder.files.values()):
        for path in paths:
            parts = path.split("/")
            suffix = path[path.rfind(".") :].lower()
            if len(parts) < 3 or suffix not in VIDEO_SUFFIXES:
                continue
            split, label = parts[-3:-1]
            media = Media(folder.root / path, is_video=True)
            yield Example(
                path, (media,), (label.replace("_", " "),), split=SPLITS.get(split, split)
            )
