"""A model of which each rank keeps a part: torch's FSDP2, `fully_shard`.

Between passes a rank holds its share of every parameter, gradient and moment. A block's parameters
are gathered when it is run, there and back, and let go; gradients are summed and shared out in the
last pass of a step. Frozen parameters are shared out as well and have no gradient.
Every gather is of all ranks: they must run the same blocks, in the same order, as often.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from model.flamingo import Flamingo


def shard_model(model: Flamingo, mesh: Any) -> None:  # noqa: ANN401 - torch's own type
    """Leaves this rank its share of every parameter.

    Args:
        model: whole, on its device, alike on all ranks; hooks and blocks as they are to be.
        mesh: of all ranks.
    """
    from torch.distributed.fsdp import fully_shard

    parts = (*model.language.blocks, *model.cross_attention, model.resampler, model.vision)
    for part in (*parts, model):
        fully_shard(part, mesh=mesh)
    for part in _sharded(model):
        # Losses are divided by the labels of all ranks: gradients are summed, not averaged.
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)  # gloo knows no other
    _of(model).set_reduce_scatter_unused_params(True)
    model.always_sees = True


def is_sharded(model: nn.Module) -> bool:
    """Whether ranks share out a model."""
    from torch.distributed.fsdp import FSDPModule

    return isinstance(model, FSDPModule)


def sum_in_this_pass(model: nn.Module, last: bool) -> None:
    """Whether the gradients so far are summed over the ranks in the next pass, a step's last."""
    _of(model).set_requires_gradient_sync(last)
    _of(model).set_is_last_backward(last)


@contextmanager
def gathered_model(model: nn.Module) -> Iterator[None]:
    """The whole model on every rank for a while, on which each may do what it likes.

    Takes the memory of all parameters; for passes without gradients.
    """
    if not is_sharded(model):
        yield
        return
    parts = list(_sharded(model))
    _of(model).set_reshard_after_forward(False)
    for part in parts:
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
        _of(model).set_reshard_after_forward(True)


def whole(tensor: Tensor) -> Tensor:
    """A tensor that ranks share out, whole on each: they all must ask. Others as they are."""
    full: Any = getattr(tensor, "full_tensor", None)
    return full() if full else tensor


def shared_out(full: Tensor, like: Tensor) -> Tensor:
    """A whole tensor that all ranks have, as another one is: this rank's share of it, or itself."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not isinstance(like, DTensor):
        return full
    where = (like.device_mesh, like.placements)
    return distribute_tensor(full, *where, src_data_rank=None)  # nobody sends anything


def _sharded(model: nn.Module) -> Iterator[Any]:
    """The parts of a model that gather by themselves, itself among them."""
    return (module for module in model.modules() if is_sharded(module))


def _of(model: nn.Module) -> Any:  # noqa: ANN401 - fully_shard makes it another class
    return model
