"""A model of OpenFlamingo's shape as the .pt file that open_flamingo loads (its `strict=False`).

The file holds what is trained, and the embedding and the head of its language model with a row
more for `<|endofchunk|>` and `<image>` each, as its trainer saves them.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.evaluate.subject import Subject
from model.flamingo import Flamingo
from model.language import SideEmbedding, language_path
from model.open_flamingo import revert
from model.recipe import CrossAttentionRecipe, ResamplerRecipe, TrainRecipe
from schemas.recipe import RecipeError, recipe_tree

RESAMPLER = ResamplerRecipe(
    layers=6, dim=0, heads=8, head_dim=64, latents=64, ffw_factor=4, activation="gelu",
    time_embeddings=False,
)  # fmt: skip
"""open_flamingo 2.0.1, src/helpers.py: PerceiverResampler's defaults; as wide as the tower."""

CROSS_ATTENTION = CrossAttentionRecipe(heads=8, head_dim=64, ffw_factor=4, activation="gelu")
"""The same file, GatedCrossAttentionBlock; `every` is free, `first` follows from it."""


def write_open_flamingo(path: Path, subject: Subject) -> None:
    """Writes the .pt file.

    Raises:
        RecipeError: the model has not OpenFlamingo's shape.
        OSError: the disk does not take it.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(language_path(subject.recipe.language.model))
    check_shape(subject.recipe, subject.model)
    # Its factory adds <PAD> after them where the tokenizer has none.
    spare = int(tokenizer.pad_token is None)
    torch.save(state_of(subject.model, subject.recipe, len(tokenizer), spare), path)


def check_shape(recipe: TrainRecipe, model: Flamingo) -> None:
    """Raises RecipeError where OpenFlamingo's code could not hold the model."""
    xattn, resampler = recipe.cross_attention, recipe.resampler
    width = resampler.dim if resampler.dim != model.vision.dim else 0
    wanted = replace(CROSS_ATTENTION, every=xattn.every, first=xattn.every - 1)
    held = {
        "resampler": (recipe_tree(replace(resampler, dim=width)), recipe_tree(RESAMPLER)),
        "cross_attention": (recipe_tree(xattn), recipe_tree(wanted)),
    }
    for section, (there, theirs) in held.items():
        for key, value in theirs.items():
            if there[key] != value:
                raise RecipeError(
                    f"--format open-flamingo: [{section}] {key} = {there[key]}, OpenFlamingo's "
                    f"is {value}"
                )
    head = model.language.head
    if getattr(head.frozen, "bias", None) is not None:
        raise RecipeError("--format open-flamingo: the language model's head has a bias")
    if _is_tied(model) and not torch.equal(_embedding(model).rows[:1], head.row):
        raise RecipeError(
            "--format open-flamingo: the language model's head is its embedding, with one row for "
            "<|endofchunk|> there; here it has two, and they differ"
        )


def state_of(
    model: Flamingo, recipe: TrainRecipe, side_first: int, spare: int
) -> dict[str, Tensor]:
    """The tensors of a model by OpenFlamingo's names.

    Args:
        model: of its shape.
        recipe: of the model.
        side_first: the id of `<|endofchunk|>` there: the number of the tokenizer's tokens.
        spare: rows of the tables after the one of `<image>`.

    Raises:
        RecipeError: the tokenizer has tokens that the language model has not.
    """
    language, xattn = model.language, recipe.cross_attention
    names = {id(module): name for name, module in language.lm.named_modules()}
    trained = {name: p.detach().cpu() for name, p in model.trainable().items()}
    numbers = range(xattn.first, len(language.blocks), xattn.every)
    theirs = revert(trained, names[id(language.blocks)], numbers)
    embedding = _embedding(model)
    known = embedding.weight.detach().cpu()
    if len(known) < side_first:
        raise RecipeError(
            f"--format open-flamingo: the tokenizer has {side_first} tokens, the language model "
            f"{len(known)}"
        )
    name = f"lang_encoder.{names[id(embedding)]}.weight"
    theirs[name] = _table(known, embedding.rows, side_first, 2 + spare)
    if not _is_tied(model):
        name = f"lang_encoder.{names[id(language.head)]}.weight"
        known = language.head.weight.detach().cpu()
        theirs[name] = _table(known, language.head.row, side_first, 2 + spare)
    return theirs


def _table(known: Tensor, side: Tensor, side_first: int, more: int) -> Tensor:
    """A frozen table's rows of the tokenizer's tokens, the side rows, and zeros after them."""
    table = known.new_zeros(side_first + more, known.shape[1])
    table[:side_first] = known[:side_first]
    table[side_first : side_first + len(side)] = side.detach().cpu()
    return table


def _embedding(model: Flamingo) -> SideEmbedding:
    embedding: SideEmbedding = model.language.lm.get_input_embeddings()
    return embedding


def _is_tied(model: Flamingo) -> bool:
    config: Any = model.language.lm.config.get_text_config()
    return bool(getattr(config, "tie_word_embeddings", False))
