import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from model.checkpoint import (
    CheckpointError,
    Progress,
    check_same_run,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from model.mixture import MixtureState
from model.reader import Position

PROGRESS = Progress(3, MixtureState(3, {"m3w": Position(1, 7)}), {"m3w": {"no_text": 2}}, 40)
ABOUT: dict[str, Any] = {
    "recipe": {"seed": 0, "window": {"tokens": 8}, "run": {"steps": 9}},
    "data": {"m3w": {"shards": "x", "samples": 8}},
}


def parameters(width: int = 3) -> dict[str, nn.Parameter]:
    torch.manual_seed(width)
    return {"a": nn.Parameter(torch.randn(width, 2)), "b": nn.Parameter(torch.randn(1))}


def trained(trainable: dict[str, nn.Parameter], steps: int = 2) -> torch.optim.AdamW:
    optimizer = torch.optim.AdamW(trainable.values(), lr=0.1)
    for _ in range(steps):
        trainable["a"].grad = torch.randn_like(trainable["a"])  # b is never updated
        optimizer.step()
    return optimizer


def save(folder: Path, trainable: dict[str, nn.Parameter], step: int = 3, keep: int = 9) -> Path:
    progress = replace(PROGRESS, step=step)
    return save_checkpoint(folder, trainable, trained(trainable), progress, ABOUT, keep)


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    one = parameters()
    optimizer = trained(one)
    path = save_checkpoint(tmp_path, one, optimizer, PROGRESS, ABOUT, keep=2)
    expected = torch.rand(3)
    two = {name: nn.Parameter(torch.zeros_like(p)) for name, p in one.items()}
    other = torch.optim.AdamW(two.values(), lr=0.1)
    assert load_checkpoint(path, two, other) == PROGRESS
    assert torch.equal(torch.rand(3), expected)  # random numbers go on where they were
    assert all(torch.equal(one[name], two[name]) for name in one)
    for moments in (optimizer.state[one["a"]], other.state[two["a"]]):
        assert set(moments) == {"step", "exp_avg", "exp_avg_sq"}
    for trainable, optim in ((one, optimizer), (two, other)):
        trainable["a"].grad = torch.ones(3, 2)
        optim.step()
    assert torch.equal(one["a"], two["a"])


def test_the_last_ones_stay(tmp_path: Path) -> None:
    for step in (1, 2, 10, 9):
        save(tmp_path, parameters(), step, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000009", "step-00000010"]
    assert newest_checkpoint(tmp_path) == tmp_path / "step-00000010"


def test_half_a_checkpoint_is_never_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, parameters(), 1)

    def out_of_space(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", out_of_space)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, parameters(), 2)
    assert newest_checkpoint(tmp_path) == tmp_path / "step-00000001"
    monkeypatch.undo()
    assert save(tmp_path, parameters(), 2).name == "step-00000002"
    assert not list(tmp_path.glob(".*"))


def test_no_checkpoint_yet(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "nowhere") is None


def test_another_model_is_refused_by_the_parameter_that_differs(tmp_path: Path) -> None:
    path = save(tmp_path, parameters(3))
    with pytest.raises(CheckpointError, match=r"of another model: a has shape \(3, 2\) there"):
        load_checkpoint(path, parameters(5))


@pytest.mark.parametrize("name", ["state.json", "model.safetensors", "optimizer.safetensors"])
def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path, name: str) -> None:
    path = save(tmp_path, parameters())
    (path / name).write_bytes(b"{")
    with pytest.raises(CheckpointError, match="damaged checkpoint"):
        load_checkpoint(path, parameters())


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, parameters())
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps({**state, "format": "other/2"}))
    with pytest.raises(CheckpointError, match="format other/2"):
        load_checkpoint(path, parameters())


def test_a_run_may_be_prolonged_but_not_changed(tmp_path: Path) -> None:
    path = save(tmp_path, parameters())
    recipe = ABOUT["recipe"]
    check_same_run(path, {**ABOUT, "recipe": {**recipe, "run": {"steps": 99}}})
    with pytest.raises(CheckpointError, match=r"of another run: \[window\]"):
        check_same_run(path, {**ABOUT, "recipe": {**recipe, "window": {"tokens": 9}}})
    with pytest.raises(CheckpointError, match="of other data"):
        check_same_run(path, {**ABOUT, "data": {"m3w": {"shards": "x", "samples": 9}}})
