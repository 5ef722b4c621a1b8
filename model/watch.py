"""What is looked at now and then while a run goes on, without any effect on it."""

import time
from dataclasses import dataclass

from model.assemble import Run
from model.gauge import Gauge, gauge
from model.mixture import Draw
from model.samples import Sample, samples_of
from model.sharding import gathered_model


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at before an update.

    Attributes:
        gauge: the losses without images, and with others.
        samples: texts that the model said; on rank 0 alone.
        seconds: that the looking took.
    """

    gauge: Gauge
    samples: tuple[Sample, ...]
    seconds: float


def watch(run: Run, draw: Draw, step: int) -> Seen | None:
    """What there is to see before the update of a step, on its own draw; None where none is due.

    Before and not after: so the loss of the update is one of the same weights.
    """
    every = run.recipe.watch.every
    if not every or step % every:
        return None
    begun = time.monotonic()
    with run.ranks.answered(), gathered_model(run.model):
        found = gauge(run, draw)
        said = () if run.ranks.rank else samples_of(run, draw)
    return Seen(found, said, time.monotonic() - begun)
