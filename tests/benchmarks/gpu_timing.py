"""How steps are timed, ours and the peer's alike."""

import resource
import time
from collections.abc import Callable

import torch


def timed(
    step: Callable[[int], None], warm: int, steps: int, device: torch.device
) -> tuple[float, int]:
    """Seconds of some steps after some that warm up, and the most memory that they took.

    On a GPU of its tensors, and else of the process.
    """
    for number in range(warm):
        step(number)
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    begun = time.perf_counter()
    for number in range(steps):
        step(number)
    if cuda:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - begun
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return seconds, torch.cuda.max_memory_allocated() if cuda else rss


def largest_batch(fits: Callable[[int], object], first: int, most: int) -> int:
    """The largest batch that fits, doubled from the first one; 0 where not even that does."""
    found, samples = 0, first
    while samples <= most:
        try:
            fits(samples)
        except torch.OutOfMemoryError:
            return found
        found, samples = samples, 2 * samples
    return found
