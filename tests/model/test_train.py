import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from model.blocks import compile_blocks
from model.checkpoint import CheckpointError
from model.recipe import TrainRecipe, WatchRecipe
from model.run_log import CLOCKED
from model.train import main, train


def log_of(output: Path) -> list[dict]:
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in line if key not in CLOCKED} for line in lines]


def longer(recipe: TrainRecipe, **run: object) -> TrainRecipe:
    return replace(recipe, run=replace(recipe.run, **run))


def test_a_run_on_all_four_corpora_logs_every_step(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    summary = train(toy_recipe, toy_data, tmp_path)
    lines = log_of(tmp_path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    for line in lines:
        assert set(line["losses"]) == {"m3w", "align", "ltip", "vtp"}
        weights = {"m3w": 1.0, "align": 0.2, "ltip": 0.2, "vtp": 0.03}
        total = sum(weights[name] * loss for name, loss in line["losses"].items())
        assert line["loss"] == pytest.approx(total)
        assert line["images"] >= 9
        assert line["flops"] > 2 * 3 * 1000 * line["tokens"]  # the toy has thousands of weights
        assert "mfu" not in line
        assert "gpu_peak_memory_bytes" not in line
        assert line["tokens"] > 50
    assert summary["steps"] == 4
    assert summary["samples"] == 4 * 12
    assert Path(summary["checkpoint"]).name == "step-00000004"


def test_a_line_tells_how_much_of_the_time_was_work(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    recipe = longer(toy_recipe, steps=2, peak_flops=1e9)
    train(recipe, {"align": toy_data["align"]}, tmp_path)
    for line in map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines()):
        assert line["flops_per_s"] == pytest.approx(line["flops"] / line["seconds"], rel=0.01)
        assert line["mfu"] == pytest.approx(line["flops_per_s"] / 1e9, rel=0.01)
        assert line["wait_share"] == pytest.approx(line["wait_seconds"] / line["seconds"], abs=0.01)
        assert 0 <= line["wait_share"] <= 1


@pytest.mark.parametrize("schedule", ["accumulate", "round_robin"])
def test_a_resumed_run_repeats_the_very_losses(
    schedule: str, toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    """Killed after step 5, when the newest checkpoint is that of step 4."""
    recipe = longer(toy_recipe, steps=9, checkpoint_every=4, schedule=schedule)
    train(recipe, toy_data, tmp_path / "whole")
    train(longer(recipe, steps=5), toy_data, tmp_path / "cut")
    shutil.rmtree(tmp_path / "cut" / "checkpoints" / "step-00000005")
    train(recipe, toy_data, tmp_path / "cut", resume=True)
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")  # to the last bit
    for name in ("model.safetensors", "optimizer.safetensors"):
        one, two = (
            (tmp_path / run / "checkpoints" / "step-00000009" / name).read_bytes()
            for run in ("cut", "whole")
        )
        assert one == two


def test_a_run_of_recomputed_blocks_is_the_very_same_and_resumes_as_such(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    """Begun plainly, gone on with recomputed blocks: how to step is no part of what a run is."""
    train(longer(toy_recipe, steps=6), toy_data, tmp_path / "plain")
    train(longer(toy_recipe, steps=4), toy_data, tmp_path / "both")
    again = longer(toy_recipe, steps=6, recompute=True)
    train(again, toy_data, tmp_path / "both", resume=True)
    assert log_of(tmp_path / "both") == log_of(tmp_path / "plain")


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's of its own tracing
def test_a_compiled_run_resumes_with_the_very_losses(
    toy_recipe: TrainRecipe,
    toy_data: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looked at while it goes on; the losses are those of plain blocks, within rounding."""
    monkeypatch.setattr("model.assemble.compile_blocks", partial(compile_blocks, backend="eager"))
    data = {name: toy_data[name] for name in ("m3w", "align")}
    plain = replace(longer(toy_recipe, steps=4, rows_per_pass=2), watch=WatchRecipe(every=2))
    compiled = replace(plain, run=replace(plain.run, compile=True))
    train(plain, data, tmp_path / "plain")
    train(compiled, data, tmp_path / "whole")
    train(longer(compiled, steps=2), data, tmp_path / "cut")
    train(compiled, data, tmp_path / "cut", resume=True)
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")
    for line, expected in zip(log_of(tmp_path / "whole"), log_of(tmp_path / "plain"), strict=True):
        assert line["losses"] == pytest.approx(expected["losses"], rel=1e-3)
        assert line["tokens"] == expected["tokens"]
        unseen = expected.get("loss_without_images", {})
        assert line.get("loss_without_images", {}) == pytest.approx(unseen, rel=1e-3)


@pytest.mark.parametrize("corpus", ["m3w", "align", "vtp"])
def test_each_corpus_trains_alone(
    corpus: str, toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    train(longer(toy_recipe, steps=1), {corpus: toy_data[corpus]}, tmp_path)
    assert set(log_of(tmp_path)[0]["losses"]) == {corpus}


def test_resume_without_a_checkpoint_begins(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    data = {"align": toy_data["align"]}
    train(longer(toy_recipe, steps=1), data, tmp_path, resume=True)
    assert len(log_of(tmp_path)) == 1


def test_resume_with_another_recipe_is_refused(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    data = {"align": toy_data["align"]}
    train(longer(toy_recipe, steps=1), data, tmp_path)
    other = replace(toy_recipe, pixels=replace(toy_recipe.pixels, p_flip=0.0))
    with pytest.raises(CheckpointError, match=r"of another run: \[pixels\]"):
        train(other, data, tmp_path, resume=True)


def test_a_damaged_newest_checkpoint_costs_the_steps_since_the_one_before(
    toy_recipe: TrainRecipe,
    toy_data: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = {"align": toy_data["align"]}
    recipe = longer(toy_recipe, steps=6, checkpoint_every=2, keep=2)
    train(recipe, data, tmp_path / "whole")
    train(longer(recipe, steps=5), data, tmp_path / "cut")
    newest = tmp_path / "cut" / "checkpoints" / "step-00000005"
    (newest / "optimizer.safetensors").write_bytes(b"half of it")
    capsys.readouterr()
    train(recipe, data, tmp_path / "cut", resume=True)
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith(f"passed over {newest}: optimizer.safetensors has 10 bytes of ")
    assert told[1] == f"resumed from {newest.with_name('step-00000004')}"
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")


@pytest.fixture
def toml(toy_recipe: TrainRecipe, tmp_path: Path) -> Path:
    """The toy's recipe as a file, as far as a run of two steps on pairs needs it."""
    path = tmp_path / "toy.toml"
    path.write_text(
        f"""
        vision = {{ model = "{toy_recipe.vision.model}" }}
        language = {{ model = "{toy_recipe.language.model}" }}
        resampler = {{ layers = 1, dim = 16, heads = 2, head_dim = 8, latents = 4 }}
        cross_attention = {{ heads = 2, head_dim = 8 }}
        window = {{ tokens = 48 }}
        run = {{ steps = 2, checkpoint_every = 1, keep = 1 }}
        [corpora]
        align = {{ batch = 2, weight = 0.2, tokens = 16 }}
        """
    )
    return path


def test_the_command(
    toml: Path, toy_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    given = ["--recipe", str(toml), "--data", f"align={toy_data['align']}", "--output", str(run)]
    assert main(given) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["steps"] == 2
    assert "step 2/2  loss" in err
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["step-00000002"]
    assert main(given) == 2
    assert "holds a run: give --resume or another folder" in capsys.readouterr().err
    assert main([*given, "--resume", "--steps", "3"]) == 0
    out, err = capsys.readouterr()
    assert "resumed from" in err
    assert json.loads(out)["steps"] == 3
    assert [line["step"] for line in log_of(run)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("given", "status", "message"),
    [
        (["--data", "laion=x"], 2, "--data laion=x: expected one of m3w, align, ltip, vtp"),
        (["--data", "m3w"], 2, "--data m3w: expected"),
        (["--data", "align=x", "--data", "align=y"], 2, "once"),
        (["--data", "align=/nowhere/*.tar"], 1, "/nowhere/*.tar: no such shards"),
        (["--data", "align=x", "--recipe", "nonsense"], 2, "nonsense: no such recipe"),
        (["--data", "align=x", "--set", "run.step=1"], 2, "did you mean steps?"),
        (["--data", "align=x", "--set", "vision.model=local-dir:gone"], 2, "[vision]"),
        (["--data", "align=x", "--set", "language.model=./gone"], 2, "[language]"),
    ],
)
def test_wrong_usage_is_one_clear_line(
    given: list[str],
    status: int,
    message: str,
    toml: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--recipe", str(toml), "--output", str(tmp_path / "run"), *given]) == status
    err = capsys.readouterr().err
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("schedule", ["accumulate", "round_robin"])
@pytest.mark.parametrize(("named", "held"), [("m3w", "align"), ("align", "m3w"), ("vtp", "align")])
def test_wrong_data_leaves_nothing_that_blocks_the_right_command(
    schedule: str,
    named: str,
    held: str,
    toml: Path,
    toy_data: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A corpus under another's name, beside a right one."""
    run = tmp_path / "run"
    given = ["--recipe", str(toml), "--set", f"run.schedule={schedule}", "--output", str(run)]
    beside = ["--data", f"ltip={toy_data['ltip']}", "--data", f"{named}={toy_data[held]}"]
    assert main([*given, *beside]) == 1
    err = capsys.readouterr().err
    assert f"{toy_data[held]}: no usable sample" in err
    assert len(err.strip().splitlines()) == 1
    assert not run.exists()
    assert main([*given, "--data", f"align={toy_data['align']}"]) == 0


def test_an_empty_log_does_not_block(
    toml: Path, toy_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "log.jsonl").touch()
    given = ["--recipe", str(toml), "--data", f"align={toy_data['align']}", "--output", str(run)]
    assert main(given) == 0
    (run / "log.jsonl").write_bytes(b"")
    assert main(given) == 2
    assert "holds a run" in capsys.readouterr().err  # its checkpoints do


def refused_output(toml: Path, output: Path, *more: str) -> int:
    return main(["--recipe", str(toml), "--data", "align=x", "--output", str(output), *more])


@pytest.mark.parametrize("below", ["", "run", "a/b"])
def test_a_file_is_no_output(
    below: str, toml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    output = tmp_path / "file" / below
    assert refused_output(toml, output) == 2
    expected = f"model.train: --output {output}: {tmp_path / 'file'} is not a folder\n"
    assert capsys.readouterr().err == expected


def test_an_output_that_cannot_be_written_is_refused_at_once(
    toml: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("os.access", lambda path, _: path != tmp_path)
    assert refused_output(toml, tmp_path / "a" / "run") == 2
    assert capsys.readouterr().err.endswith(f"run: {tmp_path} cannot be written to\n")


def test_an_output_that_cannot_be_looked_at_is_one_line(
    toml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused_output(toml, tmp_path / ("x" * 300)) == 2
    err = capsys.readouterr().err
    assert "File name too long" in err
    assert len(err.strip().splitlines()) == 1


def test_a_log_that_cannot_be_opened_is_one_line(
    toml: Path, toy_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    (run / "log.jsonl").mkdir(parents=True)
    given = ["--recipe", str(toml), "--data", f"align={toy_data['align']}", "--output", str(run)]
    assert main([*given, "--resume"]) == 2
    assert capsys.readouterr().err == f"model.train: --output {run}: Is a directory\n"


def test_a_run_that_is_stopped_says_how_to_go_on(
    toml: Path,
    toy_data: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("model.step.train_step", stopped)
    given = ["--data", f"align={toy_data['align']}", "--output", str(tmp_path / "run")]
    assert main(["--recipe", str(toml), *given]) == 1
    assert "--resume goes on" in capsys.readouterr().err


def test_unknown_flags_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--recipe", "tiny", "--data", "m3w=x", "--output", "x", "--epochs", "3"])
    assert caught.value.code == 2
    assert "--epochs" in capsys.readouterr().err


def test_a_damaged_shard_stops_before_the_first_step(
    toml: Path,
    tmp_path: Path,
    make_tar: Callable[[Path, list[tuple[str, bytes]]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = make_tar(tmp_path / "a.tar", [("k.txt", b"x" * 9000), ("k.jpg", b"y" * 9000)])
    path.write_bytes(path.read_bytes()[:4000])
    given = ["--recipe", str(toml), "--data", f"align={path}", "--output", str(tmp_path / "run")]
    assert main(given) == 1
    assert "a.tar: damaged shard" in capsys.readouterr().err
    assert not (tmp_path / "run" / "log.jsonl").exists()
