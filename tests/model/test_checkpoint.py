import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from model.checkpoint import (
    FILES,
    CheckpointError,
    DamagedCheckpoint,
    Progress,
    checkpoints_of,
    load_checkpoint,
    resume_newest,
    save_checkpoint,
    tensors_of,
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
    return save_checkpoint(folder, tensors_of(trainable, trained(trainable)), progress, ABOUT, keep)


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    one = parameters()
    optimizer = trained(one)
    path = save_checkpoint(tmp_path, tensors_of(one, optimizer), PROGRESS, ABOUT, keep=2)
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
    for step in (1, 2, 9, 100_000_000):
        save(tmp_path, parameters(), step, keep=2)
    (tmp_path / "step-notes").mkdir()
    assert [path.name for path in checkpoints_of(tmp_path)] == ["step-00000009", "step-100000000"]


def test_a_later_one_that_was_passed_over_does_not_count(tmp_path: Path) -> None:
    for step in (2, 4, 8, 6):
        save(tmp_path, parameters(), step, keep=2)
    assert [path.name[-1] for path in checkpoints_of(tmp_path)] == ["4", "6", "8"]


def test_half_a_checkpoint_is_never_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, parameters(), 1)

    def out_of_space(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", out_of_space)
    with pytest.raises(CheckpointError, match="step-00000002: cannot be written: No space"):
        save(tmp_path, parameters(), 2)
    assert checkpoints_of(tmp_path) == [tmp_path / "step-00000001"]
    monkeypatch.undo()
    assert save(tmp_path, parameters(), 2).name == "step-00000002"
    assert not list(tmp_path.glob(".*"))


def test_a_disk_that_safetensors_cannot_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError

    def full(*_: object, **__: object) -> None:
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(CheckpointError, match="cannot be written: I/O error: No space"):
        save(tmp_path, parameters(), 2)


def resume(folder: Path) -> tuple[str, int, tuple[str, ...]] | None:
    trainable = parameters()
    resumed = resume_newest(folder, trainable, torch.optim.AdamW(trainable.values()), ABOUT)
    return resumed and (resumed.path.name, resumed.progress.step, resumed.passed_over)


def test_no_checkpoint_yet(tmp_path: Path) -> None:
    assert resume(tmp_path / "nowhere") is None


def truncated(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def flipped(path: Path, share: float) -> None:
    content = bytearray(path.read_bytes())
    content[int((len(content) - 1) * share)] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize(
    ("damage", "share"),
    [(truncated, share) for share in (0, 0.01, 0.5, 0.99)]
    + [(flipped, share) for share in (0, 0.3, 0.7, 1)],
)
def test_a_damaged_newest_one_is_passed_over(
    tmp_path: Path, name: str, damage: Callable[[Path, float], None], share: float
) -> None:
    save(tmp_path, parameters(), 2)
    save(tmp_path, parameters(), 4)
    damage(tmp_path / "step-00000004" / name, share)
    path, step, passed_over = resume(tmp_path) or ("", 0, ())
    assert (path, step, len(passed_over)) == ("step-00000002", 2, 1)
    assert f"{tmp_path}/step-00000004: " in passed_over[0]


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_one_without_a_file_is_passed_over(tmp_path: Path, name: str) -> None:
    save(tmp_path, parameters(), 2)
    (save(tmp_path, parameters(), 4) / name).unlink()
    (save(tmp_path, parameters(), 6) / name).unlink()
    expected = tuple(
        f"{tmp_path}/step-0000000{step}: {name}: No such file or directory" for step in (6, 4)
    )
    assert resume(tmp_path) == ("step-00000002", 2, expected)


def test_damage_is_told_by_size_and_by_digest(tmp_path: Path) -> None:
    path = save(tmp_path, parameters())
    whole = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(whole[:100])
    with pytest.raises(DamagedCheckpoint, match=f"has 100 bytes of {len(whole)}"):
        load_checkpoint(path, parameters())
    (path / "model.safetensors").write_bytes(whole[:-1] + b"?")
    with pytest.raises(DamagedCheckpoint, match="has not the sha256 it was written with"):
        load_checkpoint(path, parameters())


def test_where_none_is_whole_nothing_is_begun_anew(tmp_path: Path) -> None:
    for step in (2, 4):
        (save(tmp_path, parameters(), step) / "state.json").write_bytes(b"{")
    with pytest.raises(CheckpointError, match=r"no whole checkpoint: .*4: state\.json.*2: state"):
        resume(tmp_path)


def test_another_model_is_refused_by_the_parameter_that_differs(tmp_path: Path) -> None:
    path = save(tmp_path, parameters(3))
    with pytest.raises(CheckpointError, match=r"of another model: a has shape \(3, 2\) there"):
        load_checkpoint(path, parameters(5))


def resealed(path: Path, name: str, content: bytes) -> None:
    """Changes a file of a checkpoint as if it had been written so."""
    (path / name).write_bytes(content)
    manifest = json.loads((path / "manifest.json").read_text())
    facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (path / "manifest.json").write_text(json.dumps({**manifest, name: facts}))


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, parameters())
    state = json.loads((path / "state.json").read_text())
    resealed(path, "state.json", json.dumps({**state, "format": "other/2"}).encode())
    with pytest.raises(CheckpointError, match="format other/2"):
        load_checkpoint(path, parameters())


def test_a_whole_file_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    path = save(tmp_path, parameters())
    resealed(path, "model.safetensors", b"[]")
    with pytest.raises(DamagedCheckpoint, match="damaged checkpoint"):
        load_checkpoint(path, parameters())


def test_a_run_may_be_prolonged_but_not_changed(tmp_path: Path) -> None:
    path = save(tmp_path, parameters())
    recipe = ABOUT["recipe"]
    prolonged = {**ABOUT, "recipe": {**recipe, "run": {"steps": 99}}}
    assert load_checkpoint(path, parameters(), about=prolonged).step == 3
    other = {**ABOUT, "recipe": {**recipe, "window": {"tokens": 9}}}
    with pytest.raises(CheckpointError, match=r"of another run: \[window\]"):
        load_checkpoint(path, parameters(), about=other)
    more = {**ABOUT, "data": {"m3w": {"shards": "x", "samples": 9}}}
    with pytest.raises(CheckpointError, match="of other data"):
        load_checkpoint(path, parameters(), about=more)
