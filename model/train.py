"""Train a Flamingo on the shards of a build.

    python -m model.train --recipe tiny --data m3w='OUT/m3w/*.tar' --data align='OUT/align/*.tar' \
        --output RUN

Writes RUN/log.jsonl, one object a step, and RUN/checkpoints/step-NNNNNNNN/. Progress goes to
stderr, one line with the result to stdout. Exit status: 0 done, 1 the data or a checkpoint cannot
be used, 2 wrong usage.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.recipe import CORPORA, TrainRecipe, read_train_recipe
from schemas.recipe import RecipeError, recipe_tree

if TYPE_CHECKING:
    import torch

    from model.batches import Batch, Drawing
    from model.checkpoint import Progress
    from model.flamingo import Flamingo
    from model.mixture import Draw, Mixture

PACKING_TOLERANCE = 1e-2
"""Relative error of packed logits above which a language model may not be packed (bf16's size)."""

MIN_READ = 100
"""Samples read before the share of unusable ones can stop a run."""

PROGRESS_S = 2.0
"""Seconds between progress lines."""


@dataclass(frozen=True, slots=True)
class Run:
    """All that a step needs.

    Attributes:
        recipe: of the run.
        model: on its device.
        optimizer: over its trained parameters.
        device: cpu or cuda.
        output: folder of the run.
    """

    recipe: TrainRecipe
    model: "Flamingo"
    optimizer: "torch.optim.AdamW"
    device: "torch.device"
    output: Path

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.output / "checkpoints"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one update did.

    Attributes:
        losses: mean negative log-likelihood of a label, by corpus.
        grad_norm: before clipping.
        rate: learning rate of the update.
        updated: whether the update was made: gradients that are not finite make none.
    """

    losses: Mapping[str, float]
    grad_norm: float
    rate: float
    updated: bool


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of `python -m model.train`."""
    options = _parser().parse_args(argv)
    from model.checkpoint import CheckpointError
    from model.reader import CorpusError

    try:
        recipe = _recipe(options)
        data = _data(options.data)
        _check_output(options)
        summary = train(recipe, data, options.output, device=options.device, resume=options.resume)
    except RecipeError as error:
        sys.stderr.write(f"model.train: {error}\n")
        return 2
    except (CorpusError, CheckpointError) as error:
        sys.stderr.write(f"model.train: {error}\n")
        return 1
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.train",
        description="Train a Flamingo on WebDataset shards.",
        epilog="example: python -m model.train --recipe tiny --data m3w='OUT/m3w/*.tar' "
        "--data align='OUT/align/*.tar' --output RUN",
        allow_abbrev=False,
    )
    parser.add_argument("--recipe", required=True, help="a recipe's name (tiny) or FILE.toml")
    parser.add_argument(
        "--data",
        required=True,
        action="append",
        metavar="CORPUS=GLOB",
        help=f"shards of a corpus ({', '.join(CORPORA)}); once for each",
    )
    parser.add_argument("--output", required=True, type=Path, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    parser.add_argument("--steps", type=int, help="updates, instead of the recipe's run.steps")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe"
    )
    return parser


def _recipe(options: argparse.Namespace) -> TrainRecipe:
    steps = [] if options.steps is None else [f"run.steps={options.steps}"]
    return read_train_recipe(options.recipe, [*options.set, *steps])


def _data(named: Sequence[str]) -> dict[str, str]:
    """The shards' globs by corpus, in the paper's order of corpora."""
    data: dict[str, str] = {}
    for item in named:
        name, sign, pattern = item.partition("=")
        if not sign or not pattern or name not in CORPORA or name in data:
            raise RecipeError(f"--data {item}: expected one of {', '.join(CORPORA)} once, =GLOB")
        data[name] = pattern
    return {name: data[name] for name in CORPORA if name in data}


def _check_output(options: argparse.Namespace) -> None:
    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise RecipeError("--device cuda: torch finds no CUDA device here")
    if not options.resume and (options.output / "log.jsonl").exists():
        raise RecipeError(f"--output {options.output} holds a run: give --resume or another folder")


def train(
    recipe: TrainRecipe,
    data: Mapping[str, str],
    output: Path,
    *,
    device: str = "cpu",
    resume: bool = False,
) -> dict[str, Any]:
    """What a run came to: steps, first and last losses, its newest checkpoint.

    Args:
        recipe: what to train and how long.
        data: globs of shards by corpus.
        output: folder for the log and the checkpoints.
        device: cpu or cuda.
        resume: go on from the newest checkpoint, where there is one.

    Raises:
        RecipeError: a model cannot be had, or does not go with the recipe.
        CorpusError: shards cannot be read, or too many samples are unusable.
        CheckpointError: the checkpoint is damaged, or of another run.
    """
    from model.mixture import Mixture

    run, drawing = assemble(recipe, output, device)
    readers = open_readers(recipe, data, drawing)
    about = _about(run, data, {name: reader.order.samples for name, reader in readers.items()})
    progress = _begin(run, about, resume=resume)
    mixture = Mixture(readers, recipe.run.schedule, progress.mixture if progress else None)
    try:
        return _steps(run, mixture, progress, about)
    finally:
        mixture.close()


def assemble(recipe: TrainRecipe, output: Path, device: str) -> "tuple[Run, Drawing]":
    """The model on its device with its optimiser, and how samples are made for it.

    On a GPU the frozen parts are kept in bf16, as the paper keeps them; the trained ones are
    float32 everywhere.
    """
    import torch

    from model.batches import Drawing
    from model.flamingo import Flamingo
    from model.language import encoder_of, load_language
    from model.optim import make_optimizer
    from model.pixels import Canvas
    from model.vision import load_vision

    torch.manual_seed(recipe.seed)
    vision = load_vision(recipe.vision)
    language, tokenizer, words = load_language(recipe.language.model)
    model = Flamingo(vision, language, recipe)
    if device == "cuda":
        model.freeze_in(torch.bfloat16)
    model = model.to(device).train()
    _check_language(model, recipe)
    optimizer = make_optimizer(model.trainable(), recipe.optim)
    canvas = Canvas(vision.side_px, vision.mean_rgb)
    drawing = Drawing(
        recipe.window, recipe.pixels, canvas, encoder_of(tokenizer), words, recipe.seed
    )
    return Run(recipe, model, optimizer, torch.device(device), output), drawing


def _check_language(model: "Flamingo", recipe: TrainRecipe) -> None:
    """Raises RecipeError where the language model cannot do what the recipe asks."""
    from model.language import packing_error

    name = type(model.language.lm).__name__
    longest = getattr(model.language.lm.config.get_text_config(), "max_position_embeddings", None)
    if longest is not None and longest < recipe.window.tokens:
        raise RecipeError(f"[window] tokens = {recipe.window.tokens}: {name} takes {longest}")
    if recipe.window.packed and (error := packing_error(model.language)) > PACKING_TOLERANCE:
        raise RecipeError(
            f"[window] packed = true: {name} lets packed documents see one another "
            f"(relative error {error:.2g}); set window.packed=false"
        )


def open_readers(
    recipe: TrainRecipe, data: Mapping[str, str], drawing: "Drawing"
) -> "dict[str, Any]":
    """A reader for each corpus.

    Raises:
        CorpusError: the shards of one cannot be read.
    """
    from model.batches import BatchReader

    rows = recipe.run.rows_per_pass
    return {
        name: BatchReader(name, pattern, getattr(recipe.corpora, name), drawing, rows)
        for name, pattern in data.items()
    }


def _about(run: Run, data: Mapping[str, str], samples: Mapping[str, int]) -> dict[str, Any]:
    """What a checkpoint says besides its numbers."""
    from model.vision import DEFINITION

    return {
        "recipe": recipe_tree(run.recipe),
        "vision_features": DEFINITION,
        "vision_dim": run.model.vision.dim,
        "language_model": type(run.model.language.lm).__name__,
        "data": {name: {"shards": data[name], "samples": samples[name]} for name in data},
    }


def _begin(run: Run, about: Mapping[str, Any], *, resume: bool) -> "Progress | None":
    """Loads the newest checkpoint where one is asked for, and cuts the log back to it."""
    from model.checkpoint import check_same_run, load_checkpoint, newest_checkpoint

    run.output.mkdir(parents=True, exist_ok=True)
    newest = newest_checkpoint(run.checkpoints) if resume else None
    if newest is None:
        (run.output / "log.jsonl").write_text("", encoding="utf-8")
        return None
    check_same_run(newest, about)
    progress = load_checkpoint(newest, run.model.trainable(), run.optimizer)
    _cut_log(run.output / "log.jsonl", progress.step)
    sys.stderr.write(f"resumed from {newest}\n")
    return progress


def _cut_log(log: Path, step: int) -> None:
    """Takes the lines of steps after `step` out of a log: they will be made again."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
    part = log.with_suffix(".part")
    part.write_text("".join(kept), encoding="utf-8")
    part.replace(log)


def _steps(
    run: Run, mixture: "Mixture", progress: "Progress | None", about: Mapping[str, Any]
) -> dict[str, Any]:
    """Trains to the last step; the summary."""
    from model.checkpoint import Progress, newest_checkpoint, save_checkpoint

    limits = run.recipe.run
    progress = progress or Progress(0, mixture.begin, {}, 0)
    totals: list[float] = []
    first_step, started, told = progress.step, time.monotonic(), 0.0
    with (run.output / "log.jsonl").open("a", encoding="utf-8") as log:
        while progress.step < limits.steps:
            begun = time.monotonic()
            draw = mixture.draw()
            waited = time.monotonic() - begun
            outcome = train_step(run, draw, progress.step + 1)
            progress = _advance(progress, draw, limits.max_bad_share)
            line = _log_line(run, progress, draw, outcome, time.monotonic() - begun, waited)
            log.write(json.dumps(line) + "\n")
            log.flush()
            totals.append(line["loss"])
            if time.monotonic() - told > PROGRESS_S or progress.step == limits.steps:
                told = time.monotonic()
                pace = (told - started) / (progress.step - first_step)
                _tell(line, limits.steps, pace)
            if progress.step % limits.checkpoint_every == 0 or progress.step == limits.steps:
                trained = run.model.trainable()
                save_checkpoint(
                    run.checkpoints, trained, run.optimizer, progress, about, limits.keep
                )
    return {
        "steps": progress.step,
        "loss_first": _mean(totals[:10]),
        "loss_last": _mean(totals[-10:]),
        "samples": progress.samples,
        "skipped": progress.skipped,
        "seconds": round(time.monotonic() - started, 2),
        "checkpoint": str(newest_checkpoint(run.checkpoints)),
    }


def train_step(run: Run, draw: "Draw", step: int) -> Outcome:
    """One update from the gradients of all batches of a draw: L = sum of w_c * mean NLL_c."""
    import torch

    from model.optim import learning_rate

    run.optimizer.zero_grad(set_to_none=True)
    losses = {batch.corpus: backward(run, batch) for batch in draw.batches}
    parameters = [p for group in run.optimizer.param_groups for p in group["params"]]
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, run.recipe.optim.clip_norm))
    rate = learning_rate(step, run.recipe.optim)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    finite = norm - norm == 0
    if finite:
        run.optimizer.step()
    return Outcome(losses, norm, rate, finite)


def backward(run: Run, batch: "Batch") -> float:
    """The batch's mean loss over labels; its gradients, times the corpus's weight, are added."""
    import torch

    from model.flamingo import inputs_of

    weight: float = getattr(run.recipe.corpora, batch.corpus).weight
    total = torch.zeros((), device=run.device)
    for rows in batch.passes:
        with _precision(run.device):
            loss = run.model(inputs_of(rows, run.device)) / batch.labels
        (weight * loss).backward()
        total += loss.detach()
    return float(total)


@contextmanager
def _precision(device: "torch.device") -> Iterator[None]:
    """bf16 activations on a GPU (the paper's B.1.2), float32 on a CPU."""
    import torch

    with torch.autocast("cuda", dtype=torch.bfloat16, enabled=device.type == "cuda"):
        yield


def _advance(progress: "Progress", draw: "Draw", max_bad_share: float) -> "Progress":
    """The progress after a draw.

    Raises:
        CorpusError: too many samples of a corpus were unusable.
    """
    from model.reader import CorpusError

    skipped = {name: dict(reasons) for name, reasons in progress.skipped.items()}
    samples = progress.samples
    for batch in draw.batches:
        samples += batch.samples
        reasons = skipped.setdefault(batch.corpus, {}) if batch.skipped else {}
        for reason, count in batch.skipped.items():
            reasons[str(reason)] = reasons.get(str(reason), 0) + count
    bad = sum(sum(reasons.values()) for reasons in skipped.values())
    if bad + samples >= MIN_READ and bad > max_bad_share * (bad + samples):
        raise CorpusError(
            f"{bad} of {bad + samples} samples cannot be used, more than run.max_bad_share = "
            f"{max_bad_share}: {skipped}"
        )
    return replace(
        progress, step=progress.step + 1, mixture=draw.after, skipped=skipped, samples=samples
    )


def _log_line(
    run: Run, progress: "Progress", draw: "Draw", outcome: Outcome, seconds: float, waited: float
) -> dict[str, Any]:
    """One line of the log; `loss` is the weighted sum that is minimised."""
    passes = [rows for batch in draw.batches for rows in batch.passes]
    tokens = sum(rows.tokens for rows in passes)
    places = sum(rows.tokens_BL.size for rows in passes)
    images = sum(len(rows.frames_I) for rows in passes)
    weights = {name: getattr(run.recipe.corpora, name).weight for name in outcome.losses}
    return {
        "step": progress.step,
        "loss": sum(weights[name] * loss for name, loss in outcome.losses.items()),
        "losses": outcome.losses,
        "tokens": tokens,
        "images": images,
        "frames": sum(len(rows.pixels_FHWC) for rows in passes),
        "samples": {batch.corpus: batch.samples for batch in draw.batches},
        "skipped": progress.skipped,
        "padding": round(1 - tokens / places, 4),
        "learning_rate": outcome.rate,
        "grad_norm": outcome.grad_norm,
        "updated": outcome.updated,
        "seconds": round(seconds, 4),
        "wait_seconds": round(waited, 4),
        "tokens_per_s": round(tokens / seconds, 1),
        "images_per_s": round(images / seconds, 1),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _tell(line: Mapping[str, Any], steps: int, pace_s: float) -> None:
    """One line of progress."""
    parts = " ".join(f"{name} {loss:.3f}" for name, loss in line["losses"].items())
    left = round(pace_s * (steps - line["step"]))
    sys.stderr.write(
        f"step {line['step']}/{steps}  loss {line['loss']:.3f} ({parts})  "
        f"{line['tokens_per_s']:.0f} tokens/s  {left} s left\n"
    )
    sys.stderr.flush()


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


if __name__ == "__main__":
    sys.exit(main())
