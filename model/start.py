"""What a run begins with: model, optimiser, readers, and the checkpoint that it goes on from."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.assemble import Run, assemble, open_readers
from model.batches import BatchReader
from model.checkpoint import Resumed, resume_newest
from model.ranks import Ranks, check_alike, checksum
from model.recipe import TrainRecipe
from model.sharding import is_sharded
from model.vision import DEFINITION
from schemas.recipe import digest_of, recipe_tree


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with.

    Attributes:
        run: all that a step needs.
        readers: by corpus.
        about: what a checkpoint says besides its numbers.
        resumed: the checkpoint to go on from, if any.
    """

    run: Run
    readers: Mapping[str, BatchReader]
    about: Mapping[str, Any]
    resumed: Resumed | None


def begin(
    recipe: TrainRecipe,
    data: Mapping[str, str],
    output: Path,
    device: str,
    resume: bool,
    init: Path | None,
    ranks: Ranks,
) -> Start:
    """What this rank begins with; see `model.train.train` for the arguments.

    Raises:
        RecipeError: a model cannot be had or does not go with the recipe.
        CorpusError: shards cannot be read.
        CheckpointError: no checkpoint can be gone on from, or `init` is of another model.
    """
    run, drawing = assemble(recipe, output, device, init, ranks)
    readers = open_readers(recipe, data, drawing)
    about = _about(run, data, {name: reader.order.samples for name, reader in readers.items()})
    return Start(run, readers, about, _resume(run, about) if resume else None)


def check_start(start: Start) -> None:
    """Holds the ranks against one another.

    Raises:
        RanksError: one has another recipe, other shards, weights or another checkpoint.
    """
    counts = {name: reader.order.counts for name, reader in start.readers.items()}
    facts = {
        "recipe": digest_of(start.about["recipe"]),
        "shards": counts,
        "checkpoint to go on from": start.resumed.progress.step if start.resumed else None,
    }
    if not is_sharded(start.run.model):  # or there is but one of them
        facts["weights"] = checksum(list(start.run.model.trainable().values()))
    check_alike(start.run.ranks, facts)


def _about(run: Run, data: Mapping[str, str], samples: Mapping[str, int]) -> dict[str, Any]:
    """What a checkpoint says besides its numbers."""
    return {
        "recipe": recipe_tree(run.recipe),
        "vision_features": DEFINITION,
        "vision_dim": run.model.vision.dim,
        "language_model": type(run.model.language.lm).__name__,
        "data": {name: {"shards": data[name], "samples": samples[name]} for name in data},
    }


def _resume(run: Run, about: Mapping[str, Any]) -> Resumed | None:
    """Loads the newest whole checkpoint, and tells of those that are passed over."""
    resumed = resume_newest(run.checkpoints, run.model.trainable(), run.optimizer, about)
    if resumed and run.ranks.rank == 0:
        for fault in resumed.passed_over:
            sys.stderr.write(f"passed over {fault}\n")
        sys.stderr.write(f"resumed from {resumed.path}\n")
    return resumed
