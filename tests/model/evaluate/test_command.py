import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model.evaluate import main
from model.evaluate.few_shot import FewShot, Settings
from model.evaluate.prefix import read_prefix
from model.evaluate.scoring import score_candidates
from model.evaluate.sets import read_set
from model.evaluate.shots import orders_of
from model.evaluate.sight import Sight
from model.evaluate.subject import load_subject
from model.evaluate.tasks import TASKS
from model.export.command import main as export


@pytest.fixture
def ask(run_folder: Path, sets_folder: Path, tmp_path: Path):
    """Runs the command on sets by name; its status and the file of its results."""

    def run(
        task: str,
        *more: str,
        data: str = "data",
        support: str | None = "support",
        checkpoint: Path | None = None,
    ):
        output = tmp_path / "results.json"
        # What comes last counts, and of --run and --checkpoint only one may be there.
        model = [] if "--run" in more else ["--run", checkpoint or run_folder]
        given = [*model, "--task", task, "--data", sets_folder / f"{data}.jsonl"]
        given += ["--support", sets_folder / f"{support}.jsonl"] if support else []
        status = main([str(part) for part in [*given, "--output", output, *more]])
        return status, output

    return run


SAID = {"caption": "CIDEr", "vqa": "VQA accuracy", "choice": "accuracy", "classify": "accuracy"}


@pytest.mark.parametrize("task", SAID)
@pytest.mark.parametrize("rices", [[], ["--rices"]], ids=["drawn", "rices"])
def test_a_task_is_scored_by_shots_and_twice_the_same(
    task: str, rices: list[str], ask, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--shots", "0,2,3", "--max-tokens", "5", *rices]
    status, output = ask(task, *more)
    assert status == 0
    table = capsys.readouterr().out.splitlines()
    first = output.read_bytes()
    assert ask(task, *more) == (0, output)
    assert output.read_bytes() == first
    found = json.loads(first)
    assert table[0].startswith(f"{task} of ")
    assert found["model"]["weights_sha256"][:12] in table[1]
    assert table[3].split("  ")[-2].strip() == SAID[task]
    assert [row["shots"] for row in found["results"]] == [0, 2, 3]
    for row, line in zip(found["results"], table[4:], strict=True):
        low, high = row["interval"]
        assert low <= row["score"] <= high
        assert line.split()[:3] == [str(row["shots"]), "5", f"{row['score']:.1f}"]
    assert len(found["predictions"]) == 15
    for one in found["predictions"]:
        text_only = 0 if TASKS[task].is_closed else 2
        assert len(one["shown"]) == (one["shots"] or text_only)
        if one["id"] == "image-4":
            assert 0 not in one["shown"]  # it is in the support set too
        if TASKS[task].is_closed:
            assert one["said"] == max(one["scores"], key=one["scores"].get)


def test_scores_are_means_of_values(ask) -> None:
    _, output = ask("classify", "--shots", "2")
    found = json.loads(output.read_bytes())
    values = [one["value"] for one in found["predictions"]]
    assert found["results"][0]["score"] == pytest.approx(100 * sum(values) / len(values))


def test_rices_shows_the_most_similar_last(ask, run_folder: Path, sets_folder: Path) -> None:
    _, output = ask("classify", "--shots", "4", "--rices")
    task = TASKS["classify"]
    queries, support = (read_set(sets_folder / f"{n}.jsonl", task) for n in ("data", "support"))
    sight = Sight(load_subject(run_folder, "cpu"), 0)
    for one, query in zip(json.loads(output.read_bytes())["predictions"], queries, strict=True):
        others = {
            n: float(sight.features(query.media) @ sight.features(shot.media))
            for n, shot in enumerate(support)
            if shot.media != query.media
        }
        assert one["shown"] == sorted(others, key=others.__getitem__)[-4:]


def test_an_ensemble_is_the_mean_over_orders(ask, run_folder: Path, sets_folder: Path) -> None:
    _, output = ask("choice", "--shots", "3", "--permutations", "6")
    task, subject = TASKS["choice"], load_subject(run_folder, "cpu")
    queries, support = (read_set(sets_folder / f"{n}.jsonl", task) for n in ("data", "support"))
    asker = FewShot(subject, task, support, Settings((3,), False, 6, 3, 32, "accuracy", 0))
    for one, query in zip(json.loads(output.read_bytes())["predictions"], queries, strict=True):
        answers = [asker.writer.answer(text) for text in query.candidates]
        sums = [0.0] * len(answers)
        orders = orders_of(one["shown"], 6, 0, query.id)
        assert len(orders) == 6
        for order in orders:
            prompt = asker.writer.prompt([support[n] for n in order], query)
            latents = asker.sight.latents(prompt.media)
            prefix = read_prefix(subject.model, prompt.tokens, latents, subject.words)
            scores = score_candidates(subject.model, prefix, answers)
            sums = [total + score for total, score in zip(sums, scores, strict=True)]
        means = [total / 6 for total in sums]
        assert [one["scores"][text] for text in query.candidates] == pytest.approx(means)
        assert list(one["scores"].values()) == sorted(one["scores"].values(), reverse=True)


def test_dialogues_memes_and_videos(ask) -> None:
    status, output = ask("dialogue", "--shots", "0,1")
    assert status == 0
    assert all(0 <= one["value"] <= 1 for one in json.loads(output.read_bytes())["predictions"])
    status, output = ask("hateful", "--shots", "0,2", data="memes", support="shown-memes")
    found = json.loads(output.read_bytes())
    assert status == 0
    assert set(found["predictions"][0]["scores"]) == {"yes", "no"}
    assert 0 <= found["results"][0]["score"] <= 100
    status, output = ask("vqa", "--shots", "0,2", "--beams", "1", "--metric", "exact", data="video")
    assert status == 0
    assert json.loads(output.read_bytes())["results"][0]["examples"] == 1


def test_no_shots_of_candidates_need_no_support(ask) -> None:
    status, output = ask("choice", "--shots", "0", support=None)
    assert status == 0
    assert json.loads(output.read_bytes())["support"] is None


def test_a_score_that_is_not_defined_is_a_dash(
    ask, sets_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The area under the curve of one class alone."""
    memes = (sets_folder / "memes.jsonl").read_text().splitlines(keepends=True)
    (sets_folder / "one-class.jsonl").write_text("".join(memes[::2]))
    status, output = ask("hateful", "--shots", "0", data="one-class", support=None)
    assert status == 0
    result = json.loads(output.read_bytes())["results"][0]
    assert (result["score"], result["interval"]) == (None, [None, None])
    assert capsys.readouterr().out.endswith("-  - to -\n")


@pytest.mark.parametrize(
    ("task", "more", "status", "why"),
    [
        ("caption", ["--metric", "bleu"], 2, "--metric bleu: known are cider, vqa"),
        (
            "caption",
            ["--metric", "auc"],
            2,
            "--metric auc scores candidates: not for --task caption",
        ),
        ("choice", ["--metric", "vqa"], 2, "--metric vqa scores free answers"),
        ("vqa", ["--permutations", "6"], 2, "--permutations: --task vqa has no candidates"),
        ("caption", ["--shots", "8"], 2, "--support: 8 examples needed, 7 there"),
        ("caption", ["--max-tokens", "120"], 2, "the language model takes 128"),
        ("choice", ["--metric", "auc"], 1, "data.jsonl: example image-0: --metric auc: needs two"),
        ("hateful", [], 1, "data.jsonl:1: hateful needs text"),
        ("caption", ["--output", "/"], 2, "--output / is a folder"),
        ("caption", ["--output", "none/r.json"], 2, "none is no folder that can be written to"),
        ("caption", ["--run", "none"], 2, "--checkpoint none is not a folder"),
        ("caption", ["--run", "."], 1, ".: holds no checkpoint"),
        ("caption", ["--support", "none.jsonl"], 1, "none.jsonl: No such file"),
        ("caption", ["--split", "test"], 2, "--split: goes with a benchmark's --task only"),
        ("caption", ["--queries", "5"], 2, "--queries: goes with a benchmark's --task only"),
        ("vqa", ["--metric", "wups"], 2, "--metric wups: needs --wordnet"),
        ("vqa", ["--metric", "wups", "--wordnet", "none"], 2, "none/index.noun: No such file"),
        ("coco=.", [], 2, "--data: the examples of --task coco are in its folder"),
        ("caption=x.jsonl", [], 2, "--task caption: needs --data, or --task caption=DATA.jsonl"),
    ],
)
def test_wrong_inputs_are_one_line(
    task: str,
    more: list[str],
    status: int,
    why: str,
    ask,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    shots = [] if "--shots" in more else ["--shots", "2"]
    found, output = ask(task, *shots, *more)
    told = capsys.readouterr()
    assert found == status
    assert why in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not output.exists()


def test_an_undecodable_image_is_one_line(
    ask, sets_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sets_folder / "video.jsonl", sets_folder / "broken.jsonl")
    (sets_folder / "broken.png").write_bytes(b"x")
    line = {"image": "broken.png", "answers": ["a"]}
    (sets_folder / "broken.jsonl").write_text(json.dumps(line))
    assert ask("caption", "--shots", "2", data="broken")[0] == 1
    assert "broken.png: undecodable" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--shots", "4,x"],
        ["--shots=-1"],
        ["--beams", "0"],
        ["--seed", "-1"],
        ["--task", "dance"],
        ["--task", "coco"],
        ["--task", "caption="],
        ["--task", "caption:official=x"],
        ["--queries", "0"],
        ["--checkpoint", "x", "--run", "y"],
        ["--all"],
    ],
)
def test_wrong_flags_are_refused(wrong: list[str], ask) -> None:
    with pytest.raises(SystemExit) as stop:
        ask("caption", *wrong)
    assert stop.value.code == 2


def test_shots_by_spaces_and_data_with_the_task(run_folder, sets_folder, tmp_path) -> None:
    output = tmp_path / "results.json"
    given = ["--checkpoint", run_folder / "checkpoints" / "step-00000002", "--shots", "0", "1,0"]
    given += ["--task", f"classify={sets_folder / 'data.jsonl'}", "--output", output]
    given += ["--support", sets_folder / "support.jsonl"]
    assert main([str(part) for part in given]) == 0
    found = json.loads(output.read_bytes())
    assert [row["shots"] for row in found["results"]] == [0, 1]
    assert found["model"]["checkpoint"] == "step-00000002"


def test_an_exported_model_answers_as_its_run_does(ask, run_folder: Path, tmp_path: Path) -> None:
    exported = tmp_path / "exported"
    made = ["--run", str(run_folder), "--output", str(exported), "--with-frozen"]
    assert export(made) == 0
    status, output = ask("classify", "--shots", "0,2")
    of_run = json.loads(output.read_bytes())
    assert status == 0
    output.unlink()
    status, _ = ask("classify", "--shots", "0,2", checkpoint=exported)
    of_folder = json.loads(output.read_bytes())
    assert status == 0
    assert of_folder["model"].pop("run") == str(exported)
    assert of_folder["model"].pop("checkpoint") == "exported"
    del of_run["model"]["run"], of_run["model"]["checkpoint"]
    assert of_folder == of_run


def test_a_damaged_checkpoint_is_told(
    ask, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(run_folder, tmp_path / "run")
    (run / "checkpoints" / "step-00000004" / "state.json").write_text("{")
    assert ask("classify", "--shots", "0", "--run", str(run))[0] == 0
    assert "passed over" in capsys.readouterr().err


def test_it_is_a_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "model.evaluate", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--rices" in run.stdout


def test_the_page_speaks_of_flags_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "evaluation.md").read_text("utf-8")
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page))
    assert "--rices" in flags
    assert not [flag for flag in flags if flag not in shown]
    assert {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")} >= {*TASKS}
