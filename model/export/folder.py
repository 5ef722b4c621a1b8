"""The folder of an exported model: what is in it, written and read.

`model.safetensors` holds the trained weights, `config.json` the recipe, what the frozen models are
called and the digests of all weights, beside them lie the tokenizer's files and `README.md`. With
its frozen models a folder also holds `vision/` (as open_clip's `local-dir:` takes it) and
`language/` (as transformers takes it), and needs nothing else.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.checkpoint import CheckpointError
from model.evaluate.subject import Subject, weights_digest
from model.export.frozen import save_language, save_vision
from model.export.speaker import Speaker
from model.flamingo import Flamingo
from model.initial import fill, read_safetensors
from model.language import decoder_of, encoder_of, language_path, load_language
from model.recipe import LanguageRecipe, TrainRecipe, VisionRecipe
from model.vision import DEFINITION, load_vision
from model.weights.locate import LOCAL_DIR
from schemas.recipe import RecipeError, recipe_of, recipe_tree

FORMAT = "open-m3w-model/1"
"""What config.json says of itself."""

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
VISION, LANGUAGE = "vision", "language"


def config_of(subject: Subject, step: int, *, with_frozen: bool) -> dict[str, Any]:
    """What config.json says of a model.

    Args:
        subject: the model, its frozen parts as they were loaded.
        step: of the checkpoint.
        with_frozen: whether the folder holds them as well.
    """
    model, recipe = subject.model, subject.recipe
    return {
        "format": FORMAT,
        "step": step,
        "with_frozen": with_frozen,
        "vision": {
            "model": recipe.vision.model,
            "pretrained": recipe.vision.pretrained,
            "features": DEFINITION,
            "sha256": _digest(frozen_of(model.vision)),
        },
        "language": {
            "model": recipe.language.model,
            "class": type(model.language.lm).__name__,
            "sha256": _digest(frozen_of(model.language)),
        },
        "trained": {"sha256": _digest(model.trainable().values())},
        "recipe": recipe_tree(recipe),
    }


def write_folder(folder: Path, subject: Subject, config: Mapping[str, Any], card: str) -> None:
    """Writes a model to a folder that is not there yet.

    Raises:
        OSError: the disk does not take it.
        RecipeError: a frozen model that is to be written cannot be had.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file
    from transformers import AutoTokenizer

    folder.mkdir(parents=True)
    recipe = subject.recipe
    AutoTokenizer.from_pretrained(language_path(recipe.language.model)).save_pretrained(folder)
    trained = {n: p.detach().cpu().contiguous() for n, p in subject.model.trainable().items()}
    try:
        save_file(trained, folder / WEIGHTS, {"format": "pt"})
        if config["with_frozen"]:
            save_vision(recipe.vision, folder / VISION)
            save_language(recipe.language.model, folder / LANGUAGE)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    (folder / CARD).write_text(card, encoding="utf-8")
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def is_exported(folder: Path) -> bool:
    """Whether a folder is one that this module wrote."""
    return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()


def read_folder(folder: Path, device: str) -> Speaker:
    """The model of a folder; see `model.load`."""
    read = read_subject(folder, device)
    return Speaker(read.model, read.words, read.encode, read.decode, read.canvas)


def read_subject(folder: Path, device: str) -> Subject:
    """The model of a folder as it is evaluated.

    Raises:
        CheckpointError: as `model.load` does.
        RecipeError: likewise.
    """
    config = _read_config(folder)
    recipe = _recipe_in(folder, config)
    vision = load_vision(recipe.vision)
    language, tokenizer, words = load_language(recipe.language.model, str(folder))
    for name, part in ("vision", vision), ("language", language):
        if _digest(frozen_of(part)) != config[name]["sha256"]:
            raise CheckpointError(
                f"{folder}: the {name} model {config[name]['model']} is not the one that it was "
                f"trained on (its weights have another sha256)"
            )
    model = Flamingo(vision, language, recipe)
    fill(model.trainable(), read_safetensors(folder / WEIGHTS), str(folder))
    if _digest(model.trainable().values()) != config["trained"]["sha256"]:
        raise CheckpointError(f"{folder}: {WEIGHTS} is not as it was written (another sha256)")
    digest = weights_digest(model)
    if device == "cuda":
        model.freeze_in(torch.bfloat16)
    return Subject(
        model.to(device).eval(),
        recipe_of(TrainRecipe, config["recipe"], str(folder / CONFIG)),
        words,
        encoder_of(tokenizer),
        decoder_of(tokenizer),
        vision.canvas(recipe.pixels),
        folder,
        digest,
        (),
    )


def _read_config(folder: Path) -> dict[str, Any]:
    """What config.json says.

    Raises:
        CheckpointError: it says nothing, or is of another format.
    """
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_bytes())
        there, features = config["format"], config["vision"]["features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder}: no exported model: {CONFIG}: {error!r}") from error
    if there != FORMAT or features != DEFINITION:
        raise CheckpointError(
            f"{folder}: format {there} with features of {features}; expected {FORMAT} with those "
            f"of {DEFINITION}"
        )
    return config


def _recipe_in(folder: Path, config: Mapping[str, Any]) -> TrainRecipe:
    """The recipe of a folder, with its own frozen models where it has them.

    Raises:
        CheckpointError: it cannot be used.
    """
    try:
        recipe = recipe_of(TrainRecipe, config["recipe"], str(folder / CONFIG))
    except (RecipeError, KeyError) as error:
        raise CheckpointError(f"{folder}: {error}") from error
    if not config["with_frozen"]:
        return recipe
    vision = VisionRecipe(f"{LOCAL_DIR}{folder / VISION}", side_px=recipe.vision.side_px)
    return replace(recipe, vision=vision, language=LanguageRecipe(str(folder / LANGUAGE)))


def frozen_of(module: torch.nn.Module) -> list[Tensor]:
    """The parameters of a part of a model that are not trained."""
    return [p for p in module.parameters() if not p.requires_grad]


def _digest(tensors: Iterable[Tensor]) -> str:
    """The sha256 of tensors whatever their names and order, as libraries change both."""
    return hashlib.sha256("".join(sorted(map(_digest_of, tensors))).encode()).hexdigest()


def _digest_of(tensor: Tensor) -> str:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    digest = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
    digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
