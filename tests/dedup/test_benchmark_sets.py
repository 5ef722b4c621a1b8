import io
import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from dedup.benchmark_sets import choose_layout, read_annotations
from dedup.build_index import main
from dedup.evaluation_file import EvaluationFile
from dedup.fingerprint import thumbnail
from schemas.benchmarks.items import LayoutError

CAPTION = "a small brown dog waits by the old door in the rain"
STEP = "spread a little melted margarine on two slices of white bread"


def picture(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((240, 180), Image.Resampling.NEAREST)


def video(seconds: int) -> bytes:
    """Another picture each second."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=4)
        track.width, track.height, track.pix_fmt, track.bit_rate = 240, 180, "yuv420p", 4_000_000
        for number in range(4 * seconds):
            container.mux(track.encode(av.VideoFrame.from_image(picture(100 + number // 4))))
        container.mux(track.encode(None))
    return stream.getvalue()


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    root = tmp_path / "coco"
    (root / "val2014").mkdir(parents=True)
    for seed in range(3):
        picture(seed).save(root / "val2014" / f"{seed}.png")
    images = [
        {"filepath": "val2014", "filename": f"{n}.png", "cocoid": n, "split": "test"}
        | {"sentences": [{"raw": f"{CAPTION} {n}"}, {"raw": "A dog."}]}
        for n in (0, 1, 9)
    ]
    (root / "dataset_coco.json").write_text(json.dumps({"images": images}))
    return root


@pytest.fixture
def youcook(tmp_path: Path) -> Path:
    """Steps at 2 to 4 and at 6 to 6.6 s of a video of nine seconds; another one is damaged."""
    root = tmp_path / "youcook"
    root.mkdir()
    (root / "abc.mp4").write_bytes(video(9))
    (root / "bad.mp4").write_bytes(video(2)[:400])
    (root / "else.mp4").write_bytes(video(2))
    steps = [([2, 3.9], STEP), ([6.1, 6.6], "cut"), ([50, 60], "late")]
    annotations = [
        {"segment": segment, "id": n, "sentence": said} for n, (segment, said) in enumerate(steps)
    ]
    videos = {
        name: {"subset": "validation", "annotations": annotations}
        for name in ("abc", "bad", "gone")
    }
    (root / "youcookii_annotations_trainval.json").write_text(json.dumps({"database": videos}))
    return root


def build(output: Path, *sets: str) -> EvaluationFile:
    assert main([*(part for one in sets for part in ("--set", one)), "--output", str(output)]) == 0
    return EvaluationFile.load(output)


def shown(index: EvaluationFile, image: Image.Image) -> list[str]:
    """The ids of the items that look like an image."""
    grey = thumbnail(image).astype(float)
    return [item.eval_id for item in index.images.items if np.abs(item.grey - grey).mean() < 12]


def test_a_benchmark_by_its_name(coco: Path, tmp_path: Path, capsys) -> None:
    index = build(tmp_path / "e", f"coco={coco}")
    streams = capsys.readouterr()
    assert f"coco: reading {coco} as coco (karpathy)\n" in streams.err
    assert streams.out == "coco: 3 pictures, 1 unreadable, 1 other files, 4 texts\n"
    (lost,) = index.images.unreadable
    assert (lost.eval_id, lost.why) == ("test/9", f"no file val2014/9.png under {coco}")
    assert shown(index, picture(2)) == ["val2014/2.png"]
    # The texts of an example whose image is missing are held all the same.
    for n in (0, 1, 9):
        match = index.texts.match(f"we saw how {CAPTION} {n} and went on", 0.5)
        assert (match.eval_set, match.eval_id) == ("coco", f"test/{n}")
    assert index.texts.short == {"coco": 1}


def test_of_a_video_the_parts_that_are_asked_about(youcook: Path, tmp_path: Path, capsys) -> None:
    index = build(tmp_path / "e", f"YouCook2={youcook}")
    assert [item.eval_id for item in index.images.items] == [
        "abc.mp4#t=2.000",
        "abc.mp4#t=3.000",
        "abc.mp4#t=6.250",
        "else.mp4#t=0.000",
        "else.mp4#t=1.000",
    ]
    why = {lost.eval_id: lost.why for lost in index.images.unreadable}
    assert set(why) == {"bad.mp4", "val/gone:0", "val/gone:1", "val/gone:2"}
    assert why["bad.mp4"].startswith("damaged video after 0 frames")
    assert shown(index, picture(103)) == ["abc.mp4#t=3.000"]
    assert shown(index, picture(108)) == []
    assert index.texts.match(STEP, 1.0).eval_id == "val/abc:0"


def test_a_layout_a_benchmark_and_none_by_name(coco: Path, tmp_path: Path, capsys) -> None:
    captions = {
        "images": [{"id": 1, "file_name": "1.png"}],
        "annotations": [{"image_id": 1, "caption": f"{CAPTION} again"}],
    }
    (coco / "captions_val2014.json").write_text(json.dumps(captions))
    sets = [f"coco:captions={coco}", f"mine:coco={coco}", f"other:coco/captions={coco}"]
    index = build(tmp_path / "e", *sets, f"plain:plain={coco}")
    assert index.texts.sets == {"coco": 1, "mine": 3}  # `other` has the same text as `coco`
    out = capsys.readouterr().out.splitlines()
    assert [line.rpartition(", ")[2] for line in out] == [
        "1 texts",
        "4 texts",
        "1 texts",
        "2 other files",
    ]
    assert index.images.sets == {"coco": 3, "mine": 3, "other": 3, "plain": 3}


def test_a_folder_of_images_under_a_benchmarks_name(coco: Path, tmp_path: Path, capsys) -> None:
    index = build(tmp_path / "e", f"coco={coco / 'val2014'}")
    err = capsys.readouterr().err
    assert "no coco there; looked for karpathy: dataset_coco.json; captions: captions_" in err
    assert "read as plain files, without texts" in err
    assert index.texts is None
    assert len(index.images) == 3


def test_what_was_asked_for_and_is_not_there(coco: Path, tmp_path: Path, capsys) -> None:
    for asked, why in {
        "coco:captions": "no coco there; looked for captions:",
        "coco:kaggle": "coco has no layout kaggle (known: karpathy, captions)",
        "mine:moco": "no benchmark mine",
        "mine:vqav2": "no vqav2 there",
    }.items():
        assert main(["--set", f"{asked}={coco}", "--output", str(tmp_path / "e")]) == 1
        assert why in capsys.readouterr().err
    (coco / "dataset_coco.json").write_text("{")
    assert main(["--set", f"coco={coco}", "--output", str(tmp_path / "e")]) == 1
    assert "dataset_coco.json: not JSON" in capsys.readouterr().err
    assert not (tmp_path / "e").exists()


def test_many_lost_ones_are_named_in_the_index_and_told_in_short(tmp_path, capsys) -> None:
    rows = [{"id": n, "file_name": f"{n}.jpg"} for n in range(80)]
    said = [{"image_id": n, "caption": f"{CAPTION} number {n}"} for n in range(80)]
    tree = {"images": rows, "annotations": said}
    (tmp_path / "captions_val2017.json").write_text(json.dumps(tree))
    index = build(tmp_path / "e", f"coco={tmp_path}")
    err = capsys.readouterr().err
    assert err.count("unreadable: coco: val/") == 50
    assert "unreadable: coco: 30 more, all of them named in the index" in err
    assert len(index.images.unreadable) == 80
    assert len(index.texts) == 80


def test_a_benchmarks_name_however_it_is_written(coco: Path) -> None:
    assert choose_layout("CO-CO", coco, "").name == "karpathy"
    assert choose_layout("mine", coco, "") is None
    assert choose_layout("coco", coco / "dataset_coco.json", "") is None
    with pytest.raises(LayoutError, match="no such folder"):
        choose_layout("mine", coco / "dataset_coco.json", "coco")


def test_a_whole_video_beside_a_part_of_it_is_whole(tmp_path: Path) -> None:
    head = "video_id,start,end,question,answer1,answer2,answer3,answer4,answer5\n"
    (tmp_path / "test.csv").write_text(f"{head}a,1,2,q,x,x,x,x,x\na,,,q,x,x,x,x,x\n")
    (tmp_path / "a.mp4").write_bytes(b"x")
    layout = choose_layout("ivqa", tmp_path, "")
    assert read_annotations("ivqa", tmp_path, layout).spans == {}
