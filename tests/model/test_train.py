import json
from pathlib import Path

from model.recipe import TrainRecipe
from model.train import train


def _log(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]


def test_a_run_on_all_four_corpora_logs_every_step(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    summary = train(toy_recipe, toy_data, tmp_path)
    lines = _log(tmp_path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert set(lines[0]["losses"]) == {"m3w", "align", "ltip", "vtp"}
    assert summary["steps"] == 4
    assert Path(summary["checkpoint"]).name == "step-00000004"
