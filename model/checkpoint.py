"""Checkpoints: everything that the next step follows from, written whole or not at all.

A folder `step-NNNNNNNN` holds `model.safetensors` (the trained parameters), `optimizer.safetensors`
(their moments), `state.json` (step, readers, random numbers, recipe) and, written last,
`manifest.json` (bytes and sha256 of the other three). It is written under another name, synced and
renamed. What a disk or a copy does to it afterwards shows in the manifest.
"""

import base64
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from model.mixture import MixtureState
from model.reader import Position
from model.sharding import shared_out, whole

FORMAT = "open-m3w-checkpoint/2"
"""What state.json says of itself."""

FILES = ("model.safetensors", "optimizer.safetensors", "state.json")
"""What a checkpoint's manifest must list."""

_NAME = re.compile(r"step-\d{8,}")


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the folder and what is wrong."""


class DamagedCheckpoint(CheckpointError):
    """A checkpoint that is not as it was written."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        step: updates made.
        mixture: where the readers stand.
        skipped: unusable samples so far, by corpus and reason.
        samples: usable ones so far.
    """

    step: int
    mixture: MixtureState
    skipped: Mapping[str, Mapping[str, int]]
    samples: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """A checkpoint that a run goes on from.

    Attributes:
        path: its folder.
        progress: how far the run had come.
        passed_over: of each newer one, what is wrong with it.
    """

    path: Path
    progress: Progress
    passed_over: tuple[str, ...]


def checkpoints_of(folder: Path) -> list[Path]:
    """The checkpoints in a folder, whole or not, by step."""
    found = (path for path in folder.glob("step-*") if _NAME.fullmatch(path.name))
    return sorted(found, key=_step_of)


def checkpoint_of(folder: Path, step: int) -> Path:
    """The checkpoint of a step in a folder, whether it is there or not."""
    return folder / f"step-{step:08d}"


def _step_of(path: Path) -> int:
    return int(path.name.partition("-")[2])


@dataclass(frozen=True, slots=True)
class Tensors:
    """What training has made, on the CPU, by name; a parameter never updated has no moments.

    Attributes:
        weights: the trained parameters.
        moments: the optimiser's, as `parameter|moment`.
    """

    weights: Mapping[str, torch.Tensor]
    moments: Mapping[str, torch.Tensor]


@torch.no_grad()
def tensors_of(
    trainable: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, *, kept: bool = True
) -> Tensors | None:
    """What training has made, whole also where ranks share it out: they all must ask.

    Args:
        trainable: the parameters by name.
        optimizer: over these parameters.
        kept: whether this rank wants it; None is what it gets otherwise.
    """
    weights, moments = {}, {}
    for name, parameter in trainable.items():
        weight = whole(parameter.detach())
        if kept:
            weights[name] = weight.cpu().contiguous()
        for moment, value in optimizer.state.get(parameter, {}).items():
            full = whole(value.detach())
            if kept:
                moments[f"{name}|{moment}"] = full.cpu().contiguous()
    return Tensors(weights, moments) if kept else None


def save_checkpoint(
    folder: Path,
    tensors: Tensors,
    progress: Progress,
    about: Mapping[str, Any],
    keep: int,
) -> Path:
    """The folder of a new checkpoint; of the older ones the last `keep - 1` stay.

    Args:
        folder: of all checkpoints of the run.
        tensors: what training has made.
        progress: how far the run has come.
        about: what else a reader should know: the recipe, what a vision feature is.
        keep: checkpoints that stay.

    Raises:
        CheckpointError: it cannot be written.
    """
    final = checkpoint_of(folder, progress.step)
    part = folder / f".{final.name}.part"
    state = {
        "format": FORMAT,
        "step": progress.step,
        "mixture": asdict(progress.mixture),
        "skipped": {name: dict(reasons) for name, reasons in progress.skipped.items()},
        "samples": progress.samples,
        "random": _random_state(),
        **about,
    }
    try:
        _write(part, tensors, state)
        shutil.rmtree(final, ignore_errors=True)
        part.rename(final)
        # One of a later step is what a resumed run passed over: not of this row.
        row = [path for path in checkpoints_of(folder) if _step_of(path) <= progress.step]
        for old in row[:-keep]:
            shutil.rmtree(old)
    except OSError as error:
        raise CheckpointError(f"{final}: cannot be written: {error.strerror or error}") from error
    return final


def _write(part: Path, tensors: Tensors, state: Mapping[str, Any]) -> None:
    """The files of a checkpoint, its manifest last, all synced.

    Raises:
        OSError: the disk does not take them.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        save_file(dict(tensors.weights), part / "model.safetensors")
        save_file(dict(tensors.moments), part / "optimizer.safetensors")
    except SafetensorError as error:
        raise OSError(str(error)) from error
    (part / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
    manifest = {name: _file_facts(part / name) for name in FILES}
    (part / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    _sync(part)


def _file_facts(path: Path) -> dict[str, Any]:
    """A file's size and sha256."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _check_whole(path: Path) -> None:
    """Raises DamagedCheckpoint unless all files of a checkpoint are as they were written."""
    try:
        manifest = json.loads((path / "manifest.json").read_bytes())
        for name in FILES:
            then, size = manifest[name], (path / name).stat().st_size
            if size != then["bytes"]:
                raise DamagedCheckpoint(f"{path}: {name} has {size} bytes of {then['bytes']}")
            if _file_facts(path / name) != then:
                raise DamagedCheckpoint(f"{path}: {name} has not the sha256 it was written with")
    except OSError as error:
        name = Path(error.filename or path).name
        raise DamagedCheckpoint(f"{path}: {name}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, DamagedCheckpoint):
            raise
        raise DamagedCheckpoint(f"{path}: manifest.json is damaged: {error!r}") from error


def resume_newest(
    folder: Path,
    trainable: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    about: Mapping[str, Any],
) -> Resumed | None:
    """The newest whole checkpoint, loaded as `load_checkpoint` does; None where there is none yet.

    Raises:
        CheckpointError: all are damaged, or the newest whole one is of another run.
    """
    passed_over: list[str] = []
    for path in reversed(checkpoints_of(folder)):
        try:
            progress = load_checkpoint(path, trainable, optimizer, about)
        except DamagedCheckpoint as damage:
            passed_over.append(str(damage))
            continue
        return Resumed(path, progress, tuple(passed_over))
    if passed_over:
        raise CheckpointError(f"{folder}: no whole checkpoint: {'; '.join(passed_over)}")
    return None


def load_checkpoint(
    path: Path,
    trainable: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer | None = None,
    about: Mapping[str, Any] | None = None,
) -> Progress:
    """How far the run of a checkpoint had come; fills parameters, moments and random numbers.

    Args:
        path: a folder `step-NNNNNNNN`.
        trainable: parameters of the same model, by name.
        optimizer: over these parameters; None where nothing will be trained.
        about: what the run that goes on says of itself; None where none does.

    Raises:
        DamagedCheckpoint: it is not as it was written.
        CheckpointError: it is of another model, another run, or another format.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    _check_whole(path)
    try:
        state = json.loads((path / "state.json").read_bytes())
        weights = load_file(path / "model.safetensors")
        moments = load_file(path / "optimizer.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise DamagedCheckpoint(f"{path}: damaged checkpoint: {error}") from error
    if state.get("format") != FORMAT:
        raise CheckpointError(f"{path}: format {state.get('format')}, expected {FORMAT}")
    if about is not None:
        _check_same_run(path, state, about)
    _check_same_model(path, weights, trainable)
    with torch.no_grad():
        for name, parameter in trainable.items():
            parameter.copy_(shared_out(weights[name].to(parameter.device), parameter))
    if optimizer is not None:
        _load_moments(trainable, optimizer, moments)
        _set_random_state(state["random"])
    positions = {name: Position(**at) for name, at in state["mixture"]["positions"].items()}
    mixture = MixtureState(state["mixture"]["step"], positions)
    return Progress(state["step"], mixture, state["skipped"], state["samples"])


def _check_same_run(path: Path, state: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Raises CheckpointError unless a checkpoint's run had the same model, data and drawing.

    How long to run, how to step and what to look at (`run`, `optim`, `watch`) may change between
    the parts of a run.
    """
    then, now = state["recipe"], about["recipe"]
    for section in now:
        if section not in ("run", "optim", "watch") and then.get(section) != now[section]:
            raise CheckpointError(
                f"{path}: of another run: [{section}] was {then.get(section)}, is {now[section]}"
            )
    samples = {name: corpus["samples"] for name, corpus in state["data"].items()}
    here = {name: corpus["samples"] for name, corpus in about["data"].items()}
    if samples != here:
        raise CheckpointError(f"{path}: of other data: samples were {samples}, are {here}")


def _check_same_model(
    path: Path, weights: Mapping[str, torch.Tensor], trainable: Mapping[str, nn.Parameter]
) -> None:
    here = {name: tuple(p.shape) for name, p in trainable.items()}
    there = {name: tuple(w.shape) for name, w in weights.items()}
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            raise CheckpointError(
                f"{path}: of another model: {name} has shape {there.get(name)} there, "
                f"{here.get(name)} here"
            )


def _load_moments(
    trainable: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    moments: Mapping[str, torch.Tensor],
) -> None:
    optimizer.state.clear()
    for key, value in moments.items():
        name, _, moment = key.rpartition("|")
        parameter = trainable[name]
        if moment != "step":  # which AdamW keeps on the CPU, and whole
            value = shared_out(value.to(parameter.device), parameter)
        optimizer.state[parameter][moment] = value


def _random_state() -> dict[str, Any]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return {k: base64.b64encode(v.numpy().tobytes()).decode("ascii") for k, v in states.items()}


def _set_random_state(states: Mapping[str, str]) -> None:
    raw = {k: np.frombuffer(base64.b64decode(v), dtype=np.uint8) for k, v in states.items()}
    torch.set_rng_state(torch.from_numpy(raw["cpu"].copy()))
    if "cuda" in raw and torch.cuda.is_available():
        torch.cuda.set_rng_state(torch.from_numpy(raw["cuda"].copy()))


def _sync(folder: Path) -> None:
    """Makes sure that files are on the disk before their folder gets its final name."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
