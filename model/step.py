"""One update: losses, gradients, and the line of the log that tells of it."""

import math
import resource
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from model.assemble import Run
from model.batches import Batch
from model.checkpoint import Progress
from model.flamingo import inputs_of
from model.mixture import Draw
from model.optim import learning_rate
from model.reader import CorpusError

MIN_READ = 100
"""Samples read before the share of unusable ones can stop a run."""


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


def train_step(run: Run, draw: Draw, step: int) -> Outcome:
    """One update from the gradients of all batches of a draw: L = sum of w_c * mean NLL_c."""
    run.optimizer.zero_grad(set_to_none=True)
    losses = {batch.corpus: backward(run, batch) for batch in draw.batches}
    parameters = [p for group in run.optimizer.param_groups for p in group["params"]]
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, run.recipe.optim.clip_norm))
    rate = learning_rate(step, run.recipe.optim)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    finite = math.isfinite(norm)
    if finite:
        run.optimizer.step()
    return Outcome(losses, norm, rate, finite)


def backward(run: Run, batch: Batch) -> float:
    """The batch's mean loss over labels; its gradients, times the corpus's weight, are added."""
    weight: float = getattr(run.recipe.corpora, batch.corpus).weight
    total = torch.zeros((), device=run.device)
    for rows in batch.passes:
        loss = run.model(inputs_of(rows, run.device)) / batch.labels
        (weight * loss).backward()
        total += loss.detach()
    return float(total)


def advance(progress: Progress, draw: Draw, max_bad_share: float) -> Progress:
    """The progress after a draw.

    Raises:
        CorpusError: too many samples of a corpus were unusable.
    """
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


def log_line(
    run: Run, progress: Progress, draw: Draw, outcome: Outcome, seconds: float, waited: float
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
