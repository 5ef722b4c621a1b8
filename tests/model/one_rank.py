"""What one process of a test does: run by test_ranks.py as a script, with GIVEN set.

GIVEN: rank, size, port, work (the name of a function here), arguments, result (a file to write).
"""

import io
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed

from model.assemble import Run, assemble, open_readers
from model.checkpoint import Progress
from model.flamingo import Flamingo
from model.mixture import Mixture, MixtureState
from model.ranks import Ranks, checksum, start_ranks
from model.reader import Shards
from model.recipe import TrainRecipe
from model.sharding import whole
from model.step import advance, log_line, train_step
from model.train import main, train


@contextmanager
def opened(
    recipe: TrainRecipe, data: dict[str, str], ranks: Ranks, state: MixtureState | None = None
) -> Iterator[tuple[Run, Mixture]]:
    run, drawing = assemble(recipe, Path("unused"), "cpu", ranks=ranks)
    with torch.no_grad():
        for block in run.model.cross_attention:
            block.attention_gate.fill_(0.5)
            block.dense_gate.fill_(0.5)
    mixture = Mixture(open_readers(recipe, data, drawing), recipe.run.schedule, state, ranks)
    try:
        yield run, mixture
    finally:
        mixture.close()


def counted_collectives() -> list[tuple[str, int, int]]:
    """From now on: name, elements and thread of each collective."""
    calls: list[tuple[str, int, int]] = []

    def counting(name: str) -> None:
        real: Callable[..., Any] = getattr(torch.distributed, name)

        def call(first: Any, *more: Any, **named: Any) -> Any:
            elements = first.numel() if isinstance(first, torch.Tensor) else 0
            calls.append((name, elements, threading.get_ident()))
            return real(first, *more, **named)

        setattr(torch.distributed, name, call)

    for name in ("all_reduce", "all_gather_object"):
        counting(name)
    return calls


def updates(ranks: Ranks, recipe: TrainRecipe, data: dict[str, str], steps: int) -> dict[str, Any]:
    """Some updates: the last one's line and gradients, the weights after it, what was told."""
    calls = counted_collectives()
    with opened(recipe, data, ranks) as (run, mixture):
        progress = Progress(0, mixture.begin, {}, 0)
        for step in range(1, steps + 1):
            draw = mixture.draw()
            outcome = train_step(run, draw, step)
            progress = advance(progress, draw, recipe.run.max_bad_share)
            line = log_line(run, progress, draw, outcome, 1.0, 0.0)
        trained = run.model.trainable()
        frozen = [p for p in run.model.parameters() if not p.requires_grad]
        embedding, head = run.model.language.lm.get_input_embeddings(), run.model.language.head
        return {
            "line": line,
            "gradients": {
                name: whole(p.grad).double().numpy()
                for name, p in trained.items()
                if p.grad is not None
            },
            "weights": checksum([whole(p) for p in trained.values()]),
            "frozen gradients": sum(p.grad is not None for p in frozen),
            "tied": embedding.frozen.weight is head.frozen.weight,
            "kept": sum(local(p).numel() for p in run.model.parameters()),
            "all": sum(p.numel() for p in run.model.parameters()),
            "trained": sum(p.numel() for p in trained.values()),
            "parameters": len(trained),
            "all_reduces": [elements for name, elements, _ in calls if name == "all_reduce"],
            "threads": len({thread for *_, thread in calls}),
            "passes": {batch.corpus: len(batch.passes) for batch in draw.batches},
        }


def local(parameter: torch.Tensor) -> torch.Tensor:
    """What this rank keeps of a parameter."""
    return parameter.to_local() if hasattr(parameter, "to_local") else parameter


def draws(
    ranks: Ranks,
    recipe: TrainRecipe,
    data: dict[str, str],
    steps: int,
    state: MixtureState | None = None,
) -> dict[str, Any]:
    """Some draws: what each rank's batches hold, and what all ranks know of them."""
    told, documents = [], []
    with opened(recipe, data, ranks, state) as (_, mixture):
        for _ in range(steps):
            draw = mixture.draw()
            told.append(
                [
                    (b.corpus, b.samples, b.labels, dict(b.skipped), b.after.epoch, b.after.index)
                    for b in draw.batches
                ]
            )
            documents.append([document for batch in draw.batches for document in texts(batch)])
    return {"told": told, "documents": documents, "after": draw.after}


def texts(batch: Any) -> list[tuple[int, ...]]:
    """The tokens of each sample of a batch."""
    found = []
    for rows in batch.passes:
        for tokens_L, documents_L in zip(rows.tokens_BL, rows.documents_BL, strict=True):
            for document in range(int(documents_L.max()) + 1):
                found.append(tuple(tokens_L[documents_L == document].tolist()))
    return found


def trained(
    ranks: Ranks, recipe: TrainRecipe, data: dict[str, str], output: Path, resume: bool = False
) -> dict[str, Any]:
    """A whole run."""
    with redirect_stderr(io.StringIO()) as err:
        summary = train(recipe, data, output, resume=resume, ranks=ranks)
    return {"summary": summary, "err": err.getvalue()}


def poisoned(
    ranks: Ranks, recipe: TrainRecipe, data: dict[str, str], output: Path, what: str
) -> dict[str, Any]:
    """A whole run in whose second step a loss, or the norm of the gradients, is NaN on rank 1."""
    calls = iter(range(10**9))
    owner, name, at_call = {
        "loss": (Flamingo, "forward", 5),  # four corpora, a pass each
        "norm": (torch.nn.utils, "clip_grad_norm_", 1),
    }[what]
    real: Callable[..., torch.Tensor] = getattr(owner, name)

    def call(*given: Any) -> torch.Tensor:
        found = real(*given)
        poison = ranks.rank == 1 and next(calls) == at_call
        return found * float("nan") if poison else found

    setattr(owner, name, call)
    return trained(ranks, recipe, data, output)


def command(
    ranks: None, given: list[str], more: dict[int, list[str]], broken_after: int | None = None
) -> dict[str, Any]:
    """The command itself; rank 1's disk may break after some samples."""
    del ranks
    rank = GIVEN["rank"]  # noqa: F821
    real, reads = Shards.read, iter(range(10**9))

    def read(self: Shards, shard: int, number: int) -> Any:
        if rank == 1 and broken_after is not None and next(reads) >= broken_after:
            raise OSError("the disk is broken")
        return real(self, shard, number)

    Shards.read = read  # type: ignore[method-assign]
    with redirect_stderr(io.StringIO()) as err, redirect_stdout(io.StringIO()) as out:
        status = main([*given, *more.get(rank, [])])
    return {"status": status, "err": err.getvalue(), "out": out.getvalue()}


def sums(ranks: Ranks) -> dict[str, Any]:
    """Gradients that both, one or none of two ranks have."""
    shapes = {"both": (2,), "second": (1, 1), "nobody": (3,), "zero": ()}
    parameters = {name: torch.nn.Parameter(torch.ones(shape)) for name, shape in shapes.items()}
    parameters["both"].grad = torch.tensor([1.0, 2.0]) * (1 + ranks.rank)
    parameters["zero"].grad = torch.zeros(())
    if ranks.rank == 1:
        parameters["second"].grad = torch.tensor([[5.0]])
    ranks.sum_gradients(list(parameters.values()))
    return {name: None if p.grad is None else p.grad.tolist() for name, p in parameters.items()}


def dying(ranks: Ranks, way: str) -> dict[str, Any]:
    """Rank 1 ends, or stands still, while rank 0 waits for its gradients."""
    parameter = torch.nn.Parameter(torch.ones(5))
    parameter.grad = torch.full((5,), 1.0 + ranks.rank)
    ranks.sum_gradients([parameter])
    if ranks.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL if way == "killed" else signal.SIGSTOP)
    told = ""
    try:
        ranks.sum_gradients([parameter])
    except Exception as error:  # noqa: BLE001 - the test asks which
        told = f"{type(error).__name__}: {error}"
    return {"told": told, "sum": np.asarray(parameter.grad).tolist()}


def work(given: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(given["rank"]),
        WORLD_SIZE=str(given["size"]),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(given["port"]),
    )
    function: Callable[..., dict[str, Any]] = globals()[given["work"]]
    ranks = None if function is command else start_ranks("cpu", given["timeout_s"])
    result = function(ranks, **given["arguments"])
    part = given["result"].with_suffix(".part")
    part.write_bytes(pickle.dumps(result))
    part.rename(given["result"])
    if ranks:
        ranks.close()


if __name__ == "__main__":
    work(GIVEN)  # noqa: F821
