"""The processes that train one model together, and what they tell one another.

A process that is started alone is `LONE`: a group of one, to whom all of this costs nothing. All
collectives are the main thread's, one after the other on every rank; a thread beside it asks for
them through a `Relay`.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from datetime import timedelta
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from schemas.recipe import RecipeError

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


class RanksError(RuntimeError):
    """Ranks that cannot train together; unless it is a LostRank, all of them know."""


class LostRank(RanksError):
    """A rank that is gone, or did not answer in time."""


class Ranks:
    """One process alone.

    Attributes:
        rank: which one this is; rank 0 writes what a run leaves.
        size: how many there are.
    """

    rank = 0
    size = 1

    def gather(self, value: T) -> list[T]:
        """The value that each rank gives, by rank; on all of them."""
        return [value]

    def any(self, flag: bool) -> bool:
        """Whether the flag is up on some rank."""
        return flag

    def barrier(self) -> None:
        """Waits until all ranks are here."""
        self.gather(None)

    def sum_gradients(self, parameters: Sequence["nn.Parameter"]) -> None:
        """Puts the sum of all ranks' gradients in the place of each rank's own."""

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Raises LostRank where a collective in it, of whoever's making, has no answer."""
        yield

    def mesh(self, device: str) -> Any:  # noqa: ANN401 - torch's own type
        """All ranks as torch's DeviceMesh; None for a process that is alone."""
        del device

    def close(self) -> None:
        """Leaves the group."""


LONE = Ranks()
"""The group of a process that trains by itself."""


class Group(Ranks):
    """One of several processes, by torch.distributed's default group.

    All methods raise LostRank where a rank is gone, or has not answered when the time is up.
    """

    def __init__(self, rank: int, size: int) -> None:
        import torch.distributed

        self.rank = rank
        self.size = size
        self._torch: Any = torch
        self._mesh: Any = None

    def gather(self, value: T) -> list[T]:
        """The value that each rank gives, by rank; on all of them."""
        values: list[Any] = [None] * self.size
        with self._answered():
            self._torch.distributed.all_gather_object(values, value)
        return values

    def any(self, flag: bool) -> bool:
        """Whether the flag is up on some rank."""
        flags = self._torch.tensor([int(flag)])
        with self._answered():
            self._torch.distributed.all_reduce(flags)
        return bool(flags.item())

    def sum_gradients(self, parameters: Sequence["nn.Parameter"]) -> None:
        """Puts the sum of all ranks' gradients in the place of each rank's own, in one all-reduce.

        A parameter without a gradient anywhere keeps none.

        Whether it has one travels along: an optimiser moves a parameter whose gradient is 0 but
        not one that has none, and all ranks must do the same.
        """
        grads = [p.new_zeros(p.shape) if p.grad is None else p.grad for p in parameters]
        parts = [grad.flatten() for grad in grads]
        counts = parts[0].new_tensor([p.grad is not None for p in parameters])
        flat = self._torch.cat([*parts, counts])
        with self._answered():
            self._torch.distributed.all_reduce(flat)
        *sums, counts = flat.split([*(len(part) for part in parts), len(parts)])
        for parameter, total, count in zip(parameters, sums, counts.tolist(), strict=True):
            parameter.grad = total.view_as(parameter) if count else None

    def mesh(self, device: str) -> Any:  # noqa: ANN401 - torch's own type
        """All ranks as torch's DeviceMesh, which they make together once."""
        from torch.distributed.device_mesh import init_device_mesh

        if self._mesh is None:
            with self._answered():
                self._mesh = init_device_mesh(device, (self.size,))
        return self._mesh

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Raises LostRank where a collective in it has no answer; others stay what they are."""
        try:
            yield
        except RuntimeError as error:
            backends = isinstance(error, self._torch.distributed.DistError) or "gloo" in str(error)
            if not backends:
                raise
            raise LostRank(f"rank {self.rank} lost the others: {_first_line(error)}") from error

    def close(self) -> None:
        """Leaves the group."""
        self._torch.distributed.destroy_process_group()

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """Raises LostRank where torch says that others are gone; gloo knows no finer error."""
        try:
            yield
        except RuntimeError as error:
            raise LostRank(f"rank {self.rank} lost the others: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def start_ranks(device: str, timeout_s: float) -> Ranks:
    """The group that this process was started in, once all of it are there.

    torchrun's variables say which: WORLD_SIZE, RANK, MASTER_ADDR, MASTER_PORT and, for the GPU of
    each process, LOCAL_RANK. Without a WORLD_SIZE above 1 the process is alone.

    Args:
        device: `cpu` takes gloo, `cuda` NCCL for tensors on the GPU and gloo for the rest.
        timeout_s: how long a rank waits for the others before it gives up.

    Raises:
        RecipeError: the variables, or the GPUs of this machine, are not as many processes need.
        LostRank: the others did not come.
    """
    size = _variable("WORLD_SIZE", "1")
    if size <= 1:
        return LONE
    rank = _variable("RANK")
    if rank >= size:
        raise RecipeError(f"RANK={rank} in the environment: WORLD_SIZE={size} has no such rank")
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if not os.environ.get(name):
            raise RecipeError(f"WORLD_SIZE={size} in the environment without {name}: use torchrun")
    # A lost rank is then an exception of the collective and not the end of the process.
    os.environ.setdefault("TORCH_NCCL_BLOCKING_WAIT", "1")
    import torch.distributed

    if device == "cuda":
        _take_gpu(_variable("LOCAL_RANK", str(rank)))
    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    try:
        torch.distributed.init_process_group(
            backend, rank=rank, world_size=size, timeout=timedelta(seconds=timeout_s)
        )
    except (RuntimeError, ValueError) as error:
        raise LostRank(f"rank {rank} of {size} cannot join: {_first_line(error)}") from error
    return Group(rank, size)


def _variable(name: str, default: str = "") -> int:
    """A number from the environment."""
    text = os.environ.get(name) or default
    if not text.isdecimal():
        raise RecipeError(f"{name}={text} in the environment: expected a number; use torchrun")
    return int(text)


def _take_gpu(number: int) -> None:
    import torch

    found = torch.cuda.device_count()
    if number >= found:
        raise RecipeError(
            f"--device cuda: process {number} of this machine, which has {found} GPUs"
        )
    torch.cuda.set_device(number)


class Gathers(Protocol):
    """What can gather: ranks, or a thread's relay to them; attributes as in Ranks."""

    rank: int
    size: int

    def gather(self, value: T) -> list[T]:
        """The value that each rank gives, by rank."""


def gathered(ranks: Gathers, work: Callable[[], T], *expected: type[Exception]) -> list[T]:
    """What some work gives on each rank, by rank, once it has been done on all of them.

    Args:
        ranks: that do it, each for itself.
        work: without collectives.
        expected: errors of the data or of the user that may meet one rank alone.

    Raises:
        Exception: the first rank's expected error, on all ranks; it names the rank unless all say
            the same.
    """
    tried = ranks.gather(_tried(work, expected))
    _raise_first([failure for _, failure in tried])
    return [result for result, _ in tried]  # type: ignore[misc]


def together(ranks: Gathers, work: Callable[[], T], *expected: type[Exception]) -> T:
    """What some work gives here, once it has been done on every rank; the rest as `gathered`."""
    result, failure = _tried(work, expected)
    _raise_first(ranks.gather(failure))
    return result  # type: ignore[return-value]


def _tried(
    work: Callable[[], T], expected: tuple[type[Exception], ...]
) -> tuple[T | None, Exception | None]:
    """The work's result, or its expected error."""
    try:
        return work(), None
    except expected as error:
        return None, error


def _raise_first(failures: Sequence[Exception | None]) -> None:
    told = {str(failure) for failure in failures}
    for rank, failure in enumerate(failures):
        if failure:
            raise failure if len(told) == 1 else type(failure)(f"rank {rank}: {failure}")


def check_alike(ranks: Ranks, facts: Mapping[str, object]) -> None:
    """Raises RanksError unless all ranks give equal facts."""
    first, *others = ranks.gather(dict(facts))
    for rank, given in enumerate(others, start=1):
        for name, value in given.items():
            if value != first[name]:
                raise RanksError(f"rank {rank} has not the same {name} as rank 0")


def checksum(parameters: Sequence["nn.Parameter"]) -> int:
    """A sum of the bits of float32 parameters: equal where they are equal."""
    import torch

    sums = [p.detach().view(torch.int32).sum(dtype=torch.int64) for p in parameters]
    return int(torch.stack(sums).sum())


_DONE: Any = object()


class Relay:
    """Gathers for a thread beside the main one, which does it while it waits for the thread.

    Two threads of a process must not be in collectives at once: the ranks would take them up in
    different orders, and wait for one another for ever.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.rank = ranks.rank
        self.size = ranks.size
        self._ranks = ranks
        self._asked: SimpleQueue[Any] = SimpleQueue()
        self._answers: SimpleQueue[Any] = SimpleQueue()

    def gather(self, value: T) -> list[T]:
        """For the thread: as Ranks.gather, once the main thread is in `result_of`.

        Raises:
            CancelledError: the relay was closed.
        """
        if self.size == 1:
            return self._ranks.gather(value)  # nobody to wait for
        self._asked.put(value)
        answer = self._answers.get()
        if answer is _DONE:
            raise CancelledError
        return answer  # type: ignore[no-any-return]

    def result_of(self, future: Future[T]) -> T:
        """For the main thread: the result of what the thread does; gathers what it asks for.

        Raises:
            LostRank: a rank is gone.
            Exception: whatever the thread's work ended with.
        """
        future.add_done_callback(lambda _: self._asked.put(_DONE))
        while (value := self._asked.get()) is not _DONE:
            self._answers.put(self._ranks.gather(value))
        return future.result()

    def close(self) -> None:
        """Lets a thread go that waits for an answer."""
        self._answers.put(_DONE)
