import json

import numpy as np
import pytest
from PIL import Image, ImageOps

from dedup.build_index import main
from dedup.evaluation_file import EvaluationFile
from dedup.fingerprint import thumbnail
from dedup.items import Missing


def picture(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((240, 180))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set").mkdir()
    for seed in range(3):
        picture(seed).save(tmp_path / "set" / f"{seed}.png")
    return tmp_path / "set"


def test_builds_an_index_that_finds_copies(folder, tmp_path, capsys):
    output = tmp_path / "eval.index"
    assert main(["--set", f"mine={folder}", "--output", str(output)]) == 0
    assert capsys.readouterr().out == "mine: 3 pictures, 0 unreadable, 0 other files\n"
    index = EvaluationFile.load(output).images
    copies = [ImageOps.mirror(picture(1)), picture(7)]
    match, none = index.match([thumbnail(copy) for copy in copies])
    assert (match.eval_set, match.eval_id) == ("mine", "1.png")
    assert none is None


def test_several_sets_and_json(folder, tmp_path, capsys):
    output = tmp_path / "eval.index"
    sets = ["--set", f"a={folder}", "--set", f"b={folder / '0.png'}"]
    assert main([*sets, "--output", str(output), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"set": "a", "items": 3, "unreadable": 0, "passed_over": 0},
        {"set": "b", "items": 1, "unreadable": 0, "passed_over": 0},
    ]
    assert EvaluationFile.load(output).images.sets == {"a": 3, "b": 1}


def test_what_cannot_be_read_is_listed_and_kept_on_record(folder, tmp_path, capsys):
    (folder / "broken.jpg").write_bytes(b"oops")
    (folder / "notes.txt").write_text("notes")
    output = tmp_path / "eval.index"
    assert main(["--set", f"mine={folder}", "--output", str(output)]) == 0
    streams = capsys.readouterr()
    why = "neither image nor video, it begins with b'oops'"
    assert f"unreadable: mine: broken.jpg: {why}\n" in streams.err
    assert streams.out == "mine: 3 pictures, 1 unreadable, 1 other files\n"
    assert EvaluationFile.load(output).images.unreadable == (Missing("mine", "broken.jpg", why),)


def test_a_list_with_a_missing_file_and_a_flat_picture(folder, tmp_path, capsys):
    Image.new("RGB", (40, 30), "white").save(folder / "white.png")
    (folder / "list.txt").write_text("0.png\nwhite.png\nnone.png\n")
    output = tmp_path / "eval.index"
    assert main(["--set", f"mine={folder / 'list.txt'}", "--output", str(output)]) == 0
    assert EvaluationFile.load(output).images.unreadable == (
        Missing("mine", "none.png", "No such file or directory"),
        Missing("mine", "white.png", "of one colour: nothing to know a copy by"),
    )


def test_the_same_sets_give_the_same_file(folder, tmp_path):
    contents = []
    for name in ("one", "two"):
        assert main(["--set", f"mine={folder}", "--output", str(tmp_path / name)]) == 0
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_a_set_without_pictures_fails(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    output = tmp_path / "eval.index"
    assert main(["--set", f"mine={tmp_path / 'empty'}", "--output", str(output)]) == 1
    assert "no image that can be read in: mine; no index was written" in capsys.readouterr().err
    assert not output.exists()


def test_a_list_that_is_not_text_fails(folder, tmp_path, capsys):
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe")
    assert main(["--set", f"a={tmp_path / 'list.txt'}", "--output", str(tmp_path / "i")]) == 1
    assert "cannot read" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_fails(folder, tmp_path, capsys):
    for output in (tmp_path / "no" / "i", tmp_path):
        assert main(["--set", f"a={folder}", "--output", str(output)]) == 1
        told = capsys.readouterr().err
        assert "cannot write" in told
        assert "reading" not in told  # it is said before anything is read


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required: --set, --output"),
        (["--set", "name", "--output", "x"], "must be NAME=PATH, got 'name'"),
        (["--set", "a=/no/such", "--output", "x"], "a: no such file or folder: /no/such"),
        (["--set", "a=.", "--set", "a=.", "--output", "x"], "two sets have the same name"),
        (["--set", "a=.", "--output", "x", "--radius", "3"], "unrecognized arguments"),
    ],
)
def test_wrong_usage(argv, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "python -m dedup.build_index --set coco=" in capsys.readouterr().out


@pytest.mark.shared
def test_videos_and_photos(shared_data, tmp_path, capsys):
    video = next(iter(sorted(shared_data.glob("video/**/*.mp4"))))
    photos = shared_data / "pairs-coco-mini"
    sets = ["--set", f"video={video}", "--set", f"coco={photos}"]
    assert main([*sets, "--output", str(tmp_path / "i")]) == 0
    assert "coco: 80 pictures, 0 unreadable" in capsys.readouterr().out


def test_a_name_too_long_for_the_system_is_told_as_such(folder, tmp_path, capsys):
    long = "n" * 300
    assert main(["--set", f"mine={folder}", "--output", str(tmp_path / long)]) == 1
    assert capsys.readouterr().err.endswith(f"{long}: File name too long\n")
    with pytest.raises(SystemExit):
        main(["--set", f"mine={tmp_path / long}", "--output", str(tmp_path / "eval.index")])
    assert "mine: File name too long: " in capsys.readouterr().err
