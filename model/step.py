"""One update: losses, gradients, and the line of the log that tells of it."""

import math
import resource
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from model.assemble import Run
from model.batches import Batch
from model.checkpoint import Progress
from model.devices import peak_flops_of
from model.flops import flops_of
from model.gauge import Gauge
from model.mixture import Draw
from model.optim import learning_rate
from model.packing import Rows, place
from model.reader import CorpusError
from model.sharding import is_sharded, sum_in_this_pass, whole
from model.watch import Seen

EMPTY_SHAPE = (1, 8)
"""Rows and tokens of a pass of a rank that has no sample in a batch."""

MIN_READ = 100
"""Samples read before the share of unusable ones can stop a run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one update did.

    Attributes:
        losses: mean negative log-likelihood of a label, by corpus: this rank's share of it.
        grad_norm: before clipping.
        rate: learning rate of the update.
        updated: whether the update was made: gradients that are not finite make none.
    """

    losses: Mapping[str, float]
    grad_norm: float
    rate: float
    updated: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What one rank tells the log of a step.

    Attributes:
        losses: its shares, by corpus.
        tokens: that it trained on, padding left out.
        places: the same with padding.
        images: that it saw.
        frames: of them.
        flops: real work of its passes.
        peak_memory_bytes: of its process.
        gpu_peak_memory_bytes: of its tensors on the GPU; None without one.
        gauge: of its share of the draw; None where nobody looked.
    """

    losses: Mapping[str, float]
    tokens: int
    places: int
    images: int
    frames: int
    flops: int
    peak_memory_bytes: int
    gpu_peak_memory_bytes: int | None
    gauge: Gauge | None


def train_step(run: Run, draw: Draw, step: int) -> Outcome:
    """One update from the gradients of all batches of a draw: L = sum of w_c * mean NLL_c.

    Every rank adds the gradients of its share, so that all make the same update, or none: what is
    not finite on one of them is not finite in the sum.
    """
    run.optimizer.zero_grad(set_to_none=True)
    parameters = [p for group in run.optimizer.param_groups for p in group["params"]]
    with run.ranks.answered():
        if is_sharded(run.model):
            losses = _backward_in_step(run, draw.batches)
        else:
            losses = {batch.corpus: backward(run, batch) for batch in draw.batches}
            run.ranks.sum_gradients(parameters)
        norm = clip_grad_norm(parameters, run.recipe.optim.clip_norm)
    rate = learning_rate(step, run.recipe.optim)
    for group in run.optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    finite = not run.ranks.any(not math.isfinite(norm))
    if finite:
        run.optimizer.step()
    told = {name: float(loss) for name, loss in losses.items()}
    return Outcome(told, norm, rate, finite)


def backward(run: Run, batch: Batch) -> Tensor:
    """This rank's share of the batch's mean loss over labels, on its device: nobody waits for it.

    Its gradients, times the corpus's weight, are added to what is there.
    """
    total = torch.zeros((), device=run.device)
    for rows in batch.passes:
        total += _backward_pass(run, batch, rows)
    return total


def _backward_pass(run: Run, batch: Batch, rows: Rows) -> Tensor:
    """A pass's share of the batch's mean loss; adds its gradients."""
    weight: float = getattr(run.recipe.corpora, batch.corpus).weight
    loss = run.loss(rows) / batch.labels
    (weight * loss).backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def _backward_in_step(run: Run, batches: Sequence[Batch]) -> dict[str, Tensor]:
    """As `backward` of each batch, on ranks that share out the model: all make as many passes.

    One that has fewer runs empty rows. Gradients are summed in the last pass of all.
    """
    counts = run.ranks.gather([len(batch.passes) for batch in batches])
    most = [max(of_ranks) for of_ranks in zip(*counts, strict=True)]
    totals = {batch.corpus: torch.zeros((), device=run.device) for batch in batches}
    passes = [
        (batch, rows)
        for batch, count in zip(batches, most, strict=True)
        for rows in _even_passes(batch, count, run.model.vision.side_px)
    ]
    for number, (batch, rows) in enumerate(passes, start=1):
        sum_in_this_pass(run.model, last=number == len(passes))
        totals[batch.corpus] += _backward_pass(run, batch, rows)
    return totals


def _even_passes(batch: Batch, count: int, side_px: int) -> Iterator[Rows]:
    """A batch's passes, and then as many without anything in them as there are too few."""
    yield from batch.passes
    shape = batch.passes[0].tokens_BL.shape if batch.passes else EMPTY_SHAPE
    for _ in range(count - len(batch.passes)):
        yield place([], [], side_px, (shape[0], shape[1]))


def clip_grad_norm(parameters: Sequence[nn.Parameter], limit: float) -> float:
    """The norm of all gradients, whole or shared out, before they are clipped to a limit."""
    return float(whole(torch.nn.utils.clip_grad_norm_(parameters, limit)))


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
    run: Run,
    progress: Progress,
    draw: Draw,
    outcome: Outcome,
    seconds: float,
    waited: float,
    seen: Seen | None = None,
) -> dict[str, Any]:
    """One line of the log, of all ranks together; `loss` is the weighted sum that is minimised.

    Times are this rank's: each waits for the slowest.

    Args:
        run: of the step.
        progress: after it.
        draw: that it was made from.
        outcome: of its update.
        seconds: that it took, the wait for its draw included, what was looked at left out.
        waited: seconds until its draw was there.
        seen: what was looked at before the update.
    """
    told = run.ranks.gather(_figures(run, draw, outcome, seen))
    losses = {name: sum(rank.losses[name] for rank in told) for name in outcome.losses}
    weights = {name: getattr(run.recipe.corpora, name).weight for name in losses}
    tokens, images = sum(rank.tokens for rank in told), sum(rank.images for rank in told)
    return {
        "step": progress.step,
        "loss": sum(weights[name] * loss for name, loss in losses.items()),
        "losses": losses,
        "tokens": tokens,
        "images": images,
        "frames": sum(rank.frames for rank in told),
        "samples": {batch.corpus: batch.samples for batch in draw.batches},
        "skipped": progress.skipped,
        "padding": round(1 - tokens / sum(rank.places for rank in told), 4),
        "learning_rate": outcome.rate,
        "grad_norm": outcome.grad_norm,
        "updated": outcome.updated,
        "seconds": round(seconds, 4),
        "wait_seconds": round(waited, 4),
        "wait_share": round(waited / seconds, 4),
        "tokens_per_s": round(tokens / seconds, 1),
        "images_per_s": round(images / seconds, 1),
        **_work(run, sum(rank.flops for rank in told), seconds),
        "peak_memory_bytes": max(rank.peak_memory_bytes for rank in told),
        **_gpu_memory(told),
        **_seen(seen, told),
    }


def _work(run: Run, flops: int, seconds: float) -> dict[str, int | float]:
    """The real work of a step, and which share it is of what the devices could have done."""
    work: dict[str, int | float] = {"flops": flops, "flops_per_s": round(flops / seconds)}
    peak = (run.recipe.run.peak_flops or peak_flops_of(run.device)) * run.ranks.size
    return {**work, "mfu": round(flops / seconds / peak, 4)} if peak else work


def _gpu_memory(told: Sequence[Figures]) -> dict[str, int]:
    """The most memory that tensors had on a GPU; nothing without GPUs."""
    peaks = [rank.gpu_peak_memory_bytes for rank in told if rank.gpu_peak_memory_bytes is not None]
    return {"gpu_peak_memory_bytes": max(peaks)} if peaks else {}


def _seen(seen: Seen | None, told: Sequence[Figures]) -> dict[str, Any]:
    """The losses without images and with others, by corpus; nothing where nobody looked."""
    gauges = [rank.gauge for rank in told if rank.gauge is not None]
    if seen is None:
        return {}
    corpora = seen.gauge.without_images
    shuffled = {name: [gauge.shuffled_images[name] for gauge in gauges] for name in corpora}
    return {
        "loss_without_images": {
            name: sum(gauge.without_images[name] for gauge in gauges) for name in corpora
        },
        "loss_shuffled_images": {
            name: sum(share for share in shares if share is not None)
            for name, shares in shuffled.items()
            if None not in shares
        },
        "watch_seconds": round(seen.seconds, 4),
    }


def _figures(run: Run, draw: Draw, outcome: Outcome, seen: Seen | None) -> Figures:
    passes = [rows for batch in draw.batches for rows in batch.passes]
    return Figures(
        losses=outcome.losses,
        tokens=sum(rows.tokens for rows in passes),
        places=sum(rows.tokens_BL.size for rows in passes),
        images=sum(len(rows.frames_I) for rows in passes),
        frames=sum(len(rows.pixels_FHWC) for rows in passes),
        flops=sum(flops_of(run.costs, rows) for rows in passes),
        gauge=seen.gauge if seen else None,
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        gpu_peak_memory_bytes=torch.cuda.max_memory_allocated()
        if run.device.type == "cuda"
        else None,
    )
