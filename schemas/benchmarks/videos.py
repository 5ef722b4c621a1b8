"""Questions on videos: MSVD-QA, MSRVTT-QA, iVQA, NExT-QA and STAR.

Layouts: the readmes of github.com/xudejing/video-question-answering (MSVD-QA, MSRVTT-QA),
antoyang/just-ask (iVQA), doc-doc/NExT-OE and doc-doc/NExT-QA, and csbobby/STAR_Benchmark.
"""

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
from schemas.benchmarks.items import Example, Lost, Media

QA_FILES = ("train_qa.json", "val_qa.json", "test_qa.json")
CSV_FILES = ("train.csv", "val.csv", "test.csv")


def read_video_qa(folder: Folder, prefix: str) -> Iterator[Example | Lost]:
    """`test_qa.json`: `[{"id", "video_id": 1301, "question", "answer": one word}]`.

    MSRVTT-QA's videos are `video7010.mp4`. MSVD-QA's have the names of MSVD, which
    `youtube_mapping.txt` gives line by line (`-4wsuPCjDBc_5_15 vid1451`), or are `vid1451.avi`.
    Raises LayoutError: not such a file.

    Args:
        folder: that holds the files.
        prefix: of a video's number: `vid` or `video`.
    """
    names = _mapping(folder)
    for path in folder.named(*QA_FILES):
        split = split_in(path)

        def make(row: Row, split: str = split) -> Example:
            number = f"{prefix}{row['video_id']}"
            stems = [names[number], number] if number in names else [number]
            return Example(
                str(row["id"]),
                (folder.video(*stems),),
                texts_of([row["answer"]]),
                question=row["question"],
                split=split,
            )

        yield from examples_of(rows_of(read_json(path), path), split, lambda row: row["id"], make)


def _mapping(folder: Folder) -> dict[str, str]:
    """MSVD's own names by number."""
    pairs = [
        line.split() for path in folder.named("youtube_mapping.txt") for line in read_lines(path)
    ]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def read_ivqa(folder: Folder) -> Iterator[Example | Lost]:
    """`test.csv`: columns video_id, start, end, question, answer1 to answer5.

    A video is cut (`VIDEO_START_END.mp4`) or whole (`VIDEO.mp4`). Raises LayoutError: a column is
    missing.
    """
    columns = [f"answer{number}" for number in range(1, 6)]
    for path in folder.named(*CSV_FILES):
        split = split_in(path)

        def make(row: Row, split: str = split) -> Example:
            media = _cut_or_whole(folder, row["video_id"], row.get("start"), row.get("end"))
            return Example(
                row["id"],
                (media,),
                texts_of(row[column] for column in columns),
                question=row["question"],
                split=split,
            )

        rows = read_csv(path, ("video_id", "question", *columns))
        numbered = [row | {"id": f"{split}-{place}"} for place, row in enumerate(rows)]
        yield from examples_of(numbered, split, lambda row: row["id"], make)


def _cut_or_whole(folder: Folder, name: str, start: object, end: object) -> Media:
    """The video under the name that says where it was cut, else the whole one, to be cut."""
    if f"{name}_{start}_{end}" in folder.stems:
        return folder.video(f"{name}_{start}_{end}")
    return folder.video(name, start_s=start, end_s=end)


def read_nextqa(folder: Folder) -> Iterator[Example | Lost]:
    """`val.csv`: columns video, question, answer, qid, type, and of the multiple choice a0 to a4.

    Of the open-ended set the answer is a text, of the multiple choice its number. Further
    references lie in `add_reference_answer_SPLIT.json`, `{video: {qid: answer}}`, or in a column
    additional_ref_answer. Videos: `NExTVideo/1164/3238737531.mp4`, the folder as
    `map_vid_vidorID.json` tells. Raises LayoutError: a column is missing.
    """
    places: dict[str, str] = {}
    for path in folder.named("map_vid_vidorID.json")[:1]:
        places = read_json(path)
    for path in folder.named(*CSV_FILES):
        split = split_in(path)
        more = _references(folder, split)

        def make(row: Row, split: str = split, more: Row = more) -> Example:
            video, number = row["video"], row["qid"]
            options = texts_of(row[f"a{place}"] for place in range(5)) if "a0" in row else ()
            answer = options[int(row["answer"])] if options else row["answer"]
            added = more.get(video, {}).get(number) or row.get("additional_ref_answer")
            return Example(
                f"{video}_{number}",
                (folder.video(str(places.get(video, video)), video),),
                texts_of([answer, added]),
                options,
                row["question"],
                split=split,
                kind=row["type"],
            )

        rows = read_csv(path, ("video", "question", "answer", "qid", "type"))
        yield from examples_of(rows, split, lambda row: f"{row['video']}_{row['qid']}", make)


def _references(folder: Folder, split: str) -> dict[str, dict[str, str]]:
    """Further answers of a split by video and question."""
    found: dict[str, dict[str, str]] = {}
    for path in folder.named(f"add_reference_answer_{split}.json")[:1]:
        found = read_json(path)
    return found


def read_star(folder: Folder) -> Iterator[Example | Lost]:
    """Questions with four choices on a part of a video.

    `STAR_val.json`: `[{"question_id", "video_id", "start", "end", "question", "answer", "choices":
    [{"choice"}]}]`; videos are those of Charades, `Charades_v1_480/46GP8.mp4`. Raises LayoutError:
    not such a file.
    """
    for path in folder.named(*star_files()):
        split = split_in(path)

        def make(row: Row, split: str = split) -> Example:
            media = folder.video(row["video_id"], start_s=row["start"], end_s=row["end"])
            return Example(
                row["question_id"],
                (media,),
                texts_of([row.get("answer")]),
                texts_of(one["choice"] for one in row["choices"]),
                row["question"],
                split=split,
                kind=row["question_id"].partition("_")[0],
            )

        rows = rows_of(read_json(path), path)
        yield from examples_of(rows, split, lambda row: row["question_id"], make)


def star_files() -> tuple[str, ...]:
    """The names of STAR's annotation files."""
    return tuple(f"STAR_{split}.json" for split in ("train", "val", "test"))


def is_head(path: Path, *columns: str) -> bool:
    """Whether a table's first line has some columns: several sets call their files train.csv."""
    with path.open("rb") as stream:
        head = stream.readline().decode("utf-8-sig", "replace").strip()
    return {*columns} <= {name.strip().strip('"') for name in head.split(",")}
