"""From a recipe to a model on its device, with its optimiser and its readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from model.batches import BatchReader, Drawing
from model.blocks import compile_blocks, recompute_blocks
from model.flamingo import Flamingo, inputs_of
from model.flops import Costs, costs_of
from model.initial import load_initial
from model.language import FrozenLanguage, decoder_of, encoder_of, load_language, longest_of
from model.optim import make_optimizer
from model.packing import Rows
from model.ranks import LONE, Ranks
from model.recipe import RunRecipe, TrainRecipe
from model.self_test import check_language
from model.sharding import shard_model
from model.vision import load_vision
from model.windows import Decode, Vocabulary
from schemas.recipe import RecipeError


@dataclass(frozen=True, slots=True)
class Run:
    """All that a step needs.

    Attributes:
        recipe: of the run.
        model: on its device.
        optimizer: over its trained parameters.
        device: cpu or cuda.
        output: folder of the run.
        costs: the work that its passes are made of.
        words: the ids that are not text.
        decode: ids to text.
        ranks: that train it together.
    """

    recipe: TrainRecipe
    model: Flamingo
    optimizer: torch.optim.AdamW
    device: torch.device
    output: Path
    costs: Costs
    words: Vocabulary
    decode: Decode
    ranks: Ranks = LONE

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.output / "checkpoints"

    def loss(self, rows: Rows) -> Tensor:
        """The sum of the negative log-likelihoods of rows."""
        limits = self.recipe.run
        inputs = inputs_of(rows, self.device, limits.attention, masked=limits.compile)
        return self.model(inputs)  # type: ignore[no-any-return]


def assemble(
    recipe: TrainRecipe,
    output: Path,
    device: str,
    init: Path | None = None,
    ranks: Ranks = LONE,
) -> tuple[Run, Drawing]:
    """The model on its device with its optimiser, and how samples are made for it.

    On a GPU the frozen parts are kept in bf16, as the paper keeps them; the trained ones are
    float32 everywhere.

    Args:
        recipe: what to train.
        output: folder of the run.
        device: cpu or cuda.
        init: trained weights to begin from, see `load_initial`.
        ranks: that train together.

    Raises:
        RecipeError: a model cannot be had, or cannot do what the recipe asks.
        CheckpointError: the weights to begin from are not of this model.
    """
    torch.manual_seed(recipe.seed)
    vision = load_vision(recipe.vision)
    language, tokenizer, words = load_language(recipe.language.model)
    _check_length(language, recipe.window.tokens)
    model = Flamingo(vision, language, recipe)
    if init is not None:
        load_initial(model, init, len(tokenizer))
    if device == "cuda":
        model.freeze_in(torch.bfloat16)
    model = model.to(device).train()
    if recipe.run.self_test:
        check_language(model, recipe)
    costs = costs_of(model)
    _economise(model, recipe.run, ranks, device)
    optimizer = make_optimizer(model.trainable(), recipe.optim)
    drawing = Drawing(
        recipe.window,
        recipe.pixels,
        vision.canvas(recipe.pixels),
        encoder_of(tokenizer),
        words,
        recipe.seed,
    )
    run = Run(
        recipe,
        model,
        optimizer,
        torch.device(device),
        output,
        costs,
        words,
        decoder_of(tokenizer),
        ranks,
    )
    return run, drawing


def _check_length(language: FrozenLanguage, tokens: int) -> None:
    """Raises RecipeError where a language model takes fewer tokens than a window has."""
    longest = longest_of(language.lm)
    if longest is not None and longest < tokens:
        name = type(language.lm).__name__
        raise RecipeError(f"[window] tokens = {tokens}: {name} takes {longest}")


def _economise(model: Flamingo, limits: RunRecipe, ranks: Ranks, device: str) -> None:
    """Has a model's blocks run as the recipe wants them; its logits are asked about before."""
    model.language.leaves_logits()
    if limits.compile:
        compile_blocks(model)
    if limits.recompute:
        recompute_blocks(model)
    if limits.shard and ranks.size > 1:
        shard_model(model, ranks.mesh(device))


def open_readers(
    recipe: TrainRecipe, data: Mapping[str, str], drawing: Drawing
) -> dict[str, BatchReader]:
    """A reader for each corpus.

    Raises:
        CorpusError: the shards of one cannot be read.
    """
    rows, fixed = recipe.run.rows_per_pass, recipe.run.compile
    return {
        name: BatchReader(name, pattern, getattr(recipe.corpora, name), drawing, rows, fixed)
        for name, pattern in data.items()
    }
