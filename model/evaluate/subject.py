"""The Flamingo of a finished run, as its newest whole checkpoint has it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model.checkpoint import (
    CheckpointError,
    DamagedCheckpoint,
    checkpoints_of,
    load_checkpoint,
)
from model.flamingo import Flamingo
from model.language import decoder_of, encoder_of, load_language, longest_of
from model.pixels import Canvas
from model.recipe import TrainRecipe
from model.vision import DEFINITION, load_vision
from model.windows import Encode, Vocabulary
from schemas.recipe import RecipeError, recipe_of


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated.

    Attributes:
        model: on its device, in evaluation mode.
        recipe: that it was trained by.
        words: the ids that are not text.
        encode: text to ids.
        decode: ids to text.
        canvas: what images are put on.
        checkpoint: the folder of its weights.
        digest: sha256 of all its weights, frozen ones included.
        passed_over: of each newer checkpoint, what is wrong with it.
    """

    model: Flamingo
    recipe: TrainRecipe
    words: Vocabulary
    encode: Encode
    decode: Callable[[Sequence[int]], str]
    canvas: Canvas
    checkpoint: Path
    digest: str
    passed_over: tuple[str, ...]

    @property
    def longest(self) -> int | None:
        """Tokens that its language model takes at most; None where it names no bound."""
        return longest_of(self.model.language.lm)


def load_subject(run: Path, device: str) -> Subject:
    """The model of a run.

    Args:
        run: a folder that `model.train` wrote, or one of its checkpoints.
        device: cpu or cuda; there the frozen parts are kept in bf16, as in training.

    Raises:
        CheckpointError: the folder holds no checkpoint that is whole.
        RecipeError: the frozen models that it was trained on cannot be had.
    """
    passed_over: list[str] = []
    if (run / "state.json").is_file():
        return _load(run, device, ())
    for path in reversed(checkpoints_of(run / "checkpoints")):
        try:
            return _load(path, device, tuple(passed_over))
        except DamagedCheckpoint as damage:
            passed_over.append(str(damage))
    why = f"no whole checkpoint: {'; '.join(passed_over)}" if passed_over else "holds no checkpoint"
    raise CheckpointError(f"{run}: {why}")


def _load(path: Path, device: str, passed_over: tuple[str, ...]) -> Subject:
    recipe = _recipe_of(path)
    vision = load_vision(recipe.vision)
    language, tokenizer, words = load_language(recipe.language.model)
    model = Flamingo(vision, language, recipe)
    load_checkpoint(path, model.trainable())
    digest = weights_digest(model)
    if device == "cuda":
        model.freeze_in(torch.bfloat16)
    return Subject(
        model.to(device).eval(),
        recipe,
        words,
        encoder_of(tokenizer),
        decoder_of(tokenizer),
        vision.canvas(recipe.pixels),
        path,
        digest,
        passed_over,
    )


def _recipe_of(path: Path) -> TrainRecipe:
    """The recipe that a checkpoint was trained by.

    Raises:
        DamagedCheckpoint: it cannot be read.
        CheckpointError: it is of a version whose recipes or features were others.
    """
    try:
        state: Any = json.loads((path / "state.json").read_bytes())
        tree, features = state["recipe"], state["vision_features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedCheckpoint(f"{path}: state.json: {error!r}") from error
    if features != DEFINITION:
        raise CheckpointError(f"{path}: its vision features are other ones: {features}")
    try:
        return recipe_of(TrainRecipe, tree, str(path / "state.json"))
    except RecipeError as error:
        raise CheckpointError(str(error)) from error


def weights_digest(model: nn.Module) -> str:
    """The sha256 of all parameters and buffers by name, with their types and shapes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
