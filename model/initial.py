"""Trained weights to begin from: another run's, or OpenFlamingo's."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from model.checkpoint import CheckpointError
from model.flamingo import Flamingo
from model.open_flamingo import convert, read_open_flamingo

WEIGHTS = "model.safetensors"
_SIDE = ("rows", "row")
"""Last parts of the names of the side tables, which stand somewhere inside a language model."""


def load_initial(model: Flamingo, path: Path, side_first: int) -> None:
    """Fills the trained parameters; the frozen ones stay as they are.

    Args:
        model: to fill.
        path: a checkpoint's folder, its model.safetensors, or OpenFlamingo's .pt.
        side_first: tokens of the language model before any was added; for OpenFlamingo's.

    Raises:
        CheckpointError: the file cannot be read, or is of a model of another shape.
    """
    file = path / WEIGHTS if path.is_dir() else path
    if file.suffix == ".safetensors":
        weights = read_safetensors(file)
    else:
        config = model.language.lm.config.get_text_config()
        tied = bool(getattr(config, "tie_word_embeddings", False))
        weights = convert(read_open_flamingo(file), side_first, tied=tied)
    fill(model.trainable(), weights, str(path))


def fill(trainable: Mapping[str, nn.Parameter], weights: Mapping[str, Tensor], name: str) -> None:
    """Copies weights into parameters of the same names and shapes.

    The rows of `<EOC>` and `<image>` may be missing: a checkpoint of OpenFlamingo's holds them only
    where they were trained.

    Raises:
        CheckpointError: a parameter has no weight, a weight no parameter, or another shape.
    """
    names = {_short(parameter): parameter for parameter in trainable}
    given = {_short(weight): tensor for weight, tensor in weights.items()}
    missing = sorted(names.keys() - given.keys() - set(_SIDE))
    stray = sorted(given.keys() - names.keys())
    if missing or stray:
        what = f"has no {missing[0]}" if missing else f"has {stray[0]}, which the model has not"
        more = len(missing or stray) - 1
        raise CheckpointError(f"{name}: {what}" + (f" ({more} more such)" if more else ""))
    for short, tensor in given.items():
        parameter = trainable[names[short]]
        if parameter.shape != tensor.shape:
            raise CheckpointError(
                f"{name}: {short} is {list(tensor.shape)}, the model's {list(parameter.shape)}"
            )
    with torch.no_grad():
        for short, tensor in given.items():
            trainable[names[short]].copy_(tensor)


def _short(name: str) -> str:
    """A parameter's name; of a side table only its last part."""
    last = name.rpartition(".")[2]
    return last if last in _SIDE else name


def read_safetensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a file by name.

    Raises:
        CheckpointError: it cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights: dict[str, Tensor] = load_file(str(file))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file}: cannot be read: {error}") from None
    return weights
