"""Train a Flamingo on the shards of a build.

    python -m model.train --recipe tiny --data m3w='OUT/m3w/*.tar' --data align='OUT/align/*.tar' \
        --output RUN

Under torchrun (`torchrun --nproc_per_node 2 -m model.train ...`) its processes train one model on
the same batches as one process would. Writes RUN/log.jsonl, one object a step, RUN/samples.jsonl,
RUN/checkpoints/step-NNNNNNNN/, RUN/tensorboard where TensorBoard is installed, and at the end
RUN/report.html; nothing before the first step can be taken. Progress goes to stderr, one line with
the result to stdout. Exit status: 0 done, 1 the data or a checkpoint cannot be used or a process of
the group is gone, 2 wrong usage.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from model.ranks import (
    LONE,
    LostRank,
    Ranks,
    RanksError,
    check_alike,
    checksum,
    start_ranks,
    together,
)
from model.recipe import CORPORA, TrainRecipe, read_train_recipe
from schemas.recipe import RecipeError

if TYPE_CHECKING:
    from model.checkpoint import Progress
    from model.mixture import Mixture
    from model.record import Record
    from model.start import Start
    from model.watch import Seen

PROGRESS_S = 2.0
"""Seconds between progress lines."""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of `python -m model.train`."""
    options = _parser().parse_args(argv)
    # Before torch is loaded: threads that wait by spinning made a step of the demo ten times as
    # long (25 s against 2.6 s, measured on two cores that others used as well).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    ranks = LONE
    try:
        recipe, data = _recipe(options), _data(options.data)
        _check_device(options.device)
        ranks = start_ranks(options.device, recipe.run.rank_timeout_s)
        with closing(ranks):
            return _run(options, recipe, data, ranks)
    except RecipeError as error:
        return _failed(error, 2)
    except LostRank as error:
        return _failed(error, 1)  # each rank has its own view of it
    except KeyboardInterrupt:
        stopped = "stopped; --resume goes on from the newest checkpoint"
        return 1 if ranks.rank else _failed(stopped, 1)


def _run(
    options: argparse.Namespace, recipe: TrainRecipe, data: Mapping[str, str], ranks: Ranks
) -> int:
    """The exit status of a run; rank 0 tells what came of it, which all ranks know.

    Raises:
        LostRank: a rank is gone.
    """
    from model.checkpoint import CheckpointError
    from model.reader import CorpusError

    quiet = ranks.rank > 0
    try:
        together(ranks, partial(_check_output, options), RecipeError)
        summary = train(
            recipe,
            data,
            options.output,
            device=options.device,
            resume=options.resume,
            init=options.init,
            ranks=ranks,
        )
    except LostRank:
        raise
    except RecipeError as error:
        status = 2 if quiet else _failed(error, 2)
    except (CorpusError, CheckpointError, RanksError) as error:
        status = 1 if quiet else _failed(error, 1)
    else:
        status = 0
        sys.stdout.write("" if quiet else json.dumps(summary) + "\n")
    ranks.barrier()  # torchrun ends all when one has failed, and rank 0 might not yet have told why
    return status


def _failed(why: object, status: int) -> int:
    """The exit status; says why."""
    sys.stderr.write(f"model.train: {why}\n")
    return status


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
    parser.add_argument(
        "--resume", action="store_true", help="go on from the newest whole checkpoint"
    )
    parser.add_argument(
        "--init",
        type=Path,
        metavar="PATH",
        help="begin from trained weights: a checkpoint, or OpenFlamingo's .pt",
    )
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


def _check_device(device: str) -> None:
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise RecipeError("--device cuda: torch finds no CUDA device here")


def _check_output(options: argparse.Namespace) -> None:
    output: Path = options.output
    try:
        existing = next(path for path in (output, *output.parents) if path.exists())
        if not existing.is_dir():
            raise RecipeError(f"--output {output}: {existing} is not a folder")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise RecipeError(f"--output {output}: {existing} cannot be written to")
        if not options.resume and _holds_run(output):
            raise RecipeError(f"--output {output} holds a run: give --resume or another folder")
    except OSError as error:
        raise RecipeError(f"--output {output}: {error.strerror}") from error


def _holds_run(output: Path) -> bool:
    """Whether a step was ever logged or kept there; an empty log is no run."""
    from model.checkpoint import checkpoints_of
    from model.run_log import LOG

    log = output / LOG
    logged = log.exists() and log.stat().st_size > 0
    return logged or bool(checkpoints_of(output / "checkpoints"))


def train(
    recipe: TrainRecipe,
    data: Mapping[str, str],
    output: Path,
    *,
    device: str = "cpu",
    resume: bool = False,
    init: Path | None = None,
    ranks: Ranks = LONE,
) -> dict[str, Any]:
    """What a run came to: steps, first and last losses, its newest checkpoint; on all ranks.

    Args:
        recipe: what to train and how long.
        data: globs of shards by corpus.
        output: folder for the log and the checkpoints; rank 0 writes to it, all read it.
        device: cpu or cuda.
        resume: go on from the newest whole checkpoint, where there is one.
        init: trained weights to begin from, where no checkpoint is resumed.
        ranks: that train together.

    Raises:
        RecipeError: a model cannot be had or does not go with the recipe, or the output cannot be
            written.
        CorpusError: shards cannot be read, or too many samples are unusable.
        CheckpointError: all checkpoints are damaged, the newest whole one is of another run, or one
            cannot be written.
        RanksError: a rank is gone, or has other shards or weights than the others.
    """
    from model.checkpoint import CheckpointError
    from model.mixture import Mixture
    from model.reader import CorpusError
    from model.start import begin, check_start

    if recipe.run.shard:
        ranks.mesh(device)  # all ranks make it, and none may have failed by then
    beginning = partial(begin, recipe, data, output, device, resume, init, ranks)
    start = together(ranks, beginning, RecipeError, CorpusError, CheckpointError)
    check_start(start)
    state = start.resumed.progress.mixture if start.resumed else None
    mixture = Mixture(start.readers, recipe.run.schedule, state, ranks)
    try:
        mixture.check()
        record = together(ranks, partial(_open_record, start), RecipeError)
        try:
            return _steps(start, mixture, record)
        finally:
            if record:
                record.close()
    finally:
        mixture.close()


def _open_record(start: "Start") -> "Record | None":
    """The run's log and samples, the first things to be written.

    Rank 0 has it; the others have none.
    """
    from model.record import Record

    if start.run.ranks.rank:
        return None
    output = start.run.output
    try:
        return Record(output, start.resumed.progress.step if start.resumed else 0)
    except OSError as error:
        raise RecipeError(f"--output {output}: {error.strerror}") from error


def _steps(start: "Start", mixture: "Mixture", record: "Record | None") -> dict[str, Any]:
    """Trains to the last step; the summary."""
    from model.checkpoint import CheckpointError, Progress
    from model.step import advance, log_line, train_step
    from model.watch import watch

    run, resumed = start.run, start.resumed
    limits = run.recipe.run
    progress = resumed.progress if resumed else Progress(0, mixture.begin, {}, 0)
    checkpoint = resumed.path if resumed else None
    totals: list[float] = []
    first_step, started, told = progress.step, time.monotonic(), 0.0
    while progress.step < limits.steps:
        begun = time.monotonic()
        draw = mixture.draw()
        waited = time.monotonic() - begun
        seen = watch(run, draw, progress.step + 1)
        outcome = train_step(run, draw, progress.step + 1)
        progress = advance(progress, draw, limits.max_bad_share)
        seconds = time.monotonic() - begun - (seen.seconds if seen else 0.0)
        line = log_line(run, progress, draw, outcome, seconds, waited, seen)
        together(run.ranks, partial(_write, record, line, seen), CheckpointError)
        totals.append(line["loss"])
        last = progress.step == limits.steps
        if record and (time.monotonic() - told > PROGRESS_S or last):
            told = time.monotonic()
            pace = (told - started) / (progress.step - first_step)
            _tell(line, limits.steps, pace)
        if last or progress.step % limits.checkpoint_every == 0:
            checkpoint = _save(start, progress)
    together(run.ranks, partial(_report, record), CheckpointError)
    return {
        "steps": progress.step,
        "loss_first": _mean(totals[:10]),
        "loss_last": _mean(totals[-10:]),
        "samples": progress.samples,
        "skipped": progress.skipped,
        "seconds": round(time.monotonic() - started, 2),
        "checkpoint": str(checkpoint),
    }


def _write(record: "Record | None", line: Mapping[str, Any], seen: "Seen | None") -> None:
    if record:
        record.write(line, seen)


def _report(record: "Record | None") -> None:
    if record:
        record.report()


def _save(start: "Start", progress: "Progress") -> Path:
    """The folder of a new checkpoint, which rank 0 writes.

    Raises:
        CheckpointError: it cannot be written.
        RanksError: the ranks' weights are no longer the same, or a rank is gone.
    """
    from model.checkpoint import CheckpointError, checkpoint_of, save_checkpoint, tensors_of
    from model.sharding import is_sharded

    run = start.run
    trained = run.model.trainable()
    if not is_sharded(run.model):
        check_alike(run.ranks, {"weights": checksum(list(trained.values()))})
    with run.ranks.answered():
        tensors = tensors_of(trained, run.optimizer, kept=run.ranks.rank == 0)

    def save() -> None:
        if tensors:
            keep = run.recipe.run.keep
            save_checkpoint(run.checkpoints, tensors, progress, start.about, keep)

    together(run.ranks, save, CheckpointError)
    return checkpoint_of(run.checkpoints, progress.step)


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


def _exit(status: int) -> NoReturn:
    """Ends the process; one of several at once, without the interpreter's own end.

    All files are closed by then, and a thread of torch's that outlives its group has aborted
    processes that were done ("terminate called without an active exception", torch 2.15, gloo).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if "RANK" in os.environ:
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    _exit(main())
