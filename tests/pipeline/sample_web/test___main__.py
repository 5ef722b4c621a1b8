"""The command: its files, its exit codes, and bytes that depend on pages and seed alone."""

import json
from hashlib import sha256

import pytest

from pipeline.sample_web.__main__ import main


def digests(folder):
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def json_lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    assert main(["--output", str(folder), "--pages", "5", "--seed", "2"]) == 0
    return folder


def test_files(web):
    names = set(digests(web))
    assert {"web.warc.gz", "truth.jsonl", "evaluation/captions.jsonl"} <= names
    assert sum(name.startswith("evaluation/images/") for name in names) == 32
    assert not any(name.endswith(".part") for name in names)


def test_truth_and_captions_are_json_lines(web):
    truths = json_lines(web / "truth.jsonl")
    assert [truth["index"] for truth in truths] == [0, 1, 2, 3, 4]
    captions = json_lines(web / "evaluation/captions.jsonl")
    assert all((web / "evaluation" / line["file"]).is_file() for line in captions)


def test_same_seed_same_bytes_with_two_workers(web, tmp_path, capsys):
    argv = ["--output", str(tmp_path), "--pages", "5", "--seed", "2", "--workers", "2"]
    assert main(argv) == 0
    assert digests(tmp_path) == digests(web)
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert "5 pages" in out
    assert "5 of 5 pages" in err


def test_a_page_is_the_same_for_any_number_of_pages(web, tmp_path):
    assert main(["--output", str(tmp_path), "--pages", "2", "--seed", "2"]) == 0
    assert json_lines(tmp_path / "truth.jsonl") == json_lines(web / "truth.jsonl")[:2]


def test_another_seed_another_web(web, tmp_path):
    assert main(["--output", str(tmp_path), "--pages", "1", "--seed", "3"]) == 0
    assert digests(tmp_path)["web.warc.gz"] != digests(web)["web.warc.gz"]
    first = (web / "truth.jsonl").read_text("utf-8").splitlines()[0]
    assert (tmp_path / "truth.jsonl").read_text("utf-8").splitlines()[0] != first


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--output", "x", "--pages", "0"],
        ["--output", "x", "--pages", "many"],
        ["--output", "x", "--sead", "1"],
        ["--out", "x"],
    ],
)
def test_wrong_usage(argv, capsys):
    assert main(argv) == 2
    assert "error" in capsys.readouterr().err


def test_help_has_an_example(capsys):
    assert main(["--help"]) == 0
    assert "python -m pipeline.sample_web --output" in capsys.readouterr().out


def test_an_output_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert main(["--output", str(tmp_path / "file")]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_a_web_of_series_has_few_shot_sets_beside_it(tmp_path):
    assert main(["--output", str(tmp_path), "--pages", "1", "--deck", "series"]) == 0
    assert {"few-shot", "evaluation", "truth.jsonl", "web.warc.gz"} == {
        path.name for path in tmp_path.iterdir()
    }
    (truth,) = json_lines(tmp_path / "truth.jsonl")
    assert truth["kind"] in ("series", "clip")


def test_the_usual_web_has_no_few_shot_sets(web):
    assert not (web / "few-shot").exists()
