"""Every benchmark in its publisher's layout, asked as the paper asks it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from model.evaluate import main
from model.evaluate.benchmarks import PROTOCOLS, Wanted, read_benchmark
from model.evaluate.metrics import METRICS
from model.evaluate.sets import SetError
from model.evaluate.tasks import TASKS
from schemas.benchmarks.layouts import LAYOUTS

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}
NAMES = [*COLOURS]
FISH, SHARK = "n01440764", "n01484850"
Files = dict[str, object]


def lines(*trees: dict) -> str:
    return "".join(f"{json.dumps(tree)}\n" for tree in trees)


def table(head: str, *rows: str) -> str:
    return "\n".join([head, *rows]) + "\n"


def karpathy(name: str, where: str = "") -> Files:
    rows = [
        {
            "filename": f"{split}-{n}.png",
            "split": split,
            "sentences": [{"raw": f"the {NAMES[n]}"}] * 5,
        }
        | ({"cocoid": n + 10 * k} if where else {})
        for k, split in enumerate(("train", "test"))
        for n in range(3)
    ]
    pictures = {f"images/{row['filename']}": NAMES[n % 3] for n, row in enumerate(rows)}
    return {f"dataset_{name}.json": {"images": rows}, **pictures}


def vqa(prefix: str) -> Files:
    made: Files = {}
    for split in ("train2014", "val2014"):
        asked = [{"image_id": n, "question": "is it", "question_id": n} for n in range(3)]
        said = [
            {"question_id": n, "answers": [{"answer": NAMES[n]} for _ in range(10)]}
            for n in range(3)
        ]
        made[f"{prefix}OpenEnded_mscoco_{split}_questions.json"] = {
            "data_subtype": split,
            "questions": asked,
        }
        made[f"{prefix}mscoco_{split}_annotations.json"] = {"annotations": said}
        made |= {f"{split}/COCO_{split}_{n:012d}.jpg": NAMES[n] for n in range(3)}
    return made


def vizwiz() -> Files:
    made: Files = {}
    for split in ("train", "val"):
        made[f"Annotations/{split}.json"] = [
            {
                "image": f"{split}{n}.jpg",
                "question": "is it",
                "answers": [{"answer": NAMES[n]}] * 10,
            }
            for n in range(3)
        ]
        made |= {f"{split}/{split}{n}.jpg": NAMES[n] for n in range(3)}
    return made


def textvqa() -> Files:
    made: Files = {}
    for split in ("train", "val"):
        rows = [
            {"question_id": n, "image_id": f"{split}{n}", "question": "is it"}
            | {"answers": [NAMES[n]] * 10}
            for n in range(3)
        ]
        made[f"TextVQA_0.5.1_{split}.json"] = {"data": rows}
        made |= {f"train_images/{split}{n}.jpg": NAMES[n] for n in range(3)}
    return made


def visdial() -> Files:
    made: Files = {}
    turns = [
        {"question": 0, "answer": n, "answer_options": [0, 1, 2], "gt_index": n} for n in (0, 1)
    ]
    for split in ("train", "val"):
        dialogs = [{"image_id": n, "caption": "a", "dialog": turns} for n in range(3)]
        words = {"questions": ["is it"], "answers": NAMES, "dialogs": dialogs}
        made[f"visdial_1.0_{split}.json"] = {"data": words}
        dense = [{"image_id": n, "round_id": 2, "gt_relevance": [0.5, 1, 0]} for n in range(3)]
        made[f"visdial_1.0_{split}_dense_annotations.json"] = dense
        made |= {f"{split}/VisualDialog_{split}2018_{n:012d}.jpg": NAMES[n] for n in range(3)}
    return made


def memes() -> Files:
    rows = [{"id": n, "img": f"img/{n}.png", "label": n % 2, "text": "we see"} for n in range(6)]
    pictures = {f"img/{n}.png": NAMES[n % 3] for n in range(6)}
    return {"train.jsonl": lines(*rows[:3]), "dev_seen.jsonl": lines(*rows[3:]), **pictures}


def video_qa(prefix: str) -> Files:
    rows = [{"id": n, "video_id": n, "question": "is it", "answer": NAMES[n % 3]} for n in range(6)]
    videos = {f"video/{prefix}{n}.mp4": "video" for n in range(6)}
    return {"train_qa.json": rows[:3], "test_qa.json": rows[3:], **videos}


def vatex() -> Files:
    rows = [{"videoID": f"v{n}", "enCap": [f"the {NAMES[n % 3]}"] * 10} for n in range(6)]
    videos = {f"v{n}.mp4": "video" for n in range(6)}
    return {"vatex_training_v1.0.json": rows[:3], "vatex_validation_v1.0.json": rows[3:], **videos}


def ivqa() -> Files:
    head = "video_id,start,end,question,answer1,answer2,answer3,answer4,answer5"
    made: Files = {}
    for split in ("train", "test"):
        rows = [f"{split},{n},{n + 1},is it,red,red,blue,red,green" for n in range(3)]
        made |= {f"{split}.csv": table(head, *rows), f"video/{split}.mp4": "video"}
    return made


def youcook2() -> Files:
    steps = [{"segment": [n, n + 1], "id": n, "sentence": f"the {NAMES[n]}"} for n in range(3)]
    database = {
        "a": {"subset": "training", "annotations": steps},
        "b": {"subset": "validation", "annotations": steps},
    }
    annotations = {"database": database}
    videos = {f"raw_videos/{name}.mp4": "video" for name in "ab"}
    return {"youcookii_annotations_trainval.json": annotations, **videos}


def star() -> Files:
    choices = [{"choice_id": n, "choice": name} for n, name in enumerate(NAMES)]
    made: Files = {}
    for split in ("train", "val"):
        row = {"question": "is it", "video_id": split, "answer": "green", "choices": choices}
        made[f"Charades_v1_480/{split}.mp4"] = "video"
        made[f"STAR_{split}.json"] = [
            row | {"question_id": f"Interaction_{n}", "start": n, "end": n + 0.9} for n in range(3)
        ]
    return made


def nextqa() -> Files:
    head = "video,frame_count,width,height,question,answer,qid,type"
    made: Files = {"map_vid_vidorID.json": {"7": "1164/7"}}
    for split, video, place in (("train", "7", "1164/7"), ("test", "8", "8")):
        rows = [f"{video},9,48,32,is it,{name},{n},CH" for n, name in enumerate(NAMES)]
        made |= {f"{split}.csv": table(head, *rows), f"NExTVideo/{place}.mp4": "video"}
    return made


def rareact() -> Files:
    head = "id,video_id,start,end,class_id,verb,noun,annotation"
    rows = ["0,v,0,1,0,see,red,1", "1,v,1,2,1,see,green,1", "2,w,0,2,1,see,green,0"]
    return {"rareact.csv": table(head, *rows), "v.mp4": "video", "w.mp4": "video"}


def imagenet() -> Files:
    made: Files = {"LOC_synset_mapping.txt": f"{FISH} red, tinca\n{SHARK} blue\n"}
    for split in ("train", "val"):
        made |= {f"{split}/{FISH}/{n}.JPEG": "red" for n in range(2)}
        made |= {f"{split}/{SHARK}/{n}.JPEG": "blue" for n in range(2)}
    return made


def kinetics() -> Files:
    head = "label,youtube_id,time_start,time_end,split"
    made: Files = {}
    for split in ("train", "val"):
        rows = [f"{name},{split}{name},0,2,{split}" for name in NAMES]
        made[f"annotations/{split}.csv"] = table(head, *rows)
        made |= {f"{split}/{split}{name}_000000_000002.mp4": "video" for name in NAMES}
    return made


FOLDERS: dict[str, Callable[[], Files]] = {
    "coco": lambda: karpathy("coco", "val2014"),
    "flickr30k": lambda: karpathy("flickr30k"),
    "vqav2": lambda: vqa("v2_"),
    "okvqa": lambda: vqa(""),
    "vizwiz": vizwiz,
    "textvqa": textvqa,
    "visdial": visdial,
    "hatefulmemes": memes,
    "msvdqa": lambda: video_qa("vid"),
    "msrvttqa": lambda: video_qa("video"),
    "vatex": vatex,
    "ivqa": ivqa,
    "youcook2": youcook2,
    "star": star,
    "nextqa": nextqa,
    "rareact": rareact,
    "imagenet": imagenet,
    "kinetics": kinetics,
}

SCORED = {
    "coco": "CIDEr",
    "vizwiz": "VQA accuracy",
    "visdial": "NDCG",
    "hatefulmemes": "ROC AUC",
    "msvdqa": "exact match",
    "ivqa": "iVQA accuracy",
    "nextqa": "WUPS",
    "rareact": "mWAP",
    "imagenet": "accuracy",
}


@pytest.fixture
def lay(tmp_path: Path, three_colours: bytes) -> Callable[[Files], Path]:
    """Writes a benchmark's files; a colour's name is an image of it."""

    def write(files: Files) -> Path:
        for name, content in files.items():
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str) and content in COLOURS:
                Image.new("RGB", (40, 24), COLOURS[content]).save(path, format="PNG")
            elif content == "video":
                path.write_bytes(three_colours)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path / "set"

    return write


def test_each_benchmark_has_a_protocol() -> None:
    assert set(PROTOCOLS) == set(LAYOUTS) == set(FOLDERS)
    for name, title in SCORED.items():
        assert METRICS[PROTOCOLS[name].metric].title == title
    for protocol in PROTOCOLS.values():
        assert METRICS[protocol.metric].is_closed == TASKS[protocol.task].is_closed


@pytest.mark.parametrize("name", FOLDERS)
def test_a_benchmark_is_scored(
    name: str, lay, run_folder: Path, animals: Path, tmp_path: Path, capsys
) -> None:
    root, output = lay(FOLDERS[name]()), tmp_path / "results.json"
    given = ["--checkpoint", run_folder, "--task", f"{name}={root}", "--max-tokens", "4"]
    given += [
        "--output",
        output,
        "--beams",
        "1",
        *(["--wordnet", animals] if name == "nextqa" else []),
    ]
    given += [] if name == "rareact" else ["--shots", "0", "1"]
    assert main([str(part) for part in given]) == 0
    streams = capsys.readouterr()
    found = json.loads(output.read_bytes())
    protocol = PROTOCOLS[name]
    assert (found["task"], found["metric"]) == (protocol.task, protocol.metric)
    assert found["data"]["benchmark"] == name
    assert found["data"]["split"] in protocol.queries
    assert found["data"]["lost"] == []
    assert streams.out.startswith(f"{protocol.task} of {name} {found['data']['split']} in ")
    shots = [0] if name == "rareact" else [0, 1]
    assert [row["shots"] for row in found["results"]] == shots
    for row in found["results"]:
        assert row["examples"] == found["data"]["examples"] >= 3
        assert row["score"] is not None
        assert 0 <= row["score"] <= 1000
    if protocol.support:
        assert found["support"]["split"] in protocol.support
    else:
        assert found["support"] is None


def test_another_part_of_the_querys_video_is_not_shown(lay, run_folder, tmp_path, capsys) -> None:
    files = star()
    files["STAR_train.json"] = [one | {"video_id": "val"} for one in files["STAR_train.json"]]
    given = ["--checkpoint", run_folder, "--task", f"star={lay(files)}", "--shots", "1"]
    assert main([str(part) for part in [*given, "--output", tmp_path / "r.json"]]) == 2
    assert "1 examples needed, 0 there that are not the query" in capsys.readouterr().err


def test_visdial_asks_the_rounds_that_are_annotated_with_their_history(lay) -> None:
    found = read_benchmark(Wanted("visdial", lay(visdial())), 0)
    assert [one.id for one in found.queries.examples] == ["0:2", "1:2", "2:2"]
    assert found.queries.unanswered == 3
    assert found.queries.examples[0].history == (("is it?", "red"),)


def test_queries_are_drawn_by_the_seed_and_stand_in_the_order_of_the_files(lay) -> None:
    files = karpathy("flickr30k")
    row = {"split": "test", "filename": "test-0.png", "sentences": [{"raw": "x"}]}
    for n in range(40):
        name = f"more-{n:02d}.png"
        files["dataset_flickr30k.json"]["images"].append(row | {"filename": name})
        files[f"images/{name}"] = "red"
    root = lay(files)
    drawn = {
        seed: [
            one.id
            for one in read_benchmark(
                Wanted("flickr30k", root, queries=8, support=2), seed
            ).queries.examples
        ]
        for seed in (0, 0, 1)
    }
    again = read_benchmark(Wanted("flickr30k", root, queries=8, support=2), 0).queries
    assert [one.id for one in again.examples] == drawn[0]
    assert again.usable == 43
    assert drawn[0] != drawn[1]
    for ids in drawn.values():
        assert len(ids) == 8
        assert sorted(ids, key=lambda one: (one.startswith("more"), one)) == ids
    fewer = read_benchmark(Wanted("flickr30k", root, queries=3, support=2), 0).queries
    assert {one.id for one in fewer.examples} < set(drawn[0])


def test_what_is_missing_is_listed_in_the_results(lay, run_folder, tmp_path, capsys) -> None:
    files = karpathy("coco", "val2014")
    del files["images/test-1.png"]
    root, output = lay(files), tmp_path / "results.json"
    given = ["--checkpoint", run_folder, "--task", f"coco:karpathy={root}", "--output", output]
    more = ["--shots", "0", "--max-tokens", "2", "--queries", "5", "--support-size", "2"]
    assert main([str(part) for part in [*given, *more]]) == 0
    found = json.loads(output.read_bytes())
    why = f"no file test-1.png under {root}"
    assert found["data"]["lost"] == [["11", why]]
    assert (found["data"]["examples"], found["support"]["examples"]) == (2, 2)
    assert f"coco test: 1 examples cannot be used, 11: {why}" in capsys.readouterr().err


def test_a_split_that_cannot_be_asked_is_told(lay, run_folder, tmp_path, capsys) -> None:
    files = star()
    asked = [{key: one[key] for key in one if key != "answer"} for one in files["STAR_val.json"]]
    root, output = lay(files | {"STAR_test.json": asked}), tmp_path / "r.json"
    given = ["--checkpoint", run_folder, "--task", f"star={root}", "--shots", "0"]
    assert main([str(part) for part in [*given, "--output", output]]) == 0
    assert json.loads(output.read_bytes())["data"]["split"] == "val"
    told = "star: queries are not from test (0 usable, 3 unanswered, 0 not to be had)"
    assert told in capsys.readouterr().err


def test_other_splits_and_other_support(lay, run_folder, sets_folder, tmp_path) -> None:
    root, output = lay(vqa("")), tmp_path / "results.json"
    given = ["--checkpoint", run_folder, "--task", f"okvqa={root}", "--output", output]
    more = ["--split", "train", "--support", sets_folder / "support.jsonl", "--shots", "1"]
    assert main([str(part) for part in [*given, *more, "--max-tokens", "2"]]) == 0
    found = json.loads(output.read_bytes())
    assert found["data"]["split"] == "train"
    assert found["support"]["path"] == str(sets_folder / "support.jsonl")


@pytest.mark.parametrize(
    ("task", "more", "why"),
    [
        ("okvqa", ["--split", "test"], "okvqa: nothing to answer in test; there are: train (3 us"),
        ("okvqa", ["--support-split", "val2"], "okvqa: nothing to show in val2"),
        ("vqav2", [], "no vqav2 there; looked for official: v2_OpenEnded_mscoco_*_questions.json"),
        ("okvqa:captions", [], "okvqa has no layout captions (known: official)"),
    ],
)
def test_a_benchmark_that_cannot_be_asked_is_one_line(
    task, more, why, lay, run_folder, tmp_path, capsys
) -> None:
    given = ["--checkpoint", run_folder, "--task", f"{task}={lay(vqa(''))}"]
    assert main([str(part) for part in [*given, "--output", tmp_path / "r.json", *more]]) == 1
    told = capsys.readouterr().err
    assert why in told
    assert told.count("\n") == 1


def test_a_folder_without_images_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "dataset_coco.json").write_text(
        json.dumps(karpathy("coco", "x")["dataset_coco.json"])
    )
    with pytest.raises(SetError, match=r"0 usable, 0 unanswered, 3 not to be had; no file"):
        read_benchmark(Wanted("coco", tmp_path), 0)
