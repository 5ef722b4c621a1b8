"""Checkpoints: everything that the next step follows from, written whole or not at all.

A folder `step-NNNNNNNN` holds `model.safetensors` (the trained parameters), `optimizer.safetensors`
(their moments) and `state.json` (step, readers, random numbers, recipe). It is written under
another name, synced and renamed, so a folder of this name is a whole one.
"""

import base64
import json
import os
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

FORMAT = "open-m3w-checkpoint/1"
"""What state.json says of itself."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names the folder and what is wrong."""


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


def newest_checkpoint(folder: Path) -> Path | None:
    """The whole checkpoint with the most steps, or None."""
    found = sorted(path for path in folder.glob("step-*") if path.is_dir())
    return found[-1] if found else None


def save_checkpoint(
    folder: Path,
    trainable: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    about: Mapping[str, Any],
    keep: int,
) -> Path:
    """The folder of a new checkpoint; of the older ones the last `keep - 1` stay.

    Args:
        folder: of all checkpoints of the run.
        trainable: the parameters by name.
        optimizer: over these parameters.
        progress: how far the run has come.
        about: what else a reader should know: the recipe, what a vision feature is.
        keep: checkpoints that stay.
    """
    from safetensors.torch import save_file

    final = folder / f"step-{progress.step:08d}"
    part = folder / f".{final.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    weights = {name: p.detach().cpu().contiguous() for name, p in trainable.items()}
    save_file(weights, part / "model.safetensors")
    save_file(_moments(trainable, optimizer), part / "optimizer.safetensors")
    state = {
        "format": FORMAT,
        "step": progress.step,
        "mixture": asdict(progress.mixture),
        "skipped": {name: dict(reasons) for name, reasons in progress.skipped.items()},
        "samples": progress.samples,
        "random": _random_state(),
        **about,
    }
    (part / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
    _sync(part)
    shutil.rmtree(final, ignore_errors=True)
    part.rename(final)
    for old in sorted(folder.glob("step-*"))[:-keep]:
        shutil.rmtree(old)
    return final


def load_checkpoint(
    path: Path,
    trainable: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer | None = None,
) -> Progress:
    """How far the run of a checkpoint had come; fills parameters, moments and random numbers.

    Args:
        path: a folder `step-NNNNNNNN`.
        trainable: parameters of the same model, by name.
        optimizer: over these parameters; None where nothing will be trained.

    Raises:
        CheckpointError: it is damaged, or of another model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        weights = load_file(path / "model.safetensors")
        moments = load_file(path / "optimizer.safetensors")
    except (OSError, json.JSONDecodeError, SafetensorError) as error:
        raise CheckpointError(f"{path}: damaged checkpoint: {error}") from error
    if state.get("format") != FORMAT:
        raise CheckpointError(f"{path}: format {state.get('format')}, expected {FORMAT}")
    _check_same_model(path, weights, trainable)
    with torch.no_grad():
        for name, parameter in trainable.items():
            parameter.copy_(weights[name])
    if optimizer is not None:
        _load_moments(trainable, optimizer, moments)
        _set_random_state(state["random"])
    positions = {name: Position(**at) for name, at in state["mixture"]["positions"].items()}
    mixture = MixtureState(state["mixture"]["step"], positions)
    return Progress(state["step"], mixture, state["skipped"], state["samples"])


def check_same_run(path: Path, about: Mapping[str, Any]) -> None:
    """Raises CheckpointError unless a checkpoint's run had the same model, data and drawing.

    How long to run and how to step (`run`, `optim`) may change between the parts of a run.
    """
    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        then, now = state["recipe"], about["recipe"]
        samples = {name: corpus["samples"] for name, corpus in state["data"].items()}
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: damaged checkpoint: {error!r}") from error
    for section in now:
        if section not in ("run", "optim") and then.get(section) != now[section]:
            raise CheckpointError(
                f"{path}: of another run: [{section}] was {then.get(section)}, is {now[section]}"
            )
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


def _moments(
    trainable: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    """The optimiser's tensors as `parameter|moment`; a parameter never updated has none."""
    return {
        f"{name}|{moment}": value.detach().cpu().contiguous()
        for name, parameter in trainable.items()
        for moment, value in optimizer.state.get(parameter, {}).items()
    }


def _load_moments(
    trainable: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    moments: Mapping[str, torch.Tensor],
) -> None:
    optimizer.state.clear()
    for key, value in moments.items():
        name, _, moment = key.rpartition("|")
        parameter = trainable[name]
        device = "cpu" if moment == "step" else parameter.device  # as AdamW keeps it
        optimizer.state[parameter][moment] = value.to(device)


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
