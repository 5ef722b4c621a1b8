import json
import shutil
from pathlib import Path

import pytest
import torch

from model.checkpoint import CheckpointError
from model.evaluate.subject import load_subject, weights_digest


def test_the_newest_checkpoint_is_loaded(run_folder: Path) -> None:
    from safetensors.torch import load_file

    subject = load_subject(run_folder, "cpu")
    assert subject.checkpoint.name == "step-00000004"
    assert not subject.model.training
    saved = load_file(subject.checkpoint / "model.safetensors")
    for name, parameter in subject.model.trainable().items():
        assert torch.equal(parameter.detach(), saved[name])
    assert subject.longest == 128
    assert subject.decode(subject.encode("a red circle")) == "a red circle"
    assert subject.passed_over == ()


def test_a_damaged_checkpoint_is_passed_over(run_folder: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run_folder, tmp_path / "run")
    newest = run / "checkpoints" / "step-00000004"
    whole = load_subject(run, "cpu")
    (newest / "model.safetensors").write_bytes(b"half of it")
    subject = load_subject(run, "cpu")
    assert subject.checkpoint.name == "step-00000002"
    assert subject.digest != whole.digest
    assert subject.passed_over[0].startswith(f"{newest}: model.safetensors has 10 bytes of ")
    (newest / "state.json").unlink()
    assert "state.json" in load_subject(run, "cpu").passed_over[0]
    shutil.rmtree(newest)
    (run / "checkpoints" / "step-00000002" / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match=r"no whole checkpoint: .*manifest.json"):
        load_subject(run, "cpu")


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        load_subject(tmp_path, "cpu")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("vision_features", "class token", "its vision features are other ones: class token"),
        ("recipe", {"sed": 1}, r"state.json: unknown key sed"),
    ],
)
def test_checkpoints_of_other_kinds_are_told(
    key: str, value: object, why: str, run_folder: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(run_folder, tmp_path / "run")
    path = run / "checkpoints" / "step-00000004" / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(CheckpointError, match=why):
        load_subject(run, "cpu")


def test_the_digest_is_of_every_weight() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 3)
    before = weights_digest(layer)
    assert before == weights_digest(layer)
    with torch.no_grad():
        layer.bias[2] += 1e-6
    changed = weights_digest(layer)
    assert changed != before
    assert weights_digest(layer.to(torch.bfloat16)) not in (before, changed)
