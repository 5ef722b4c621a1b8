"""Our trainer, one way, in a process of its own: run by gpu.py with a Task's JSON and a result's name."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from gpu_timing import largest_batch, timed
from vs_open_flamingo import M3W_TOKENS, PAIR_TOKENS, SLOTS, Shape, our_model, padded, recipe_of

from model.assemble import Run
from model.batches import Batch, BatchReader, Drawing
from model.blocks import compile_blocks, recompute_blocks
from model.flops import costs_of, flops_of
from model.language import decoder_of, encoder_of, load_language
from model.mixture import Draw, Mixture, MixtureState
from model.optim import make_optimizer
from model.packing import Example
from model.reader import Position
from model.recipe import CorporaRecipe, CorpusRecipe, TrainRecipe
from model.step import train_step
from model.windows import NO_LABEL, Vocabulary

DRAWS = 2
"""Different steps' documents, taken in turns."""

MOST = 4096
"""Documents of the largest batch that is tried."""


@dataclass(frozen=True)
class Task:
    """What to measure.

    Attributes:
        told: a Shape, as the peer's script takes it.
        name: of the shape.
        data: globs of shards by corpus.
        device: cuda or cpu.
        warm: steps that are not timed.
        steps: steps that are.
        samples: documents of a step, of pairs twice as many.
        run: what of the recipe's [run] is another; `loader` for the loader alone.
    """

    told: dict[str, Any]
    name: str
    data: dict[str, str]
    device: str
    warm: int
    steps: int
    samples: int
    run: dict[str, Any]

    @property
    def shape(self) -> Shape:
        """The shape."""
        return Shape(self.name, self.told["language"], self.told["vision"], self.told["every"])


def recipe_for(task: Task, samples: int) -> TrainRecipe:
    """The recipe of a step of so many documents, which goes through the model at once."""
    recipe = recipe_of(task.shape)
    corpora = CorporaRecipe(
        m3w=CorpusRecipe(samples, 1.0, M3W_TOKENS),
        align=CorpusRecipe(2 * samples, 0.2, PAIR_TOKENS),
    )
    changes = {key: value for key, value in task.run.items() if key != "loader"}
    rows = samples if changes.get("compile") else 0  # more never come of them
    run = replace(recipe.run, rows_per_pass=rows, self_test=False, **changes)
    return replace(recipe, corpora=corpora, run=run)


def readers_for(task: Task, samples: int) -> dict[str, BatchReader]:
    """A reader of each corpus; its words are the small tokenizer's, which all shapes have."""
    _, tokenizer, words = load_language("embedded")
    recipe = recipe_for(task, samples)
    shape = task.shape
    canvas = our_canvas()
    words = Vocabulary(shape.eoc, shape.eoc + 1, words.bos, words.eos)
    encode = encoder_of(tokenizer)

    def known(text: str) -> list[int]:
        return [token % shape.eoc for token in encode(text)]

    drawing = Drawing(recipe.window, recipe.pixels, canvas, known, words, 0)
    limits = recipe.run
    return {
        name: BatchReader(name, pattern, getattr(recipe.corpora, name), drawing,
                          limits.rows_per_pass, limits.compile)
        for name, pattern in task.data.items()
    }  # fmt: skip


def our_canvas() -> Any:
    """What images are put on for a tower of 224 px, as CLIP's are."""
    from model.pixels import Canvas

    return Canvas(224, (0.4815, 0.4578, 0.4082), crops=True)


def documents_of(task: Task, samples: int) -> list[dict[str, list[Example]]]:
    """The documents of each of some steps, by corpus."""
    draws: list[dict[str, list[Example]]] = [{} for _ in range(DRAWS)]
    for name, reader in readers_for(task, samples).items():
        position = Position()
        for draw in draws:
            draw[name] = []
            while len(draw[name]) < reader.recipe.batch:
                place = (position.epoch, *reader.order.at(position))
                draw[name] += [e for e in reader.examples([place]) if isinstance(e, Example)]
                position = reader.order.after(position)
        reader.close()
    return draws


def draw_of(documents: dict[str, list[Example]], readers: dict[str, BatchReader]) -> Draw:
    """Documents as a step takes them."""
    batches = []
    for name, examples in documents.items():
        rows = readers[name].packed(examples)
        labels = sum(piece.labels for piece in rows)
        batches.append(Batch(name, rows, len(examples), labels, {}, Position()))
    return Draw(tuple(batches), MixtureState(0, {}))


def model_for(task: Task, samples: int) -> Run:
    """The model with made weights, its gates open."""
    torch.manual_seed(0)
    recipe, device = recipe_for(task, samples), torch.device(task.device)
    with device:
        model = our_model(task.shape)
    if device.type == "cuda":
        model.freeze_in(torch.bfloat16)
    model = model.to(device).train()
    costs = costs_of(model)
    with torch.no_grad():
        for name, parameter in model.trainable().items():
            if name.endswith("_gate"):
                parameter.fill_(0.5)
    model.language.leaves_logits()
    if recipe.run.compile:
        compile_blocks(model)
    if recipe.run.recompute:
        recompute_blocks(model)
    _, tokenizer, words = load_language("embedded")
    optimizer = make_optimizer(model.trainable(), recipe.optim)
    return Run(recipe, model, optimizer, device, Path(), costs, words, decoder_of(tokenizer))


def measure(task: Task) -> dict[str, Any]:
    """The figures of a way."""
    if task.run.get("loader"):
        return loader_alone(task)
    samples = task.samples
    run = model_for(task, samples)
    readers = readers_for(task, samples)
    draws = [draw_of(documents, readers) for documents in documents_of(task, samples)]

    def step(number: int) -> None:
        train_step(run, draws[number % DRAWS], number + 1)

    seconds, peak = timed(step, task.warm, task.steps, run.device)
    passes = [rows for draw in draws for batch in draw.batches for rows in batch.passes]
    per_s = task.steps / seconds / DRAWS
    figures = {
        "batch": samples,
        "tokens_per_s": per_s * sum(rows.tokens for rows in passes),
        "images_per_s": per_s * sum(len(rows.frames_I) for rows in passes),
        "flops_per_s": per_s * sum(flops_of(run.costs, rows) for rows in passes),
        "peak_bytes": peak,
        "stall": stall(task, run, readers),
    }
    return {**figures, "largest_batch": largest(task, run)}


def stall(task: Task, run: Run, readers: dict[str, BatchReader]) -> float:
    """The share of the time that training waits for documents from the shards; ends the readers."""
    mixture = Mixture(readers, "accumulate")
    waited = 0.0
    try:
        train_step(run, mixture.draw(), 1)
        begun = time.perf_counter()
        for number in range(task.steps):
            asked = time.perf_counter()
            draw = mixture.draw()
            waited += time.perf_counter() - asked
            train_step(run, draw, number + 1)
        return waited / (time.perf_counter() - begun)
    finally:
        mixture.close()


def largest(task: Task, run: Run) -> int:
    """The largest batch, doubled from the given one, that goes through at once; 0 on a CPU."""
    if run.device.type != "cuda":
        return 0
    documents = documents_of(task, task.samples)[0]

    def fits(samples: int) -> None:
        readers = readers_for(task, samples)
        times = samples // task.samples
        more = {name: examples * times for name, examples in documents.items()}
        try:
            train_step(run, draw_of(more, readers), 1)
        finally:
            for reader in readers.values():
                reader.close()

    return largest_batch(fits, task.samples, MOST)


def loader_alone(task: Task) -> dict[str, Any]:
    """Documents and images a second without a model."""
    mixture = Mixture(readers_for(task, task.samples), "accumulate")
    documents = images = 0
    try:
        mixture.draw()
        begun = time.perf_counter()
        for _ in range(task.steps):
            for batch in mixture.draw().batches:
                documents += batch.samples
                images += sum(len(rows.frames_I) for rows in batch.passes)
        seconds = time.perf_counter() - begun
    finally:
        mixture.close()
    return {"samples_per_s": documents / seconds, "images_per_s": images / seconds}


def given_to_peer(task: Task, target: Path) -> dict[str, float]:
    """Writes a step's documents as open_flamingo takes them; real tokens, images, FLOPs of one.

    Rows of 256 tokens and six images, pairs of 32 tokens and one, as its trainer pads them.
    """
    with torch.device("meta"):
        model = our_model(task.shape)
    draws, parts = documents_of(task, task.samples), []
    readers = readers_for(task, task.samples)
    real = {"tokens_per_s": 0.0, "images_per_s": 0.0, "flops_per_s": 0.0}
    costs = costs_of(model)
    for documents in draws:
        for batch in draw_of(documents, readers).batches:
            for rows in batch.passes:
                real["tokens_per_s"] += rows.tokens / DRAWS
                real["images_per_s"] += len(rows.frames_I) / DRAWS
                real["flops_per_s"] += flops_of(costs, rows) / DRAWS
        parts.append({name: peer_part(task, name, each) for name, each in documents.items()})
    for reader in readers.values():
        reader.close()
    keys = ("device", "warm", "steps", "samples")
    about = {key: getattr(task, key) for key in keys}
    torch.save({"shape": task.told, "draws": parts, "most": MOST, **about}, target)
    return real


def peer_part(task: Task, name: str, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    """One corpus's documents of a step, padded; what is trained on as its trainer chooses it."""
    tokens, slots = (M3W_TOKENS, SLOTS) if name == "m3w" else (PAIR_TOKENS, 1)
    batch = padded(examples, (0.4815, 0.4578, 0.4082), (0.2686, 0.2613, 0.2758), tokens, slots)
    labels = batch["lang_x"].masked_fill(batch["attention_mask"] == 0, NO_LABEL)
    batch["labels"] = labels.masked_fill(labels == task.told["image"], NO_LABEL)
    del batch["targets"]
    return batch


if __name__ == "__main__":
    asked = Task(**json.loads(Path(sys.argv[1]).read_text()))
    Path(sys.argv[2]).write_text(json.dumps(measure(asked)))
