"""What TensorBoard reads of a run is what its log says; a run does well without TensorBoard."""

import builtins
import errno
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.checkpoint import CheckpointError
from model.event_files import EventFiles, open_event_files
from model.recipe import TrainRecipe, WatchRecipe
from model.record import Record
from model.run_log import scalars_of
from model.samples import Sample
from model.train import train

SAMPLE = Sample("m3w", "<image>", "a *red* <b>circle</b>", "a red circle", "")


@pytest.fixture
def read() -> Callable[[Path], Any]:
    """Loads the event files of a run, as TensorBoard does."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def events(run: Path) -> Any:
        found = loader.EventAccumulator(str(run / "tensorboard"), {"scalars": 0, "tensors": 0})
        return found.Reload()

    return events


def scalars(events: Any) -> dict[str, dict[int, float]]:
    return {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }


def test_tensorboard_reads_every_number_of_the_log(
    read: Callable[[Path], Any], toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    """Stopped after step 3, when the newest checkpoint is that of step 2, and gone on with."""
    recipe = replace(toy_recipe, watch=WatchRecipe(every=2, samples=1, sample_tokens=3))

    def until(steps: int) -> TrainRecipe:
        return replace(recipe, run=replace(recipe.run, steps=steps, checkpoint_every=2))

    train(until(3), toy_data, tmp_path)
    (tmp_path / "checkpoints" / "step-00000003" / "model.safetensors").write_bytes(b"")
    train(until(4), toy_data, tmp_path, resume=True)
    assert len(list((tmp_path / "tensorboard").iterdir())) == 2
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    found = scalars(read(tmp_path))
    expected: dict[str, dict[int, float]] = {}
    for line in lines:
        for name, value in scalars_of(line).items():
            expected.setdefault(name, {})[line["step"]] = pytest.approx(value, rel=1e-6)
    del expected["step"]
    assert found == expected
    texts = [tag for tag in read(tmp_path).Tags()["tensors"] if tag.startswith("samples/")]
    assert "samples/align/text_summary" in texts


def test_a_sample_is_text_and_no_markup(read: Callable[[Path], Any], tmp_path: Path) -> None:
    files = EventFiles(tmp_path, 0)
    files.write({"step": 7, "loss": math.nan}, [SAMPLE])
    events = read(tmp_path)  # all of it is there before the file is closed
    files.close()
    (event,) = events.Tensors("samples/m3w/text_summary")
    (text,) = event.tensor_proto.string_val
    assert event.step == 7
    assert "says\n\n    a *red* <b>circle</b>\n\nis\n\n    a red circle" in text.decode()
    assert math.isnan(scalars(events)["loss"][7])


@pytest.fixture
def _no_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name.startswith(("torch.utils.tensorboard", "tensorboard")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)


@pytest.mark.usefixtures("_no_tensorboard")
def test_a_run_does_well_without_tensorboard(tmp_path: Path) -> None:
    assert open_event_files(tmp_path, 0) is None
    record = Record(tmp_path, 0)
    record.write({"step": 1, "loss": 1.0}, None)
    record.report()
    record.close()
    assert {path.name for path in tmp_path.iterdir()} == {
        "log.jsonl",
        "samples.jsonl",
        "report.html",
    }


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    record = Record(tmp_path, 0)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(EventFiles, "write", full)
    with pytest.raises(CheckpointError, match=r"tensorboard: cannot be written: No space left"):
        record.write({"step": 1}, None)
    record.close()


def test_a_record_without_a_line_draws_no_page(tmp_path: Path) -> None:
    record = Record(tmp_path, 0)
    record.report()
    record.close()
    assert not (tmp_path / "report.html").exists()


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    record = Record(tmp_path, 0)
    record.write({"step": 1, "loss": 1.0}, None)
    (tmp_path / "report.html.part").mkdir()
    with pytest.raises(CheckpointError, match=r"report\.html: cannot be written: Is a directory"):
        record.report()
    record.close()
